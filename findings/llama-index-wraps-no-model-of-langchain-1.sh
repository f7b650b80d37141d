#!/usr/bin/env bash
# Guess: `LangChainLLM`, LlamaIndex's wrapper for models of LangChain, which wants `langchain>=0.1.7`, works with the LangChain
# that pip installs for it.
# What happens: pip takes LangChain 1, the wrapper imports and can be made, and everything it is asked fails: its shared bridge
# imports lists of names from `langchain_classic` and `langchain_community`, which nothing declares. The first message names
# `langchain.callbacks`, which is neither. With both installed it fails still: `ChatOpenAI` has left `langchain_community`. It
# works with LangChain 0.3 and the community package of that time, which has to be asked for, too.
# Seen with llama-index-llms-langchain 0.9.0, llama-index-core 0.14.25, langchain 1.5.2 on 2026-11-29.
# Why it matters: whoever hands a flow's LangChain model to LlamaIndex finds out at the first answer, after it was built. A
# `CustomLLM` of some twenty lines needs none of the bridge.
source "$(dirname "$0")/_env.sh"
cat >"$HERE/ask.py" <<'PY'
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from llama_index.core.llms import ChatMessage
from llama_index.llms.langchain import LangChainLLM

model = LangChainLLM(FakeListChatModel(responses=["hi"]))
asked = {
    "metadata": lambda: model.metadata.is_chat_model,
    "complete": lambda: model.complete("Hello?").text,
    "chat": lambda: model.chat([ChatMessage("Hello?")]).message.content,
}
for name, ask in asked.items():
    try:
        print(name, "gives", ask())
    except ImportError as problem:
        print(name, "fails:", str(problem).split(" (")[0])
PY
WRAPPER='llama-index-llms-langchain==0.9.0 llama-index-core==0.14.25'
tried() {  # prints what was tried, keeps what it gave in SAID
  SAID=$("$PY" "$HERE/ask.py" 2>/dev/null)
  echo "$1:"
  echo "$SAID"
}
packages $WRAPPER 'langchain==1.5.2'
tried 'langchain 1.5.2'
[ "$(grep -c "fails: No module named 'langchain.callbacks'" <<<"$SAID")" = 3 ]
packages 'langchain-classic==1.0.8' 'langchain-community==0.4.2'
tried 'and langchain-classic 1.0.8, langchain-community 0.4.2'
[ "$(grep -c "fails: cannot import name 'ChatOpenAI' from 'langchain_community.chat_models'" <<<"$SAID")" = 3 ]
rm -rf "$HERE/env"
packages $WRAPPER 'langchain==0.3.30' 'langchain-community==0.3.31'
tried 'langchain 0.3.30, langchain-community 0.3.31'
[ "$(grep -c gives <<<"$SAID")" = 3 ]

#!/usr/bin/env bash
# Guess: a prompt of two messages whose question holds `3 < 4` is two messages, or an error that says what to escape.
# What happens: the whole prompt, tags included, becomes one message of the user; the instructions of the system are lost as
# such, without a word.
# Seen with semantic-kernel 1.45.0 on 2026-11-28.
# Why it matters: one sign in a person's question or in a template takes the system message away, and the model answers from
# markup. Escape what comes from outside before the prompt is read.
source "$(dirname "$0")/_env.sh"
packages 'semantic-kernel==1.45.0'
"$PY" - <<'PY'
from importlib.metadata import version

from semantic_kernel.contents import ChatHistory

PROMPT = "<message role='system'>Be short.</message><message role='user'>Is {} true?</message>"
roles = {}
for words in ("3 &lt; 4", "3 < 4"):
    history = ChatHistory.from_rendered_prompt(PROMPT.format(words))
    roles[words] = [message.role.value for message in history.messages]
    print(words, [(message.role.value, message.content) for message in history.messages])
print("semantic-kernel", version("semantic-kernel"))
raise SystemExit(0 if list(roles.values()) == [["system", "user"], ["user"]] else 1)
PY

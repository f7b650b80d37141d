#!/usr/bin/env bash
# Guess: `OpenAIGenerator`, with which tutorials begin and which stands in most saved pipelines, is still there, or the loader says
# what took its place.
# What happens: Haystack 3 has only chat generators. A saved pipeline that names the plain one fails with advice to install the
# package that is installed; the class's module is gone, nothing leads to `OpenAIChatGenerator`, which takes messages, not a prompt.
# Seen with haystack-ai 3.4.1 on 2026-11-29.
# Why it matters: whoever opens pipelines of others needs both names and a step from a text to messages between them, or every
# second file is refused with a hint that leads nowhere.
source "$(dirname "$0")/_env.sh"
packages 'haystack-ai==3.4.1'
"$PY" - <<'PY'
from importlib.metadata import version

from haystack import Pipeline

SAVED = """
components:
  llm:
    type: haystack.components.generators.%s
    init_parameters: {api_key: {type: env_var, env_vars: [NOT_SET], strict: false}}
connections: []
"""


def opened(name):
    try:
        Pipeline.loads(SAVED % name)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "opens"


plain, chat = opened("openai.OpenAIGenerator"), opened("chat.openai.OpenAIChatGenerator")
print("haystack-ai", version("haystack-ai"), "\n plain:", plain, "\n chat:", chat)
raise SystemExit(0 if "check that the package is installed" in plain and "Chat" not in plain else 1)
PY

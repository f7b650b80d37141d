#!/usr/bin/env bash
# Guess: a model that answers 0, because it counts from 0 or because nothing fits, makes the router fail or ask again.
# What happens: choices count from 1, so 0 becomes index -1, which Python reads as the last engine; its answer is given as if
# it had been chosen.
# Seen with llama-index-core 0.14.25 on 2026-11-28.
# Why it matters: questions that fit nowhere are answered from whatever stands last in the list.
source "$(dirname "$0")/_env.sh"
packages 'llama-index-core==0.14.25'
"$PY" - <<'PY'
from importlib.metadata import version

from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.query_engine import CustomQueryEngine, RouterQueryEngine
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import QueryEngineTool


class Zero(CustomLLM):
    @property
    def metadata(self):
        return LLMMetadata()

    def complete(self, prompt, **options):
        return CompletionResponse(text='[{"choice": 0, "reason": "nothing fits"}]')

    def stream_complete(self, prompt, **options):
        yield self.complete(prompt)


class Shelf(CustomQueryEngine):
    name: str

    def custom_query(self, query_str):
        return self.name


tools = [
    QueryEngineTool.from_defaults(Shelf(name=name), name=name, description=name)
    for name in ("trees", "tides", "taxes")
]
model = Zero()
selector = LLMSingleSelector.from_defaults(llm=model)
router = RouterQueryEngine(selector=selector, query_engine_tools=tools, llm=model)
answer = str(router.query("Who won?"))
print("llama-index-core", version("llama-index-core"), "choice 0 was answered by", answer)
raise SystemExit(0 if answer == "taxes" else 1)
PY

#!/usr/bin/env bash
# Guess: a pipeline with typed sockets refuses to connect a list of texts to a text, or takes it.
# What happens: `connect` accepts it without a word (it means to unwrap a list of one); the pipeline fails when it runs, as
# soon as the list has two. Whether it works depends on the data.
# Seen with haystack-ai 3.4.1 on 2026-11-28.
# Why it matters: a retriever wired to a prompt works in every trial with one hit and breaks on the first question with two;
# whoever imports pipelines must check such wires before they run.
source "$(dirname "$0")/_env.sh"
packages 'haystack-ai==3.4.1'
"$PY" - <<'PY'
from importlib.metadata import version

from haystack import Pipeline, component


@component
class Find:
    def __init__(self, texts):
        self.texts = texts

    @component.output_types(texts=list[str])
    def run(self):
        return {"texts": self.texts}


@component
class Shout:
    @component.output_types(text=str)
    def run(self, text: str):
        return {"text": text.upper()}


def ask(texts):
    pipeline = Pipeline()
    pipeline.add_component("find", Find(texts))
    pipeline.add_component("shout", Shout())
    pipeline.connect("find.texts", "shout.text")
    try:
        return pipeline.run({})["shout"]["text"]
    except Exception as problem:
        return type(problem).__name__


one, two = ask(["spruce"]), ask(["spruce", "oak"])
print("haystack-ai", version("haystack-ai"))
print("connected; a list of one gives", one, "and a list of two gives", two)
raise SystemExit(0 if (one, two) == ("SPRUCE", "PipelineRuntimeError") else 1)
PY

#!/usr/bin/env bash
# Guess: what a joiner receives stands in the order in which the senders were connected.
# What happens: it stands in the order of the senders' names as text, so `part10` comes before `part2`.
# Seen with haystack-ai 3.4.1 on 2026-11-28.
# Why it matters: texts that were joined to be read in order (pages, steps, turns) are shuffled as soon as there are ten of
# them, and the answer is built on the shuffled text.
source "$(dirname "$0")/_env.sh"
packages 'haystack-ai==3.4.1'
"$PY" - <<'PY'
from importlib.metadata import version

from haystack import Pipeline, component
from haystack.components.joiners import StringJoiner


@component
class Say:
    def __init__(self, text):
        self.text = text

    @component.output_types(text=str)
    def run(self):
        return {"text": self.text}


pipeline = Pipeline()
pipeline.add_component("join", StringJoiner())
for number in (1, 2, 10):
    pipeline.add_component(f"part{number}", Say(f"page {number}"))
    pipeline.connect(f"part{number}.text", "join.strings")
joined = pipeline.run({})["join"]["strings"]
print("haystack-ai", version("haystack-ai"), "connected 1, 2, 10 and gave", joined)
raise SystemExit(0 if joined == ["page 1", "page 10", "page 2"] else 1)
PY

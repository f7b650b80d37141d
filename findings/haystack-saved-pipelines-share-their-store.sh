#!/usr/bin/env bash
# Guess: each pipeline that is opened from a saved one begins with an empty `InMemoryDocumentStore` of its own.
# What happens: the store draws a random name when it is made, `dumps` saves the name, not the documents, and stores of one name
# share their documents within a process: a pipeline opened a second time finds those of the first, and fails to write its
# own ("already exists"). Another process finds none. `shared=False` gives each its own; a name left out of the file, too.
# Seen with haystack-ai 3.4.1 on 2026-11-29.
# Why it matters: a server that opens a saved pipeline for each run mixes the documents of all runs, and what was answered depends
# on which process had which runs before. Whoever opens pipelines of others must give their stores new names.
source "$(dirname "$0")/_env.sh"
packages 'haystack-ai==3.4.1'
cat >"$HERE/open.py" <<'PY'
import sys

from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore


def saved(**options):
    pipeline = Pipeline()
    pipeline.add_component("write", DocumentWriter(InMemoryDocumentStore(**options)))
    return pipeline.dumps()


def run(text, content):
    """What one run, of a pipeline opened for it alone, leaves in its store."""
    pipeline = Pipeline.loads(text)
    store = pipeline.get_component("write").document_store
    try:
        pipeline.run({"write": {"documents": [Document(content=content)]}})
    except Exception as problem:
        return str(problem).split()[-2:]
    return sorted(document.content for document in store.filter_documents())


if __name__ == "__main__":
    print(run(sys.stdin.read(), "oak"))
PY
cd "$HERE"
"$PY" - <<'PY'
import subprocess
import sys
from importlib.metadata import version

from open import run, saved

text = saved()
seen = [run(text, "oak"), run(text, "spruce"), run(text, "oak")]
other = subprocess.run([sys.executable, "open.py"], input=text, capture_output=True, text=True).stdout.strip()
own = saved(shared=False)
apart = [run(own, "oak"), run(own, "spruce")]
print("haystack-ai", version("haystack-ai"))
print("  opened three times for a run each:", seen)
print("  in another process:", other)
print("  shared=False:", apart)
expected = [["oak"], ["oak", "spruce"], ["already", "exists."]]
raise SystemExit(0 if (seen, other, apart) == (expected, "['oak']", [["oak"], ["spruce"]]) else 1)
PY

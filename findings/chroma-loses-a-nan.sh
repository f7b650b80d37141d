#!/usr/bin/env bash
# Guess: metadata that cannot be kept (a float that is not a number) is refused, or comes back.
# What happens: the key vanishes; the record is stored without it and nothing is said.
# Seen with chromadb 1.5.9 on 2026-11-28.
# Why it matters: a score of `nan` from an evaluation is later read as no score at all, and a filter on the key passes over
# the record.
source "$(dirname "$0")/_env.sh"
packages 'chromadb==1.5.9'
"$PY" - <<'PY'
from importlib.metadata import version

import chromadb

notes = chromadb.EphemeralClient().create_collection("notes", embedding_function=None)
fields = [{"page": 1, "score": float("nan")}]
notes.add(ids=["a"], embeddings=[[1.0, 0.0]], documents=["one"], metadatas=fields)
kept = notes.get(ids=["a"])["metadatas"][0]
print("chromadb", version("chromadb"), "given", fields[0], "kept", kept)
raise SystemExit(0 if kept == {"page": 1} else 1)
PY

#!/usr/bin/env bash
# Guess: an upsert puts the record that it is given in the place of the old one.
# What happens: text and embedding are replaced, the metadata is merged: a key that the new record no longer has stays.
# Seen with chromadb 1.5.9 on 2026-11-28.
# Why it matters: a document that was a draft, or belonged to a person, keeps that mark after it was indexed anew without it,
# and filters go on finding or hiding it. Delete first, then add.
source "$(dirname "$0")/_env.sh"
packages 'chromadb==1.5.9'
"$PY" - <<'PY'
from importlib.metadata import version

import chromadb

notes = chromadb.EphemeralClient().create_collection("notes", embedding_function=None)
record = {"ids": ["a"], "embeddings": [[1.0, 0.0]], "documents": ["one"]}
notes.upsert(**record, metadatas=[{"page": 1, "draft": True}])
notes.upsert(**record, metadatas=[{"page": 2}])
kept = notes.get(ids=["a"])["metadatas"][0]
print("chromadb", version("chromadb"), "the second record had {'page': 2}; kept is", kept)
raise SystemExit(0 if kept == {"page": 2, "draft": True} else 1)
PY

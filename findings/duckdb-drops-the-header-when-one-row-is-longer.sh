#!/usr/bin/env bash
# Guess: a CSV with one row that has a comma too many is refused, or that row is.
# What happens: the reader looks for the longest run of rows of one width: it starts at the long row, takes it for the header,
# and everything above it is gone, the real header and all earlier rows. No error. `header=True` changes nothing of it: the
# long row is then the header that was promised.
# Seen with duckdb 2.0.1 on 2026-11-28.
# Why it matters: one unquoted comma in the notes of a table empties it, and the answer to `how many` is 0 with a straight
# face. Give the columns with `auto_detect=false`, which refuses the row, or check the names that came back.
source "$(dirname "$0")/_env.sh"
packages 'duckdb==2.0.1'
"$PY" - <<'PY'
import tempfile
from pathlib import Path

import duckdb

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "people.csv"
    file.write_text("name,note\nAda,first\nBob,second, third\n")
    seen = []
    for options in ({}, {"header": True}):
        found = duckdb.read_csv(str(file), **options)
        seen.append((found.columns, found.fetchall()))
        print("duckdb", duckdb.__version__, options, "names", found.columns, "rows", seen[-1][1])
raise SystemExit(0 if seen == [(["Bob", "second", "third"], [])] * 2 else 1)
PY

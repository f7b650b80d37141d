#!/usr/bin/env bash
# Guess: a column of a CSV whose cells read 1-2-3 and 10-11-12 is text.
# What happens: the reader of CSV files takes it for dates in the years 1, 4 and 10.
# Seen with duckdb 2.0.1 on 2026-11-28.
# Why it matters: section, part and version numbers of a table that a model is asked about come back as dates that nobody
# wrote; a flow should read such files with `all_varchar`, or look at the types first.
source "$(dirname "$0")/_env.sh"
packages 'duckdb==2.0.1'
"$PY" - <<'PY'
import tempfile
from pathlib import Path

import duckdb

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "sections.csv"
    file.write_text("section,title\n1-2-3,Scope\n4-5-6,Terms\n10-11-12,Duties\n")
    found = duckdb.read_csv(str(file))
    kind, rows = str(found.types[0]), found.fetchall()
    text = duckdb.read_csv(str(file), all_varchar=True).fetchall()
print("duckdb", duckdb.__version__, kind)
print(rows)
print("with all_varchar:", text)
raise SystemExit(0 if kind in ("TIMESTAMP", "DATE") and text[0][0] == "1-2-3" else 1)
PY

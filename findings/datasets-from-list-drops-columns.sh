#!/usr/bin/env bash
# Guess: a data set made from rows has the columns of all rows, with nothing where a row lacks one.
# What happens: it has the columns of the first row; what only later rows have is gone without a word.
# Seen with datasets 5.2.0 on 2026-11-28.
# Why it matters: the first example without a system message, a tool call or a rejected answer takes them from all others, and
# the training learns something else.
source "$(dirname "$0")/_env.sh"
packages 'datasets==5.2.0'
"$PY" - <<'PY'
from importlib.metadata import version

from datasets import Dataset

rows = [{"prompt": "Hi"}, {"prompt": "Bye", "system": "Be short."}]
made = Dataset.from_list(rows)
print("datasets", version("datasets"), made.column_names, made[1])
raise SystemExit(0 if made.column_names == ["prompt"] else 1)
PY

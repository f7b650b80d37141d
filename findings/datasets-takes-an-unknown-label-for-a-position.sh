#!/usr/bin/env bash
# Guess: a column that is cast to `ClassLabel(names=...)` gets, for each value, the label of that name; others are refused.
# What happens: a text that is no name but reads as a number is taken for a position, and numbers always are. With the names
# "1" to "5" the text "0" becomes the label "1", and the number 1 becomes the label "2". Only what is too large is refused.
# Seen with datasets 5.2.0 on 2026-11-30.
# Why it matters: ratings, grades and codes are labels that are numbers. A whole column is off by one, or a stray "0" (no answer)
# counts as the worst rating; the classifier trains, and reports itself by the wrong names.
source "$(dirname "$0")/_env.sh"
packages 'datasets==5.2.0'
"$PY" - <<'PY'
from importlib.metadata import version

from datasets import ClassLabel, Dataset, disable_progress_bars

disable_progress_bars()
stars = ClassLabel(names=["1", "2", "3", "4", "5"])


def labels(values):
    made = Dataset.from_dict({"stars": values}).cast_column("stars", stars)
    return [stars.int2str(place) for place in made["stars"][:]]


print("datasets", version("datasets"), stars)
seen = []
for values in (["1", "5", "3"], ["1", "0", "3"], [1, 4, 3]):
    seen.append(labels(values))
    print(values, "->", seen[-1])
try:
    labels(["1", "6"])
except ValueError as problem:
    seen.append("refused")
    print(["1", "6"], "->", problem)
wanted = [["1", "5", "3"], ["1", "1", "3"], ["2", "5", "4"], "refused"]
raise SystemExit(0 if seen == wanted else 1)
PY

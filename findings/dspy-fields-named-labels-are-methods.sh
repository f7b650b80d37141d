#!/usr/bin/env bash
# Guess: what a signature names as an output is an attribute of the prediction, whatever its name is.
# What happens: `labels`, `inputs`, `items`, `keys`, `values` and `get` are methods of examples and predictions, and win:
# the value is kept, and `prediction["labels"]` gives it, but `prediction.labels` is a method. It is true in every `if` and equal
# to nothing. The signature is taken without a word.
# Seen with dspy 3.4.1 on 2026-11-30.
# Why it matters: `labels`, `inputs` and `items` are what data sets call their columns. A metric that compares them gives 0 for
# answers that are all right, or 1 for answers that are all wrong, and an optimizer then works for days towards that.
source "$(dirname "$0")/_env.sh"
packages 'dspy==3.4.1'
export DSPY_CACHEDIR=$HERE/cache
"$PY" - <<'PY' 2>"$HERE/said"
from importlib.metadata import version

import dspy
from dspy.utils import DummyLM

dspy.configure(lm=DummyLM([{"labels": "['bug']"}] * 4))
program = dspy.Predict("text -> labels: list[str]")
right = [dspy.Example(text="It fails.", labels=["bug"]).with_inputs("text")]
wrong = [dspy.Example(text="It fails.", labels=["wish"]).with_inputs("text")]


def score(examples, metric):
    return dspy.Evaluate(devset=examples, metric=metric, num_threads=1, display_progress=False)(program).score


def by_attribute(example, prediction, trace=None):
    return example.labels == prediction.labels


def by_key(example, prediction, trace=None):
    return example["labels"] == prediction["labels"]


def any_label(example, prediction, trace=None):
    return bool(example.labels and prediction.labels)


print("dspy", version("dspy"))
seen = {
    "right answer, compared by attribute": score(right, by_attribute),
    "right answer, compared by key": score(right, by_key),
    "wrong answer, compared by key": score(wrong, by_key),
    "no label at all, asked whether there is one": score([right[0].copy(labels=[])], any_label),
}
for case, points in seen.items():
    print(f"{case}: {points}")
raise SystemExit(0 if list(seen.values()) == [0.0, 100.0, 0.0, 100.0] else 1)
PY

#!/usr/bin/env bash
# Guess: a tokenizer for search by words keeps every word but the stop words that one asks it to drop.
# What happens: bm25s drops every word of one letter or digit, stop words or not: "C", "R", "5" and "x" can never be found, and a
# question that names nothing else finds nothing. Chinese words of one character are gone too.
# Seen with bm25s 0.3.16 on 2026-11-28 (the default `token_pattern` asks for two word characters).
# Why it matters: a flow that answers from notes on R, C or "step 3" finds nothing by words and says so with a straight face.
source "$(dirname "$0")/_env.sh"
packages 'bm25s==0.3.16' 'numpy==2.3.5'
"$PY" - <<'PY'
from importlib.metadata import version

import bm25s

texts = ["Loops in C", "Loops in R", "step 3 of 5", "\u8336 \u6728"]
words = bm25s.tokenize(texts, stopwords=None, return_ids=False, show_progress=False)
print("bm25s", version("bm25s"))
for text, kept in zip(texts, words, strict=True):
    print(f"{text!r} -> {kept}")
raise SystemExit(0 if words == [["loops", "in"], ["loops", "in"], ["step", "of"], []] else 1)
PY

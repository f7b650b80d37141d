#!/usr/bin/env bash
# Guess: `truncation` and `padding` are options of one call; a tokenizer that is saved is the one that was loaded.
# What happens: the call leaves them in the tokenizer beneath, and `save_pretrained` writes them into `tokenizer.json`. Transformers
# itself sets them anew with each call and never sees it. Everything that reads the file with `tokenizers` alone cuts and pads:
# every text has at most the tokens of the last batch that somebody prepared, and at least as many.
# Seen with transformers 5.24.0 and tokenizers 0.23.3 on 2026-11-30.
# Why it matters: a model that was trained on short texts is saved with a limit that it does not have. Servers, splitters and
# counters built on `tokenizers` then drop the end of long texts, count 8 tokens for each text, and never say so. Call
# `no_truncation` and `no_padding` after loading, or before saving on `backend_tokenizer`.
source "$(dirname "$0")/_env.sh"
packages 'transformers==5.24.0' 'tokenizers==0.23.3'
cat >"$HERE/save.py" <<'PY'
import sys
from importlib.metadata import version

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

print("transformers", version("transformers"), "tokenizers", version("tokenizers"))
made = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "word": 2}, unk_token="[UNK]"))
made.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]")
short, long = "word", "word " * 50
seen = []
for case in ("as made", "after a batch was prepared"):
    if seen:
        tokenizer([short, long], truncation=True, max_length=8, padding="max_length")
    tokenizer.save_pretrained(sys.argv[1])
    alone = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
    again = AutoTokenizer.from_pretrained(sys.argv[1])
    seen.append(
        {
            "tokenizers": [len(alone.encode(text).ids) for text in (short, long)],
            "transformers": [len(again(text).input_ids) for text in (short, long)],
        }
    )
    print(f"{case}: tokens of 1 word and of 50 words: {seen[-1]}")
right = {"tokenizers": [1, 50], "transformers": [1, 50]}
raise SystemExit(0 if seen == [right, {"tokenizers": [8, 8], "transformers": [1, 50]}] else 1)
PY
"$PY" "$HERE/save.py" "$HERE/saved" 2>"$HERE/said"

"""What a GGUF file says of its tokenizer: the control words, and the chat template."""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.nodes.weights.gguf_header import ARRAY, Reader

_STEERING = (2, 3, 4)
"""ggml's types of tokens that text is looked through for: unknown, control, user-defined."""

_LOOKS_STEERING = re.compile(
    r"_?<EOT>|</s>|<\|(eot_id|im_start|im_end|end|endoftext|end_of_text|eom_id|return|call|flush"
    r"|fim_\w+|code_\w+|repo_name|file_sep)\|>|<(end_of_turn|end_of_utterance)>"
    r"|<fim[_-]\w+>|▁?<(PRE|SUF|MID)>|<｜[\w▁]+｜>"
)
"""What llama.cpp takes for a control word whatever the file says (`llama-vocab.cpp`), and more:
a word too many is only spelled in a person's text, as plain text is."""

_SHORTEST = 3
"""Shorter ones are blanks and letters, of which no text can be freed."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The control words by their tokens, and what else a conversation is written with."""

    words: Mapping[str, int]
    template: str
    begin: int | None
    """The token that a text begins with, where the tokenizer adds it by itself."""
    begin_word: str = ""
    end_word: str = ""


def read_vocabulary(path: Path) -> Vocabulary | None:
    """The vocabulary, or None where the file does not say."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _read(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, size: int, mtime_ns: int) -> Vocabulary | None:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            values = _VocabularyReader(data).values()
        tokens = values["tokenizer.ggml.tokens"]
    except (OSError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return None
    steering = _steering(values)
    words = {
        token: number
        for number, token in enumerate(tokens)
        if len(token) >= _SHORTEST and (number in steering or _LOOKS_STEERING.fullmatch(token))
    }
    begin, end = (values.get(f"tokenizer.ggml.{n}_token_id") for n in ("bos", "eos"))

    def word(number: Any) -> str:
        return tokens[number] if isinstance(number, int) and number < len(tokens) else ""

    return Vocabulary(
        words,
        str(values.get("tokenizer.chat_template", "")),
        begin if values.get("tokenizer.ggml.add_bos_token") else None,
        word(begin),
        word(end),
    )


def _steering(values: Mapping[str, Any]) -> set[int]:
    """The tokens that the file says are control words; a file may leave out what each token is."""
    types = values.get("tokenizer.ggml.token_type", ())
    named = (n for key, n in values.items() if key.endswith("_token_id") and isinstance(n, int))
    return {number for number, kind in enumerate(types) if kind in _STEERING} | set(named)


class _VocabularyReader(Reader):
    """Reads the keys, and of the long lists only those of the tokens."""

    def values(self) -> dict[str, Any]:
        count = self.begin()[1]
        return dict(self._entry() for _ in range(count))

    def _entry(self) -> tuple[str, Any]:
        key = self._text()
        kind = self._number("<I")
        if kind == ARRAY and not key.endswith((".tokens", ".token_type")):
            return key, self._skip_array()
        return key, self._value(kind)

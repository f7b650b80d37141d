"""The tokenizer of a GGUF file, for Transformers, so that its tokens are those of llama.cpp.

A file of byte pairs (BPE) names the rule by which text is cut before pairs are merged
(`tokenizer.ggml.pre`). Transformers 5.24 knows few of the names, and takes GPT-2's rule for the
others without a word. The rules here are those of llama.cpp's `llama-vocab.cpp`; tests compare the
tokens of each. A file of SentencePiece puts a blank before each stretch of text, also after a
control word, where Transformers puts one at the very beginning only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.weights.gguf_header import Header

_ENDINGS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_UPPER, _LOWER = r"(?:(?=\p{L})[^a-z])", r"(?:(?=\p{L})[^A-Z])"
_MARKS_AND_BLANKS = r"\s*[\r\n]+|\s+(?!\S)|\s+"

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_DIGIT = r"\p{N}"
_LLAMA3 = (
    rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_MARKS_AND_BLANKS}"
)
_QWEN2 = _LLAMA3.replace("{1,3}", "")
_CASED = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+@|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*@"
    rf"|\p{{N}}#| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_MARKS_AND_BLANKS}"
)
_TEKKEN = _CASED.replace("@", "").replace("#", "")
_GPT4O = _CASED.replace("@", f"{_ENDINGS}?").replace("#", "{1,3}")


@dataclass(frozen=True, slots=True)
class PreTokenizer:
    """How a text is cut, by one expression after the other."""

    cuts: tuple[str, ...]
    whole_words: bool = False
    """A piece that is a token is that token, whether or not merges lead to it."""


_OF_GPT2, _OF_DIGITS = PreTokenizer((_GPT2,)), PreTokenizer((_DIGIT, _GPT2))
_OF_LLAMA3, _OF_QWEN2, _OF_GPT4O = (
    PreTokenizer((_LLAMA3,), True),
    PreTokenizer((_QWEN2,)),
    PreTokenizer((_GPT4O,)),
)

PRE_TOKENIZERS: Mapping[str, PreTokenizer] = {
    "default": PreTokenizer((r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", r"[0-9][0-9][0-9]")),
    **dict.fromkeys(
        ("gpt-2", "phi-2", "olmo", "mpt", "jais", "trillion", "granite-docling", "gigachat"),
        _OF_GPT2,
    ),
    **dict.fromkeys(
        ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"),
        _OF_DIGITS,
    ),
    **dict.fromkeys(
        ("llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2", "glm4"), _OF_LLAMA3
    ),
    **dict.fromkeys(("dbrx", "smaug-bpe", "chatglm-bpe"), PreTokenizer((_LLAMA3,))),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez"), _OF_QWEN2),
    "tekken": PreTokenizer((_TEKKEN,), True),
    "gpt-4o": _OF_GPT4O,
    "llama4": _OF_GPT4O,
}  # fmt: skip
"""The name in a file → how text is cut. A file without a name is cut by the default."""

PAIRS, PIECES = "gpt2", "llama"
"""What a file calls byte pairs, and SentencePiece."""


def check_tokenizer(header: Header, weights: str) -> None:
    """Check that the tokens of a file will be those of llama.cpp.

    Args:
        header: of the GGUF file.
        weights: what the file is called.

    Raises:
        NodeError: the file names a tokenizer, or a rule, that is not known here.
    """
    why = ""
    if header.tokenizer and header.tokenizer not in (PAIRS, PIECES):
        why = f"a tokenizer of the kind {header.tokenizer!r}"
    elif header.tokenizer == PAIRS and (header.pre or "default") not in PRE_TOKENIZERS:
        why = f"text cut by the rule {header.pre!r}"
    if why:
        raise NodeError(
            f"The model {weights!r} needs {why}, which is not known here: read through "
            "Transformers, it would see other tokens than it was trained with.",
            fix="Wire it as a quantized local model (GGUF), or take the model's safetensors.",
            code="model/tokenizer",
            retry=False,
        )


def set_rule(tokenizer: Any, header: Header) -> None:
    """Have a tokenizer that Transformers made of a file cut text as llama.cpp does.

    Args:
        tokenizer: of Transformers; it is changed.
        header: of the file.
    """
    from tokenizers import Regex, normalizers, pre_tokenizers

    backend = tokenizer.backend_tokenizer
    if header.tokenizer == PIECES:
        written = normalizers.Replace(" ", "\u2581")
        first = [normalizers.Prepend("\u2581")] if header.blanks else []
        backend.normalizer = normalizers.Sequence([*first, written])
        backend.pre_tokenizer = None
    elif header.tokenizer == PAIRS:
        rule = PRE_TOKENIZERS[header.pre or "default"]
        cuts = [pre_tokenizers.Split(Regex(cut), behavior="isolated") for cut in rule.cuts]
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        backend.pre_tokenizer = pre_tokenizers.Sequence([*cuts, bytes_])
        backend.model.ignore_merges = rule.whole_words

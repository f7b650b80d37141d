"""Read through Transformers, a GGUF's text becomes the same tokens as in llama.cpp."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.dequantize import dequantized
from patchbay.nodes.models.transformers.gguf_tokenizer import (
    PRE_TOKENIZERS,
    check_tokenizer,
    set_rule,
)
from patchbay.nodes.models.transformers.load import folder_of
from patchbay.nodes.models.transformers.node import TransformersNode
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.manifest import DEFAULT, NAMED
from patchbay.nodes.weights.refs import quiet
from tests.nodes.models import tiny
from tests.nodes.models.llama_server import LlamaServer
from tests.nodes.models.tiny_llama import serve_tiny

TEXTS = [
    "a\n\n1. First", "I'll don't WE'LL you'd 'S it's", "x = 12345 + 67.8;\r\n\treturn  f(b);",
    "  leading and trailing  ", "Über Straße naïve café e\u0301", "日本語のテキスト、中国語。",
    "한국어 텍스트", "😀👩‍👩‍👧 !!!???", "١٢٣ ½ Ⅳ ²",
    "tab\t\tnbsp\u00a0wide\u3000line\u2028nel\u0085",
    "price: $5.00 <b>^~|", "a/b//c/\n\n\n  d", "", "\n", "   \n   \n x", "HTTPServer's i̇ İ ſ's",
    "हिन्दी भाषा", "ไทย", "\u200bzero\u200dwidth", " whole",
]  # fmt: skip
LETTERS = "abXY 019\n\r\t'’\"!?.,-_/ éü日ก한½²٣\u00a0\u3000\u2003\u0301\u200b😀$<|+"
CONTROL = ["<|im_start|>user\n 12 a<|im_end|>\n\n1. b", "a<|im_end|> b"]


@lru_cache
def texts() -> list[str]:
    """The texts above, and some at random; the same in every run."""
    chance = random.Random(0)
    return [
        *TEXTS,
        *("".join(chance.choices(LETTERS, k=chance.randint(1, 30))) for _ in range(40)),
    ]


@lru_cache
def merges() -> list[str]:
    """Merges over every boundary in the texts, so that each cut shows."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    letters = list(tiny.alphabet())
    made.train_from_iterator(
        texts(), trainers.BpeTrainer(vocab_size=1000, initial_alphabet=letters, show_progress=False)
    )
    # Ties are broken by chance; two merges may give one token, which a vocabulary holds once.
    made_by = {"".join(pair): pair for pair in json.loads(made.to_str())["model"]["merges"]}
    return [" ".join(pair) for pair in made_by.values()]


def pairs(pre: str | None, path: Path) -> Path:
    """A network with byte pairs, cut by a rule."""
    vocabulary = [*tiny.tokens(merges())]
    if "Ġwhole" not in vocabulary:
        vocabulary[-3:-3] = ["Ġwhole"]  # no merges lead to it

    def write(writer: Any) -> None:
        tiny.write_pairs(writer, vocabulary, merges(), pre)

    return tiny.gguf_of(tiny.network(count=len(vocabulary)), path, write)


def pieces(blanks: bool, path: Path) -> Path:
    """A network with SentencePiece: words, letters, and bytes for all others."""
    words = ["▁", "▁the", "▁a", "the", "th", "he", "ab", "▁▁", "lo", "el", "12", "!", "\n"]
    words += [letter for letter in "theablox12." if letter not in words]
    vocabulary = ["<unk>", "<|im_start|>", "<|im_end|>"]
    vocabulary += [f"<0x{byte:02X}>" for byte in range(256)] + words

    def write(writer: Any) -> None:
        writer.add_tokenizer_model("llama")
        writer.add_token_list(vocabulary)
        writer.add_token_scores([0.0] * 259 + [-float(n) for n in range(len(words))])
        writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(words))
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
        writer.add_add_space_prefix(blanks)

    return tiny.gguf_of(tiny.network(count=len(vocabulary)), path, write)


def tokenizer_of(path: Path) -> Any:
    from transformers import AutoTokenizer

    header = read_header(path)
    assert header is not None
    check_tokenizer(header, "it")
    made = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    set_rule(made, header)
    return made


def differing(path: Path, tokenizer: Any) -> dict[str, Any]:
    with serve_tiny(path) as llama:
        found = {}
        for text in [*texts(), *CONTROL]:
            ours = tokenizer(text, add_special_tokens=False)["input_ids"]
            theirs = llama.tokens(text, control=True)
            if ours != theirs:
                found[text] = ours, theirs
        return found


@pytest.mark.parametrize("pre", [*PRE_TOKENIZERS, None])
def test_every_rule_cuts_as_llama_cpp_does(pre: str | None, tmp_path: Path) -> None:
    path = pairs(pre, tmp_path / "tiny.gguf")
    assert not differing(path, tokenizer_of(path))


@pytest.mark.parametrize("blanks", [True, False])
def test_sentencepiece_begins_as_llama_cpp_does(blanks: bool, tmp_path: Path) -> None:
    path = pieces(blanks, tmp_path / "tiny.gguf")
    assert not differing(path, tokenizer_of(path))


def test_the_rule_is_kept_in_the_dequantized_folder(
    tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoTokenizer

    path = pairs("smollm", tmp_path / "tiny.gguf")
    made = dequantized(str(path), quiet)
    assert capfd.readouterr().err == ""  # the library's bar over the tensors heeds no setting
    kept, expected = AutoTokenizer.from_pretrained(str(made)), tokenizer_of(path)
    for text in texts():
        assert kept(text)["input_ids"] == expected(text, add_special_tokens=False)["input_ids"]


def test_the_weights_that_ship_are_read_alike(llama_server: LlamaServer) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder_of(DEFAULT, quiet)))
    prose = (Path(__file__).parents[4] / "README.md").read_text("utf-8")
    for text in [*texts(), *CONTROL, prose]:
        body = {"content": text, "add_special": False, "parse_special": True}
        theirs = json.loads(llama_server.post("/tokenize", body))["tokens"]
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == theirs


def test_an_unknown_rule_is_refused_before_the_run(tmp_path: Path) -> None:
    path = pairs("bloom", tmp_path / "tiny.gguf")
    with pytest.raises(NodeError, match="'bloom'") as caught:
        TransformersNode.describe(
            TransformersNode.Params(weights=str(path)), TransformersNode.Inputs()
        )
    assert caught.value.code == "model/tokenizer"
    assert "GGUF" in caught.value.fix
    with pytest.raises(NodeError, match="'bloom'"):
        folder_of(str(path), quiet)
    with pytest.raises(NodeError, match="of the kind 't5'"):
        check_tokenizer(replace(NAMED[DEFAULT].header, tokenizer="t5"), "it")

"""What is learned of a row, compared with what TRL makes of the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.training.tokens import RowReader
from tests.nodes.training.conftest import TEMPLATE

TALK = [
    {"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."},
    {"role": "user", "content": "Three?"}, {"role": "assistant", "content": "Four."},
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tiny_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_folder)


def learned(tokenizer: Any, learn: str, template: str = TEMPLATE) -> list[str]:
    tokens = RowReader(tokenizer, template).tokens({"messages": TALK, "learn": learn})
    pieces, last = [], False
    for token, taught in zip(tokens.ids, tokens.learned, strict=True):
        if taught:
            pieces = pieces if last else [*pieces, []]
            pieces[-1].append(token)
        last = taught
    return [tokenizer.decode(piece) for piece in pieces]


def test_every_answer_is_learned_without_marks_in_the_template(tokenizer: Any) -> None:
    assert learned(tokenizer, "answers") == ["Two.<|im_end|>\n", "Four.<|im_end|>\n"]
    assert learned(tokenizer, "last answer") == ["Four.<|im_end|>\n"]


def test_everything(tokenizer: Any) -> None:
    (whole,) = learned(tokenizer, "everything")
    assert whole.startswith("<|im_start|>user\nOne?")


def test_a_template_that_says_an_earlier_turn_otherwise_later(tokenizer: Any) -> None:
    """As those do that leave out what was thought in earlier turns."""
    forgets = TEMPLATE.replace(
        "{{ m['content'] }}", "{{ m['content'] if loop.last or m['role'] == 'user' else '…' }}"
    )
    assert learned(tokenizer, "last answer", forgets) == ["Four.<|im_end|>\n"]


def test_labels_are_as_trl_makes_them(tokenizer: Any) -> None:
    from trl.data_utils import is_conversational

    row = {"prompt": TALK[:3], "completion": TALK[3:]}
    assert is_conversational(row)
    tokenizer.chat_template = TEMPLATE
    asked = tokenizer.apply_chat_template(
        row["prompt"], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    whole = tokenizer.apply_chat_template(TALK, return_dict=True)["input_ids"]
    tokens = RowReader(tokenizer).tokens({"messages": TALK, "learn": "last answer"})
    assert list(tokens.ids) == whole
    assert tokens.labels == [-100] * len(asked) + whole[len(asked) :]
    assert tokens.cut(len(asked)).taught == 0

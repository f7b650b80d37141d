"""An answer ends before the first stop text, however it comes in pieces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.nodes.models.stops import Stops
from patchbay.nodes.models.transformers.writer import Detokenizer

LETTERS = st.text("ab#\n", max_size=12)


@given(st.lists(LETTERS, max_size=6), st.lists(st.text("ab#\n", min_size=1, max_size=4)))
def test_pieces_give_what_stands_before_the_first_stop_text(
    pieces: list[str], texts: list[str]
) -> None:
    stops = Stops(texts)
    shown = "".join([*map(stops.add, pieces), stops.finish()])
    whole = "".join(pieces)
    ends = [at for text in texts if (at := whole.find(text)) >= 0]
    assert shown == (whole[: min(ends)] if ends else whole)
    assert stops.reached == bool(ends)


@pytest.mark.parametrize(
    ("pieces", "ignored"), [(["a#", "b"], True), (["a#b"], True), (["a#", " \n"], False)]
)
def test_what_follows_a_stop_text_is_known(pieces: list[str], ignored: bool) -> None:
    stops = Stops(["#", ""])
    assert "".join(map(stops.add, pieces)) == "a"
    assert stops.ignored is ignored


class Letters:
    """A tokenizer of a letter a token; 0 and 1 are the two halves of an é."""

    def decode(self, tokens: list[int], **more: Any) -> str:
        return bytes(
            {0: 0xC3, 1: 0xA9}.get(token, token) for token in tokens
        ).decode("utf-8", "replace")  # fmt: skip


@pytest.mark.parametrize("end", [True, False])
def test_tokens_give_whole_characters_up_to_a_stop_text(end: bool) -> None:
    writer = Detokenizer(Letters(), ["--"] if end else [])
    pieces = [writer.add(token) for token in [ord("a"), 0, 1, *b" - b--", ord("c")]]
    assert pieces[1] == ""  # half an é
    assert "".join([*pieces, writer.finish()]) == ("aé - b" if end else "aé - b--c")
    assert writer.stopped is end

"""The table in which a set of cases is typed: what is not touched stays what it is."""

from __future__ import annotations

from typing import Any

from patchbay.studio.panels.cases import frame_of, typed_rows

TALK = [{"role": "user", "content": "Hello"}]
ROWS: list[dict[str, Any]] = [
    {"talk": TALK, "expected": {"a": 1}, "rating": 1},
    {"talk": "said", "expected": "", "rating": -1, "comment": "No."},
    *({"talk": f"{n}", "expected": "x"} for n in range(60)),
    {"talk": "late", "expected": "x", "topic": "the last has a column more"},
]


def test_what_is_saved_untouched_is_as_it_was() -> None:
    assert typed_rows(frame_of(["talk"], ROWS), ROWS) == ROWS


def test_what_is_typed_is_text_and_the_rest_stays() -> None:
    frame = frame_of(["talk"], ROWS)
    frame.loc[0, "expected"] = '{"a": 2}'
    frame.loc[1, "talk"] = "other"
    frame = frame.drop(index=2)
    saved = typed_rows(frame, ROWS)
    assert saved[0] == {"talk": TALK, "expected": '{"a": 2}', "rating": 1}
    assert saved[1]["talk"] == "other"
    assert len(saved) == len(ROWS) - 1


def test_a_set_that_is_new_has_a_column_for_each_input() -> None:
    frame = frame_of(["a", "b"], [])
    assert list(frame.columns) == ["a", "b", "expected"]
    assert typed_rows(frame, []) == []

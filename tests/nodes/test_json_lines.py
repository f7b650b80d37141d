"""Files that grow by lines: what a kill has cut off costs itself only."""

from __future__ import annotations

from pathlib import Path

from patchbay.nodes.json_lines import add_json_line, json_lines


def test_lines_are_added_and_read_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "inside" / "lines.jsonl"
    assert json_lines(path) == []
    add_json_line(path, {"a": 1})
    add_json_line(path, {"a": "é\u2028\n"})
    assert json_lines(path) == [{"a": 1}, {"a": "é\u2028\n"}]
    assert path.stat().st_mode & 0o077 == 0


def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    add_json_line(path, {"a": 1})
    with path.open("a") as file:
        file.write('{"a": 2, "cut of')
    add_json_line(path, {"a": 3})
    assert json_lines(path) == [{"a": 1}, {"a": 3}]


def test_what_is_no_object_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('[1]\n"text"\n\n{"a": 1}\nnonsense\n')
    assert json_lines(path) == [{"a": 1}]

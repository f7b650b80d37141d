"""Who started which run is read once, and again when it changed."""

from __future__ import annotations

from pathlib import Path

from patchbay.studio.runs.owners import owners_in


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "run-owners.jsonl"
    assert owners_in(None) == {}
    assert owners_in(file) == {}
    file.write_text('{"run": "a", "owner": "ann"}\nno line\n', encoding="utf-8")
    first = owners_in(file)
    assert first == {"a": "ann"}
    assert owners_in(file) is first
    with file.open("a", encoding="utf-8") as more:
        more.write('{"run": "b", "owner": "ben"}\n')
    assert owners_in(file) == {"a": "ann", "b": "ben"}
    assert first == {"a": "ann"}
    file.unlink()
    assert owners_in(file) == {}

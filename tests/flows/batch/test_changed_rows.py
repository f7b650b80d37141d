"""A batch is not gone on with where its rows are others: they would be lost, or there twice."""

from __future__ import annotations

import io
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.api import BatchResult
from patchbay.flows.batch.manifest import rows_hash
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import lines_of, over, picky

WORDS = ["good", "no", "bad", "good", "bad"]
"""The second fails, and ends the batch."""


def database(path: Path, words: list[str]) -> str:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as base:
        base.execute("create table t (n integer, review text)")
        base.executemany("insert into t values (?, ?)", list(enumerate(words)))
    base.close()
    return f"sqlite:///{path}#t"


async def begun(rows: str | Path, out: Path, **more: Any) -> BatchResult:
    result = await over(picky(), rows, out, stop_at_failure=True, slots=1, **more)
    assert result.stopped is not None
    return result


CHANGES = [
    ["new", *WORDS],
    WORDS[1:],
    ["bad", *WORDS[1:]],
    ["bad", "no", "good", "good", "bad"],
    ["good"],
]


@pytest.mark.parametrize("words", CHANGES)
async def test_other_rows_of_a_database(tmp_path: Path, words: list[str]) -> None:
    rows = database(tmp_path / "a.db", WORDS)
    await begun(rows, tmp_path / "o.jsonl")
    database(tmp_path / "a.db", words)
    for _ in range(2):  # the first refusal has changed nothing
        with pytest.raises(FlowError, match="not those that the batch was begun with") as refused:
            await over(picky(), rows, tmp_path / "o.jsonl", resume=True)
        assert refused.value.problems[0].code == "batch/changed"
    database(tmp_path / "a.db", WORDS)
    result = await over(picky(), rows, tmp_path / "o.jsonl", resume=True)
    assert (result.rows, result.failed) == (4, 1)
    assert [row["n"] for row in lines_of(tmp_path / "o.jsonl")] == [0, 2, 3, 4]


async def test_another_database(tmp_path: Path) -> None:
    await begun(database(tmp_path / "a.db", WORDS), tmp_path / "o.jsonl")
    other = database(tmp_path / "b.db", WORDS)
    with pytest.raises(FlowError, match=r"the rows: .*a\.db.* then, .*b\.db.* now"):
        await over(picky(), other, tmp_path / "o.jsonl", resume=True)


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_database_that_is_as_it_was_goes_on(tmp_path: Path, ordered: bool) -> None:
    rows = database(tmp_path / "a.db", [*WORDS, "no", *WORDS * 20])
    out = tmp_path / "o.jsonl"
    for _ in range(3):
        await over(picky(), rows, out, stop_at_failure=True, slots=3, go_on=True, ordered=ordered)
    result = await over(picky(), rows, out, go_on=True, slots=3, ordered=ordered)
    assert (result.rows, result.failed) == (84, 22)
    assert len({row["n"] for row in lines_of(out)}) == 84


async def test_other_rows_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(words: list[str]) -> None:
        text = "".join(f'{{"n": {n}, "review": "{w}"}}\n' for n, w in enumerate(words))
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    given(WORDS)
    await begun("-", tmp_path / "o.jsonl")
    given(["bad", *WORDS])
    with pytest.raises(FlowError, match="not those"):
        await over(picky(), "-", tmp_path / "o.jsonl", resume=True)
    given([*WORDS, "good"])
    result = await over(picky(), "-", tmp_path / "o.jsonl", resume=True)
    assert [row["n"] for row in lines_of(result.output)] == [0, 2, 3, 4, 5]


async def test_other_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, word in enumerate(WORDS):
        (folder / f"{number}.txt").write_text(word, encoding="utf-8")
    columns = {"review": "text"}
    await begun(folder, tmp_path / "o.jsonl", columns=columns)
    for new in (".hidden", "00.txt"):
        (folder / new).write_text("good", encoding="utf-8")
    with pytest.raises(FlowError, match=r"the rows of .* are others"):
        await over(picky(), folder, tmp_path / "o.jsonl", resume=True, columns=columns)
    (folder / "00.txt").unlink()
    result = await over(picky(), folder, tmp_path / "o.jsonl", resume=True, columns=columns)
    assert [row["name"][0] for row in lines_of(result.output)] == ["0", "2", "3", "4"]


def test_a_folder_is_known_by_names_sizes_and_times(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one", encoding="utf-8")
    os.utime(file, ns=(0, 0))
    seen = [rows_hash(str(tmp_path))]
    assert rows_hash(str(tmp_path)) == seen[0]
    os.utime(file, ns=(5, 5))
    seen.append(rows_hash(str(tmp_path)))
    file.write_text("three", encoding="utf-8")
    os.utime(file, ns=(5, 5))
    seen.append(rows_hash(str(tmp_path)))
    file.rename(tmp_path / "b.txt")
    seen.append(rows_hash(str(tmp_path)))
    assert len(set(seen)) == 4

"""The parts that jobs of Slurm leave, put together to one output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.api import BatchResult, collect
from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import json_table, lines_of, over, picky, shouting

ROWS = [{"n": n, "review": w} for n, w in enumerate(["good", "bad", "no", "good", "no", "bad"])]


async def test_parts_are_put_together_in_order_failures_too(tmp_path: Path) -> None:
    words = ["good", "bad", "no", "good", "no", "bad", "good", "no"]
    rows = json_table(tmp_path / "a.jsonl", [{"n": n, "review": w} for n, w in enumerate(words)])
    for part in (2, 0, 1):
        await over(picky(), rows, tmp_path / f"part-{part}.jsonl", keep=("n",), shard=(part, 3))
    result = collect(tmp_path, str(tmp_path / "all.jsonl"))
    assert (result.rows, result.failed) == (5, 3)
    whole = [(row["n"], row["label"]) for row in lines_of(tmp_path / "all.jsonl")]
    assert whole == [(n, w) for n, w in enumerate(words) if w != "no"]
    assert [row["row"] for row in lines_of(tmp_path / "all.failed.jsonl")] == [2, 4, 7]


async def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"review": "good"}] * 4)
    for part in (0, 2):
        await over(picky(), rows, tmp_path / f"part-{part}.jsonl", keep=(), shard=(part, 4))
    with pytest.raises(FlowError, match=r"Parts are missing in .*: 1, 3"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))


async def parts(folder: Path, *, count: int = 2, **more: Any) -> None:
    rows = json_table(folder / "a.jsonl", ROWS)
    for part in range(count):
        await over(
            picky(), rows, folder / f"part-{part}.jsonl", keep=("n",), shard=(part, count), **more
        )


async def again(folder: Path, document: Flow, rows: list[Any] = ROWS, **more: Any) -> BatchResult:
    """The first part, asked for once more."""
    settings = {"keep": ("n",), "shard": (0, 2), **more}
    table = json_table(folder / "a.jsonl", rows)
    return await over(document, table, folder / "part-0.jsonl", go_on=True, **settings)


async def test_a_part_that_has_ended_is_taken_as_it_is(tmp_path: Path) -> None:
    await parts(tmp_path)
    before = (tmp_path / "part-0.jsonl").stat()
    done = await again(tmp_path, picky())
    assert (done.rows, done.failed) == (1, 2)
    assert done.failures == tmp_path / "part-0.failed.jsonl"
    assert (tmp_path / "part-0.jsonl").stat() == before
    assert not list(tmp_path.glob("*.batch"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": [*ROWS[1:], ROWS[0]]}, "the rows of .* are others"),
        ({"document": shouting()}, "the flow: "),
        ({"keep": ()}, "the setting keep"),
        ({"shared": {"review": "good"}}, "the setting input"),
        ({"shard": (0, 3)}, "the setting shard"),
    ],
    ids=["rows", "flow", "columns", "inputs", "nodes"],
)
async def test_a_part_of_another_batch_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    await parts(tmp_path)
    held = (tmp_path / "part-0.jsonl").read_bytes()
    with pytest.raises(FlowError, match=f"not the batch that it was: {said}"):
        await again(tmp_path, **{"document": picky(), **change})
    assert (tmp_path / "part-0.jsonl").read_bytes() == held


async def test_a_file_that_is_no_part_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "part-0.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(FlowError, match="is there already"):
        await again(tmp_path, picky())


def said_of(folder: Path, part: int, *path: str, value: Any) -> None:
    """Change what the manifest of a part says."""
    file = folder / f"part-{part}.manifest.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    place = said
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    file.write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("rows", "sha256"), "0" * 64, "the rows of .* are others"),
        (("settings", "keep"), [], "the setting keep"),
        (("settings", "shard"), [1, 3], "Parts are missing|the setting parts"),
        (("weights",), {"m.model": "other"}, "the weights at m.model"),
        (("versions",), {"pydantic": "1"}, "the version of pydantic"),
        (("output", "rows"), 7, "rows, and .* are its share"),
        (("output", "sha256"), "0" * 64, "is not as it was written"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
async def test_parts_that_do_not_belong_together(
    tmp_path: Path, path: tuple[str, ...], value: Any, words: str
) -> None:
    await parts(tmp_path)
    said_of(tmp_path, 1, *path, value=value)
    with pytest.raises(FlowError, match=words):
        collect(tmp_path, str(tmp_path / "all.jsonl"))
    assert not (tmp_path / "all.jsonl").exists()
    assert not list((tmp_path / "all.jsonl.batch").glob("manifest.json"))


async def test_parts_of_more_nodes_are_left_of_before(tmp_path: Path) -> None:
    await parts(tmp_path, count=3)
    for file in tmp_path.glob("part-[01].*"):
        file.unlink()
    await parts(tmp_path)
    with pytest.raises(FlowError, match="parts of different batches: 3 of 2"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))


async def test_parts_cut_short_and_out_of_order_are_refused(tmp_path: Path) -> None:
    await parts(tmp_path)
    failed = tmp_path / "part-0.failed.jsonl"
    lines = failed.read_text(encoding="utf-8").splitlines(keepends=True)
    failed.write_text(lines[0], encoding="utf-8")
    with pytest.raises(FlowError, match="is not as it was written"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))
    failed.write_text("".join(reversed(lines)), encoding="utf-8")
    with pytest.raises(FlowError, match="out of order"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))
    assert not (tmp_path / "all.jsonl").exists()
    other = tmp_path / "unordered"
    other.mkdir()
    await parts(other, ordered=False)
    with pytest.raises(FlowError, match="out of order"):
        collect(other, str(other / "all.jsonl"))

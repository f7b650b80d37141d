"""A flow over a table: what comes out, in which form, and what is said of rows that fail."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.spool import Spool
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.cache import FolderCache
from patchbay.nodes.contract import Context, Node, Ports
from tests.flows.batch.kit import json_table, lines_of, over, picky, shouting, table
from tests.flows.runs.harness import CATALOG, environment, flow

TEXT = {"review": "text"}


class Counted(Node):
    """Hand a text on, as a model does that takes ten tokens for it."""

    kind, title, family = "test.counted", "Counted", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        ctx.count_tokens(7, 3)
        return self.Outputs(text=inputs.text)


async def test_outputs_stand_beside_the_columns_in_order(tmp_path: Path) -> None:
    rows = table(tmp_path / "a.csv")
    result = await over(shouting(), rows, tmp_path / "out.jsonl", columns=TEXT)
    assert (result.rows, result.failed, result.stopped) == (20, 0, None)
    found = lines_of(result.output)
    assert found[3] == {
        "id": "3", "text": 'review, no "3"', "note": "", "label": 'REVIEW, NO "3"',
    }  # fmt: skip
    assert [row["id"] for row in found] == [str(n) for n in range(20)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "out.jsonl", "out.manifest.json"]


async def test_the_manifest_of_another_output_is_not_written_over(tmp_path: Path) -> None:
    rows = table(tmp_path / "a.csv")
    await over(shouting(), rows, tmp_path / "out.jsonl", columns=TEXT)
    kept = (tmp_path / "out.manifest.json").read_bytes()
    with pytest.raises(FlowError, match=r"out\.manifest\.json is there already, .* out\.jsonl"):
        await over(shouting(), rows, tmp_path / "out.csv", columns=TEXT)
    assert (tmp_path / "out.manifest.json").read_bytes() == kept
    assert not (tmp_path / "out.csv.batch").exists()
    (tmp_path / "out.jsonl").unlink()
    await over(shouting(), rows, tmp_path / "out.csv", columns=TEXT)


async def test_rows_that_failed_before_are_not_left_beside_a_batch_without_failures(
    tmp_path: Path,
) -> None:
    (tmp_path / "out.failed.jsonl").write_text("{}\n")
    await over(shouting(), table(tmp_path / "a.csv"), tmp_path / "out.jsonl", columns=TEXT)
    assert not (tmp_path / "out.failed.jsonl").exists()


async def test_going_on_with_what_has_ended_says_so(tmp_path: Path) -> None:
    rows = table(tmp_path / "a.csv")
    await over(shouting(), rows, tmp_path / "out.jsonl", columns=TEXT)
    with pytest.raises(FlowError, match="there is nothing left to do"):
        await over(shouting(), rows, tmp_path / "out.jsonl", columns=TEXT, resume=True)


async def test_rows_that_take_their_time_keep_their_order_or_not(tmp_path: Path) -> None:
    waits = [{"review": f"r{n}"} for n in range(6)]
    rows = json_table(tmp_path / "a.jsonl", waits)
    document = shouting(wait_s=0.001)
    for ordered in (True, False):
        out = tmp_path / f"{ordered}.jsonl"
        await over(document, rows, out, ordered=ordered, slots=3)
        found = [row["label"] for row in lines_of(out)]
        assert (found if ordered else sorted(found)) == [f"R{n}" for n in range(6)]


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "sql"])
async def test_every_form_of_output(tmp_path: Path, form: str) -> None:
    mixed: list[Any] = [1, 2.5, "three", None, True, {"four": 4}]
    given = [{"review": f"r{n}", "n": n, "half": n / 2, "m": m} for n, m in enumerate(mixed)]
    rows = json_table(tmp_path / "a.jsonl", given)
    out: Any = tmp_path / f"out.{form}"
    if form == "sql":
        out = f"sqlite:///{tmp_path / 'out.db'}#labels"
    result = await over(shouting(), rows, out)
    assert result.rows == 6
    found: list[dict[str, Any]]
    if form == "sql":
        with sqlite3.connect(tmp_path / "out.db") as base:
            base.row_factory = sqlite3.Row
            found = [dict(row) for row in base.execute("select * from labels")]
        base.close()
    elif form == "parquet":
        import pyarrow.parquet

        found = pyarrow.parquet.read_table(out).to_pylist()
    else:
        with out.open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file, delimiter="\t" if form == "tsv" else ","))
    assert [row["label"] for row in found] == [f"R{n}" for n in range(6)]
    texts = ["1", "2.5", "three", None, "true", '{"four": 4}']
    assert [row["m"] or None for row in found] == texts, "a column of mixed types is text"
    if form in ("parquet", "sql"):
        assert [row["n"] for row in found] == list(range(6))
        assert [row["half"] for row in found] == [n / 2 for n in range(6)]


async def test_rows_that_fail_are_written_apart_with_their_problem(tmp_path: Path) -> None:
    given = [{"review": "good"}, {"review": "mild"}, {"other": 1}, {"review": "bad"}]
    rows = json_table(tmp_path / "a.jsonl", given)
    with rows.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    result = await over(picky(), rows, tmp_path / "out.jsonl", keep=())
    assert (result.rows, result.failed) == (2, 3)
    assert lines_of(result.output) == [{"label": "good"}, {"label": "bad"}]
    assert result.failures is not None
    failed = lines_of(result.failures)
    assert [(row["row"], row["code"]) for row in failed] == [
        (1, "input/invalid"), (2, "batch/no-column"), (4, "batch/row"),
    ]  # fmt: skip
    assert failed[0]["cells"] == {"review": "mild"}
    assert '"good", "bad"' in failed[0]["message"]


async def test_the_first_failure_ends_it_where_that_is_asked(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"review": w} for w in ("good", "no", "bad")])
    result = await over(picky(), rows, tmp_path / "o.jsonl", keep=(), stop_at_failure=True, slots=1)
    assert result.stopped is not None
    assert result.stopped.code == "input/invalid"
    assert not (tmp_path / "o.jsonl").exists()


async def test_a_row_is_tried_again(tmp_path: Path) -> None:
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "f": ("test.fail", {"times": 1}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > f.text", "f.text > o.value"],
    )
    rows = json_table(tmp_path / "a.jsonl", [{"review": "once"}])
    from tests.flows.runs.nodes import Fail

    Fail.seen.clear()
    result = await over(document, rows, tmp_path / "out.jsonl", keep=(), retries=1)
    assert (result.rows, result.failed) == (1, 0)


async def test_a_row_has_so_much_time(tmp_path: Path) -> None:
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "h": "test.hang",
            "o": ("io.output", {"name": "label"}),
        },
        ["h.text > o.value"],
    )
    rows = json_table(tmp_path / "a.jsonl", [{"review": "a"}, {"review": "b"}])
    result = await over(document, rows, tmp_path / "o.jsonl", limit_s=0.05, keep=())
    assert (result.rows, result.failed) == (0, 2)
    assert result.failures is not None
    assert {row["code"] for row in lines_of(result.failures)} == {"batch/timeout"}


async def test_slow_results_are_kept_in_the_cache_and_quick_ones_are_not(tmp_path: Path) -> None:
    log = tmp_path / "ran"
    rows = json_table(tmp_path / "a.jsonl", [{"review": "same"}] * 2)
    env = replace(environment(), cache=FolderCache(tmp_path / "cache", CATALOG.value_types))
    await over(shouting(log=str(log)), rows, tmp_path / "o.jsonl", env=env, keep=(), slots=1)
    assert log.read_text(encoding="utf-8") == "same\n"
    with sqlite3.connect(tmp_path / "cache" / "results.sqlite") as kept:
        assert kept.execute("select count(*) from results").fetchone() == (1,)
    kept.close()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"columns": {"review": "txt"}}, 'no column "txt"'),
        ({"columns": {"revew": "text"}}, 'no input "revew"'),
        ({}, 'No column is mapped to the input "review"'),
        ({"columns": TEXT, "keep": ("nothing",)}, 'no column "nothing"'),
        ({"columns": TEXT, "slots": 0}, "At least one row"),
        ({"columns": TEXT, "resume": True}, "was begun"),
        ({"columns": TEXT, "max_cost": 1.0}, "is not known"),
    ],
)
async def test_what_does_not_fit_is_said_before_a_row(
    tmp_path: Path, more: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    rows = table(tmp_path / "a.csv")
    with pytest.raises(FlowError) as refused:
        await over(shouting(), rows, tmp_path / "out.jsonl", **more)
    assert words in str(refused.value.problems[0].message)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"], "nothing is left behind"


@pytest.mark.parametrize(
    ("rows", "query", "words"),
    [
        ("gone.csv", "", "gone.csv cannot be read"),
        ("a.csv", "select 1", "--query is for a database"),
        ("sqlite:///gone.db#t", "", "gone.db cannot be read"),
        ("empty.csv", "", "holds no rows"),
    ],
)
async def test_rows_that_are_not_there_begin_no_batch(
    tmp_path: Path, rows: str, query: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same output, with the rows that were meant, was refused as a batch that has not ended."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    right = table(Path("a.csv"))
    with pytest.raises(FlowError, match=words):
        await over(shouting(), rows, "out.jsonl", columns=TEXT, query=query)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "empty.csv"]
    assert (await over(shouting(), right, "out.jsonl", columns=TEXT)).rows == 20


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("out.docx", "no form to write"),
        ("no/folder/out.csv", "There is no folder"),
        ("a.csv", "there already"),
        ("sqlite:///x.db", "table is not named"),
    ],
)
async def test_outputs_that_cannot_be_written(
    tmp_path: Path, output: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FlowError, match=words):
        await over(shouting(), table(Path("a.csv")), output, columns=TEXT)


async def test_a_folder_that_is_not_writable(tmp_path: Path) -> None:
    import os

    if os.geteuid() == 0:  # root may write everywhere: a file stands where the folder would be
        (tmp_path / "out.jsonl.batch").write_text("", encoding="utf-8")
    else:
        tmp_path.chmod(0o500)
    rows = table(tmp_path.parent / f"{tmp_path.name}.csv")
    with pytest.raises(FlowError, match="cannot be written"):
        await over(shouting(), rows, tmp_path / "out.jsonl", columns=TEXT)


async def test_a_column_that_is_an_output_too(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.csv", [])
    rows.write_text("review,label\na,b\n", encoding="utf-8")
    with pytest.raises(FlowError, match='"label" is a column of the table and an output'):
        await over(shouting(), rows, tmp_path / "o.jsonl")


async def test_two_batches_into_one_output(tmp_path: Path) -> None:
    other = Spool(str(tmp_path / "out.jsonl"))
    try:
        with pytest.raises(FlowError, match="Another batch is writing"):
            await over(shouting(), table(tmp_path / "a.csv"), tmp_path / "out.jsonl", columns=TEXT)
    finally:
        other.close()


async def test_a_budget_of_tokens_ends_it_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"review": f"r{n}"} for n in range(10)])
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "c": "test.counted",
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > c.text", "c.text > o.value"],
    )
    env = environment(catalog=CATALOG.extended([Counted]))
    out = tmp_path / "out.jsonl"
    result = await over(document, rows, out, env=env, keep=(), max_tokens=40, slots=1)
    assert result.stopped is not None
    assert result.stopped.code == "batch/budget"
    assert (result.rows, result.tokens.total) == (4, 40)
    result = await over(document, rows, out, env=env, keep=(), resume=True)
    assert (result.rows, result.tokens.total, result.stopped) == (10, 100, None)
    assert [row["label"] for row in lines_of(out)] == [f"r{n}" for n in range(10)]


async def test_a_batch_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"review": f"r{n}"} for n in range(200)])
    out, log = tmp_path / "out.jsonl", tmp_path / "ran"
    document = shouting(log=str(log), wait_s=0.005)
    work = asyncio.create_task(over(document, rows, out, slots=4))
    while not log.exists() or log.stat().st_size < 200:
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    done = lines_of(tmp_path / "out.jsonl.batch" / "rows.jsonl")
    assert 0 < len(done) < 200
    with pytest.raises(FlowError, match="was begun and has not ended"):
        await over(document, rows, out)
    with pytest.raises(FlowError, match=r"not the batch that it was: the flow: .*wait_s"):
        await over(shouting(log=str(log)), rows, out, resume=True)
    before = log.read_text(encoding="utf-8").count("\n")
    result = await over(document, rows, out, slots=4, resume=True)
    assert result.rows == 200
    assert [row["label"] for row in lines_of(out)] == [f"R{n}" for n in range(200)]
    again = log.read_text(encoding="utf-8").count("\n") - before
    assert again <= 200 - len(done), "what was done is not done again"


async def test_parts_of_a_table(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"review": f"r{n}"} for n in range(7)])
    found = []
    for part in range(3):
        out = tmp_path / f"{part}.jsonl"
        await over(shouting(), rows, out, keep=(), shard=(part, 3))
        found.append([row["label"] for row in lines_of(out)])
    assert found == [["R0", "R3", "R6"], ["R1", "R4"], ["R2", "R5"]]

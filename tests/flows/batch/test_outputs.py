"""Where a batch writes: what would refuse it is known before the first row, not after the last."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.beside import move_file, spool_folder
from patchbay.flows.batch.tables import column_names
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import json_table, lines_of, over, picky, shouting, table

TEXT = {"review": "text"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at hand, and a home of its own."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def stored(file: Path | str, name: str = "labels") -> list[dict[str, Any]]:
    """The rows of a table."""
    with sqlite3.connect(file) as base:
        base.row_factory = sqlite3.Row
        found = [dict(row) for row in base.execute(f"select * from {name}")]
    base.close()
    return found


def _a_table(here: Path) -> str:
    with sqlite3.connect(here / "old.db") as base:
        base.execute("create table labels (n int)")
    base.close()
    return "sqlite:///old.db#labels"


def _read_only(here: Path) -> str:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (here / "no").mkdir()
    (here / "no").chmod(0o500)
    return "sqlite:///no/new.db#labels"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (_a_table, r'The table "labels" is in sqlite:///old.db already\.'),
        ("sqlite:///nowhere/new.db#labels", "There is no folder nowhere"),
        (_read_only, "cannot be written"),
        ("sqlite://#labels", "in memory"),
        ("sqlite:///:memory:#labels", "in memory"),
        ("postgresql://ada@127.0.0.1:9/base#labels", "The database refuses|is no database"),
    ],
)
async def test_a_database_that_would_refuse_refuses_before_the_first_row(
    here: Path, output: Any, words: str
) -> None:
    log = here / "ran"
    address = output if isinstance(output, str) else output(here)
    with pytest.raises(FlowError, match=words):
        await over(shouting(log=str(log)), table(here / "a.csv"), address, columns=TEXT)
    assert not log.exists(), "no row was run"
    assert not list((here.parent / "home").rglob("rows.jsonl")), "no batch was begun"


async def test_the_table_that_a_killed_batch_had_written_already_is_no_obstacle(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when the table was there, and not yet the manifest."""
    import patchbay.flows.batch.api as api

    rows = table(here / "a.csv")
    with monkeypatch.context() as killed:
        killed.setattr(api, "write_atomic", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            await over(shouting(), rows, "sqlite:///new.db#labels", columns=TEXT)
    result = await over(shouting(), rows, "sqlite:///new.db#labels", columns=TEXT, resume=True)
    assert (result.rows, len(stored("new.db"))) == (20, 20)


@pytest.mark.parametrize("first", ["sqlite:///one.db#labels", "labels.csv"])
async def test_the_manifest_of_another_output_is_not_written_over(here: Path, first: str) -> None:
    rows = table(here / "a.csv")
    await over(shouting(), rows, first, columns=TEXT)
    for other in ("sqlite:///two.db#labels", "labels.jsonl"):
        with pytest.raises(
            FlowError, match=r"labels\.manifest\.json is there already, and belongs"
        ):
            await over(shouting(), rows, other, columns=TEXT)
    said = json.loads(Path("labels.manifest.json").read_text(encoding="utf-8"))
    assert said["output"]["file"] == first
    Path("one.db" if "://" in first else first).unlink()
    await over(shouting(), rows, "sqlite:///two.db#labels", columns=TEXT)  # it is gone


async def test_a_relative_address_is_another_one_elsewhere(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches of different folders were taken for one."""
    there = here.parent / "there"
    there.mkdir()
    address = "sqlite:///new.db#labels"
    mine = spool_folder(address)
    assert mine == spool_folder(f"sqlite:///{here}/new.db#labels")
    monkeypatch.chdir(there)
    assert spool_folder(address) != mine
    server = "postgresql://host/base#labels"
    assert spool_folder(server) == spool_folder(server)


@pytest.mark.parametrize("form", ["parquet", "sql"])
@pytest.mark.parametrize(
    ("numbers", "kept"),
    [
        ([1, 2**80], ["1", str(2**80)]),
        ([1.5, 2**53 + 1], ["1.5", str(2**53 + 1)]),
        ([1, 2**63 - 1], [1, 2**63 - 1]),
        ([-(2**63) - 1], [str(-(2**63) - 1)]),
        ([1.5, 2], [1.5, 2.0]),
    ],
)
async def test_numbers_keep_all_their_digits(
    here: Path, form: str, numbers: list[Any], kept: list[Any]
) -> None:
    """The batch ended in an error when every row was done, or a number lost its last digits."""
    rows = json_table(here / "a.jsonl", [{"review": "r", "n": n} for n in numbers])
    await over(shouting(), rows, "sqlite:///o.db#labels" if form == "sql" else "o.parquet")
    if form == "sql":
        found = stored("o.db")
    else:
        import pyarrow.parquet

        found = pyarrow.parquet.read_table("o.parquet").to_pylist()
    assert [row["n"] for row in found] == kept


def test_names_that_a_database_takes_for_one() -> None:
    names = column_names(["id", "ID", "id_2", "", " ", "label"])
    assert list(names.values()) == ["id", "ID_2", "id_2_2", "column_4", "column_5", "label"]


async def test_columns_that_differ_in_case_or_have_no_name(here: Path) -> None:
    rows = json_table(here / "a.jsonl", [{"review": "r", "id": 1, "ID": 2, "": 3}])
    await over(shouting(), rows, "sqlite:///o.db#labels")
    assert stored("o.db") == [{"review": "r", "id": 1, "ID_2": 2, "column_4": 3, "label": "R"}]


@pytest.mark.parametrize("output", ["sqlite:///o.db#labels", "o.parquet", "o.csv", "o.jsonl"])
async def test_where_every_row_failed_it_is_told(here: Path, output: str) -> None:
    rows = json_table(here / "a.jsonl", [{"review": "neither"}])
    result = await over(picky(), rows, output)
    assert (result.rows, result.failed) == (0, 1)
    assert result.failures is not None
    assert len(lines_of(result.failures)) == 1


async def test_what_a_database_refuses_in_the_end_can_be_fetched(here: Path) -> None:
    """A driver's own error was called a mistake of ours."""
    rows = json_table(here / "a.jsonl", [{"review": "r", "half": "\ud800"}])
    with pytest.raises(FlowError, match="The database refuses") as refused:
        await over(shouting(), rows, "sqlite:///o.db#labels")
    kept = Path(refused.value.problems[0].fix.rpartition("They lie in ")[2].rstrip("."))
    assert lines_of(kept)[0]["label"] == "R"


def test_a_file_goes_to_another_file_system(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patchbay's home, where a batch into a database is kept, may be on another disk than it."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == here.stat().st_dev:
        pytest.skip("there is no second file system")
    source = other / f"patchbay-{os.getpid()}"
    source.write_text("rows", encoding="utf-8")
    move_file(source, here / "there")
    source.unlink()
    assert [path.name for path in here.iterdir()] == ["there"]
    assert Path("there").read_text(encoding="utf-8") == "rows"


@pytest.mark.parametrize("read", [True, False])
async def test_the_text_of_a_file_is_kept_where_that_is_asked(here: Path, read: bool) -> None:
    """It was null."""
    (here / "in").mkdir()
    (here / "in" / "a.txt").write_text("good", encoding="utf-8")
    (here / "in" / "b.png").write_bytes(b"\xff\xfe")
    columns = {"review": "text" if read else "name"}
    result = await over(shouting(), "in", "o.jsonl", columns=columns, keep=("name", "text"))
    label = "GOOD" if read else "A.TXT"
    assert lines_of("o.jsonl") == [{"name": "a.txt", "text": "good", "label": label}]
    assert result.failures is not None
    assert "cannot be read" in lines_of(result.failures)[0]["message"]


async def test_a_kept_column_that_no_row_has_is_told(here: Path) -> None:
    """Of JSON Lines, whose rows have columns of their own; of a table it is refused."""
    rows = json_table(here / "a.jsonl", [{"review": "r"}, {"review": "s", "id": 1}])
    result = await over(shouting(), rows, "o.jsonl", keep=("id", "idd"))
    assert result.not_seen == ("idd",)
    assert [row["id"] for row in lines_of("o.jsonl")] == [None, 1]
    result = await over(shouting(), rows, "p.jsonl", keep=("id",))
    assert result.not_seen == ()

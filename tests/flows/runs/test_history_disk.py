"""What the disk does to the history: told in words, moved aside, or read only. Old ones open."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import RunFinished, RunWarned
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run
from patchbay.flows.runs.store import MIGRATIONS, SCHEMA
from patchbay.flows.runs.tables import all_tables
from tests.flows.runs.harness import CATALOG, OUT, environment, flow
from tests.paths import ROOT

OLD = ROOT / "tests" / "fixtures" / "history-1.sql"
SMALL = flow({"a": "test.text", "o": OUT}, ["a.text > o.value"], name="Small")


def at(path: Path) -> History:
    return History(f"sqlite:///{path}")


async def record(history: History, document: Flow = SMALL) -> list[object]:
    run = Run(document, {}, environment())
    run.add_sink(history.recorder(run.id, document))
    return [event async for event in run.events()]


def old_history(path: Path) -> Path:
    """The history that Patchbay 0.1 wrote: two runs, one of which failed."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    return path


# --- damage -------------------------------------------------------------------------------------


def no_database(path: Path) -> None:
    path.write_text("this is no database " * 500)


def torn_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xee" * (len(data) - 4096)
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def of_another_program(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE runs (title TEXT)")


DAMAGE = [no_database, torn_pages, cut, of_another_program]


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_history_is_moved_aside_and_the_next_run_is_recorded(
    damage: object, tmp_path: Path
) -> None:
    path = old_history(tmp_path / "history.sqlite")
    damage(path)  # type: ignore[operator]
    history = at(path)
    assert history.runs() == []
    assert str(path) in history.notice
    assert "history.sqlite.damaged-1" in history.notice
    assert (tmp_path / "history.sqlite.damaged-1").stat().st_size > 0
    await record(history)
    assert [past.name for past in history.runs()] == ["Small"]
    history.close()
    again = at(path)
    assert (again.notice, len(again.runs())) == ("", 1)
    again.close()


async def test_damage_while_a_run_is_recorded_loses_only_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    history = at(path)

    def spoil(event: object) -> None:
        if getattr(event, "type", "") == "node_started" and event.node == "o":  # type: ignore[attr-defined]
            history._store._engine.dispose()
            for file in tmp_path.glob("history.sqlite*"):
                file.unlink()
            no_database(path)

    run = Run(SMALL, {}, environment(sinks=(spoil,)))
    run.add_sink(history.recorder(run.id, SMALL))
    found = [event async for event in run.events()]
    assert isinstance(found[-1], RunFinished)
    assert not any(isinstance(event, RunWarned) for event in found)
    (past,) = history.runs()
    assert (past.name, past.status, past.outputs) == ("Small", "finished", {"out": "hi"})
    assert "damaged-1" in history.notice
    history.close()


def test_each_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    for _ in range(3):
        no_database(path)
        at(path).close()
    assert len(list(tmp_path.glob("history.sqlite.damaged-?"))) == 3


# --- a disk that refuses ------------------------------------------------------------------------


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """The kernel refuses every byte that would be written, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_at_the_start_of_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with no_room(), pytest.raises(FlowError) as refused:
        at(path)
    (problem,) = refused.value.problems
    assert problem.code == "history/unwritable"
    assert str(path) in problem.message
    assert "PATCHBAY_HOME" in problem.fix


async def test_no_room_while_a_run_is_recorded(tmp_path: Path) -> None:
    history = at(tmp_path / "history.sqlite")
    run = Run(SMALL, {}, environment())
    run.add_sink(history.recorder(run.id, SMALL))
    with no_room():
        found = [event async for event in run.events()]
    assert isinstance(found[-1], RunFinished), "the run itself goes on"
    (warning,) = (
        event.message for event in found if "no longer recorded" in getattr(event, "message", "")
    )
    assert str(tmp_path / "history.sqlite") in warning
    assert "INSERT" not in warning
    history.close()


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder in which nobody may write; as root, by being nobody for a while."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    old_history(folder / "history.sqlite").chmod(0o644)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    else:
        folder.chmod(0o555)
        (folder / "history.sqlite").chmod(0o444)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
async def test_a_home_that_is_read_only_can_still_be_looked_at(guarded: Path) -> None:
    history = at(guarded / "history.sqlite")
    assert [past.name for past in history.runs()] == ["Read", "Greet"]
    assert "can only be read" in history.notice
    found = await record(history)
    assert isinstance(found[-1], RunFinished)
    told = [event.message for event in found if isinstance(event, RunWarned)]
    assert len(told) == 1
    assert "no longer recorded" in told[0]
    assert str(guarded) in told[0]
    history.close()
    with pytest.raises(FlowError, match=r"elsewhere\.sqlite cannot be used"):
        at(guarded / "elsewhere.sqlite")


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(FlowError, match=r"history\.sqlite cannot be used"):
        at(tmp_path / "home" / "history.sqlite")


# --- versions of the schema ---------------------------------------------------------------------


async def test_the_history_of_the_first_version_opens(tmp_path: Path) -> None:
    history = at(old_history(tmp_path / "history.sqlite"))
    read, greet = history.runs()
    assert (greet.status, greet.outputs) == ("finished", {"greeting": "Hello world"})
    assert (read.status, read.problem["code"]) == ("failed", "branch/wrong-type")  # type: ignore[index]
    assert greet.flow.name == "Greet"
    assert [event["type"] for event in history.events(greet.id)][-1] == "run_finished"
    again = resumed_run(history, read, environment())
    sources = {
        e.node: e.source for e in [e async for e in again.events()] if e.type == "node_finished"
    }
    assert sources["t"] == "resumed"
    history.close()


def test_a_migration_is_made_once(tmp_path: Path) -> None:
    made = []

    def with_notes(db: sa.Connection) -> None:
        made.append("notes")
        db.execute(sa.text("ALTER TABLE runs ADD COLUMN note TEXT"))

    path = old_history(tmp_path / "history.sqlite")
    for _ in range(2):
        history = History(f"sqlite:///{path}", {**MIGRATIONS, SCHEMA: with_notes})
        assert len(history.runs()) == 2
        history.close()
    assert made == ["notes"]
    with pytest.raises(FlowError, match="newer Patchbay") as refused:
        at(path)
    assert refused.value.problems[0].code == "history/newer"
    assert list(tmp_path.glob("*.damaged-*")) == [], "it is no damage"


def test_a_migration_that_fails_leaves_the_history_as_it_was(tmp_path: Path) -> None:
    def broken(db: sa.Connection) -> None:
        db.execute(sa.text("ALTER TABLE runs ADD COLUMN note TEXT"))
        raise ZeroDivisionError

    path = old_history(tmp_path / "history.sqlite")
    with pytest.raises(ZeroDivisionError):
        History(f"sqlite:///{path}", {**MIGRATIONS, SCHEMA: broken})
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert "note" not in [row[1] for row in db.execute("PRAGMA table_info(runs)")]
    history = at(path)
    assert len(history.runs()) == 2
    history.close()


def test_a_new_history_says_its_version(tmp_path: Path) -> None:
    at(tmp_path / "history.sqlite").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite")) as db:
        assert db.execute("SELECT version FROM schema_version").fetchall() == [(SCHEMA,)]


def test_a_new_history_has_the_tables_that_an_upgraded_one_gets(tmp_path: Path) -> None:
    """A new one is made by statements that are kept; every other one by SQLAlchemy's looks."""

    def made(path: Path) -> set[tuple[str, str]]:
        with contextlib.closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            return {(name, " ".join(sql.split())) for name, sql in rows}

    new, other = tmp_path / "new.sqlite", tmp_path / "other.sqlite"
    at(new).close()
    engine = sa.create_engine(f"sqlite:///{other}")
    all_tables().create_all(engine)
    engine.dispose()
    assert made(new) == made(other)
    assert len(made(new)) > len(all_tables().tables), "with indexes"


def test_values_of_old_histories_are_decoded(tmp_path: Path) -> None:
    history = at(old_history(tmp_path / "history.sqlite"))
    (greet,) = (past for past in history.runs() if past.name == "Greet")
    stored = history.stored(greet.id, CATALOG.value_types)
    assert stored["m"].outputs["model"].weights == "smollm2-135m-instruct"
    history.close()

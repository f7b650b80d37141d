"""The database of the history: its tables, its schema's version, and what the disk may do to it."""

from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.address import VARIABLE, history_address, no_driver, parsed
from patchbay.flows.runs.one_host import Stamp
from patchbay.flows.runs.sizing import count_all
from patchbay.flows.runs.tables import TOP_EVENTS, all_tables, made_in_sqlite
from patchbay.nodes.private import is_private, private_file, private_folder

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

log = logging.getLogger("patchbay")

T = TypeVar("T")

Migration = Callable[["Connection"], None]
"""Turns a database of one version into the next one, inside a transaction."""

SCHEMA = 7
"""The number of the current schema. Histories without a number are of version 1."""


def _only_tables(db: Connection) -> None:
    """The next version has more tables, which are there by now, and is else the same."""


def _count_runs(db: Connection) -> None:
    """The next version knows how large each run is, and finds the events of its nodes at once."""
    events = all_tables().tables["events"]
    for index in events.indexes:
        if index.name == TOP_EVENTS:
            index.create(db, checkfirst=True)
    count_all(db)


MIGRATIONS: Mapping[int, Migration] = {
    1: _only_tables, 2: _only_tables, 3: _only_tables, 4: _count_runs, 5: _only_tables,
    6: _only_tables,
}  # fmt: skip
"""Version → what leads to the next one. 2 has the journal's steps, 3 questions and answers, 4
conversations and memory, 5 sizes of runs, 6 leases, 7 where runs came from."""

_LOCK = 0x7061746368
"""Held on a server while tables are made: of two that find none, one would fail."""

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
OTHER_TABLES = ("no such table", "no such column", "has no column")
"""What SQLite says of a file that holds something else than a history."""
REFUSALS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "it may not be written",
    sqlite3.SQLITE_IOERR: "the disk does not take it",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_LOCKED: "another process holds it",
}


class Store:
    """The open database.

    Args:
        url: a SQLAlchemy URL; unless given, that of PATCHBAY_HISTORY, or a SQLite file under the
            home folder.
        migrations: the upgrades of older schemas.

    Raises:
        FlowError: the disk or the server refuses, or a newer Patchbay wrote the file.
    """

    def __init__(self, url: str | None = None, migrations: Mapping[int, Migration] = MIGRATIONS):
        self.notice = ""
        """What happened to the file that the person should know; "" for nothing."""
        self.generation = 0
        """Raised when a damaged file was moved aside and a new one was begun."""
        self._tables = all_tables()
        self._migrations = migrations
        self._url = parsed(history_address() if url is None else url)
        is_file = self._url.get_backend_name() == "sqlite" and self._url.database
        self.path = Path(self._url.database) if is_file and self._url.database else None
        self._stamp = None if self.path is None else Stamp(self.path)
        self._engine = self._connect(self._url)
        try:
            self._open()
        except Exception as error:
            if not self._heal(error):
                raise self._in_words(error) from error

    def table(self, name: str) -> Table:
        """A table by name."""
        return self._tables.tables[name]

    def do(
        self, work: Callable[[Connection], T], *, write: bool = False, durable: bool = True
    ) -> T:
        """Work on the database, in one transaction. A damaged file is replaced, and worked on.

        Args:
            work: gets the connection; may be called twice.
            write: whether it writes.
            durable: whether what it writes must be on the disk afterwards, and not only safe from
                the end of this process.

        Raises:
            FlowError: the disk refuses.
        """
        try:
            return self._once(work, write, durable)
        except Exception as error:
            if not self._heal(error):
                raise self._in_words(error) from error
        return self._once(work, write, durable)

    def _once(self, work: Callable[[Connection], T], write: bool, durable: bool) -> T:
        if not write:
            with self._engine.connect() as db:
                return work(db)
        self.stamp()
        with self._engine.connect() as db:
            if self.path is not None:
                level = "FULL" if durable else "NORMAL"
                db.connection.cursor().execute(f"PRAGMA synchronous = {level}")
            # One that reads before it writes would be refused at once if another wrote in between
            # (SQLITE_BUSY_SNAPSHOT), however long it may wait; so it takes its turn at the start.
            db = db.execution_options(begin="BEGIN IMMEDIATE")
            with db.begin():
                if not durable and self._engine.dialect.name == "postgresql":
                    db.exec_driver_sql("SET LOCAL synchronous_commit = off")
                return work(db)

    def erase(self, work: Callable[[Connection], T]) -> T:
        """Do what deletes, so that nothing of it stands in SQLite's files afterwards, where a
        recovery might find it again.

        Raises:
            FlowError: the disk refuses.
        """

        def erasing(db: Connection) -> T:
            if self.path is not None:
                db.exec_driver_sql("PRAGMA secure_delete = ON")
            return work(db)

        done = self.do(erasing, write=True)
        self._tidy()
        return done

    def _tidy(self) -> None:
        """Take what was deleted out of SQLite's log, which holds it until it is written over."""
        if self.path is not None:
            with self._engine.connect() as db, contextlib.suppress(Exception):
                db.exec_driver_sql("COMMIT")  # a checkpoint cannot be in a transaction
                db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                db.exec_driver_sql("BEGIN")

    def size(self) -> int | None:
        """Bytes of the file, with what is not yet moved into it; None for a server."""
        if self.path is None:
            return None
        files = [self.path, Path(f"{self.path}-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def compact(self) -> None:
        """Give back the room of what was deleted."""
        if self.path is None:
            return
        with contextlib.suppress(Exception), self._engine.connect() as db:  # it is room, no more
            db.connection.cursor().execute("VACUUM")
            db.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def stamp(self) -> None:
        """Say that this machine writes the file.

        Raises:
            FlowError: another one does.
        """
        if self._stamp is not None:
            self._stamp.make()

    def is_elsewhere(self) -> bool:
        """Whether another machine may be writing the file."""
        return self._stamp is not None and self._stamp.is_of_another()

    def close(self) -> None:
        """Close the database."""
        if self._stamp is not None:
            self._stamp.take_away()
        self._engine.dispose()

    # --- opening ----------------------------------------------------------------------------

    def _connect(self, url: Any) -> Engine:
        import sqlalchemy as sa

        try:
            engine = sa.create_engine(url)
        except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
            raise no_driver(url, error) from error
        if engine.dialect.name == "sqlite":
            if "immutable" not in str(url):
                sa.event.listen(engine, "connect", _prepare_sqlite)
            # Python's driver begins no transaction for what changes tables; a migration needs one.
            sa.event.listen(engine, "connect", _leave_transactions)
            sa.event.listen(engine, "begin", _begin)
        return engine

    def _open(self) -> None:
        """Make the tables, or upgrade them. Two processes may come here at the same moment."""
        if self.path is None:
            with self._engine.begin() as db:
                if db.dialect.name == "postgresql":
                    db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                self._bring_up_to_date(db)
            return
        from filelock import FileLock

        if is_private(private_folder(self.path.parent)):
            private_file(self.path)  # SQLite would make one that every account can read
        with FileLock(f"{self.path}.lock", mode=0o600), self._engine.begin() as db:
            self._bring_up_to_date(db)

    def _bring_up_to_date(self, db: Connection) -> None:
        import sqlalchemy as sa

        there = sa.inspect(db).get_table_names()
        fresh = "runs" not in there
        if there or db.dialect.name != "sqlite":
            self._tables.create_all(db)
        else:
            for statement in made_in_sqlite():
                db.exec_driver_sql(statement)
        numbers = self.table("schema_version")
        known = db.execute(numbers.select()).scalar()
        version = int(known) if known is not None else (SCHEMA if fresh else 1)
        latest = max([SCHEMA, *(number + 1 for number in self._migrations)])
        if version > latest:
            raise FlowError([self._newer(version)])
        for number in range(version, latest):
            self._migrations[number](db)
        if known is None:
            db.execute(numbers.insert().values(version=latest))
        elif known != latest:
            db.execute(numbers.update().values(version=latest))

    # --- what the disk may do ---------------------------------------------------------------

    def _heal(self, error: Exception) -> bool:
        """Go on after an error, where that can be done: with a new file, or by reading only."""
        if self.path is None or isinstance(error, FlowError):
            return False
        if _is_damage(error):
            return self._move_aside()
        return _is_read_only(error) and self._read_only(error)

    def _move_aside(self) -> bool:
        path = self.path
        assert path is not None  # noqa: S101 - asked for by the caller
        self._engine.dispose()
        aside = next(
            place
            for number in range(1, 10_000)
            if not (place := path.with_name(f"{path.name}.damaged-{number}")).exists()
        )
        try:
            path.replace(aside)
            for ending in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{path}{ending}").replace(f"{aside}{ending}")
        except OSError:
            return False
        self._engine = self._connect(self._url)
        self._open()
        self.generation += 1
        self.notice = (
            f"The history {path} was damaged. It has been moved to {aside.name}, and a new one "
            f"has been begun. {self._recovered(aside)}"
        ).rstrip()
        log.info(self.notice)  # who shows runs says it
        return True

    def _recovered(self, damaged: Path) -> str:
        """Take over what can be read of a damaged file; says what was."""
        from patchbay.flows.runs.recovery import recover

        try:
            with self._engine.begin() as db:
                return recover(damaged, db, self._tables).words()
        except Exception:
            log.debug("nothing could be recovered", exc_info=True)
            return ""

    def _read_only(self, error: Exception) -> bool:
        """Read a history that may not be written, if there is one."""
        import sqlalchemy as sa

        path = self.path
        if path is None or not path.is_file() or "immutable" in str(self._engine.url):
            return False
        engine = self._connect(
            sa.make_url(f"sqlite:///file:{path.absolute()}?mode=ro&immutable=1&uri=true")
        )
        try:
            with engine.connect() as db:
                db.execute(sa.text("SELECT count(*) FROM runs"))
        except (sa.exc.SQLAlchemyError, sqlite3.Error):
            return False
        self._engine = engine
        self.notice = f"The history {path} can only be read: {_reason(error)}."
        return True

    def _in_words(self, error: Exception) -> Exception:
        import sqlalchemy as sa

        # A row that is there already is no fault of the disk: whoever asked knows what it means.
        if (
            isinstance(error, FlowError)
            or _is_there_already(error)
            or not isinstance(error, (OSError, sqlite3.Error, sa.exc.SQLAlchemyError))
        ):
            return error
        place = str(self.path) if self.path else self._url.render_as_string(hide_password=True)
        if self.path is not None and _is_damage(error):
            message = f"The history {place} is damaged and cannot be moved aside."
            fix = f"Move {self.path.name} out of the folder yourself."
            return FlowError([Problem("history/damaged", message, fix)])
        message = f"The history {place} cannot be used: {_reason(error)}."
        fix = (
            "Free some space, or set PATCHBAY_HOME to a folder that can be written. "
            if self.path is not None
            else f"See that the server runs and that {VARIABLE} names it. "
        ) + "A run that is not recorded needs none."
        return FlowError([Problem("history/unwritable", message, fix)])

    def _newer(self, version: int) -> Problem:
        return Problem(
            "history/newer",
            f"The history {self.path or ''} is of version {version}, written by a newer Patchbay; "
            f"this one knows versions up to {SCHEMA}.",
            "Upgrade Patchbay, or set PATCHBAY_HOME to another folder.",
        )


def _begin(db: Connection) -> None:
    db.exec_driver_sql(db.get_execution_options().get("begin", "BEGIN"))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let several processes write; what is committed survives the process."""
    for pragma in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _leave_transactions(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _origin(error: BaseException) -> BaseException:
    """What the driver raised, under SQLAlchemy's wrapping."""
    return getattr(error, "orig", None) or error


def _code(error: BaseException) -> int | None:
    code = getattr(_origin(error), "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _is_damage(error: BaseException) -> bool:
    return _code(error) in DAMAGED or (
        isinstance(_origin(error), sqlite3.OperationalError)
        and any(words in str(_origin(error)) for words in OTHER_TABLES)
    )


def _is_there_already(error: BaseException) -> bool:
    """Whether a row could not be written because one with its key is there."""
    origin = _origin(error)
    return getattr(origin, "sqlstate", None) == "23505" or getattr(
        origin, "sqlite_errorcode", None
    ) in (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


def _is_read_only(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    return _code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def _reason(error: BaseException) -> str:
    code = _code(error)
    if code in REFUSALS:
        return REFUSALS[code]
    origin = _origin(error)
    return (origin.strerror if isinstance(origin, OSError) else None) or str(origin)

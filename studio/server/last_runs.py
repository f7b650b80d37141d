"""When the flows of a folder ran last, from the history.

The first page asks, so a history in a file is read without the database library, which takes longer
to import than the page to draw.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.address import VARIABLE

_LATEST = """
select o.file, r.name, max(r.started_at) from runs r left join run_origins o on o.run = r.id
where r.folder = ? group by o.file, r.name
"""
_BEFORE = "select null, name, max(started_at) from runs where folder = ? group by name"
"""Of a history that does not yet know the files of flows."""


@dataclass(frozen=True, slots=True)
class LastRuns:
    """When flows ran last, in Unix time: by the flow's file, and of runs that do not know it by the
    flow's name."""

    by_file: Mapping[str, float] = field(default_factory=dict)
    by_name: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_file or self.by_name)

    def of(self, titles: Mapping[Path, str]) -> dict[Path, float]:
        """Of these flows, by their files, with what each is called. A name that several have says
        nothing of any of them."""
        called = list(titles.values())
        found = {}
        for path, title in titles.items():
            alone = called.count(title) == 1
            times = [self.by_file.get(str(path.resolve()), 0.0),
                     self.by_name.get(title, 0.0) if alone else 0.0]  # fmt: skip
            if last := max(times):
                found[path] = last
        return found


def last_runs(home: Path, folder: Path) -> LastRuns:
    """When the flows of a folder ran last.

    Args:
        home: the home folder, with the history in a file; a server's is asked where there is one.
        folder: where the flows lie.
    """
    if os.environ.get(VARIABLE):
        return _on_a_server(folder)
    path = home / "history.sqlite"
    if not path.exists():
        return LastRuns()
    for query in (_LATEST, _BEFORE):
        with contextlib.suppress(sqlite3.Error):  # an older history, or one that cannot be read
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
            with contextlib.closing(db):
                return _told(db.execute(query, (str(folder),)).fetchall())
    return LastRuns()


def _told(rows: Iterable[Collection[object]]) -> LastRuns:
    found = LastRuns({}, {})
    for file, name, at in rows:
        known, key = (found.by_file, file) if file else (found.by_name, name)
        assert isinstance(known, dict)  # noqa: S101 - made above
        known[str(key)] = max(known.get(str(key), 0.0), float(str(at)))
    return found


def _on_a_server(folder: Path) -> LastRuns:
    import sqlalchemy as sa

    from patchbay.studio.server.services import services

    with contextlib.suppress(FlowError):
        history = services().history
        runs, origins = history.table("runs"), history.table("run_origins")
        columns = sa.select(origins.c.file, runs.c.name, sa.func.max(runs.c.started_at))
        query = (
            columns.select_from(runs.outerjoin(origins, origins.c.run == runs.c.id))
            .where(runs.c.folder == str(folder))
            .group_by(origins.c.file, runs.c.name)
        )
        return _told(history.read(lambda db: [tuple(row) for row in db.execute(query)]))
    return LastRuns()

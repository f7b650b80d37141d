"""When the flows of a folder ran last, from the history.

The first page asks, so a history in a file is read without the database library, which takes longer
to import than the page to draw.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.address import VARIABLE

_LATEST = "select name, max(started_at) from runs where folder = ? group by name"


def last_runs(home: Path, folder: Path) -> Mapping[str, float]:
    """Name of a flow → when it ran last, as Unix time in seconds.

    Args:
        home: the home folder, with the history in a file; a server's is asked where there is one.
        folder: where the flows lie.
    """
    if os.environ.get(VARIABLE):
        return _on_a_server(folder)
    path = home / "history.sqlite"
    if not path.exists():
        return {}
    with contextlib.suppress(sqlite3.Error):  # an older history, or one that cannot be read
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        with contextlib.closing(db):
            return dict(db.execute(_LATEST, (str(folder),)).fetchall())
    return {}


def _on_a_server(folder: Path) -> Mapping[str, float]:
    import sqlalchemy as sa

    from patchbay.studio.server.services import services

    with contextlib.suppress(FlowError):
        history = services().history
        runs = history.table("runs")
        query = sa.select(runs.c.name, sa.func.max(runs.c.started_at)).where(
            runs.c.folder == str(folder)
        )
        return dict(history.read(lambda db: db.execute(query.group_by(runs.c.name)).fetchall()))
    return {}

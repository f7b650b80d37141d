"""How many questions wait for this browser: the count in the navigation.

Every page asks for it, again and again, so it is read without the database library, which takes
longer to import than the first page to draw.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from pathlib import Path

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.address import VARIABLE
from patchbay.studio.runs.owners import owners_in

_OPEN = """
select q.run, count(*) from questions q join runs r on r.id = q.run
left join answers a on a.run = q.run and a.question = q.id
where a.question is null and not q.withdrawn and r.status in ('running', 'waiting') group by q.run
"""


def open_count(folder: Path, browser: str) -> int:
    """Open questions of runs that this browser started, and of those from the command line."""
    asked = _on_a_server() if os.environ.get(VARIABLE) else _in_a_file(folder / "history.sqlite")
    if not asked:
        return 0
    owners = owners_in(folder / "run-owners.jsonl")
    return sum(number for run, number in asked if owners.get(run, browser) == browser)


def _in_a_file(path: Path) -> list[tuple[str, int]]:
    if not path.exists():
        return []
    with contextlib.suppress(sqlite3.Error):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        with contextlib.closing(db):
            return db.execute(_OPEN).fetchall()
    return []  # an older history, or one that cannot be read: its own page says so


def _on_a_server() -> list[tuple[str, int]]:
    from patchbay.studio.server.services import services

    with contextlib.suppress(FlowError):
        asked = services().history.inbox.open()
        return list(Counter(question.run for question in asked).items())
    return []

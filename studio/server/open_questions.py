"""How many questions wait for this browser: the count in the navigation.

Every page shows it, so it is read without the database library, which takes longer to import than
the first page to draw.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from pathlib import Path

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.address import VARIABLE
from patchbay.nodes.home import home
from patchbay.studio.runs.owners import owners_in
from patchbay.studio.server import session

_OPEN = """
select q.run, count(*) from questions q join runs r on r.id = q.run
left join answers a on a.run = q.run and a.question = q.id
where a.question is null and not q.withdrawn and r.status in ('running', 'waiting') group by q.run
"""


def open_words() -> str:
    """`Inbox`, or `Inbox (2)`."""
    number = open_count(home(), session.browser())
    return f"Inbox ({number})" if number else "Inbox"


def open_count(folder: Path, browser: str) -> int:
    """Open questions of runs that this browser started, and of those from the command line."""
    path = folder / "history.sqlite"
    owners = owners_in(folder / "run-owners.jsonl")
    if os.environ.get(VARIABLE):
        return sum(n for run, n in _on_a_server() if owners.get(run, browser) == browser)
    if not path.exists():
        return 0
    with contextlib.suppress(sqlite3.Error):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        with contextlib.closing(db):
            rows = db.execute(_OPEN).fetchall()
        return sum(n for run, n in rows if owners.get(run, browser) == browser)
    return 0  # an older history, or one that cannot be read: its own page says so


def _on_a_server() -> list[tuple[str, int]]:
    from patchbay.studio.server.services import services

    with contextlib.suppress(FlowError):
        asked = services().history.inbox.open()
        return list(Counter(question.run for question in asked).items())
    return []

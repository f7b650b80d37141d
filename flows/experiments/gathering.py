"""Cases from what was asked before: past runs, the turns of chats, and thumbs and comments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from patchbay.flows.experiments.case_sets import CaseRow, asked_by
from patchbay.flows.runs.origins import files_of
from patchbay.flows.runs.thumbs import thumbs_by_run
from patchbay.nodes.values import TAG

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History, PastRun

Right = Literal["thumbs up", "always", "never"]
"""Whether what a run gave counts as what should come out: where a person has liked it, whatever it
was, or not at all."""
MOST = 5000
"""Runs that are looked through, the latest first."""


def rows_of_runs(
    history: History,
    flow: str,
    inputs: Collection[str],
    output: str,
    right: Right = "thumbs up",
    *,
    rated: bool = False,
    file: Path | None = None,
    among: Callable[[str], bool] = lambda run: True,
) -> list[CaseRow]:
    """A row for each run that has finished of a flow, those of chats too.

    Args:
        history: where runs are recorded.
        flow: what the flow is called. Of runs that know their flow's file, the file counts.
        inputs: names of its inputs.
        output: the output that should come out.
        right: whether what came out then is right.
        rated: only runs that somebody has put a thumb or a comment on.
        file: the flow's.
        among: whether a run with this id may be looked at.
    """
    thumbs = thumbs_by_run()
    ended = [past for past in history.runs(MOST) if past.status == "finished" and among(past.id)]
    files = files_of(history, [past.id for past in ended])
    found = []
    for past in ended:
        thumb = thumbs.get(past.id)
        ran = files.get(past.id)
        same = past.name == flow if file is None or ran is None else ran == file.resolve()
        if not same or (rated and thumb is None):
            continue
        if (row := _row(past, inputs)) is not None:
            liked = right == "always" or (right == "thumbs up" and _rating(thumb) > 0)
            row["expected"] = plain_value(past.outputs.get(output, "")) if liked else ""
            row["from"] = f"run {past.id}"
            if thumb is not None:
                row |= {"rating": _rating(thumb), "comment": str(thumb.get("comment", ""))}
            found.append(row)
    return list(_once(found))


def _row(past: PastRun, inputs: Collection[str]) -> CaseRow | None:
    """The inputs of a run; None where one is a file or nothing was given."""
    row: CaseRow = {}
    for name, value in past.inputs.items():
        if name not in inputs:
            continue
        if isinstance(value, Mapping) and value.get(TAG) == "fileref":
            return None  # the file may be another by now
        row[name] = plain_value(value)
    return row or None


def _once(rows: Iterable[CaseRow]) -> Iterable[CaseRow]:
    """Of rows that ask the same, the latest, or one that says what is right."""
    best: dict[str, CaseRow] = {}
    for row in rows:
        asked = asked_by(row)
        known = best.get(asked)
        if known is None or (not known["expected"] and row["expected"]):
            best[asked] = row
    return best.values()


def plain_value(value: Any) -> Any:
    """A value in its stored form as people write it: messages as role and content."""
    if isinstance(value, list):
        return [plain_value(one) for one in value]
    if isinstance(value, Mapping) and value.get(TAG) == "message":
        return {"role": value.get("role", ""), "content": value.get("content", "")}
    return value


def _rating(thumb: Mapping[str, Any] | None) -> int:
    return int(thumb.get("rating") or 0) if thumb else 0

"""What a conversation waits for: asked at the terminal, where its answer would stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.flows.cli import say
from patchbay.flows.cli.questions import command, lines_of
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.inbox import OpenQuestion
    from patchbay.nodes.values import Value

LEFT = "It stays open: /answer asks again. From elsewhere:"


def waiting_run(history: History, thread: str | None) -> str:
    """The run that a thread waits for because a person is asked; "" where there is none."""
    from patchbay.flows.runs.threads import Threads

    found = Threads(history).find(thread) if thread else None
    if found is None or not found.run:
        return ""
    return found.run if history.get(found.run).status == "waiting" else ""


def waits(history: History, thread: str, run: str) -> FlowError:
    """Why nothing can be said in a thread just now."""
    asked = history.inbox.open(run)
    title = f': "{asked[0].title}"' if asked else ""
    fix = (
        f"Answer it first (/answer, or patchbay answer {run}), or end it: patchbay runs stop {run}"
    )
    message = f'The conversation "{thread}" waits for an answer{title}'
    return FlowError([Problem("thread/busy", message, fix)])


def ask_here(history: History, run: str, types: Mapping[str, type[Value]]) -> bool | None:
    """Have the person at the terminal answer what a run asks, one question after the other.

    Returns:
        Whether the run is this process's to go on with; None where questions stay open.
    """
    mine = False
    while open_ones := history.inbox.open(run):
        asked = open_ones[0]
        try:
            mine = _answer(history, asked, types) or mine
        except (KeyboardInterrupt, NodeError):
            say.err("")
            say.err(f"{LEFT} {command(run, asked.id, asked.asks, alone=len(open_ones) == 1)}")
            return None if not mine else True
        except FlowError as error:  # somebody was faster, or a plugin is missing
            say.problems(error.problems)
            if history.inbox.open(run) == open_ones:
                return None
    return mine


def _answer(history: History, asked: OpenQuestion, types: Mapping[str, type[Value]]) -> bool:
    from patchbay.flows.cli.asker import until_right
    from patchbay.flows.runs.answers import give

    say.err("")
    for line in lines_of(asked.asks, asked.until):
        say.err(line)
    try:
        question = asked.question(types)
    except ValueError as error:
        raise FlowError([Problem("question/value", str(error), "")]) from None
    value, comment = until_right(question)
    return give(history, asked, value, comment=comment, types=types)

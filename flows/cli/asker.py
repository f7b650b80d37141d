"""A question at the terminal, for a run that is not recorded: asked, read, asked again if wrong."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from patchbay.flows.cli import say
from patchbay.flows.cli.changed import changed_lines
from patchbay.flows.cli.given import Given, field_value, parsed, read
from patchbay.flows.cli.questions import lines_of, type_words
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import person
from patchbay.nodes.errors import NodeError
from patchbay.nodes.questions import (
    ApprovalWanted,
    ChoiceWanted,
    DecisionWanted,
    EditWanted,
    FormWanted,
    Question,
    Reply,
    checked,
)
from patchbay.nodes.threads import in_thread

if TYPE_CHECKING:
    from patchbay.flows.runs.events import NodeAsked

_one_at_a_time: asyncio.Lock | None = None


async def ask(event: NodeAsked, question: Question) -> Reply:
    """The answer of the person at the terminal. One question at a time.

    Raises:
        NodeError: the terminal was closed before there was an answer.
    """
    global _one_at_a_time
    if _one_at_a_time is None:
        _one_at_a_time = asyncio.Lock()
    async with _one_at_a_time:
        say.err("")
        for line in lines_of(event.asks):
            say.err(line)
        value, comment = await in_thread(until_right, question)
    return Reply(value, person(), time.time(), comment)


def until_right(question: Question) -> tuple[Any, str]:
    """What the person says, and a comment; asked again until it is an answer. Blocks.

    Raises:
        NodeError: the terminal was closed before there was one.
    """
    while True:
        try:
            value, comment = _read(question)
            value = checked(question, value)
            for line in changed_lines(question, value):
                say.err(f"  {line}")
            return value, comment
        except ValueError as error:
            say.err(f"  {error}")
        except FlowError as error:
            say.problems(error.problems)


def _read(question: Question) -> tuple[Any, str]:
    match question.wants:
        case ApprovalWanted():
            return _yes_or_no(_line("yes or no? "))
        case ChoiceWanted():
            return _line("your choice? "), ""
        case EditWanted():
            text = _line("the new value, or @file; empty: as it is? ")
            if not text:
                return question.value, ""
            return read(Given(value=text), question)
        case FormWanted(schema=schema):
            properties: Any = schema.get("properties", {})
            return {
                name: field_value(name, _line(f"{name} ({type_words(part)})? "), part)
                for name, part in properties.items()
            }, ""
        case DecisionWanted():
            return _decision(_line("approve, edit, reject or respond? ").strip()), ""


def _yes_or_no(text: str) -> tuple[bool, str]:
    word, _, comment = text.strip().partition(" ")
    if word.casefold().rstrip(",.") in ("y", "yes"):
        return True, comment.strip()
    if word.casefold().rstrip(",.") in ("n", "no"):
        return False, comment.strip()
    raise ValueError("Answer yes or no; a reason may follow.")


def _decision(word: str) -> Any:
    if word == "edit":
        return {"decision": "edit", "arguments": parsed(_line("the arguments, as JSON? "))}
    if word in ("reject", "respond"):
        asked = "why? " if word == "reject" else "the result? "
        return {"decision": word, "message": _line(asked)}
    return word


def _line(prompt: str) -> str:
    sys.stderr.write(f"  {prompt}")
    sys.stderr.flush()
    text = sys.stdin.readline()
    if not text:
        raise NodeError(
            "The terminal was closed before there was an answer.",
            fix="Run it again, or with --record, so that it can wait.",
            code="question/nobody",
            retry=False,
        )
    return text.rstrip("\n")

"""An answer as it is typed: `--approve`, `--choose B`, `--value @file`, `--form name=Ada`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.cli import say
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.answers import suits
from patchbay.flows.wording import printable
from patchbay.nodes.numbers import number_in
from patchbay.nodes.questions import DecisionWanted, EditWanted, FormWanted, Question
from patchbay.nodes.strict_json import once_each, parse_json

YES = ("yes", "y", "true", "1", "on")
NO = ("no", "n", "false", "0", "off")


@dataclass(frozen=True)
class Given:
    """The options of `patchbay answer` that say what the answer is."""

    approve: bool = False
    reject: str | None = None
    choose: str | None = None
    value: str | None = None
    respond: str | None = None
    form: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The options that were used."""
        return [f"--{name}" for name, value in vars(self).items() if value not in (False, None, ())]


def read(given: Given, question: Question) -> tuple[Any, str]:
    """The value of the answer and the comment.

    Raises:
        ValueError: it does not go with the question; in words.
        FlowError: a file cannot be read, or the options do not go together.
    """
    used = given.names()
    if len(used) != 1:
        said = " and ".join(used)
        message = f"{said} are different answers." if used else "There is no answer."
        fix = "Give one of --approve, --reject, --choose, --value, --respond, --form."
        raise say.usage(message, fix)
    suits(used[0], question)
    if given.approve:
        return _yes(question), ""
    if given.reject is not None:
        return _no(question, given.reject)
    if given.choose is not None:
        return given.choose, ""
    if given.respond is not None:
        return {"decision": "respond", "message": given.respond}, ""
    if given.value is not None:
        return _value(given.value, question), ""
    return fields(given.form, question), ""


def _yes(question: Question) -> Any:
    if isinstance(question.wants, DecisionWanted):
        return {"decision": "approve"}
    return True


def _no(question: Question, why: str) -> tuple[Any, str]:
    if isinstance(question.wants, DecisionWanted):
        return {"decision": "reject", "message": why}, ""
    return False, why


def _value(text: str, question: Question) -> Any:
    wants = question.wants
    text = _text_of(text)
    if isinstance(wants, EditWanted) and wants.of == "text":
        return text
    value = parsed(text)
    if isinstance(wants, DecisionWanted) and isinstance(value, dict) and "decision" not in value:
        return {"decision": "edit", "arguments": value}
    return value


def _text_of(text: str) -> str:
    """The text itself, or the content of the file after an @; `@-` reads standard input."""
    if not text.startswith("@"):
        return text
    path = text[1:]
    try:
        if path == "-":
            return sys.stdin.read()
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as error:
        reason = error.strerror or str(error)
    problem = Problem(
        "question/file",
        f"The answer cannot be read from {printable(path)}: {reason}.",
        "Check the path; the question is still open.",
    )
    raise FlowError([problem])


def parsed(text: str) -> Any:
    """JSON.

    Raises:
        ValueError: it is none, with the place.
    """
    try:
        return parse_json(text, once_each)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"This is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise ValueError(f"This is not JSON: {error}.") from None


def fields(given: Sequence[str], question: Question) -> dict[str, Any]:
    """The fields of a form. A field that is given several times is a list.

    Raises:
        ValueError: a field is not there, or its value is of another kind.
    """
    assert isinstance(question.wants, FormWanted)  # noqa: S101 - `suits` has seen to it
    properties: Any = question.wants.schema.get("properties", {})
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise ValueError(f"--form {printable(text)!r} is not name=value.")
        if name not in properties:
            there = ", ".join(properties)
            raise ValueError(f"There is no field {printable(name)!r}. There are: {there}.")
        read_value = field_value(name, _text_of(value), properties[name])
        if isinstance(read_value, list) and name in found:
            read_value = [*found[name], *read_value]
        found[name] = read_value
    for name, part in properties.items():
        if name not in found and not _required(name, question.wants):
            found[name] = part.get("default")
    return found


def _required(name: str, form: FormWanted) -> bool:
    required = form.schema.get("required", [])
    return isinstance(required, list) and name in required


def field_value(name: str, text: str, part: Mapping[str, Any]) -> Any:
    """One field of a form, of the type that its schema says.

    Raises:
        ValueError: it is of another type; in words.
    """
    if "anyOf" in part:
        others = [one for one in part["anyOf"] if one.get("type") != "null"]
        if not text.strip() and len(others) < len(part["anyOf"]):
            return None
        return field_value(name, text, others[0])
    kind = part.get("type")
    if kind == "array":
        if text.lstrip().startswith("["):
            return parsed(text)
        return [field_value(name, text, part.get("items", {}))]
    if kind in ("integer", "number"):
        number = number_in(text)
        whole = kind == "integer"
        if number is None or (whole and not number.is_integer()):
            what = "whole number" if whole else "number"
            raise ValueError(f'"{name}" takes a {what}, not {printable(text)!r}.')
        return int(number) if whole else number
    if kind == "boolean":
        word = text.strip().casefold()
        if word in YES or word in NO:
            return word in YES
        raise ValueError(f'"{name}" takes yes or no, not {printable(text)!r}.')
    return text

"""`--input name=value` and `--set node.param=value`, read; files, as a job was sent with them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.cli import say
from patchbay.flows.document.model import Flow
from patchbay.flows.document.readable import refuse_unreadable
from patchbay.flows.document.reading import SENT
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.inputs import flow_inputs
from patchbay.flows.wording import printable

FILE_KINDS = ("file", "documents")


def read_inputs(given: Iterable[str], resolved: Resolved) -> dict[str, Any]:
    """Flow inputs by name. `@path` reads a file; `@-` reads standard input; `@@` is an @.

    Inputs that take files get the path itself. An input given several times becomes a list.

    Raises:
        FlowError: something is not of the form `name=value`, or a file cannot be read.
    """
    kinds = {field.name: field.kind for _, field in flow_inputs(resolved)}
    found: dict[str, Any] = {}
    for text in given:
        name, value = _split(text, "--input", "question=Hello")
        read = _value(name, value, kinds.get(name, "text"))
        if name in found and kinds.get(name) in FILE_KINDS:
            before = found[name] if isinstance(found[name], list) else [found[name]]
            read = [*before, read]
        found[name] = read
    return found


def read_settings(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Params by node. Values are JSON where they can be, text otherwise."""
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        place, value = _split(text, "--set", "model.temperature=0")
        node, dot, param = place.partition(".")
        if not dot or not param:
            raise _usage(f"--set {printable(text)!r} names no param.", "--set model.temperature=0")
        found.setdefault(node, {})[param] = _json_or_text(value)
    return found


def with_settings(flow: Flow, given: Iterable[str]) -> Flow:
    """The flow with params set for this time only.

    Raises:
        FlowError: a text is not `node.param=value`, there is no such node, or what comes of it
            could not be read again.
    """
    changes = read_settings(given)
    for node_id in changes.keys() - flow.by_id().keys():
        ids = ", ".join(node.id for node in flow.nodes)
        raise say.usage(f'--set names a node "{node_id}" that is not there.', f"There are: {ids}.")
    if changes:
        flow = flow.with_params(changes)
        refuse_unreadable(flow)
    return flow


def _split(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise _usage(f"{option} {printable(text)!r} is not name=value.", f"{option} {example}")
    return name.strip(), value


def _value(name: str, value: str, kind: str) -> Any:
    if not value.startswith("@"):
        return value
    path = value[1:]
    if kind in FILE_KINDS or path.startswith("@"):
        return path
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as error:
        reason = error.strerror or str(error)
    problem = Problem(
        "input/unreadable",
        f'The input "{name}" cannot be read from {printable(path)}: {reason}.',
        f"Check the path. A text that begins with @ is given with two: --input {name}=@@text.",
    )
    raise FlowError([problem])


def _json_or_text(value: str) -> Any:
    from patchbay.nodes.strict_json import parse_once_each  # most runs change no param

    try:
        return parse_once_each(value)
    except (json.JSONDecodeError, RecursionError):
        return value
    except ValueError as error:
        raise say.usage(
            f"{printable(value)} can mean two things: {error}.", "Say it once."
        ) from None


def _usage(message: str, example: str) -> FlowError:
    return say.usage(message, f"Write it like this: {example}")


def refuse_changed_since_sent() -> None:
    """Check in a job that files are as they were when it was sent.

    Raises:
        FlowError: some are not.
    """
    if os.environ.get(SENT):
        from patchbay.flows.batch.sent import refuse_changed

        refuse_changed()

"""A flow as text, in one canonical form, and safely onto the disk.

The form is made for `git diff`: one line for one thing. Params are in order of their names, each
wire and each place on the canvas is one line, and what has its default value is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.document.explain import json_place
from patchbay.flows.document.model import Edge, Flow, FlowVariable, Group, NodeInstance, Note, Place
from patchbay.flows.document.reading import read_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.secret_shapes import secrets_in
from patchbay.flows.wording import UNSAFE, printable, quoted


def canonical_text(flow: Flow) -> str:
    """The one text of a flow: reading it gives an equal flow, writing that the same text.

    Raises:
        FlowError: a param holds what JSON cannot say (NaN, half a character, endless nesting).
    """
    try:
        parts = list(_parts(flow))
        text = "{\n" + ",\n".join(parts) + "\n}\n"
        text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        message = f"The flow cannot be written as JSON: {_reason(error)}."
        raise FlowError([Problem("file/not-json", message, "Change that value.")]) from error
    # Invisible and screen-changing characters are legal JSON, but no diff would show them.
    return UNSAFE.sub(lambda m: m[0] if m[0] == "\n" else f"\\u{ord(m[0]):04x}", text)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "a value is nested too deeply"
    if isinstance(error, UnicodeError):
        return "a text holds half a character (a lone surrogate)"
    return "a value is not plain JSON" if isinstance(error, TypeError) else "a number is not finite"


def _parts(flow: Flow) -> Iterator[str]:
    yield f'  "format": {flow.format}'
    yield f'  "name": {_json(flow.name)}'
    if flow.description:
        yield f'  "description": {_json(flow.description)}'
    if flow.variables:
        yield _entries("variables", "[]", (_variable(one) for one in flow.variables))
    yield _entries("nodes", "[]", (_block(_node(node), "    ") for node in flow.nodes))
    yield _entries("edges", "[]", (_edge(edge) for edge in flow.edges))
    if flow.notes:
        yield _entries("notes", "[]", (_block(_note(note), "    ") for note in flow.notes))
    if flow.groups:
        yield _entries("groups", "[]", (_block(_group(group), "    ") for group in flow.groups))
    if flow.layout:
        places = sorted(flow.layout.items())
        yield _entries("layout", "{}", (f"{_json(i)}: {_place(place)}" for i, place in places))


def _entries(name: str, brackets: str, lines: Iterable[str]) -> str:
    body = ",\n".join(f"    {line}" for line in lines)
    inside = f"\n{body}\n  " if body else ""
    return f'  "{name}": {brackets[0]}{inside}{brackets[1]}'


def _node(node: NodeInstance) -> dict[str, Any]:
    data: dict[str, Any] = {"id": node.id, "kind": node.kind, "version": node.version}
    if node.title is not None:
        data["title"] = node.title
    if node.disabled:
        data["disabled"] = True
    if node.params:
        data["params"] = {name: node.params[name] for name in sorted(node.params)}
    policy = node.run.model_dump(exclude_defaults=True)
    if policy:
        data["run"] = {name: _number(value) for name, value in policy.items()}
    return data


def _edge(edge: Edge) -> str:
    return f'{{"from": {_json(edge.source)}, "to": {_json(edge.target)}}}'


def _variable(one: FlowVariable) -> str:
    said: dict[str, Any] = {"name": one.name, "value": one.value}
    if one.environments:
        said["environments"] = dict(sorted(one.environments.items()))
    return _json(said)


def _note(note: Note) -> dict[str, Any]:
    return {"id": note.id, **note.model_dump(exclude={"id"}, exclude_defaults=True)}


def _group(group: Group) -> dict[str, Any]:
    data: dict[str, Any] = {"id": group.id}
    return data | group.model_dump(mode="json", exclude={"id"}, exclude_defaults=True)


def _place(place: Place) -> str:
    numbers = {k: _number(v) for k, v in place.model_dump(exclude_none=True).items()}
    return "{" + ", ".join(f'"{name}": {_json(value)}' for name, value in numbers.items()) + "}"


def _number(value: Any) -> Any:
    """Whole numbers without their `.0`, as a person would write them."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _block(value: Any, indent: str) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return text.replace("\n", "\n" + indent)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# --- disk ---------------------------------------------------------------------------------------


def save_flow(flow: Flow, path: str | os.PathLike[str]) -> None:
    """Write a flow to a file, whole or not at all.

    Raises:
        FlowError: the flow holds something like a key, its text could not be read again, or the
            disk refuses; the old file stays.
    """
    from patchbay.nodes.atomic import write_atomic  # a run only reads

    found = list(plain_secrets(flow))
    if found:
        raise FlowError(found)
    text = canonical_text(flow)
    read_text(text)
    try:
        write_atomic(Path(path), text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"{quoted(os.fspath(path), 200)} cannot be written: {reason}."
        fix = "Free some space or choose another folder; the old file is unchanged."
        raise FlowError([Problem("file/unwritable", message, fix)]) from error


def plain_secrets(flow: Flow) -> Iterator[Problem]:
    """Every place in a flow where a key seems to stand as plain text. Never repeats the key."""
    for node in flow.nodes:
        for where, kind in secrets_in(node.params):
            top = printable(str(where[0])) if where else None
            yield _plain_secret(f"Param {quoted(json_place(where))}", kind, node.id, top)
        if node.title:
            for _, kind in secrets_in(node.title):
                yield _plain_secret("The title", kind, node.id, None, OUT_OF_THE_TEXT)
    for one in flow.variables:
        for _, kind in secrets_in([one.value, *one.environments.values()]):
            what = f"The variable {quoted(one.name)}"
            yield _plain_secret(what, kind, None, None, OUT_OF_A_VARIABLE)
    texts = {"The name": flow.name, "The description": flow.description}
    texts |= {f"The note {quoted(note.id)}": note.text for note in flow.notes}
    texts |= {f"The title of group {quoted(group.id)}": group.title for group in flow.groups}
    for what, text in texts.items():
        for _, kind in secrets_in(text):
            yield _plain_secret(what, kind, None, None, OUT_OF_THE_TEXT)


NAMED_INSTEAD = (
    'Set the key in the environment and refer to it: {"secret": "NAME_OF_THE_VARIABLE"}.'
)
OUT_OF_A_VARIABLE = (
    'Take it out: variables are no secrets. Write {"secret": "NAME"} into the param itself.'
)
OUT_OF_THE_TEXT = "Take it out of the text: only nodes need keys, and they take the name of one."


def _plain_secret(
    what: str, kind: str, node: str | None, param: str | None, fix: str = NAMED_INSTEAD
) -> Problem:
    message = f"{what} holds what looks like {kind}. A flow file is shared and kept; keys are not."
    return Problem("params/plain-secret", message, fix, node=node, param=param)

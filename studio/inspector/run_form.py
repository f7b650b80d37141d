"""The form of a run as a browser draws it: what the flow asks for, what was typed, what stands in
the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from patchbay.flows.document.variables import environments, usual_environment
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.contract import InputField
from patchbay.nodes.private import private_file, private_folder
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.library import slug
from patchbay.studio.inspector.pinning import plan_words
from patchbay.studio.inspector.starting import refusals
from patchbay.studio.lenient_json import parse_lenient
from patchbay.studio.server.environments import USUAL, choose_environment, chosen_environment
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.views.memory import memory_of
from patchbay.studio.views.values import gist

FILES = ("file", "documents")
WRITTEN = ("json", "messages")
"""Kinds of input that are typed as JSON."""
UPLOAD = 200_000_000
"""Bytes that a file of an input may have."""


def form_of(document: FlowDocument, browser: str) -> dict[str, Any]:
    """What is drawn.

    Returns:
        `fields` (see `_field`), `notes` (what the run takes, and what is pinned, in words),
        `refused` (why the flow was not started when it was tried), and where there is a choice of
        environments `environment` with its `options`, the one `chosen` and what is `said` of them.
    """
    typed = services().forms.of(document.id, browser).values
    fields = [_field(field, typed) for field in asked(document.flow).inputs]
    notes = [words for words in (memory_of(document), plan_words(document)) if words]
    told: dict[str, Any] = {"fields": fields, "notes": notes}
    told["refused"] = [told_problem(one) for one in refusals(document, browser)]
    if known := environments(document.flow):
        chosen = chosen_environment(document, browser)
        told["environment"] = {
            "options": [USUAL, *known],
            "chosen": chosen if chosen in known else USUAL,
            "said": _said(),
        }
    return told


def told_problem(problem: Problem) -> dict[str, str]:
    """A problem as a browser shows it: its `place`, `message` and `fix`."""
    return {"place": problem.place, "message": problem.message, "fix": problem.fix}


def _said() -> str:
    """What this machine says of environments."""
    try:
        here = usual_environment()
    except FlowError as error:
        return " ".join(f"{problem.message} {problem.fix}" for problem in error.problems)
    return f"This machine is {here}." if here else ""


def _field(field: InputField, typed: Mapping[str, Any]) -> dict[str, Any]:
    """A field: `name`, `kind`, `required`, `doc`, `choices`, and what stands in it: a `text`; of
    files their `files` by name, and what is taken `without` one."""
    told: dict[str, Any] = {
        "name": field.name,
        "kind": field.kind,
        "required": field.required,
        "doc": field.description,
        "choices": [str(choice) for choice in field.choices],
    }
    value = typed.get(field.name, field.default)
    if field.kind in FILES:
        given = typed.get(field.name)
        paths = given if isinstance(given, list) else [given] if given else []
        told["files"] = [str(path).replace("\\", "/").rpartition("/")[2] for path in paths]
        told["without"] = gist(field.default) if field.default else ""
    else:
        told["text"] = text_of(field, value)
    return told


def text_of(field: InputField, value: Any) -> str:
    """What stands in the field of an input for a value."""
    if value is None:
        return ""
    if field.kind == "number":
        try:
            return f"{float(value):g}" if abs(float(value)) < 1e6 else repr(float(value))
        except (TypeError, ValueError):
            return ""
    if field.kind == "choice":
        return str(value) if value in field.choices else ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def meant(field: InputField, text: str) -> Any:
    """The value that a typed text means; None for nothing."""
    if field.kind == "number":
        try:
            return float(text) if text.strip() else None
        except ValueError:
            return text  # the run says what is wrong with it
    if field.kind == "choice":
        return next((choice for choice in field.choices if str(choice) == text), None)
    if field.kind in WRITTEN and text.strip():
        value, error = parse_lenient(text)
        return text if error else value
    return text


def take_typed(document: FlowDocument, browser: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what was typed: `typed`, texts by the names of inputs; or the `environment` chosen.

    Returns:
        The form as it is then, see `form_of`.
    """
    form = services().forms.of(document.id, browser)
    fields = {field.name: field for field in asked(document.flow).inputs}
    texts = wish.get("typed")
    for name, text in texts.items() if isinstance(texts, Mapping) else ():
        if name not in fields:
            continue
        if text is None:  # a field of files was emptied
            form.values.pop(name, None)
        elif fields[name].kind not in FILES:
            form.values[name] = meant(fields[name], str(text))
        form.refused = (-1, ())
    chosen = wish.get("environment")
    if isinstance(chosen, str) and chosen in (USUAL, *environments(document.flow)):
        choose_environment(document, chosen, browser)
    return form_of(document, browser)


def take_file(
    document: FlowDocument, browser: str, name: str, file: str, data: bytes, *, more: bool
) -> dict[str, Any] | None:
    """Keep a file that was given for an input, in the home folder, so that a run can be repeated.

    Args:
        document: the flow.
        browser: whose form it is.
        name: the input.
        file: what the file is called.
        data: what is in it.
        more: beside those that were given for this input before.

    Returns:
        The form as it is then, see `form_of`; None where the flow asks for no such file.
    """
    field = next((one for one in asked(document.flow).inputs if one.name == name), None)
    if field is None or field.kind not in FILES:
        return None
    form, path = services().forms.of(document.id, browser), _stored(file, data)
    before = form.values.get(name)
    known = before if isinstance(before, list) else [before] if before else []
    many = more and field.kind == "documents" and known
    form.values[name] = [*dict.fromkeys([*known, path])] if many else path
    form.refused = (-1, ())
    return form_of(document, browser)


def _stored(name: str, data: bytes) -> str:
    folder = services().home / "uploads" / hashlib.sha256(data).hexdigest()[:12]
    private_folder(folder)
    stem, _, ending = name.rpartition(".")
    path = folder / (f"{slug(stem)}.{slug(ending)}" if stem else slug(name))
    private_file(path).write_bytes(data)
    return str(path)

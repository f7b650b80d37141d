"""What is known of one node of an open flow beyond its declaration, told while it is looked at.

The browser draws the fields at once; this follows: what the machine has to choose from, whether
what a field names is there, what the node will take, what it is for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from patchbay.flows.document.model import NodeInstance
from patchbay.flows.wording import plural
from patchbay.nodes.contract import Node, NodeError
from patchbay.nodes.declaration import node_declaration
from patchbay.nodes.outside import beside
from patchbay.nodes.text.markdown import parse_markdown
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.declared import FieldSpec, Shape, fields_of
from patchbay.studio.inspector.policy import policy_fields
from patchbay.studio.server.services import services
from patchbay.studio.views.memory import memory_of

Suggestion = tuple[str, str]
"""A value, and the words that it is shown in."""


def known_of(document: FlowDocument, node_id: str) -> dict[str, Any]:
    """What is known of a node, or of the flow where `node_id` is "".

    Returns:
        Of a node: `facts` (name and value), `choices` by param, `notes` by param, `askable` (the
        params whose choices a server can be asked for), `about` (Markdown, parsed), `policy` (the
        fields that every kind has). Of the flow:
        `memory` in words and the name of its `file`.
    """
    if not node_id:
        file = document.path.name if document.path else ""
        return {"memory": memory_of(document), "file": file}
    node = document.flow.by_id().get(node_id)
    cls = services().catalog.get(node.kind) if node else None
    if node is None or cls is None:
        return {}
    declared = node_declaration(cls)
    choices, notes, askable = {}, {}, []
    for spec in fields_of(declared):
        value = node.params.get(spec.name, spec.default)
        if asker(cls, node.params, spec):
            askable.append(spec.name)
        elif choose := CHOICES.get(spec.shape):
            choices[spec.name] = choose(spec, document.folder)
        if (note := NOTES.get(spec.shape)) and (words := note(spec, value, document.folder)):
            notes[spec.name] = words
    return {
        "facts": _facts(cls, node, document.folder),
        "choices": choices,
        "notes": notes,
        "askable": askable,
        "policy": policy_fields(),
        "about": parse_markdown(f"{declared['doc']}\n\n{_ports(declared)}", breaks=False),
    }


def _facts(cls: type[Node], node: NodeInstance, folder: Path | None) -> list[tuple[str, str]]:
    """What is known of the node before it runs: size, bits per weight, memory."""
    params = beside(cls.Params, node.params, folder) if folder else None
    try:
        facts = cls.facts(cls.Params.model_validate(params or node.params))
    except (ValidationError, NodeError):
        return []  # what is wrong stands at its field already
    return [(str(name), str(value)) for name, value in facts.items()]


def _ports(described: dict[str, Any]) -> str:
    """The ports of a kind, as Markdown."""
    sides = []
    for side, ports in (("Takes", described["inputs"]), ("Gives", described["outputs"])):
        if ports:
            lines = [f"- **{p['name']}** ({' or '.join(p['types'])}) {p['doc']}" for p in ports]
            sides.append(f"{side}\n\n" + "\n".join(lines))
    return "\n\n".join(sides)


# --- choices that this machine knows --------------------------------------------------------------


def _models(spec: FieldSpec, _: Path | None) -> list[Suggestion]:
    from patchbay.nodes.units import size_in_words
    from patchbay.nodes.weights.catalogue import CATALOGUE
    from patchbay.nodes.weights.on_disk import on_disk
    from patchbay.nodes.weights.resolve import listing

    known = listing()
    folders = spec.default in {info.name for info in known if info.is_folder}
    found = []
    for info in (info for info in known if info.is_folder == folders):
        here = "on this machine" if info.present else "fetched on first use"
        found.append((info.name, f"{info.name} ({here}, {size_in_words(info.size)})"))
    named = {name for name, _ in found}
    for one in on_disk():
        if one.is_folder == folders:
            words = f"{one.name} ({one.store}, {size_in_words(one.size)})"
            found.append((one.reference, words))
    for listed in () if folders else CATALOGUE:
        if listed.reference.partition("#")[0] not in named:
            words = f"{listed.name} (fetched on first use, about {size_in_words(listed.size)})"
            found.append((listed.reference, words))
    return found


def _adapters(_: FieldSpec, __: Path | None) -> list[Suggestion]:
    from patchbay.nodes.models.transformers.adapter import shipped

    return [(one, f"{one} (comes with Patchbay)") for one in shipped()]


def _flows(_: FieldSpec, folder: Path | None) -> list[Suggestion]:
    return [(p.stem, p.stem) for p in sorted(folder.glob("*.json"))] if folder else []


CHOICES: dict[Shape, Callable[[FieldSpec, Path | None], list[Suggestion]]] = {
    "model": _models,
    "adapter": _adapters,
    "flow": _flows,
}
"""Who knows what a field of a shape can be set to. Anything else can be typed as well."""


# --- whether what a field names is there ----------------------------------------------------------


def _there(spec: FieldSpec, value: Any, folder: Path | None) -> str:
    """Whether the file or folder of a field is there, and what is in it."""
    if not isinstance(value, str) or not value:
        return ""
    path = Path(value).expanduser()
    path = path if path.is_absolute() or folder is None else folder / path
    try:
        if path.is_dir():  # where a file is asked for, all that lie in a folder are often meant
            return f"The folder is there, with {plural(sum(1 for _ in path.iterdir()), 'entry')}."
        if spec.shape == "folder":
            return "There is no such folder here."
        return "The file is there." if path.is_file() else "There is no such file here."
    except OSError as error:
        return f"The {spec.shape} cannot be looked at: {error.strerror or error}."


def _secret(_: FieldSpec, value: Any, __: Path | None) -> str:
    from patchbay.flows.runs.secrets import Secrets

    named = value.get("secret", "") if isinstance(value, dict) else ""
    if not named:
        return ""
    there = Secrets().find(named) is not None
    return f"{named} is {'set' if there else 'not set on this machine'}."


NOTES: dict[Shape, Callable[[FieldSpec, Any, Path | None], str]] = {
    "file": _there,
    "folder": _there,
    "secret": _secret,
}
"""Who can say more about what a field of a shape holds; "" where there is nothing to say."""


# --- choices that only a server knows -------------------------------------------------------------

AskServer = Callable[[], list[str] | None]
"""Asks the server. Raises `NodeError`."""


def asker(cls: type[Node], params: dict[str, Any], spec: FieldSpec) -> AskServer | None:
    """Who can be asked for the choices of this param under these params; None where nobody can."""
    if spec.shape != "model" or cls.choices.__func__ is Node.choices.__func__:  # type: ignore[attr-defined]
        return None

    def ask() -> list[str] | None:
        from patchbay.flows.runs.secrets import Secrets

        try:
            given = cls.Params.model_validate(params)
        except ValidationError as error:
            raise NodeError("The settings above are not right yet.", retry=False) from error
        return cls.choices(spec.name, given, Secrets().get)

    return ask


def asked(document: FlowDocument, node_id: str, param: str) -> dict[str, Any]:
    """What a server says that a param can be: `choices`; or `message` and `fix` where it cannot."""
    node = document.flow.by_id().get(node_id)
    cls = services().catalog.get(node.kind) if node else None
    fields = fields_of(node_declaration(cls)) if cls else []
    ask = next(
        (asker(cls, node.params, s) for s in fields if node and cls and s.name == param), None
    )
    if ask is None:
        return {"message": "There is nobody to ask.", "fix": ""}
    try:
        found = ask()
    except NodeError as error:
        return {"message": error.message, "fix": error.fix}
    return {"choices": found} if found else {"message": "The server has no models.", "fix": ""}

"""The open sockets of a pipeline as ports: what has to be given, what may be, what comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patchbay.nodes.contract import JsonValue, Ports, port
from patchbay.nodes.haystack.kinds import ANY, SocketType, in_words
from patchbay.nodes.haystack.plan import Drawn, Placed
from patchbay.nodes.names import is_name
from patchbay.nodes.values import Document, EmbeddingsSpec, Message, ModelSpec, Promptable

End = tuple[str, str]
ANSWER = "answer"
_ANNOTATIONS: Mapping[SocketType, Any] = {
    ("str",): str,
    ("list", ("Document",)): list[Document],
    ("list", ("ChatMessage",)): list[Message],
    ("union", ("list", ("ChatMessage",)), ("str",)): list[Message] | str,
    ("int",): float,
    ("float",): float,
    ("any",): Promptable,
}


@dataclass(frozen=True, slots=True)
class OpenSockets:
    """The ports of a pipeline, each with the sockets that it stands for."""

    needs: Mapping[str, tuple[End, ...]]
    may: Mapping[str, tuple[End, ...]]
    gives: Mapping[str, End]
    models: Mapping[str, tuple[str, ...]]
    """Port of a chat model → the components that ask it."""
    embeds: bool
    filled: str
    """The port whose documents fill the document stores; "" for none."""
    answer: str
    """The port that gives the text of the only reply; "" where there is none."""


def open_sockets(plan: Drawn) -> OpenSockets:
    """What of a pipeline is open, with a name for each."""
    taken = {connection.receiver for connection in plan.connections}
    sent = {connection.sender for connection in plan.connections}
    parts = plan.parts.values()
    named = {end for ends in plan.named_inputs.values() for end in ends}
    needs = {name: ends for name, ends in plan.named_inputs.items() if is_name(name)}
    left = [(p.name, s) for p in parts for s in p.needs if (p.name, s) not in taken | named]
    for name, ends in _merged(plan, left).items():
        needs[name if name not in needs else _qualified(ends[0])] = ends
    models = _models(plan)
    filled = "documents" if "documents" not in needs else "stored_documents"
    used = {*needs, *models, "embeddings", filled}
    free = [(p.name, s) for p in parts for s in p.may if (p.name, s) not in taken | named]
    may = {_qualified(end): (end,) for end in free if _qualified(end) not in used}
    gives = {n: e for n, e in plan.named_outputs.items() if is_name(n)}
    outs = [(p.name, s) for p in parts for s in p.gives if (p.name, s) not in sent]
    outs = [end for end in outs if end not in gives.values() and end[1] != "meta"]
    for end in outs:
        alone = sum(other[1] == end[1] for other in outs) == 1 and is_name(end[1])
        gives[end[1] if alone and end[1] not in gives else _qualified(end)] = end
    replies = [n for n, e in gives.items() if plan.parts[e[0]].component.role == "generator"]
    answer = replies[0] if len(replies) == 1 and ANSWER not in gives else ""
    has_store = any("document_store" in part.settings for part in parts)
    writes = any(part.kind == "DocumentWriter" for part in parts)
    embeds = any("embedder" in part.component.role for part in parts) or any(
        part.kind == "InMemoryEmbeddingRetriever" for part in parts
    )
    return OpenSockets(
        needs, may, gives, models, embeds, filled if has_store and not writes else "", answer
    )


def _merged(plan: Drawn, ends: list[End]) -> dict[str, tuple[End, ...]]:
    """Open sockets of one name and type are one port, as a query goes to all that ask for it."""
    groups: dict[str, list[End]] = {}
    for end in ends:
        groups.setdefault(end[1], []).append(end)
    found: dict[str, tuple[End, ...]] = {}
    for name, group in groups.items():
        # What takes anything, as a template does, takes what the others take.
        typed = [end for end in group if plan.parts[end[0]].needs[end[1]] != ANY]
        kinds = {plan.parts[part].needs[socket] for part, socket in typed}
        if len(kinds) <= 1 and is_name(name) and not name.startswith("model"):
            found[name] = tuple(sorted(group, key=lambda end: end not in typed))
        else:
            found |= {_qualified(end): (end,) for end in group}
    return found


def _models(plan: Drawn) -> dict[str, tuple[str, ...]]:
    asking = [part.name for part in plan.parts.values() if part.asks]
    if len(asking) <= 1:
        return {"model": tuple(asking)} if asking else {}
    return {_qualified((name, "model")): (name,) for name in asking}


def _qualified(end: End) -> str:
    text = re.sub(r"\W", "_", f"{end[0]}_{end[1]}")[:64]
    return text if is_name(text) else f"_{text}"[:64]


def annotation(kind: SocketType) -> Any:
    """The type of the port of a socket: anything that has no port of its own is JSON."""
    known = ("union", *sorted(kind[1:])) if kind[0] == "union" else kind
    return _ANNOTATIONS.get(known, JsonValue)


def inputs_of(plan: Drawn) -> type[Ports]:
    """The input ports of a pipeline."""
    found = open_sockets(plan)
    ports: dict[str, Any] = {}
    for name, ends in found.needs.items():
        ports[name] = (annotation(_kind(plan, ends[0])), port(doc=_doc(plan, ends)))
    for name, parts in found.models.items():
        ports[name] = (ModelSpec, port(doc=f"The chat model of {', '.join(parts)}."))
    if found.embeds:
        ports["embeddings"] = (EmbeddingsSpec, port(doc="Turns texts into vectors."))
    if found.filled:
        ports[found.filled] = (list[Document], port(doc="What the document stores hold."))
    for name, ends in found.may.items():
        kind = annotation(_kind(plan, ends[0])) | None
        ports[name] = (kind, port(None, doc=_doc(plan, ends), hidden=True))
    return Ports.of(ports)


def outputs_of(plan: Drawn) -> type[Ports]:
    """The output ports of a pipeline."""
    found = open_sockets(plan)
    ports: dict[str, Any] = {}
    if found.answer:
        ports[ANSWER] = (str, port(doc=f"The text of {found.answer}."))
    for name, (part, socket) in found.gives.items():
        kind = plan.parts[part].gives[socket]
        shown = JsonValue if kind == ("any",) else annotation(kind)
        ports[name] = (shown, port(doc=f"{socket} of {part} ({in_words(kind)})."))
    return Ports.of(ports)


def _kind(plan: Drawn, end: End) -> SocketType:
    part: Placed = plan.parts[end[0]]
    return part.taken(end[1]) or ("any",)


def _doc(plan: Drawn, ends: tuple[End, ...]) -> str:
    where = ", ".join(f"{socket} of {part}" for part, socket in ends)
    return f"{where} ({in_words(_kind(plan, ends[0]))})."

"""References in texts, by builder: `{{question}}`, `{{node.data.instance}}`, `{{#node.field#}}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.graph import ForeignGraph
from patchbay.flows.exchange.imports.n8n_expressions import field_of
from patchbay.flows.exchange.imports.template import variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped


@dataclass(frozen=True, slots=True)
class Special:
    """The question, or the conversation."""

    name: str


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a node there."""

    node: str
    output: str
    end: str = ""
    """Where it is here, if that is known already: `node.port`."""


@dataclass(frozen=True, slots=True)
class NamedInput:
    """An input of the flow, by its name."""

    name: str


ValueSource = Special | PlainText | Output | NamedInput
CHAT, TALK = Special("question"), Special("conversation")


@dataclass(frozen=True, slots=True)
class References:
    """How a builder writes references."""

    knows: Callable[[str], bool]
    """Whether what stands between two braces is a reference, and not just text."""
    resolve: Callable[[str, Lowering, Mapped], ValueSource]


def references_of(graph: ForeignGraph) -> References:
    """The references of a graph's builder."""
    return _BY_BUILDER.get(graph.builder, References(lambda name: False, _unknown))


def _unknown(name: str, lowering: Lowering, mapped: Mapped) -> ValueSource:
    return PlainText("{{" + name + "}}")


_FLOWISE_WORDS = {"question": CHAT, "chat_history": TALK, "input": CHAT}


_STEP = re.compile(r"^\w+Agentflow\\?_\d+(\.[\w.]+)?$")


def _flowise_knows(name: str) -> bool:
    return (
        name in _FLOWISE_WORDS
        or name.endswith(".data.instance")
        or bool(_STEP.match(name))
        or name.startswith(("$flow.", "$vars.", "$form.", "$iteration", "$webhook"))
        or name in ("current_date_time", "runtime_messages_length", "loop_count", "file_attachment")
    )


def _flowise(name: str, lowering: Lowering, mapped: Mapped) -> ValueSource:
    if name in _FLOWISE_WORDS:
        return _FLOWISE_WORDS[name]
    if _STEP.match(name):
        return Output(name.replace("\\", "").partition(".")[0], "*")
    if name.endswith(".data.instance"):
        return Output(name.removesuffix(".data.instance"), "*")
    return _unknown(name, lowering, mapped)


def _dify(name: str, lowering: Lowering, mapped: Mapped) -> ValueSource:
    """`sys.query`, `node.field`, `context`; a field of the start node is an input of the flow."""
    if name == "sys.query":
        return CHAT
    if name == "context":
        place = mapped.settings.get("context_reference")
        name = place.strip("{}#") if isinstance(place, str) else name
    node, _, field = name.partition(".")
    if field.startswith("sys."):  # the start gives them, too
        return _dify(field, lowering, mapped)
    if node in ("env", "conversation", "sys"):
        words = f"the variable {name}, as an input of the flow"
        lowering.report.add("name", mapped.what, words)
        return NamedInput(variable(field or node))
    found = lowering.mapped.get(node)
    if found is None:
        return PlainText("{{#" + name + "#}}")
    if found.node.type != "start":
        return _of_dify(found, field, lowering)
    if "$kinds" in found.node.settings and field == "index" and field not in lowering.kinds:
        return PlainText("[the number of the item]")  # which For each does not tell
    written = lowering.rounds.source(field, mapped.node.id) if lowering.rounds else None
    if kind := _kind_of_input(found.node.settings, field):
        lowering.kinds.setdefault(variable(field), kind)
    return written or NamedInput(variable(field))


def _of_dify(found: Mapped, field: str, lowering: Lowering) -> Output:
    """A field of what a node gives: an output, or a place in its JSON."""
    node = found.node.id
    if found.node.type == "#loop" and not found.stub:
        port = "rounds" if field == "loop_round" else variable(field)
        return Output(node, "", f"{found.pieces['it']}.{port}")
    first, _, rest = field.partition(".")
    place = found.spec.fields.get(first) or found.spec.fields.get("*")
    if place is None or found.stub:
        return Output(node, first if found.stub else field)
    keys = [key for key in (rest if first in found.spec.fields else field).split(".") if key]
    end = lowering.endpoint(found, place)
    return Output(node, "", lowering.picks.end(end, keys, "json") if keys else end)


def _kind_of_input(settings: Mapping[str, Any], name: str) -> str:
    """What kind of value an input of Dify's start is; "" for a text."""
    rows = settings.get("variables")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and row.get("variable") == name:
            return {"number": "number", "json_object": "json"}.get(str(row.get("type")), "")
    return ""


def _n8n(name: str, lowering: Lowering, mapped: Mapped) -> ValueSource:
    found = lowering.fields.of(name, mapped) if lowering.fields is not None else None
    return CHAT if name == "question" else found or PlainText("")


def _langflow(name: str, lowering: Lowering, mapped: Mapped) -> ValueSource:
    """The date, in the instructions of an agent."""
    return Output(mapped.node.id, "", lowering.endpoint(mapped, "today.text"))


_BY_BUILDER = {
    "langflow": References(lambda name: name == "current_date", _langflow),
    "flowise": References(_flowise_knows, _flowise),
    "dify": References(lambda name: "." in name or name == "context", _dify),
    "n8n": References(lambda name: name == "question" or field_of(name) is not None, _n8n),
}

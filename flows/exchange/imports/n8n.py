"""n8n's workflows: connections by names of nodes. Expressions are JavaScript and never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from patchbay.flows.exchange.imports.graph import (
    ForeignGraph,
    ForeignNode,
    ForeignNote,
    ForeignWire,
)
from patchbay.flows.exchange.imports.n8n_conditions import ways_of
from patchbay.flows.exchange.imports.n8n_expressions import (
    LEFT_OUT,
    ExpressionReader,
    FieldOf,
    references_in,
)
from patchbay.flows.exchange.imports.n8n_fields import set_fields
from patchbay.flows.exchange.imports.n8n_items import HeldItem, Items
from patchbay.flows.exchange.imports.n8n_requests import fields_of, request_of
from patchbay.flows.exchange.imports.table import table


def is_n8n(data: Any) -> bool:
    """Whether the data is an n8n workflow."""
    nodes = data.get("nodes") if isinstance(data, dict) else None
    return (
        isinstance(nodes, list)
        and isinstance(data.get("connections"), dict)
        and any(
            isinstance(n, dict) and isinstance(n.get("type"), str) and "." in n["type"]
            for n in nodes
        )
    )


def read_n8n(data: Mapping[str, Any], name: str) -> ForeignGraph:
    """The neutral graph of a workflow."""
    title = data.get("name")
    graph = ForeignGraph("n8n", title if isinstance(title, str) and title else name)
    raw: dict[str, Mapping[str, Any]] = {}
    for node in data["nodes"]:
        _node(graph, node)
        if isinstance(node, dict) and isinstance(node.get("name"), str):
            raw.setdefault(node["name"], node)
    for source, ways in data["connections"].items():
        for kind, groups in ways.items() if isinstance(ways, dict) else ():
            for index, group in enumerate(groups if isinstance(groups, list) else ()):
                for end in group if isinstance(group, list) else ():
                    target = end.get("node") if isinstance(end, dict) else None
                    if isinstance(target, str):
                        output = str(kind) if kind != "main" or index == 0 else f"main{index}"
                        graph.wires.append(ForeignWire(str(source), output, target, str(kind)))
    _Reading(graph, raw).run()
    return graph


class _Reading:
    """What the settings of one workflow say, once its wires are known."""

    def __init__(self, graph: ForeignGraph, raw: Mapping[str, Mapping[str, Any]]) -> None:
        self.graph, self.raw = graph, raw
        self.items = Items(graph)

    def run(self) -> None:
        """Read all expressions; those that are JavaScript, or lead nowhere, are told."""
        self._each(self._read)
        self.items = Items(self.graph)
        self._each(self._checked)
        self._each(self._asking)
        self._each(
            lambda node: _with(node, {"$ways": ways_of(node)}) if node.type in CONDITIONS else node
        )
        self._ends()

    def _each(self, change: Callable[[ForeignNode], ForeignNode]) -> None:
        self.graph.nodes = [change(node) for node in self.graph.nodes]

    def _left_out(self, node: ForeignNode, words: str) -> str:
        self.graph.remarks.append(f"{node.title}: {words} and is left out")
        return LEFT_OUT

    def _read(self, node: ForeignNode) -> ForeignNode:
        spec = self.items.types.get(node.type)
        if spec is None or spec.refused:
            return node  # a stub, which keeps its settings as they are
        reader = ExpressionReader(
            self.items.speaker(node.id),
            lambda said: self._left_out(node, f"the expression {said[:80]!r} is JavaScript"),
        )
        version = _number(self.raw.get(node.id, {}).get("typeVersion"))
        if node.type == "set":
            fields = set_fields(node.settings, version, reader)
            if fields is None:
                words = "what it sets is no JSON that can be read without running JavaScript"
                self._left_out(node, words)
            return _with(node, {"$fields": fields or {"set": {}, "others": True}})
        if node.type == "httpRequest":
            credentials = self.raw.get(node.id, {}).get("credentials")
            made = request_of(node.title, node.settings, version, credentials, reader)
            url = node.settings.get("url")
            read = {"url": reader.text(url)} if isinstance(url, str) else {}
            method = node.settings.get("method") or node.settings.get("requestMethod")
            given = {"$request": made, "$gives": fields_of(node.settings), "method": method}
            given["$bare"] = reader.bare
            return node._replace(settings={**read, **given})
        if node.type == "chainLlm":
            return self._chain(node, reader)
        if node.type == "openAi":
            return self._asked(node, reader)
        return node._replace(settings=reader.everything(dict(node.settings)))

    def _chain(self, node: ForeignNode, reader: ExpressionReader) -> ForeignNode:
        """A chain with what stands before its prompt: the system's words are taken over."""
        settings = reader.everything(dict(node.settings))
        rows = _rows(settings, "messages", "messageValues")
        told = [(str(row.get("type") or "System"), row.get("message")) for row in rows]
        return node._replace(settings={**settings, **self._said(node, told)})

    def _asked(self, node: ForeignNode, reader: ExpressionReader) -> ForeignNode:
        """OpenAI's own node, where it asks a chat model."""
        settings = reader.everything(dict(node.settings))
        rows = [
            *_rows(settings, "messages", "values"),
            *_rows(settings, "responses", "values"),
            *_rows(settings, "prompt", "messages"),
        ]
        told = [(str(row.get("role") or "user").capitalize(), row.get("content")) for row in rows]
        user = [said for kind, said in told if kind == "User" and isinstance(said, str)]
        others = [row for row in told if row[0] != "User"]
        text = {"text": "\n\n".join(user)}
        return node._replace(settings={**settings, **text, **self._said(node, others)})

    def _said(self, node: ForeignNode, rows: Sequence[tuple[str, Any]]) -> dict[str, str]:
        """What the system says; all else that stands among the messages is told as left out."""
        system: list[str] = []
        for kind, said in rows:
            if isinstance(said, str) and said.strip() and kind.startswith("System"):
                system.append(said)
            elif said:
                words = f"{node.title}: an example among its messages ({kind}) is left out"
                self.graph.remarks.append(words)
        return {"system_text": "\n\n".join(system)}

    def _checked(self, node: ForeignNode) -> ForeignNode:
        """The node without places that no node gives."""
        gone: dict[str, str] = {}
        bare = node.settings.get("$bare") or ()
        for words, field in dict(references_in(dict(node.settings))).items():
            source = self.items.source(field, node.id)
            if source is None:
                gone[words] = self._left_out(node, f"{field.in_words()} is not known here")
            elif isinstance(source, HeldItem) and source.place:
                self._doubts(node, words in bare, field, source)
        return node._replace(settings=_replaced(dict(node.settings), gone)) if gone else node

    def _doubts(self, node: ForeignNode, bare: bool, field: FieldOf, source: HeldItem) -> None:
        """Tell what is taken for a text, and may have been JSON there."""
        is_text = source.place.rpartition(".")[2] == "text"
        if is_text and bare:
            words = f"{node.title}: {field.in_words()} is sent as a text, also where it holds JSON"
            self.graph.remarks.append(words)
        told = self.items.nodes[source.node].settings.get("$gives")
        if is_text and field.keys == ("data",) and isinstance(told, dict) and "" in told:
            words = (
                f"{node.title}: {field.in_words()} is all that the server answers, as of an answer "
                "that is no JSON; if it is, read the field with Pick"
            )
            self.graph.remarks.append(words)

    def _asking(self, node: ForeignNode) -> ForeignNode:
        """An agent or a chain that takes its text from before: from the *Set* before it, if any."""
        if node.type not in ("agent", "chainLlm") or node.settings.get("text"):
            return node
        speaker = self.items.speaker(node.id)
        known = self.items.nodes.get(speaker)
        asked = FieldOf(speaker, ("chatInput",))
        if known is None or known.type != "set" or self.items.source(asked, node.id) is None:
            return node
        return _with(node, {"text": "{{" + asked.written() + "}}"})

    def _ends(self) -> None:
        """What comes last: the fields of a *Set* are the answers, and a No Operation is nothing."""
        leads = {wire.source for wire in self.graph.wires if wire.input == "main"}
        last = {
            node.id for node in self.graph.nodes if node.type == "noOp" and node.id not in leads
        }
        self.graph.wires[:] = [wire for wire in self.graph.wires if wire.target not in last]
        leads = {wire.source for wire in self.graph.wires if wire.input == "main"}
        for index, node in enumerate(self.graph.nodes):
            fields = node.settings.get("$fields") if node.type == "set" else None
            if fields and node.id not in leads:
                if fields["others"]:
                    kept = [wire for wire in self.graph.wires if wire.target != node.id]
                    self.graph.wires[:] = kept
                names = [
                    (name, FieldOf(node.id, (name,)).written())
                    for name in fields["set"]
                    if self.items.source(FieldOf(node.id, (name,)), node.id) is not None
                ]
                self.graph.nodes[index] = _with(node, {"$answers": names})


def _rows(settings: Mapping[str, Any], *path: str) -> list[Mapping[str, Any]]:
    """The rows at a place of the settings."""
    value: Any = settings
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _with(node: ForeignNode, more: Mapping[str, Any]) -> ForeignNode:
    return node._replace(settings={**node.settings, **more})


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 1.0


def _replaced(value: Any, gone: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for words, told in gone.items():
            value = value.replace(words, told)
        return value
    if isinstance(value, dict):
        return {key: _replaced(inner, gone) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_replaced(inner, gone) for inner in value)
    return [_replaced(inner, gone) for inner in value] if isinstance(value, list) else value


CONDITIONS = ("if", "switch", "filter", "textClassifier")


def _node(graph: ForeignGraph, node: Any) -> None:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str):
        return
    kind = node.get("type")
    kind = kind.rpartition(".")[2] if isinstance(kind, str) else "unnamed"
    settings = node.get("parameters")
    settings = {str(k): v for k, v in settings.items()} if isinstance(settings, dict) else {}
    place = node.get("position")
    at = None
    if (
        isinstance(place, list)
        and len(place) == 2
        and all(isinstance(v, (int, float)) for v in place)
    ):
        at = (float(place[0]), float(place[1]))
    if kind == "openAi" and settings.get("resource", "text") not in ("text", "chat"):
        kind = "openAi:other"
    if kind.endswith("Trigger") and kind not in table("n8n"):
        kind = "#trigger"
    if kind == "stickyNote":
        text = settings.get("content")
        graph.notes.append(ForeignNote(text if isinstance(text, str) else "", at))
        return
    options = settings.get("options")
    if isinstance(options, dict):
        settings = {**{f"option_{k}": v for k, v in options.items()}, **settings}
    model = settings.get("model")
    if isinstance(model, dict):  # a "resource locator"
        settings["model"] = model.get("value")
    if node.get("disabled") is True:
        graph.remarks.append(f"{node['name']} was switched off there and is on here.")
    graph.nodes.append(ForeignNode(node["name"], kind, node["name"], settings, at))

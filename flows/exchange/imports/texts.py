"""Texts with variables on their way to prompt templates and system texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.graph import ForeignWire
from patchbay.flows.exchange.imports.looked_at import look_at
from patchbay.flows.exchange.imports.n8n_expressions import field_of
from patchbay.flows.exchange.imports.n8n_items import SAID
from patchbay.flows.exchange.imports.params import MISSING, value_of
from patchbay.flows.exchange.imports.references import (
    CHAT,
    TALK,
    NamedInput,
    Output,
    PlainText,
    ValueSource,
    references_of,
)
from patchbay.flows.exchange.imports.requests import fill_request, holds_reference
from patchbay.flows.exchange.imports.template import (
    Syntax,
    TextPiece,
    Var,
    from_html,
    literal,
    pieces,
    variable,
)
from patchbay.flows.exchange.imports.ways import INPUT

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

QUESTION_WORDS = ("question", "query", "input", "text", "user_input", "human_input")


class Texts:
    """The texts of one graph."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.references = references_of(lowering.graph)
        self.syntax: Syntax = "dify" if lowering.graph.builder == "dify" else "double"
        """How a value refers to another node."""
        self.referred: set[str] = set()
        """Nodes that a text refers to."""
        self._took: set[tuple[str, str]] = set()
        self._inline_names: dict[str, dict[str, ValueSource]] = {}

    def took(self, wire: ForeignWire) -> bool:
        """Whether a wire only says what a text's variable already says."""
        return (wire.target, wire.input) in self._took

    def waits_not(self, node: str) -> bool:
        """Whether a node there has no port here that anything goes into, as an HTTP request to a
        fixed address: it runs whichever way is taken."""
        mapped = self.lowering.mapped.get(node)
        return (
            mapped is not None
            and bool(mapped.spec.texts)
            and not holds_reference(mapped.settings.get("$request"))
            and all(
                spec.get("inline") and "{{" not in str(value_of(spec["from"], mapped.settings))
                for spec in mapped.spec.texts
            )
        )

    def of(self, mapped: Mapped) -> None:
        """Map every text of a node."""
        if self.lowering.ways.stack(mapped.node.id) and self.waits_not(mapped.node.id):
            words = "it runs whichever way is taken; what it gives goes on only on its own"
            first = next(iter(mapped.pieces.values()), "")
            self.lowering.report.add("approximated", mapped.what, words, first)
        if mapped.spec.ways:
            look_at(self, mapped)
        for number, spec in enumerate(mapped.spec.texts):
            when = spec.get("when", "")
            if not when or self.lowering.condition(when, mapped):
                self.text(mapped, spec, number)
        fill_request(self.lowering, mapped)
        if self.lowering.rounds is not None:
            self.lowering.rounds.fill(mapped)

    def fill(self, mapped: Mapped, text: str, node: str, param: str) -> None:
        """Set a param of a node that is a template to a text of another one there."""
        names: dict[str, ValueSource] = {}
        self.lowering.draft.nodes[node]["params"][param] = self.template(mapped, text, names)
        self.hang_all(mapped, node, names)

    def template(
        self, mapped: Mapped, text: str, names: dict[str, ValueSource], syntax: Syntax | None = None
    ) -> str:
        """A text as a template of ours; its variables are added to `names`."""
        made = ""
        for part in pieces(text, syntax or self.syntax, self.references.knows):
            source = self._source(mapped, part, {}, {}) if isinstance(part, Var) else None
            if isinstance(part, str) or source is None:
                made += literal(part if isinstance(part, str) else part.name)
            elif isinstance(source, PlainText):
                made += literal(source.text)
            else:
                name = variable(_short(part.name))
                while names.get(name, source) != source:
                    name = variable(name, names)
                names[name] = source
                made += "{" + name + "}"
        return made

    def hang_all(self, mapped: Mapped, node: str, names: Mapping[str, ValueSource]) -> None:
        """Wire the variables of a template to its ports."""
        for name, source in names.items():
            self.hang(source, f"{node}.{name}", mapped)

    def text(self, mapped: Mapped, spec: Mapping[str, Any], number: int) -> None:
        text = value_of(spec["from"], mapped.settings)
        if text is MISSING and "default" in spec:
            text = spec["default"]
        if not isinstance(text, str):
            if not spec.get("always"):
                return
            text = ""
        syntax = spec.get("syntax", "none")
        if syntax == "mustache_if":  # Langflow: single braces, or double ones where it says so
            syntax = (
                "double"
                if value_of("$use_double_brackets:flag", mapped.settings) is True
                else "braces"
            )
        knows = (
            (lambda name: True)
            if spec.get("names") and syntax == "double"
            else self.references.knows
        )
        parts = pieces(from_html(text), syntax, knows)
        sources = self._sources(mapped, spec, parts)
        parts = self._inlined(parts, sources)
        names = [part.name for part in parts if isinstance(part, Var)]
        target = spec.get("to", "")
        if spec.get("inline"):
            self._inline(mapped, target, parts, sources)
            return
        if not names and target and not spec.get("always") and not spec.get("port"):
            self._set(mapped, target, _plain(parts))
            return
        made = self._template(mapped, spec, parts, sources, number)
        if target and (end := self.lowering.endpoint(mapped, target)):
            text = f"{made}.text"
            if not names:  # nothing that it waits for
                text = self.lowering.ways.through(text, "", mapped.node.id)
            self.lowering.draft.wire(text, end)

    def _inline(
        self,
        mapped: Mapped,
        target: str,
        parts: list[TextPiece],
        sources: Mapping[str, ValueSource],
    ) -> None:
        """A param that is a template itself: its variables are ports of its node."""
        template, names = _template_of(parts)
        self._set(mapped, target, template)
        piece, dot, _ = target.rpartition(".")
        node = mapped.pieces.get(piece if dot else "it", "")
        for name, ours in names.items():
            self.hang(sources.get(name), f"{node}.{ours}", mapped)
            if source := sources.get(name):
                self._inline_names.setdefault(mapped.node.id, {})[ours] = source

    def inlined(self, mapped: Mapped) -> dict[str, ValueSource]:
        """The variables that a node's own param has already: what they stand for."""
        return dict(self._inline_names.get(mapped.node.id, {}))

    def _set(self, mapped: Mapped, target: str, text: str) -> None:
        piece, dot, param = target.rpartition(".")
        node = self.lowering.draft.nodes.get(mapped.pieces.get(piece if dot else "it", ""))
        if node is not None and text:
            node["params"][param] = text

    def _template(
        self,
        mapped: Mapped,
        spec: Mapping[str, Any],
        parts: list[TextPiece],
        sources: Mapping[str, ValueSource],
        number: int,
    ) -> str:
        template, names = _template_of(parts)
        node = mapped.node
        at = (node.at[0] - 300 * (number + 1), node.at[1] + 160) if node.at else None
        title = "" if mapped.pieces else node.title or mapped.spec.title
        words = title or spec.get("as", "prompt")
        params = {"template": template}
        made = self.lowering.draft.add(words, "prompt.template", params, at, title=title)
        mapped.pieces[spec.get("as", f"text{number}")] = made
        if spec.get("as") == "it" or not mapped.spec.pieces:
            self.lowering.report.add("mapped", mapped.what, "prompt.template", made)
        for name, ours in names.items():
            self.hang(sources.get(name), f"{made}.{ours}", mapped)
        return made

    def hang(self, source: ValueSource | None, end: str, mapped: Mapped) -> None:
        if source is None:
            return
        if source == CHAT:
            self.lowering.ask(mapped, end)
        elif source == TALK:
            self.lowering.talks.append((end, True))
        elif isinstance(source, NamedInput):
            given = self.lowering.ways.through(INPUT + source.name, "", mapped.node.id)
            if given.startswith(INPUT):
                self.lowering.asked.setdefault(source.name, []).append(end)
            else:
                self.lowering.draft.wire(given, end)
        elif isinstance(source, Output):
            found = source.end or self.lowering.outputs(source.node, source.output).get("", "")
            if not source.end:
                self.referred.add(source.node)
            if found:
                found = self.lowering.ways.through(found, source.node, mapped.node.id)
                self.lowering.draft.wire(found, end)
            else:
                words = f"the reference to {source.node!r} leads nowhere"
                self.lowering.report.add("refused", mapped.what, words, end.partition(".")[0])

    # --- where variables get their values -----------------------------------------------------

    def _sources(
        self, mapped: Mapped, spec: Mapping[str, Any], parts: list[TextPiece]
    ) -> dict[str, ValueSource]:
        values = value_of(spec.get("values", ""), mapped.settings)
        values = values if isinstance(values, Mapping) else {}
        known = spec.get("known", {})
        found: dict[str, ValueSource] = {}
        loose: list[str] = []
        for part in parts:
            if not isinstance(part, Var) or part.name in found or part.name in loose:
                continue
            source = self._source(mapped, part, values, known)
            if source is None:
                loose.append(part.name)
            else:
                found[part.name] = source
        self._fill(mapped, loose, found, spec)
        return found

    def _source(
        self,
        mapped: Mapped,
        part: Var,
        values: Mapping[str, Any],
        known: Mapping[str, str],
    ) -> ValueSource | None:
        if part.double and self.references.knows(part.name):
            told = self.references.resolve(part.name, self.lowering, mapped)
            if isinstance(told, PlainText) and self.lowering.fields is None:
                words = f"the reference {part.name!r} is not known here; it stays as text"
                self.lowering.report.add("refused", mapped.what, words)
            return told
        wires = self.lowering.into.get(mapped.node.id, {}).get(part.name)
        if wires:
            self._took.add((mapped.node.id, part.name))
            return Output(wires[0].source, wires[0].output)
        if part.name in known:
            return _known(known[part.name], self.lowering, mapped)
        value = values.get(part.name)
        if isinstance(value, str) and value.strip():
            return self._value(value, mapped)
        return PlainText(str(value)) if isinstance(value, (int, float)) else None

    def _value(self, value: str, mapped: Mapped) -> ValueSource:
        whole = pieces(value.strip(), self.syntax, self.references.knows)
        if len(whole) == 1 and isinstance(whole[0], Var):
            return self.references.resolve(whole[0].name, self.lowering, mapped)
        return PlainText(value)

    def _fill(
        self,
        mapped: Mapped,
        loose: list[str],
        found: dict[str, ValueSource],
        spec: Mapping[str, Any],
    ) -> None:
        """The one variable without a value gets the question; of several, none does."""
        if spec.get("loose") == "inputs":
            for name in loose:
                found[name] = CHAT if name.lower() in QUESTION_WORDS else NamedInput(variable(name))
        elif spec.get("loose") == "empty":
            found.update({name: PlainText("") for name in loose})
        elif len(loose) == 1:
            found[loose[0]] = CHAT
        elif loose:
            words = f"what the variables {', '.join(loose)} stand for; only one may be left open"
            self.lowering.report.add("name", mapped.what, words)

    def _inlined(
        self, parts: list[TextPiece], sources: Mapping[str, ValueSource]
    ) -> list[TextPiece]:
        made: list[TextPiece] = []
        for part in parts:
            source = sources.get(part.name) if isinstance(part, Var) else None
            made.append(source.text if isinstance(source, PlainText) else part)
        return made


def _known(place: str, lowering: Lowering, mapped: Mapped) -> ValueSource | None:
    if place == "$chat":
        return CHAT
    if place == "$talk":
        return TALK if mapped.remembers else PlainText("")
    end = lowering.endpoint(mapped, place)
    return Output(mapped.node.id, "", end) if end else None


def _template_of(parts: list[TextPiece]) -> tuple[str, dict[str, str]]:
    """The text as a template of ours, and what its variables are called in it."""
    names: dict[str, str] = {}
    for part in parts:
        if isinstance(part, Var) and part.name not in names:
            names[part.name] = variable(_short(part.name), names.values())
    template = "".join(
        literal(part) if isinstance(part, str) else "{" + names[part.name] + "}" for part in parts
    )
    return template, names


def _plain(parts: list[TextPiece]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _short(name: str) -> str:
    """A short name for a reference: the node it names, or its last word."""
    if field := field_of(name):
        keys = [key for key in field.keys if not key.isdigit()]
        plain = not keys or "/".join(field.keys) in SAID
        return field.node or "value" if plain else keys[-1]
    words = name.split(".")
    if name.endswith(".data.instance"):
        return words[0]
    return words[-1].removeprefix("node:").lstrip("$#")

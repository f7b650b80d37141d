"""From the neutral graph to a flow: each node becomes what its table says, or a stub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.imports.conditions import holds
from patchbay.flows.exchange.imports.dify_values import DifyRounds
from patchbay.flows.exchange.imports.draft import Draft
from patchbay.flows.exchange.imports.ending import end
from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode, ForeignWire
from patchbay.flows.exchange.imports.mapped import Mapped
from patchbay.flows.exchange.imports.n8n_values import N8nValues
from patchbay.flows.exchange.imports.params import MISSING, setting, value_of
from patchbay.flows.exchange.imports.picks import Picks
from patchbay.flows.exchange.imports.providers import settled
from patchbay.flows.exchange.imports.report import ImportReport
from patchbay.flows.exchange.imports.secrets import without_secrets
from patchbay.flows.exchange.imports.steps import Steps
from patchbay.flows.exchange.imports.stubs import put_stub, stub_port
from patchbay.flows.exchange.imports.table import PieceSpec, TypeSpec, table
from patchbay.flows.exchange.imports.texts import Texts
from patchbay.flows.exchange.imports.ways import QUESTION, TALKED, Ways
from patchbay.flows.exchange.imports.wires import ForeignWires
from patchbay.nodes.catalog import Catalog

MAX_THROUGH = 20
"""How many nodes one after the other may hand a value through."""
STEP = 300
"""Canvas pixels between two nodes that one node there became."""


@lru_cache(maxsize=4096)
def _ends(place: str) -> tuple[tuple[str, str], ...]:
    """The pieces that a place of a table may be at, each with its port."""
    ways = (way.rpartition(".") for way in place.split("|"))
    return tuple((piece if dot else "it", port) for piece, dot, port in ways)


class Lowering:
    """One graph on its way to a flow."""

    def __init__(self, graph: ForeignGraph, catalog: Catalog) -> None:
        self.graph, self.catalog = graph, catalog
        self.table = table(graph.builder)
        self.report = ImportReport(graph.builder)
        self.draft = Draft()
        self.mapped: dict[str, Mapped] = {}
        self.into: dict[str, dict[str, list[ForeignWire]]] = {}
        self.out_of: dict[str, dict[str, list[ForeignWire]]] = {}
        for wire in graph.wires:
            self.into.setdefault(wire.target, {}).setdefault(wire.input, []).append(wire)
            self.out_of.setdefault(wire.source, {}).setdefault(wire.output, []).append(wire)
        self.chats: list[str] = []
        """Ports here that get the question."""
        self.talks: list[tuple[str, bool]] = []
        """Ports that get the conversation, with whether their node remembers."""
        self.asked: dict[str, list[str]] = {}
        """Inputs of the flow by name, with the ports that get them."""
        self.kinds: dict[str, str] = {}
        """Of those, what kind each is where it is no text."""
        self.answers: list[tuple[str, str]] = []
        """What the flow answers, with a name for it."""
        self.guards: list[tuple[str, Mapped]] = []
        """Ports with what stands in front of them."""
        self.optional: list[tuple[str, str]] = []
        """Wires for ports that nothing else is wired into."""
        self.earlier: list[str] = []
        """Ports that get what was said before the question."""
        self.texts = Texts(self)
        self.ways = Ways(self)
        self.wires = ForeignWires(self)
        self.picks = Picks(self.draft)
        self.rounds = DifyRounds(self) if graph.builder == "dify" else None
        """Iterations and loops, and what goes from round to round."""
        self.fields = N8nValues(self) if graph.builder == "n8n" else None
        """Fields of items, where a builder's references name them."""
        self._lacking: dict[tuple[str, ...], str] = {}
        self._memories: set[str] = set()
        self._types = {node.id: node.type for node in graph.nodes}

    def run(self) -> Flow:
        """The flow."""
        for node in self.graph.by_id().values():
            self._node(node)
        self.wires.lend_settings(self.graph.wires)
        self._memories = {name for name, one in self.mapped.items() if one.spec.memory}
        for mapped in self.mapped.values():
            self._remember(mapped)
        for mapped in self.mapped.values():
            if not mapped.stub:
                self.texts.of(mapped)
        Steps(self).run()
        if self.fields is not None:
            self.fields.answer()
        if self.rounds is not None:
            self.rounds.close()
        for wire in self.graph.wires:
            self.wires.add(wire)
        self._fill_optional()
        for mapped in self.mapped.values():
            self._loose(mapped)
        self.ways.close()
        for note in self.graph.notes:
            text, _ = without_secrets(note.text)
            self.draft.note(text if isinstance(text, str) else "", note.at, note.size)
        for remark in self.graph.remarks:
            self.report.add("approximated", "The file", remark)
        flow = end(self)
        # They know this object, as it knows them: without that circle all of it goes at once, and
        # the collector need not look for it.
        del self.texts, self.ways, self.wires, self.fields, self.rounds
        return flow

    def _fill_optional(self) -> None:
        """Wire what is taken where nothing else is; of several ways the one that was taken."""
        begins: dict[str, list[str]] = {}
        for begin, finish in self.optional:
            begins.setdefault(finish, []).append(begin)
        for finish, ends in begins.items():
            if finish and finish not in self._taken():
                self.draft.wire(self.ways.merged(ends), finish)

    # --- nodes --------------------------------------------------------------------------------

    def _node(self, node: ForeignNode) -> None:
        settings, secrets = without_secrets(dict(node.settings))
        known = self.table.get(node.type)
        spec = known or TypeSpec(node.type)
        mapped = Mapped(node, spec, settings)
        self.mapped[node.id] = mapped
        for name in sorted(secrets):
            words = f"the key that stood in the file as the secret {name}"
            self.report.add("name", mapped.what, words)
        if spec.note:
            text = setting(settings, spec.note)
            self.draft.note(text if isinstance(text, str) else "", node.at)
            return
        if spec.step and not spec.refused and not spec.pieces:
            if spec.step in ("start", "end"):
                self.report.add("mapped", mapped.what, "where the flow begins or ends")
            return
        if spec.memory or spec.lends or spec.wraps or spec.guards:
            self._helper(mapped)
            return
        if spec.ways:
            if reason := self.ways.add(mapped):
                mapped.stub = put_stub(self, mapped, reason)
            return
        active = self._active(mapped)
        kinds = tuple(piece.kind for piece in active.values())
        reason = self._reason(spec, kinds, known is not None)
        if reason:
            mapped.stub = put_stub(self, mapped, reason)
            return
        for name, piece in active.items():
            mapped.pieces[name] = self._piece(mapped, name, piece, len(mapped.pieces))
        for source, target in spec.wires:
            ends = self.endpoint(mapped, source), self.endpoint(mapped, target)
            if ends[0] and ends[1]:
                self.draft.wire(ends[0], ends[1])
        made = (self.draft.nodes[node]["kind"] for node in mapped.pieces.values())
        self._tell(mapped, ", ".join(made))

    def _active(self, mapped: Mapped) -> Mapping[str, PieceSpec]:
        """The pieces of a node that it needs."""
        pieces = mapped.spec.pieces
        if not mapped.spec.chooses:
            return pieces
        return {
            name: piece
            for name, piece in pieces.items()
            if not piece.when or holds(piece.when, mapped, self)
        }

    def _helper(self, mapped: Mapped) -> None:
        if mapped.spec.differs:
            self.report.add("approximated", mapped.what, mapped.spec.differs)
        else:
            self.report.add("mapped", mapped.what, mapped.spec.same)

    def _reason(self, spec: TypeSpec, kinds: tuple[str, ...], known: bool) -> str:
        if not known:
            return f"Patchbay knows no node type {spec.name!r} of this builder."
        if spec.refused:
            return spec.refused
        if kinds not in self._lacking:
            self._lacking[kinds] = self._lacks(sorted(set(kinds)))
        return self._lacking[kinds]

    def _lacks(self, kinds: Sequence[str]) -> str:
        """Why these kinds cannot be used; "" where they can."""
        coming = [kind.rstrip("?") for kind in kinds if kind.endswith("?")]
        if coming:
            return f"Patchbay has no node for it yet ({', '.join(coming)})."
        missing = [kind for kind in kinds if self.catalog.get(kind) is None]
        if missing:
            return f"It needs the node {', '.join(missing)}, which is not installed here."
        return ""

    def _piece(self, mapped: Mapped, name: str, piece: PieceSpec, number: int) -> str:
        params = {}
        for param, expression in piece.params.items():
            value = value_of(expression, mapped.settings)
            if value is not MISSING:
                params[param] = value
        node = mapped.node
        at = (node.at[0] - STEP * number, node.at[1]) if node.at else None
        words = node.title or mapped.spec.title or node.type
        title = words if number == 0 else ""
        kind, params = settled(piece.kind, params)
        return self.draft.add(words if number == 0 else name, kind, params, at, title=title)

    def _tell(self, mapped: Mapped, kinds: str) -> None:
        first = next(iter(mapped.pieces.values()), "")
        if mapped.spec.differs:
            self.report.add("approximated", mapped.what, mapped.spec.differs, first)
        else:
            if kinds or mapped.spec.same or not mapped.spec.texts:
                self.report.add("mapped", mapped.what, kinds or mapped.spec.same, first)
        for condition, words in mapped.spec.narrows.items():
            if self.condition(condition, mapped):
                self.report.add("approximated", mapped.what, words, first)
        for condition, words in mapped.spec.losses.items():
            if self.condition(condition, mapped):
                self.report.add("refused", mapped.what, words, first)
        for words in mapped.spec.naming:
            condition, _, told = words.rpartition("? ")
            if not condition or self.condition(condition, mapped):
                self.report.add("name", mapped.what, told, first)

    def condition(self, when: str, mapped: Mapped) -> bool:
        """Whether a condition of the table holds for a node."""
        return not when or holds(when, mapped, self)

    def type_of(self, node: str) -> str:
        """What a node there is, by its id."""
        return self._types.get(node, "")

    # --- ports --------------------------------------------------------------------------------

    def endpoint(self, mapped: Mapped, place: str) -> str:
        """`piece.port` of a table as `node.port` here; "" where the piece was not needed.

        `a.x|b.y` is the first of them whose piece was.
        """
        for piece, port in _ends(place):
            if node := mapped.pieces.get(piece):
                return f"{node}.{port}"
        return ""

    def outputs(self, node: str, output: str, depth: int = 0) -> Mapping[str, str]:
        """What an output there is here: aspect → `node.port`."""
        mapped = self.mapped.get(node)
        if mapped is None:
            return {}
        if mapped.stub:
            return {"": f"{mapped.stub}.{stub_port(output)}"}
        given = mapped.spec.gives.get(output, mapped.spec.gives.get("*", {}))
        if isinstance(given, str):
            found = self._end(mapped, "", given, depth)
            return {"": found} if found else {}
        ends: dict[str, str] = {}
        for aspect, place in given.items():
            found = self._end(mapped, aspect, place, depth)
            if found:
                ends[aspect] = found
        return ends

    def _end(self, mapped: Mapped, aspect: str, place: str, depth: int) -> str:
        if not place.startswith("="):
            return self.endpoint(mapped, place)
        # Handed through: what is wired into that input, of a node that here has no such thing.
        wires = self.into.get(mapped.node.id, {}).get(place[1:], ())
        for wire in wires if depth < MAX_THROUGH else ():
            found = self.outputs(wire.source, wire.output, depth + 1)
            if end_ := found.get(aspect) or found.get(""):
                return end_
        return ""

    # --- ends ---------------------------------------------------------------------------------

    def _remember(self, mapped: Mapped) -> None:
        wires = self.into.get(mapped.node.id, {}) if self._memories else {}
        sources = (wire.source for row in wires.values() for wire in row)
        mapped.remembers = not self._memories.isdisjoint(sources)
        mapped.remembers |= bool(mapped.settings.get("$remembers"))

    def _loose(self, mapped: Mapped) -> None:
        """What gets the question, and what answers it."""
        if mapped.stub:
            return
        taken = self._taken()
        self._forgets(mapped, taken)
        for place in mapped.spec.chat:
            end_ = self.endpoint(mapped, place)
            if end_ and end_ not in taken:
                self.ask(mapped, end_)
        for place in mapped.spec.talk:
            end_ = self.endpoint(mapped, place)
            if end_ and end_ not in taken and self.ways.stack(mapped.node.id):
                asked = TALKED if mapped.remembers else QUESTION
                self.ways.give(self.ways.through(asked, "", mapped.node.id), end_)
            elif end_ and end_ not in taken:
                self.talks.append((end_, mapped.remembers))
        if not mapped.spec.answer or mapped.node.id in self.texts.referred or self._replied():
            return
        if mapped.spec.ends or not self._hanging(mapped):
            end_ = self.endpoint(mapped, mapped.spec.answer)
            if end_:
                self.answers.append((end_, mapped.node.title))

    def _hanging(self, mapped: Mapped) -> bool:
        """Whether something takes what a node gives."""
        rows = self.out_of.get(mapped.node.id, {}).values()
        return any(wire.input != "#order" and self._goes_on(wire) for row in rows for wire in row)

    def _goes_on(self, wire: ForeignWire) -> bool:
        """Whether a wire there leads to more than a stub at the end, which gives nothing: a message
        to a service that is not here, say."""
        target = self.mapped.get(wire.target)
        return target is None or not target.stub or wire.target in self.out_of

    def _forgets(self, mapped: Mapped, taken: set[str]) -> None:
        """Tell of a node that remembers there, and here hears the question alone."""
        if not mapped.settings.get("$remembers"):
            return
        ends = {self.endpoint(mapped, place) for place in mapped.spec.talk}
        if not ends.isdisjoint(taken):
            words = "what was said before is not passed on: it hears its text alone"
            first = next(iter(mapped.pieces.values()), "")
            self.report.add("approximated", mapped.what, words, first)

    def ask(self, mapped: Mapped, end_: str) -> None:
        """Give the question to a port, where the way of its node is taken."""
        through = self.ways.through(QUESTION, "", mapped.node.id)
        if through == QUESTION:
            self.chats.append(end_)
        else:
            self.draft.wire(through, end_)

    def _replied(self) -> bool:
        """Whether, where wires are order alone, some nodes say what the flow answers."""
        if not hasattr(self, "_replies"):
            order = any(wire.input == "#order" for wire in self.graph.wires)
            kinds = {p.kind for m in self.mapped.values() for p in m.spec.pieces.values()}
            self._replies = order and "io.output" in kinds
        return self._replies

    def _taken(self) -> set[str]:
        if len(self.draft.edges) != getattr(self, "_seen", -1):
            self._seen = len(self.draft.edges)
            self._ends = {target for _, target in self.draft.edges}
        return self._ends

    def each(self) -> Iterator[Mapped]:
        """All nodes there."""
        yield from self.mapped.values()

"""A node as a plain call of a library, and what is asked of a node to find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode

if TYPE_CHECKING:
    from patchbay.flows.exchange.script_draft import ScriptDraft

Values = Mapping[str, list[tuple[str, bool]]]


@dataclass(frozen=True, slots=True)
class Call:
    """A node as a call of a library."""

    expression: str
    output: str
    imports: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    """Lines before it."""
    describes: bool = False
    """Whether it makes an object that other nodes cannot take: a model, an agent."""
    always: bool = False
    """Whether it also runs where nothing arrives."""
    after: tuple[str, ...] = ()
    """Lines after it."""
    inlines: tuple[str, ...] = ()
    """Ports whose value it says itself, so that nobody has to make it before."""
    packages: tuple[str, ...] = ()
    """What has to be installed besides what it imports."""

    def lines(self, name: str) -> list[str]:
        """The lines that give it to a name."""
        return [*self.before, *f"{name} = {self.expression}".split("\n"), *self.after]


Maker = Callable[["ScriptDraft", ResolvedNode, Values, bool], Call | None]
"""Makes the call of a node, or None where no library has one. The last argument says that only
whether there is one is asked, before anything has a name."""


SAMPLING = ("temperature", "max_tokens")
"""What a question may say about its answer, in the words of most libraries."""


def params_of(node: ResolvedNode) -> dict[str, Any]:
    """What is set, by name."""
    return {k: v for k, v in node.instance.params.items() if v is not None}


def only(params: Mapping[str, Any], *names: str) -> bool:
    """Whether nothing but these is set."""
    return all(name in names or value in (None, "", [], {}) for name, value in params.items())


def is_text(made: ScriptDraft, node: ResolvedNode, port: str) -> bool:
    """Whether nothing but text comes into a port."""
    for edge in made.resolved.incoming[node.instance.id].get(port, ()):
        source = made.resolved.nodes.get(edge.source_node)
        output = source.output(edge.source_port) if source is not None else None
        if output is None or output.type.ids != ("text",):
            return False
    return True


def from_port(made: ScriptDraft, node: ResolvedNode, port: str) -> list[ResolvedNode]:
    """The nodes that are wired into a port."""
    edges = made.resolved.incoming[node.instance.id].get(port, ())
    return [
        made.resolved.nodes[e.source_node] for e in edges if e.source_node in made.resolved.nodes
    ]


def one_of(inputs: Values, port: str) -> str:
    """What comes into a port, as one expression."""
    values = inputs.get(port, [])
    if len(values) == 1:
        return values[0][0]
    return f"next((v for v in ({', '.join(v for v, _ in values)}) if v is not None), None)"


def arguments(words: Mapping[str, Any]) -> str:
    """Named arguments of a call."""
    return ", ".join(f"{name}={value}" for name, value in words.items())


def secret(value: Any) -> str:
    """A key, by the name of its variable."""
    return f'os.environ["{value["secret"]}"]'


def system_of(node: ResolvedNode, inputs: Values) -> str:
    """The expression of a system text; "" for none."""
    system = node.instance.params.get("system", "")
    return one_of(inputs, "system") if "system" in inputs else repr(system) if system else ""

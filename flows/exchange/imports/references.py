"""References in texts, by builder: `{{question}}`, `{{node.data.instance}}`, `{{#node.field#}}`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchbay.flows.exchange.imports.graph import ForeignGraph

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering, Mapped


@dataclass(frozen=True, slots=True)
class Special:
    """The question, or the conversation."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal_:  # noqa: N801 - typing has a Literal
    """A text as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a node there."""

    node: str
    output: str
    end: str = ""
    """Where it is here, if that is known already: `node.port`."""


Source = Special | Literal_ | Output
CHAT, TALK = Special("question"), Special("conversation")


@dataclass(frozen=True, slots=True)
class References:
    """How a builder writes references."""

    knows: Callable[[str], bool]
    """Whether what stands between two braces is a reference, and not just text."""
    resolve: Callable[[str, Lowering, Mapped], Source]


def references_of(graph: ForeignGraph) -> References:
    """The references of a graph's builder."""
    return _BY_BUILDER.get(graph.builder, References(lambda name: False, _unknown))


def _unknown(name: str, lowering: Lowering, mapped: Mapped) -> Source:
    return Literal_("{{" + name + "}}")


_FLOWISE_WORDS = {"question": CHAT, "chat_history": TALK, "input": CHAT}


def _flowise_knows(name: str) -> bool:
    return (
        name in _FLOWISE_WORDS
        or name.endswith(".data.instance")
        or name.startswith(("$flow.", "$vars.", "$form.", "$iteration", "$webhook"))
        or name in ("current_date_time", "runtime_messages_length", "loop_count", "file_attachment")
    )


def _flowise(name: str, lowering: Lowering, mapped: Mapped) -> Source:
    if name in _FLOWISE_WORDS:
        return _FLOWISE_WORDS[name]
    if name.endswith(".data.instance"):
        return Output(name.removesuffix(".data.instance"), "*")
    return _unknown(name, lowering, mapped)


_BY_BUILDER = {"flowise": References(_flowise_knows, _flowise)}

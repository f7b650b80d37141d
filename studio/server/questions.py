"""What a flow asks of its caller and gives back, and whether that makes a chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs
from patchbay.nodes.contract import InputField
from patchbay.studio.server.services import services


@dataclass(frozen=True)
class Asked:
    """The inputs of a flow in document order, and its outputs: name → id of the output node."""

    inputs: tuple[InputField, ...]
    outputs: Mapping[str, str]

    @property
    def chat_input(self) -> str | None:
        """The input that a chat message goes to, when the flow can be talked to.

        It then gives one output, and asks for one text or one conversation and needs nothing else.
        """
        needed = [f for f in self.inputs if f.required]
        if len(self.outputs) != 1:
            return None
        for kind in ("messages", "text"):
            asked = [f for f in self.inputs if f.kind == kind]
            if needed and (len(needed) > 1 or needed[0].kind != kind):
                continue
            if needed or len(asked) == 1:
                return (needed or asked)[0].name
        return None

    @property
    def remembers(self) -> bool:
        """Whether a chat sends what was said before along: the flow takes a conversation."""
        name = self.chat_input
        return any(f.name == name and f.kind == "messages" for f in self.inputs)


def asked(flow: Flow) -> Asked:
    """What a flow asks and gives."""
    return _asked(Same(flow))


class Same:
    """Flows are compared by identity here: they are immutable, and hold unhashable params."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def __hash__(self) -> int:
        return id(self.flow)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.flow is self.flow


@lru_cache(maxsize=64)
def _asked(key: Same) -> Asked:
    resolved = resolve_once(key.flow, services().catalog)
    fields: dict[str, InputField] = {}
    for _, field in flow_inputs(resolved):
        fields.setdefault(field.name, field)
    return Asked(tuple(fields.values()), flow_outputs(resolved))

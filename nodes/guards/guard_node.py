"""What nodes that let something pass, or not, have in common."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Node, Ports, kind_type


class GuardNode(Node):
    """Lets a text or a conversation (`carries`) pass, or gives a message instead."""

    family, icon = "Safety", "shield"

    @classmethod
    def input_ports(cls, params: Any) -> type[Ports]:
        """The text or the conversation, and what is beside it."""
        return cls.Inputs.retyped(text=kind_type(params.carries))

    @classmethod
    def output_ports(cls, params: Any) -> type[Ports]:
        """What came in under its own type, or the message."""
        return cls.Outputs.retyped(passed=kind_type(params.carries))

    @classmethod
    def exclusive_outputs(cls, params: Any) -> tuple[str, ...]:
        """It passes or it does not."""
        return ("passed", "refused")

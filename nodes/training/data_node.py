"""What the nodes that make rows to train on have in common."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Node, Ports


class DataNode(Node):
    """Makes rows to train on and rows to measure with, and keeps them in the home folder."""

    opens_itself = True  # of a model that is wired only the tokenizer

    @classmethod
    def repeatable(cls, params: Any, inputs: Ports) -> bool:
        """The rows lie in a folder of the person; whether they still do, only a run sees."""
        return False

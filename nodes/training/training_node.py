"""What the nodes that train have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from patchbay.nodes.contract import Node, Ports
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.training.base import TrainableModel, checked_base
from patchbay.nodes.values import ModelSpec, Value


class TrainingNode(Node):
    """Trains the model that is wired into `model`, and keeps what it made in the home folder."""

    opens_itself = True
    value_types: ClassVar[tuple[type[Value], ...]] = (
        TrainedAdapter,
        LoraModel,
        TransformersModel,
    )

    @classmethod
    def repeatable(cls, params: Any, inputs: Ports) -> bool:
        """What was trained lies in a folder of the person, where the node looks itself."""
        return False

    @classmethod
    def doubts(cls, params: Any, inputs: Ports) -> tuple[str, ...]:
        """None of its own.

        Raises:
            NodeError: the model cannot be trained, or not so.
        """
        if isinstance(model := inputs["model"], ModelSpec):
            cls.base_of(model, params)
        return ()

    @classmethod
    def base_of(cls, model: ModelSpec, params: Any) -> TrainableModel:
        """The model, if it can be trained so; most trainers take networks that only decode.

        Raises:
            NodeError: it cannot.
        """
        return checked_base(model, encoded=False)

"""The node that puts models in an order in which they stand in for each other."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import DescribingNode, NodeParams, Ports, port
from patchbay.nodes.models.fallback.spec import FallbackModel
from patchbay.nodes.values import ModelSpec


class Fallback(DescribingNode):
    """Several models as one: where the first fails, the next one answers.

    The order is that of the wires. A model fails when it cannot be opened or reached, when its key
    is missing or wrong, or when it refuses; the run then says which model failed, how, and which
    one answered. Cancelling a run is no failure.
    """

    kind, version = "model.fallback", 1
    title, family = "Fallback", "Models"
    icon = "shield"
    synonyms = ("backup", "retry", "router", "failover", "chain of models")

    class Params(NodeParams):
        whole: bool = False
        """Show answers only as a whole, so that a model that breaks off can be replaced too."""

    class Inputs(Ports):
        models: list[ModelSpec] = port(doc="The models, in the order in which they are asked.")

    class Outputs(Ports):
        model: FallbackModel = port(doc="One description for all of them.")

    @classmethod
    def describe(cls, params: Params, inputs: Any) -> Outputs:
        """Describe the order. Nothing is opened."""
        model = FallbackModel(models=tuple(inputs.models), whole=params.whole)
        return cls.Outputs(model=model)

    @classmethod
    def summary(cls, params: Params) -> str:
        """How answers are shown, where that is special."""
        return "whole answers" if params.whole else ""

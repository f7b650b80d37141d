"""The description of models that stand in for each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.values import ModelSpec, Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.fallback.chat import ChatFallback


class FallbackModel(ModelSpec):
    """Chat models in order: where one fails, the next one answers.

    With `whole` nothing of an answer is shown before it is complete, so that a model that breaks
    off in the middle can be replaced as well.
    """

    backend: ClassVar[str] = "fallback"

    models: tuple[ModelSpec, ...] = Field(min_length=1)
    whole: bool = False

    def memory(self) -> int:
        """Nothing but what its models take."""
        return 0

    @property
    def sees(self) -> bool | None:
        """No where none does; yes where all do."""
        each = {model.sees for model in self.models}
        return each.pop() if len(each) == 1 else None

    def resource(self) -> FallbackModel:
        """Without the sampling defaults: they travel with each call."""
        return self.model_copy(update={"models": tuple(m.resource() for m in self.models)})

    def unforced(self, schema: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """What any of them is not held to."""
        parts = (part for model in self.models for part in model.unforced(schema))
        return tuple(dict.fromkeys(parts))

    @property
    def schema_fix(self) -> str:
        """What would help, whichever model it was."""
        return " Or: ".join(dict.fromkeys(model.schema_fix for model in self.models))

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call in the words of each model.

        There is no seed or temperature for all of them: which model answers may differ next time,
        so that the answer does not count as one that repeats.
        """
        return {"each": [model.call_options(call) for model in self.models]}

    def open(self, opening: Opening) -> ChatFallback:
        """Nothing yet: each model is opened when it is first needed."""
        from patchbay.nodes.models.fallback.chat import ChatFallback

        return ChatFallback.over(self, opening)

"""The description of models that stand in for each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

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

    def resource(self) -> FallbackModel:
        """Without the sampling defaults: they travel with each call."""
        return self.model_copy(update={"models": tuple(m.resource() for m in self.models)})

    def call_options(
        self,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, JsonValue] | None = None,
    ) -> dict[str, Any]:
        """The options of each model in its own words.

        There is no seed or temperature for all of them: which model answers may differ next time,
        so that the answer does not count as one that repeats.
        """
        return {
            "each": [
                model.call_options(
                    temperature=temperature,
                    seed=seed,
                    max_tokens=max_tokens,
                    stop=stop,
                    json_schema=json_schema,
                )
                for model in self.models
            ]
        }

    def open(self, opening: Opening) -> ChatFallback:
        """Nothing yet: each model is opened when it is first needed."""
        from patchbay.nodes.models.fallback.chat import ChatFallback

        return ChatFallback.over(self, opening)


def name_of(model: ModelSpec) -> str:
    """What to call a model in a sentence."""
    for field in ("model", "weights", "base_url"):
        if isinstance(name := getattr(model, field, None), str) and name:
            return name
    return model.type_id()

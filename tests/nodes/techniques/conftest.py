"""One context per test in which every description is opened once and kept, as in the pool."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from nodes.values import ModelSpec, Spec
from tests.nodes.context import RecordingContext
from tests.nodes.techniques.scripted import Scripted, ScriptedChat


@dataclass
class PoolContext(RecordingContext):
    """Opens a description once; what `shared` holds is open already."""

    shared: dict[str, Any] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def use(self, spec: Spec, *, slot: bool = True) -> AsyncIterator[Any]:
        key = spec.resource().model_dump_json()
        if key not in self.shared:
            self.shared[key] = spec.open(self)
        yield self.shared[key]

    def chat(self, spec: Scripted) -> ScriptedChat:
        """The opened model of a description, with its calls."""
        chat: ScriptedChat = self.shared[spec.resource().model_dump_json()]
        return chat


@pytest.fixture
def ctx() -> PoolContext:
    return PoolContext()


SMALL: dict[str, Any] = {"context": 1024, "parallel": 4, "temperature": 0}


@pytest.fixture(scope="session")
def opened() -> Iterator[tuple[ModelSpec, Any]]:
    """The real default model, opened once for all tests of techniques."""
    from nodes.models.gguf import GgufModel

    spec = GgufModel(**SMALL)
    model = spec.open(RecordingContext())
    yield spec, model
    model.close()


@pytest.fixture
def real(opened: tuple[ModelSpec, Any], ctx: PoolContext) -> ModelSpec:
    """The description of the real model, open in `ctx`."""
    spec, model = opened
    ctx.shared[spec.resource().model_dump_json()] = model
    return spec

"""One context per test in which every description is opened once and kept, as in the pool."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import Spec
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

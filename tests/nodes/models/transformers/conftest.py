"""One real network for all tests here: SmolLM2-135M, dequantized, opened once per process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext
from patchbay.nodes.models.transformers.chat import ChatTransformers
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.spec import TransformersModel
from tests.device import DEVICE

BASE = TransformersModel(context=512, parallel=3, device=DEVICE, dtype="float32")
"""The base that everything here shares."""

RUDE = "The food was cold and the waiter was rude."


def adapted(*adapters: str, merge: bool = False, scale: float = 1.0) -> LoraModel:
    """The base with adapters that ship."""
    uses = tuple(LoraUse(weights=name, scale=scale) for name in adapters)
    return LoraModel(base=BASE, adapters=uses, merge=merge)


@pytest.fixture(scope="session")
def shared() -> Iterator[Pool]:
    """The pool that opened things stay in until the session ends."""
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def ctx(shared: Pool) -> PooledContext:
    context = PooledContext()
    context.pool = shared
    return context


@pytest.fixture
async def base(ctx: PooledContext) -> ChatTransformers:
    async with ctx.use(BASE) as opened:
        return opened

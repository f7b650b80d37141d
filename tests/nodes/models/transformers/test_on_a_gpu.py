"""What only a true graphics card shows: its memory. See `test_on_a_card.py` for the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext, user
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.transformers.spec import TransformersModel
from tests.device import DEVICE, on_a_gpu
from tests.nodes.models import tiny


@pytest.fixture
def spec(tmp_path: Path) -> TransformersModel:
    folder = tiny.folder_of(tiny.network(), tmp_path / "tiny")
    return TransformersModel(weights=str(folder), context=64, parallel=2, device=DEVICE)


@on_a_gpu
async def test_a_model_that_goes_gives_its_memory_back(spec: TransformersModel) -> None:
    import torch

    ctx = PooledContext()
    ctx.pool = Pool()
    before = torch.cuda.memory_allocated()
    async with ctx.use(spec) as opened:
        assert opened.engine.adapters.network.device.type == "cuda"
        assert opened.engine.adapters.network.dtype == torch.bfloat16
    await ask(ctx, spec, user("abc"), port=None, **spec.call_options(max_tokens=4))
    assert torch.cuda.memory_allocated() > before
    del opened
    ctx.pool.let_go()
    assert torch.cuda.memory_allocated() <= before


@on_a_gpu
async def test_a_card_without_room_is_told(spec: TransformersModel) -> None:
    import torch

    ctx = PooledContext()
    ctx.pool = Pool()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        with pytest.raises(NodeError, match="GPU memory") as caught:
            await ask(ctx, spec, user("abc"), port=None)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert caught.value.code == "model/memory"
    ctx.pool.close()

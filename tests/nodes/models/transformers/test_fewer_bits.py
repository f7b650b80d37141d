"""Every way of fewer bits answers on a processor, in less memory than the last."""

from __future__ import annotations

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext
from patchbay.nodes.models.transformers.precision import Quantization
from tests.nodes.models.transformers.conftest import BASE
from tests.nodes.models.transformers.test_adapters import said

WAYS = [
    Quantization(bits=8),
    Quantization(kind="fp4", double=False),
    Quantization(kind="nf4", compute="bfloat16"),
]


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_it_answers(way: Quantization) -> None:
    context = PooledContext()
    context.pool = Pool()
    spec = BASE.model_copy(update={"quantization": way, "parallel": 1})
    text = await said(context, spec, "What is the capital of France?", tokens=8)
    context.pool.close()
    assert len(text.split()) > 1


def test_fewer_bits_are_estimated_smaller() -> None:
    sizes = [BASE.model_copy(update={"quantization": bits}).memory() for bits in (None, *WAYS)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)

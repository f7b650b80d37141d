"""Adapters on one base: switched, mixed in a batch, combined, merged, taken off again."""

from __future__ import annotations

import asyncio

from patchbay.flows.runs.resources import Pool
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.transformers.chat import ChatTransformers
from patchbay.nodes.values import ModelSpec
from tests.nodes.models.conformance import PooledContext, user
from tests.nodes.models.transformers.conftest import BASE, RUDE, adapted


async def said(ctx: PooledContext, spec: ModelSpec, text: str = RUDE, tokens: int = 6) -> str:
    options = spec.call_options(temperature=0, max_tokens=tokens)
    return (await ask(ctx, spec, user(text), port=None, **options)).text


async def test_each_model_answers_in_its_own_way(ctx: PooledContext, shared: Pool) -> None:
    before = await said(ctx, BASE)
    opened = shared.opened
    label = await said(ctx, adapted("sentiment"))
    pirate = await said(ctx, adapted("pirate"))
    assert label.strip() == "negative"
    assert pirate.startswith("Arr")
    assert await said(ctx, BASE) == before != label
    assert shared.opened - opened <= 2, "the base was opened again"


async def test_rows_of_one_batch_have_different_adapters(ctx: PooledContext) -> None:
    specs = [BASE, adapted("sentiment"), adapted("pirate")]
    alone = [await said(ctx, spec) for spec in specs]
    together = await asyncio.gather(*(said(ctx, spec) for spec in specs))
    assert together == alone


async def test_a_scale_of_nothing_changes_nothing(ctx: PooledContext) -> None:
    assert await said(ctx, adapted("pirate", scale=0.0)) == await said(ctx, BASE)


async def test_several_act_together(ctx: PooledContext) -> None:
    both = await said(ctx, adapted("pirate", "sentiment"), tokens=4)
    assert both != await said(ctx, BASE, tokens=4)


async def test_merged_answers_like_attached(ctx: PooledContext, shared: Pool) -> None:
    merged = adapted("sentiment", merge=True)
    for text in (RUDE, "What a wonderful evening!"):
        assert await said(ctx, merged, text) == await said(ctx, adapted("sentiment"), text)


async def test_the_last_adapter_leaves_the_base_as_it_was(
    ctx: PooledContext, base: ChatTransformers
) -> None:
    before = await said(ctx, BASE)
    engine = base.engine
    kept = set(engine.adapters.names)
    spec = adapted("pirate", scale=0.5)
    opened = spec.open(_Sharing(base))
    assert set(engine.adapters.names) - kept == {opened.adapter}
    opened.close()
    assert set(engine.adapters.names) == kept
    assert await said(ctx, BASE) == before


class _Sharing:
    """An opening that has the base already."""

    def __init__(self, base: ChatTransformers) -> None:
        self._base = base

    def report(self, label: str, done: float, total: float | None) -> None:
        pass

    def open(self, spec: object) -> ChatTransformers:
        return self._base

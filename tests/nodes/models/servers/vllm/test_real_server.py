"""A real vLLM server, where there is one: `make test-vllm` installs it for the processor."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import Backend, ModelConformance, PooledContext, say
from patchbay.nodes.models.servers.vllm.chat import VllmChat
from patchbay.nodes.models.servers.vllm.engine import COMMAND, VllmEngine
from patchbay.nodes.models.servers.vllm.spec import NamedAdapter, VllmModel
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.spec import TransformersModel

WEIGHTS = "smollm2-135m-instruct"
BASE = VllmModel(
    weights=WEIGHTS, context=1024, parallel=4, dtype="float32", temperature=0, max_tokens=24,
    eager=True, adapters=(
        NamedAdapter(name="pirate", weights="pirate"),
        NamedAdapter(name="feeling", weights="sentiment"),
    ),
)  # fmt: skip
PIRATE = BASE.model_copy(update={"adapter": "pirate"})
HERE = TransformersModel(
    weights=WEIGHTS, context=1024, parallel=4, dtype="float32", temperature=0, max_tokens=24
)
ASKED = "What is the capital of Denmark?"

pytestmark = pytest.mark.skipif(
    shutil.which(os.environ.get(COMMAND) or "vllm") is None,
    reason=f"vLLM is not installed; make test-vllm (or {COMMAND})",
)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """One server for all of them."""
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def ctx(pool: Pool) -> PooledContext:
    """A context over that server."""
    ctx = PooledContext()
    ctx.pool = pool
    return ctx


def engine_of(pool: Pool) -> VllmEngine:
    """The server that is open."""
    (found,) = [e for e in pool._entries.values() if isinstance(e.spec, VllmModel)]
    chat = found.ready.result()
    assert isinstance(chat, VllmChat)
    return chat._engine


class TestConformance(ModelConformance):
    """What every backend must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Backend:
        """The model without adapters."""
        return Backend(BASE, context=1024)


class TestWords:
    """The words are those of the same weights in this process."""

    pytestmark = pytest.mark.asyncio

    async def test_with_and_without_an_adapter(self, ctx: PooledContext) -> None:
        adapted = LoraModel(base=HERE, adapters=(LoraUse(weights="pirate"),))
        for there, here in ((BASE, HERE), (PIRATE, adapted)):
            served = await say(ctx, Backend(there), ASKED)
            computed = await say(ctx, Backend(here), ASKED)
            assert served.text == computed.text
        ctx.pool.let_go(keep=[BASE])

    async def test_several_adapters_in_one_batch(self, ctx: PooledContext) -> None:
        specs = [BASE, PIRATE, BASE.model_copy(update={"adapter": "feeling"})] * 2
        texts = [
            a.text for a in await asyncio.gather(*(say(ctx, Backend(s), ASKED) for s in specs))
        ]
        assert texts[:3] == texts[3:]
        assert len(set(texts)) == 3

    async def test_tokens_are_counted_by_its_tokenizer(self, ctx: PooledContext) -> None:
        async with ctx.use(BASE) as there, ctx.use(HERE) as here:
            for text in ("Hello, Denmark!", "a\n\n1. First", ""):
                assert there.tokens_in(text) == here.tokens_in(text)


class TestLife:
    """One server, watched."""

    pytestmark = pytest.mark.asyncio

    async def test_one_that_was_killed_is_started_anew(self, ctx: PooledContext) -> None:
        before = await say(ctx, Backend(BASE), ASKED)
        engine = engine_of(ctx.pool)
        assert engine.starts == 1  # for all that was asked until now
        process = engine._process
        assert process is not None
        os.kill(process.pid, signal.SIGTERM)
        await asyncio.to_thread(process.wait, 60)
        after = await say(ctx, Backend(BASE), ASKED)
        assert (after.text, engine.starts) == (before.text, 2)

    async def test_letting_go_leaves_no_process(self, ctx: PooledContext) -> None:
        await say(ctx, Backend(BASE), ASKED)
        engine = engine_of(ctx.pool)
        assert engine._process is not None
        family = children(engine._process.pid)
        assert len(family) > 1
        ctx.pool.let_go()
        for _ in range(200):
            if not any(map(runs, family)):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"these are left: {[pid for pid in family if runs(pid)]}")


def children(pid: int) -> list[int]:
    """A process and all below it."""
    import psutil

    parent = psutil.Process(pid)
    return [pid, *(child.pid for child in parent.children(recursive=True))]


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

"""A network that another process has open answers as it does here."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from patchbay.flows.runs.resources import Pool
from patchbay.flows.server.workers.model_host import NetworkHost
from patchbay.flows.testing import PooledContext, user
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.hosted.opening import open_there
from patchbay.nodes.values import ModelSpec
from tests.nodes.models.transformers.conftest import BASE, adapted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers share no port there")


@pytest.fixture
async def there(shared: Pool) -> AsyncIterator[PooledContext]:
    """What asks a host, which has what these tests have open anyway."""
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:  # the path of a socket is short
        at = Path(folder) / "host.sock"
        host = NetworkHost(load_catalog(), shared)
        server = await asyncio.start_unix_server(host.hear, str(at), limit=1 << 27)
        ctx = PooledContext()
        ctx.pool = Pool()
        ctx.pool.elsewhere = partial(open_there, at)
        yield ctx
        server.close()


@pytest.mark.parametrize("spec", [BASE, adapted("pirate")], ids=["base", "adapter"])
async def test_it_says_the_same(ctx: PooledContext, there: PooledContext, spec: ModelSpec) -> None:
    asked = user("What is the capital of Denmark?")
    said = [await ask(one, spec, asked, temperature=0, max_tokens=8) for one in (ctx, there)]
    assert said[0].text == said[1].text != ""
    assert (said[0].prompt_tokens, said[0].cut) == (said[1].prompt_tokens, said[1].cut)
    assert there.streamed == ctx.streamed


async def test_it_counts_and_refuses_the_same(there: PooledContext) -> None:
    async with there.pool.use(BASE, there) as model:
        assert model.context == BASE.context
        tokens = await asyncio.to_thread(model.count, [HumanMessage("One two three")])
        assert len(tokens) > 3
    with pytest.raises(NodeError) as caught:
        await ask(there, BASE, user("word " * 600))
    assert caught.value.code == "model/context-overflow"

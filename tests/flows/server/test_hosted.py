"""Models that one process has open for several: asked over a socket as if they were here."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGenerationChunk

from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.server.workers.model_host import NetworkHost, _Telling
from patchbay.flows.testing import PooledContext
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import DescribingNode, NodeParams, Ports
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.hosted.calls import called
from patchbay.nodes.models.hosted.chat import HostedChat
from patchbay.nodes.models.hosted.opening import open_there
from patchbay.nodes.models.streaming import StreamingChat
from patchbay.nodes.retrieval.reranker import CrossEncoderModel
from patchbay.nodes.values import (
    EmbeddingsSpec,
    Message,
    ModelSpec,
    Opening,
    Spec,
    decode,
    encode,
)
from tests.flows.server.nodes import Letters
from tests.nodes.retrieval.small_networks import small_cross_encoder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers share no port there")


class Ticking(StreamingChat):
    """Says its number of words, one after another; for ever where that is 0."""

    at_work: ClassVar[int] = 0
    words: int = 3

    @property
    def _llm_type(self) -> str:
        return "ticking"

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any) -> Any:
        raise NotImplementedError

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        if "break" in str(messages[-1].content):
            raise NodeError("It broke.", fix="Mend it.", code="model/request", retry=False)
        if "defect" in str(messages[-1].content):
            raise ZeroDivisionError("of the model")
        Ticking.at_work += 1
        try:
            number = 0
            while not self.words or number < self.words:
                number += 1
                message = AIMessageChunk(content=f"{number}:{more.get('max_tokens')} ")
                yield ChatGenerationChunk(message=message)
                await asyncio.sleep(0.005)
            usage = {"input_tokens": 4, "output_tokens": number, "total_tokens": 4 + number}
            last = AIMessageChunk(
                content="", usage_metadata=usage, response_metadata={"finish_reason": "length"}
            )
            yield ChatGenerationChunk(message=last)
        finally:
            Ticking.at_work -= 1

    def count(self, messages: Any) -> list[int]:
        return [len(str(message.content)) for message in messages]

    def tokens_in(self, text: str) -> int:
        return len(text.split())


class Ticks(ModelSpec):
    """Opens one."""

    backend: ClassVar[str] = "ticks"
    hosted: ClassVar[bool] = True
    opened: ClassVar[int] = 0
    length: int = 3

    def memory(self) -> int:
        return 10**15  # more than there is: a process that does not open it must not count it

    def open(self, opening: Opening) -> BaseChatModel:
        if self.length < 0:
            raise NodeError("It cannot be loaded.", fix="Take another.", code="model/weights")
        opening.report("Loading ticks", 1, 2)
        Ticks.opened += 1
        return Ticking(words=self.length)


class OpenScales:
    """Weighs bytes."""

    mark = "<m>"

    def weigh(self, things: list[bytes], text: str) -> list[tuple[str, int]]:
        if not things:
            raise NodeError("Nothing to weigh.", port="text", code="encoder/no-mask", retry=False)
        return [(text, len(thing)) for thing in things]

    def secret(self) -> str:
        return "never asked for"


class Scales(Spec):
    """Opens them."""

    port: ClassVar[str] = "scales"
    hosted: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("weigh",)
    told: ClassVar[tuple[str, ...]] = ("mark",)

    def open(self, opening: Opening) -> OpenScales:
        return OpenScales()


class Sees(Embeddings):
    """Looks at pictures too: each thing's vector is its length."""

    max_tokens, scale = 9, 2.5

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(len(text))] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(len(text))]

    def embed_pictures(self, files: list[bytes]) -> list[list[float]]:
        return [[float(len(file))] for file in files]


class Looks(EmbeddingsSpec):
    """Opens it."""

    backend: ClassVar[str] = "looks"
    hosted: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("embed_pictures",)
    told: ClassVar[tuple[str, ...]] = ("scale",)

    def open(self, opening: Opening) -> Sees:
        return Sees()


class TicksNode(DescribingNode):
    """Describe it."""

    kind, title, family = "test.ticks", "Ticks", "Test"

    class Params(NodeParams):
        pass

    class Outputs(Ports):
        model: Ticks

    value_types = (Letters, Scales, Looks)

    @classmethod
    def describe(cls, params: Any, inputs: Ports) -> Ports:
        return cls.Outputs(model=Ticks())


CATALOG = Catalog([TicksNode])


class Machine:
    """A host, and pools of processes that ask it."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "networks.sock"
        self.host = NetworkHost(CATALOG, Pool(limit=10**16))
        self.server: asyncio.Server | None = None

    async def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.server = await asyncio.start_unix_server(
            self.host.hear, str(self.socket), limit=1 << 27
        )

    def worker(self) -> PooledContext:
        ctx = PooledContext()
        ctx.pool = Pool()
        ctx.pool.elsewhere = partial(open_there, self.socket)
        return ctx


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pb-") as made:  # the path of a socket is short
        yield Path(made)


@pytest.fixture
async def machine(folder: Path) -> AsyncIterator[Machine]:
    Ticks.opened = 0
    made = Machine(folder)
    await made.start()
    yield made
    assert made.server is not None
    made.server.close()


SAID = [Message(role="user", content="Count.")]


async def test_two_processes_share_what_one_has_open(machine: Machine) -> None:
    first, second = machine.worker(), machine.worker()
    answers = await asyncio.gather(
        *(ask(ctx, Ticks(), SAID, max_tokens=7) for ctx in (first, second))
    )
    assert [answer.text for answer in answers] == ["1:7 2:7 3:7 "] * 2
    assert [(a.prompt_tokens, a.answer_tokens, a.cut) for a in answers] == [(4, 3, True)] * 2
    assert Ticks.opened == 1
    assert "".join(piece for _, piece in first.streamed) == "1:7 2:7 3:7 "
    assert [memory for _, memory, _ in first.pool.resident()] == [0]


async def test_progress_of_its_opening_is_told(machine: Machine) -> None:
    ctx = machine.worker()
    await ask(ctx, Ticks(), SAID)
    assert ctx.progressed == [("Loading ticks", 1, 2)]


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [("break", "model/request", "It broke."), ("defect", "model/failed", "ZeroDivisionError")],
)
async def test_what_goes_wrong_there_is_said_here(
    machine: Machine, text: str, code: str, says: str
) -> None:
    with pytest.raises(NodeError) as caught:
        await ask(machine.worker(), Ticks(), [Message(role="user", content=text)])
    assert caught.value.code == code
    assert says in caught.value.message


async def test_what_cannot_be_opened_there_is_said_here(machine: Machine) -> None:
    with pytest.raises(NodeError, match=r"It cannot be loaded\.") as caught:
        await ask(machine.worker(), Ticks(length=-1), SAID)
    assert (caught.value.code, caught.value.fix) == ("model/weights", "Take another.")


async def test_one_who_leaves_ends_the_call(machine: Machine) -> None:
    task = asyncio.ensure_future(ask(machine.worker(), Ticks(length=0), SAID))
    while not Ticking.at_work and not task.done():
        await asyncio.sleep(0.01)
    assert Ticking.at_work == 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    while Ticking.at_work:
        await asyncio.sleep(0.01)


async def test_what_is_called_by_name_gives_what_it_would_here(machine: Machine) -> None:
    found = []
    here, there = PooledContext(), machine.worker()
    here.pool = Pool()
    for ctx in (here, there):
        async with ctx.pool.use(Scales(), ctx) as opened:
            found.append([opened.mark, await asyncio.to_thread(opened.weigh, [b"\x00\xff"], "é")])
    assert found[0] == ["<m>", [("é", 2)]]
    assert found[1] == ["<m>", [["é", 2]]]
    assert machine.host.pool.opened == 1


async def test_only_what_a_description_names_is_called(machine: Machine) -> None:
    ctx = machine.worker()
    async with ctx.pool.use(Scales(), ctx) as opened:
        with pytest.raises(AttributeError):
            opened.secret()
        with pytest.raises(NodeError, match="is not asked to"):
            await asyncio.to_thread(called, opened._line, "secret")
        with pytest.raises(NodeError, match="Nothing to weigh") as caught:
            await asyncio.to_thread(opened.weigh, [], "é")
        assert caught.value.port == "text"


async def test_pictures_are_embedded_there(machine: Machine) -> None:
    ctx = machine.worker()
    async with ctx.pool.use(Looks(), ctx) as opened:
        assert await asyncio.to_thread(opened.embed_pictures, [b"ab", b"abc"]) == [[2.0], [3.0]]
        assert await asyncio.to_thread(opened.embed_query, "abcd") == [4.0]
        assert (opened.scale, opened.max_tokens, opened.take_cut()) == (2.5, 9, 0)


def test_encoders_and_clip_live_there_as_well() -> None:
    """And what their descriptions name is there to be called."""
    from patchbay.nodes.encoders.classifier import TextClassifier
    from patchbay.nodes.encoders.classifier_spec import TrainedClassifier
    from patchbay.nodes.encoders.clip import ClipEncoder
    from patchbay.nodes.encoders.clip_spec import ClipEmbeddings
    from patchbay.nodes.encoders.heads import Entailment, MaskFiller
    from patchbay.nodes.encoders.heads_spec import EntailmentModel, MaskedModel
    from patchbay.nodes.retrieval.cross_encoder import CrossEncoder

    for spec, opened in (
        (TrainedClassifier, TextClassifier), (EntailmentModel, Entailment),
        (MaskedModel, MaskFiller), (ClipEmbeddings, ClipEncoder),
        (CrossEncoderModel, CrossEncoder),
    ):  # fmt: skip
        assert spec.hosted
        assert all(callable(getattr(opened, name)) for name in spec.calls)
    types = default_catalog().value_types
    for given in (EntailmentModel(weights="a"), MaskedModel(weights="a"), ClipEmbeddings(),
                  CrossEncoderModel(weights="a")):  # fmt: skip
        assert decode(encode(given), types) == given


async def test_a_cross_encoder_there_scores_as_one_here(machine: Machine, folder: Path) -> None:
    machine.host = NetworkHost(default_catalog())
    await machine.start()
    place = await asyncio.to_thread(small_cross_encoder, folder / "ce")  # it may fetch weights
    spec = CrossEncoderModel(weights=str(place))
    here, there = PooledContext(), machine.worker()
    here.pool = Pool()
    texts = ["Bees make honey.", "A lighthouse warns ships.", ""]
    found = []
    for ctx in (here, there):
        async with ctx.pool.use(spec, ctx) as opened:
            found.append(await asyncio.to_thread(opened.score, "What do bees make?", texts))
    assert found[0] == pytest.approx(found[1], abs=1e-5)
    assert len(set(found[0])) == 3
    assert machine.host.pool.opened == 1


async def test_a_long_answer_waits_for_whoever_reads_it() -> None:
    """Else all of it would lie in the process of the models, for each who stalls."""
    ours, theirs = socket.socketpair()
    _, writing = await asyncio.open_unix_connection(sock=ours)
    telling = _Telling(writing, Secrets(env={}, files=()))

    async def answer() -> None:
        for _ in range(30):
            await telling.sent({"chunk": "x" * 1_000_000})

    answering = asyncio.create_task(answer())
    for _ in range(200):
        await asyncio.sleep(0)
    assert not answering.done()
    assert writing.transport.get_write_buffer_size() < 3_000_000
    reading, other = await asyncio.open_unix_connection(sock=theirs, limit=1 << 24)
    for _ in range(30):
        assert len(await reading.readline()) > 1_000_000
    await answering
    other.close()
    writing.close()


async def test_a_host_that_ends_is_said_and_the_next_one_is_asked(machine: Machine) -> None:
    ctx = machine.worker()
    assert (await ask(ctx, Ticks(), SAID)).text
    assert machine.server is not None
    machine.server.close()
    machine.socket.unlink(missing_ok=True)  # Python 3.13 has done so
    with pytest.raises(NodeError) as caught:
        await ask(ctx, Ticks(), SAID)
    assert caught.value.code == "model/host-ended"
    await machine.start()
    assert (await ask(ctx, Ticks(), SAID)).text


async def test_threads_ask_it_too_and_count(machine: Machine) -> None:
    ctx = machine.worker()
    async with ctx.pool.use(Ticks(), ctx) as model:
        assert isinstance(model, HostedChat)
        said = await asyncio.to_thread(lambda: model.invoke([HumanMessage("Count.")]))
        assert str(said.content).split() == ["1:None", "2:None", "3:None"]
        assert await asyncio.to_thread(model.count, [HumanMessage("four")]) == [4]
        assert await asyncio.to_thread(model.tokens_in, "two words") == 2


async def test_embeddings_give_the_same_vectors(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Letters, "hosted", True)
    here, there = PooledContext(), machine.worker()
    here.pool = Pool()
    found = []
    for ctx in (here, there):
        async with ctx.pool.use(Letters(), ctx) as opened:
            texts = await asyncio.to_thread(opened.embed_documents, ["abc", "é"])
            found.append([*texts, await asyncio.to_thread(opened.embed_query, "abc")])
            assert opened.max_tokens == 7
    assert found[0] == found[1]
    assert machine.host.pool.opened == 1


async def test_what_is_not_meant_for_it_is_opened_here(machine: Machine) -> None:
    ctx = machine.worker()
    async with ctx.pool.use(Letters(), ctx):
        assert machine.host.pool.opened == 0

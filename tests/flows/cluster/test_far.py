"""Models that live elsewhere: a pool hands out handles, errors come back in words."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from patchbay.flows.cluster.far_pool import FarPool, model_key
from patchbay.flows.cluster.model_actor import ModelActor
from patchbay.flows.cluster.models import needs_of_models
from patchbay.flows.runs.api import load
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.runs.subflows import prepare
from patchbay.flows.runs.unwatched import Unwatched
from patchbay.nodes.context import unread
from patchbay.nodes.errors import NodeError, error_as_json, error_from_json
from patchbay.nodes.models.far import FarChat
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.values import ModelSpec, Opening, Spec
from tests.flows.runs.harness import CATALOG
from tests.paths import ROOT


class Direct:
    """A way to an actor of this process."""

    def __init__(self, actor: ModelActor) -> None:
        self.actor = actor

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        return asyncio.run(self.acall(method, *args, **options))

    async def acall(self, method: str, *args: Any, **options: Any) -> Any:
        value, wrong = await self.actor.ask(method, args, options)
        if wrong is not None:
            raise error_from_json(wrong)
        return value

    def stream(self, *args: Any, **options: Any) -> None:
        return None


def test_an_error_comes_back_as_it_was() -> None:
    error = NodeError(
        "It is full.", fix="Wait.", port="model", param="slots", code="model/full", retry=False
    )
    again = error_from_json(error_as_json(error))
    assert (again.message, *vars(again).items()) == (error.message, *vars(error).items())


def test_the_models_of_a_flow_are_found_also_in_flows_that_it_runs() -> None:
    for name, wanted in (("classify", 1), ("compare_models", 2), ("classify_lines", 1)):
        loaded = load(ROOT / "flows" / "saved" / f"{name}.json")
        ready = prepare(loaded.flow, CATALOG, loaded.folder)
        found = {model_key(need.spec) for need in needs_of_models(ready)}
        assert len(found) >= 1, name
        assert len(found) <= max(wanted, 2), name


def test_a_far_pool_hands_out_handles_and_opens_the_rest() -> None:
    spec = GgufModel(temperature=0.7)
    pool = FarPool({model_key(spec): []})
    assert pool.is_far(spec)
    assert pool.is_far(GgufModel(temperature=0.1)), "sampling travels with each call"
    assert not pool.is_far(GgufModel(context=512))


@pytest.mark.asyncio
async def test_a_model_that_cannot_be_opened_says_why() -> None:
    actor = ModelActor(GgufModel(weights="/nowhere/none.gguf"), {})
    where, wrong = await actor.open()
    assert where is None
    assert wrong is not None
    assert "none.gguf" in wrong["message"]
    with pytest.raises(NodeError, match="none"):
        await FarChat.over(Direct(actor), "none").ainvoke("Hi")


@pytest.mark.asyncio
async def test_a_mistake_of_a_model_is_no_death_of_its_process() -> None:
    actor = ModelActor(LocalEmbeddings(), {})

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("of the model")

    actor._asked = broken  # type: ignore[method-assign]
    actor._pool.make = lambda spec, opening: object()  # type: ignore[method-assign]
    value, wrong = await actor.ask("embed_query", ("Hi",), {})
    assert value is None
    assert wrong is not None
    assert wrong["message"].endswith("ZeroDivisionError: of the model")


@pytest.mark.asyncio
async def test_answers_come_piece_by_piece_and_what_breaks_comes_last() -> None:
    class Speaks:
        def with_context(self, _: int) -> Speaks:
            return self

        async def _astream(self, messages: Any, stop: Any, **options: Any) -> Any:
            for piece in ("one", "two"):
                yield piece
            raise NodeError("It lost its tongue.", code="model/tongue")

    actor = ModelActor(GgufModel(), {})
    actor._pool.make = lambda spec, opening: Speaks()  # type: ignore[method-assign]
    found = [piece async for piece in actor.stream(([], None), {})]
    assert [piece for piece, _ in found] == ["one", "two", None]
    assert found[-1][1] is not None
    assert found[-1][1]["code"] == "model/tongue"


@pytest.mark.asyncio
async def test_what_stands_for_a_model_here_is_handed_out_as_it_is() -> None:
    spec = GgufModel(context=512)

    class Pool(FarPool):
        def make(self, spec: Any, opening: Any) -> Any:
            return spec.handle(Direct(ModelActor(spec, {})))

    pool = Pool({model_key(spec): []})
    async with pool.use(spec, Unwatched(Secrets(env={}, files=()))) as opened:
        assert isinstance(opened, FarChat)


class Streaming(Direct):
    """One whose answers can be read while they are written."""

    def stream(self, *args: Any, **options: Any) -> Any:  # type: ignore[override]
        async def chunks() -> Any:
            async for chunk, _ in self.actor.stream(args, options):
                yield chunk

        return chunks()


@pytest.mark.asyncio
async def test_an_answer_that_nobody_reads_along_comes_whole_and_in_few_pieces() -> None:
    model = FarChat.over(Streaming(ModelActor(GgufModel(context=256, parallel=1), {})), "far")
    asked = {"temperature": 0, "max_tokens": 12}
    pieces = [chunk.text async for chunk in model.astream("Hi", **asked)]
    with unread():
        few = [chunk.text async for chunk in model.astream("Hi", **asked)]
    assert "".join(pieces) == "".join(few) != ""
    assert len([piece for piece in pieces if piece]) > 2
    assert len([piece for piece in few if piece]) == 2


class Base(ModelSpec):
    """A model that may live elsewhere."""

    backend: ClassVar[str] = "test base"
    elsewhere: ClassVar[bool] = True

    def open(self, opening: Opening) -> Any:
        return "the base"

    def handle(self, far: Any) -> Any:
        return "a way to it"


class Adapted(ModelSpec):
    """A model that is hung on another one, which must be open in the same process."""

    backend: ClassVar[str] = "test adapted"
    base: Base

    def parts(self) -> tuple[Spec, ...]:
        return (self.base,)

    def open(self, opening: Opening) -> Any:
        return f"{opening.open(self.base)}, adapted"


@pytest.mark.asyncio
async def test_a_part_of_what_is_opened_here_is_opened_here_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("patchbay.flows.cluster.far_pool.RayFar", lambda *_: None)
    pool, watcher = FarPool({model_key(Base()): []}), Unwatched(Secrets(env={}, files=()))
    async with pool.use(Base(), watcher) as opened:
        assert opened == "a way to it"
        async with pool.use(Adapted(base=Base()), watcher) as adapted:
            assert adapted == "the base, adapted"
    assert pool.opened == 3


def test_a_pool_hears_of_models_that_were_placed_later() -> None:
    pool, spec = FarPool({}), GgufModel(context=512)
    assert not pool.is_far(spec)
    pool.know({model_key(spec): ["actor"]})
    assert pool.is_far(spec)


def test_secrets_of_others_do_not_come_along() -> None:
    actor = ModelActor(GgufModel(), {"ONE": "1"})
    from patchbay.nodes.values import SecretRef

    assert actor._watcher.secret(SecretRef(secret="ONE")) == "1"
    with pytest.raises(NodeError):
        actor._watcher.secret(SecretRef(secret="TWO"))
    assert Secrets(env={"ONE": "1"}, files=()).find("TWO") is None

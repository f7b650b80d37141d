"""For tests of backends, of plugins too: what every backend of a chat model must do.

It goes through `ask` and a real pool. Subclass `ModelConformance` in the tests of the backend, and
give it one fixture:

    from patchbay.flows.testing import Backend, ModelConformance

    class TestMyModel(ModelConformance):
        @pytest.fixture(scope="class")
        @classmethod
        def backend(cls) -> Iterator[Backend]:
            with server() as url:
                yield Backend(MyModel(model="smollm2", base_url=url), context=1024)

The description should be a small one: about 1,024 tokens of context, which the overflow case
fills, and at least two slots. The pool opens it once for the class. What a backend cannot do at
all (not: does badly) is named in `lacks`, with the reason; the case is then skipped and says so.

It needs `pytest` and `pytest-asyncio`, which Patchbay does not: nothing else imports this module.
For failures that show both sides of a comparison, a `conftest.py` says
`pytest.register_assert_rewrite("patchbay.flows.testing")`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import Answer, ask
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import Message, ModelSpec, Spec

Lacking = Literal["stop", "seed", "schema", "cancel", "overflow"]

SURE: dict[str, Any] = {"temperature": 0}
CAPITAL = "What is the capital of Denmark?"
STORY = "Write a very long story about the sea."
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WAIT_S = 300.0
"""How long anything here may take on a busy machine before it counts as hung."""


def nothing() -> bool:
    """A backend that cannot be looked into is taken to be idle."""
    return True


@dataclass(frozen=True)
class Backend:
    """A description to test, and what is known of what stands behind it."""

    spec: ModelSpec
    idle: Callable[[], bool] = nothing
    """Whether nothing is generated now, seen from inside the backend."""
    context: int = 1024
    """Tokens that a request may have."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[Lacking, str] = field(default_factory=dict)
    """Case → why this backend has no such thing."""


class PooledContext(RecordingContext):
    """A context whose models are opened by a real pool, once."""

    pool: Pool

    @asynccontextmanager
    async def use(self, spec: Spec, *, slot: bool = True) -> AsyncIterator[Any]:
        """What the description opens, from the pool."""
        async with self.pool.use(spec, self, slot=slot) as opened:
            yield opened

    def opening(self, label: str, done: float, total: float | None) -> None:
        """An opening has come this far; kept in `progressed`."""
        self.progressed.append((label, done, total))

    def waiting(self, resource: str, position: int) -> None:
        """So many requests come first; kept in `progressed`."""
        self.progressed.append((f"waits for {resource}", position, None))

    def warning(self, message: str) -> None:
        """What a person should know; kept in `warnings`."""
        self.warnings.append(message)


def user(text: str) -> list[Message]:
    """A conversation of one message, a person's."""
    return [Message(role="user", content=text)]


async def say(
    ctx: PooledContext,
    backend: Backend,
    asked: str | list[Message],
    *,
    port: str | None = "text",
    **options: Any,
) -> Answer:
    """Ask the model; options are those of `ModelSpec.call_options`."""
    messages = user(asked) if isinstance(asked, str) else asked
    called = backend.spec.call_options(**options)
    return await ask(ctx, backend.spec, messages, port=port, **called)


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true.

    Raises:
        TimeoutError: it was not within `WAIT_S`.
    """
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.02)


class ModelConformance:
    """The cases. Answers are short, since the suite runs for every backend."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Iterator[Backend]:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def pool(cls, backend: Backend) -> Iterator[Pool]:
        pool = Pool()
        yield pool
        pool.close()

    @pytest.fixture
    def ctx(self, backend: Backend, pool: Pool) -> PooledContext:
        context = PooledContext(secrets=backend.secrets)
        context.pool = pool
        return context

    @pytest.fixture
    def needs(self, backend: Backend) -> Callable[[Lacking], None]:
        def check(case: Lacking) -> None:
            if why := backend.lacks.get(case):
                pytest.skip(why)

        return check

    async def test_it_answers_in_pieces_and_is_counted(
        self, backend: Backend, ctx: PooledContext
    ) -> None:
        answer = await say(ctx, backend, CAPITAL, max_tokens=24, **SURE)
        pieces = [piece for port, piece in ctx.streamed if port == "text"]
        assert answer.text.strip()
        assert len(pieces) > 3, "it came at once, not as it was written"
        assert "".join(pieces) == answer.text
        assert answer.prompt_tokens > 5
        assert 0 < answer.answer_tokens <= 24
        assert answer.first_token_s is not None
        assert answer.first_token_s > 0
        assert answer.generating_s is not None
        assert answer.generating_s > 0
        assert (ctx.prompt_tokens, ctx.completion_tokens) == (
            answer.prompt_tokens,
            answer.answer_tokens,
        )

    async def test_silently_says_the_same(self, backend: Backend, ctx: PooledContext) -> None:
        options = {"max_tokens": 8, **SURE}
        loud = await say(ctx, backend, "Name a fruit.", **options)
        ctx.streamed.clear()
        still = await say(ctx, backend, "Name a fruit.", port=None, **options)
        assert still.text == loud.text
        assert ctx.streamed == []

    async def test_the_whole_conversation_counts(
        self, backend: Backend, ctx: PooledContext
    ) -> None:
        last = user("What is my name?")
        earlier = [
            Message(role="system", content="You are a polite receptionist at a small hotel."),
            Message(role="user", content="My name is Ada Lovelace."),
            Message(role="assistant", content="Welcome, Ada Lovelace."),
        ]
        alone = await say(ctx, backend, last, max_tokens=2, **SURE)
        whole = await say(ctx, backend, [*earlier, *last], max_tokens=2, **SURE)
        assert whole.prompt_tokens > alone.prompt_tokens

    async def test_the_limit_of_tokens_holds(self, backend: Backend, ctx: PooledContext) -> None:
        answer = await say(ctx, backend, STORY, max_tokens=5, **SURE)
        assert answer.cut
        assert answer.answer_tokens == 5

    async def test_stop_texts_end_the_answer(
        self, backend: Backend, ctx: PooledContext, needs: Callable[[Lacking], None]
    ) -> None:
        needs("stop")
        free = await say(ctx, backend, CAPITAL, max_tokens=24, **SURE)
        word = _middle(free)
        ctx.streamed.clear()
        stopped = await say(ctx, backend, CAPITAL, max_tokens=24, stop=[word], **SURE)
        assert word not in stopped.text
        assert free.text.startswith(stopped.text.rstrip())
        assert not stopped.cut
        assert word not in "".join(piece for _, piece in ctx.streamed)

    async def test_a_seed_repeats_and_another_does_not(
        self, backend: Backend, ctx: PooledContext, needs: Callable[[Lacking], None]
    ) -> None:
        needs("seed")
        said = [
            (await say(ctx, backend, STORY, temperature=1.2, seed=s, max_tokens=8)).text
            for s in (7, 7, 8)
        ]
        assert said[0] == said[1]
        assert said[0] != said[2]

    async def test_a_schema_is_followed(
        self, backend: Backend, ctx: PooledContext, needs: Callable[[Lacking], None]
    ) -> None:
        needs("schema")
        answer = await say(
            ctx, backend, "Describe a person.", json_schema=SCHEMA, max_tokens=60, **SURE
        )
        person = json.loads(answer.text)
        assert set(person) == {"name", "age"}
        assert isinstance(person["age"], int)

    async def test_cancelling_stops_what_generates(
        self, backend: Backend, ctx: PooledContext, needs: Callable[[Lacking], None]
    ) -> None:
        needs("cancel")
        asking = asyncio.create_task(say(ctx, backend, STORY, seed=1, max_tokens=900))
        await until(lambda: len(ctx.streamed) > 2 or asking.done())
        assert not asking.done(), "the story is over before it could be cancelled"
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(backend.idle)
        after = len(ctx.streamed)
        again = await say(ctx, backend, "Hi", port=None, max_tokens=2, **SURE)
        assert again.answer_tokens > 0
        assert len(ctx.streamed) == after, "the cancelled call still streams"

    async def test_a_prompt_that_is_too_long(
        self, backend: Backend, ctx: PooledContext, needs: Callable[[Lacking], None]
    ) -> None:
        needs("overflow")
        with pytest.raises(NodeError) as caught:
            await say(ctx, backend, "Hello " * (backend.context * 2), max_tokens=4)
        assert caught.value.code == "model/context-overflow"
        assert not caught.value.retry
        assert caught.value.fix

    async def test_more_requests_than_slots_are_all_answered(
        self, backend: Backend, ctx: PooledContext
    ) -> None:
        count = 2 * (backend.spec.slots or 2)
        answers = await asyncio.gather(
            *(say(ctx, backend, f"Say the number {n}.", max_tokens=3, **SURE) for n in range(count))
        )
        assert all(answer.text.strip() and answer.prompt_tokens > 5 for answer in answers)
        await until(backend.idle)


def _middle(answer: Answer) -> str:
    """A word from the middle of an answer that does not stand before it."""
    words = answer.text.split()
    for word in words[len(words) // 2 :]:
        if len(word) > 2 and answer.text.index(word) > 4:
            return word
    raise AssertionError(f"no word to stop at in {answer.text!r}")

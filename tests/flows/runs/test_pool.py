"""The resource pool: opened once, shared, limited, evicted."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.running import Run
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.values import Opening, SecretRef
from tests.flows.runs.harness import OUT, environment, events_of, flow, words
from tests.flows.runs.nodes import Gate, Thing


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Thing.opened.clear()
    Thing.closed.clear()


class Watch:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def opening(self, label: str, done: float, total: float | None) -> None:
        self.heard.append(label)

    def waiting(self, resource: str, position: int) -> None:
        self.heard.append(f"waits at {position}")

    def warning(self, message: str) -> None:
        self.heard.append(message)

    def secret(self, ref: object) -> str:
        return ""


async def test_two_nodes_with_one_description_open_it_once() -> None:
    document = flow(
        {
            "t": "test.thing",
            "t2": "test.thing",
            "u": ("test.use", {"together": 2}),
            "v": ("test.use", {"together": 2}),
            "o": OUT,
            "p": ("io.output", {"name": "p"}),
        },
        ["t.thing > u.thing", "t2.thing > v.thing", "u.most > o.value", "v.most > p.value"],
    )
    env = environment()
    events = await events_of(document, env=env)
    assert words(events)[-1] == "finished {'out': 2, 'p': 2}", "both used the one at the same time"
    assert Thing.opened == ["thing"]
    env.pool.close()
    assert Thing.closed == ["thing"]


async def test_slots_limit_how_many_use_it_at_once() -> None:
    users = {f"u{number}": ("test.use", {"gated": True}) for number in range(5)}
    outs = {f"o{number}": ("io.output", {"name": f"o{number}"}) for number in range(5)}
    wires = [f"t.thing > {user}.thing" for user in users]
    wires += [f"u{number}.most > o{number}.value" for number in range(5)]
    document = flow({"t": ("test.thing", {"places": 2}), **users, **outs}, wires)
    waits: list[str] = []
    Gate.shut()
    async for event in Run(document, {}, environment()).events():
        found = words([event])
        waits += [word.removeprefix("wait ") for word in found if word.startswith("wait")]
        if len(waits) == 3:  # all five are there
            Gate.opened.set()
    assert waits[:3] == [f"u{number} for thing #{number - 1}" for number in (2, 3, 4)]
    # Each slot that is given back moves up those who still wait.
    assert waits[3:] == ["u3 for thing #1", "u4 for thing #2", "u4 for thing #1"]
    assert found[-1] == "finished " + str({f"o{number}": 2 for number in range(5)})


async def test_idle_ones_make_room_and_those_in_use_stay() -> None:
    pool, watch = Pool(limit=100), Watch()
    async with pool.use(Thing(name="a", size=60), watch):
        async with pool.use(Thing(name="b", size=30), watch):
            pass
        async with pool.use(Thing(name="c", size=40), watch):
            assert Thing.closed == ["b"], "b was idle and had to go, a is in use"
    async with pool.use(Thing(name="d", size=50), watch):
        assert Thing.closed == ["b", "c", "a"], "the longest unused goes first"
    assert not [text for text in watch.heard if "more than" in text]


class OnCard(Thing):
    """One that lies on a graphics card."""

    backend: ClassVar[str] = "on a card"

    @property
    def gpu(self) -> int:
        return 0


async def test_memory_of_a_card_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchbay.nodes.gpus.allowed_on", lambda place: 50)
    pool, watch = Pool(limit=100), Watch()
    for thing in (Thing(name="a", size=90), OnCard(name="b", size=40)):
        async with pool.use(thing, watch):
            pass
    assert Thing.closed == [], "each has room where it lies"
    async with pool.use(OnCard(name="c", size=30), watch):
        assert Thing.closed == ["b"], "a frees nothing on the card"
        async with pool.use(OnCard(name="d", size=30), watch):
            pass
    said = [text for text in watch.heard if "more than" in text]
    assert len(said) == 1
    assert said[0].endswith("of GPU memory allowed, and all are in use.")
    pool.close()


async def test_what_is_needed_again_and_again_stays_when_others_make_room() -> None:
    """Between the cells of an experiment nobody holds its models; a run of another flow begins."""
    pool, watch = Pool(limit=100), Watch()
    a, b = Thing(name="a", size=40), Thing(name="b", size=40)
    for thing in (a, b):
        async with pool.use(thing, watch):
            pass
    other = Run(flow({"v": ("io.value", {"value": "x"}), "o": OUT}, ["v.value > o.value"]), {},
                environment(pool=pool))  # fmt: skip
    with pool.keeping([a]):
        other.make_room()
        assert Thing.closed == ["b"]
        async with pool.use(Thing(name="c", size=90), watch):
            assert Thing.closed == ["b", "a"], "where memory is short it goes all the same"
        async with pool.use(a, watch):
            pass
        other.make_room()
        assert [spec for spec, _, _ in pool.resident()] == [a]
    other.make_room()
    assert pool.resident() == []


async def test_more_than_fits_is_said_not_deadlocked() -> None:
    pool, watch = Pool(limit=100), Watch()
    async with (
        pool.use(Thing(name="a", size=60), watch),
        pool.use(Thing(name="b", size=60), watch),
    ):
        assert [text for text in watch.heard if "more than" in text]


async def test_an_opening_that_fails_is_tried_again_next_time() -> None:
    document = flow(
        {"t": ("test.thing", {"fails": True}), "u": "test.use", "o": OUT},
        ["t.thing > u.thing", "u.most > o.value"],
    )
    env = environment()
    for _ in range(2):
        found = words(await events_of(document, env=env))
        assert "fail u [resource/failed] Opening thing failed: ValueError: it is broken" in found
    assert env.pool.resident() == []
    assert env.pool.opened == 2


async def test_a_slot_is_handed_on_when_the_one_in_line_leaves() -> None:
    pool, thing = Pool(), Thing(name="one", places=1)
    got: list[str] = []
    go_on = asyncio.Event()

    async def use(name: str, watch: Watch) -> None:
        async with pool.use(thing, watch):
            got.append(name)
            await go_on.wait()

    async def come(name: str) -> asyncio.Task[None]:
        """One more, who uses it or stands in line."""
        watch = Watch()
        task = asyncio.create_task(use(name, watch))
        while name not in got and not any("waits" in text for text in watch.heard):
            await asyncio.sleep(0.01)
        return task

    first, leaving, last = [await come(name) for name in ("first", "leaving", "last")]
    assert got == ["first"]
    leaving.cancel()
    go_on.set()
    await asyncio.gather(first, last)
    assert got == ["first", "last"]


async def test_those_behind_one_who_leaves_move_up() -> None:
    pool, thing = Pool(), Thing(name="queued", places=1)
    watches = [Watch() for _ in range(4)]
    go_on = asyncio.Event()

    def waits() -> list[list[str]]:
        return [[text for text in watch.heard if "waits" in text] for watch in watches]

    async def use(watch: Watch) -> None:
        async with pool.use(thing, watch):
            await go_on.wait()

    async with pool.use(thing, watches[0]):
        waiting = []
        for watch in watches[1:]:
            waiting.append(asyncio.create_task(use(watch)))
            while not any("waits" in text for text in watch.heard):
                await asyncio.sleep(0.01)
        waiting[1].cancel()
        await asyncio.gather(waiting[1], return_exceptions=True)
        await asyncio.sleep(0)
        assert waits() == [[], ["waits at 1"], ["waits at 2"], ["waits at 3", "waits at 2"]]
    go_on.set()
    await asyncio.gather(waiting[0], waiting[2])
    assert waits()[3] == ["waits at 3", "waits at 2", "waits at 1"]


def test_the_pool_outlives_an_event_loop() -> None:
    pool, watch = Pool(), Watch()

    async def use() -> None:
        async with pool.use(Thing(name="kept", places=1), watch):
            pass

    asyncio.run(use())
    asyncio.run(use())
    assert Thing.opened == ["kept"]


class Knowing(Watch):
    """A watcher with one secret, or none."""

    def __init__(self, value: str | None) -> None:
        super().__init__()
        self.value = value

    def secret(self, ref: object) -> str:
        self.heard.append("asked for the secret")
        if self.value is None:
            raise NodeError("It is not set.")
        return self.value


async def test_another_key_is_another_resource_and_every_run_asks_for_it() -> None:
    pool, thing = Pool(), Thing(key=SecretRef(secret="KEY"))
    first, second, other, none = (Knowing(value) for value in ("old", "old", "new", None))
    for watcher in (first, second, other, none):
        async with pool.use(thing, watcher, slot=False):
            assert watcher.heard[0] == "asked for the secret"
    assert len(Thing.opened) == 3
    held = "".join(pool._entries)
    assert "old" not in held
    assert "new" not in held
    pool.close()


class Clinging(Thing):
    """Something that cannot be closed."""

    backend = "clinging"

    def made(self) -> Any:
        class Opened:
            def close(self) -> None:
                raise RuntimeError("it clings")

        return Opened()


class NoWords(Thing):
    """Something whose failure cannot even be written out."""

    backend = "no-words"

    def open(self, opening: Opening) -> Any:
        class OddError(Exception):
            def __str__(self) -> str:
                raise ValueError("no words")

        raise OddError


async def test_what_cannot_be_closed_does_not_keep_the_next_from_opening() -> None:
    pool = Pool(limit=10)
    watcher = Watch()
    async with pool.use(Clinging(size=8), watcher):
        pass
    async with asyncio.timeout(60):
        for _ in range(2):  # it is let go for the first; the second would wait for it for ever
            async with pool.use(Thing(name="next", size=8), watcher) as opened:
                assert opened.name == "next"


async def test_a_failure_without_words_is_told() -> None:
    watcher = Watch()
    with pytest.raises(NodeError, match="OddError"):
        async with asyncio.timeout(60), Pool().use(NoWords(), watcher):
            pass


async def test_schemas_in_another_order_are_two_clients() -> None:
    """A model fills in a schema as its properties stand, so their order belongs to it."""
    props = {"why": {"type": "string"}, "answer": {"type": "number"}}
    turned = dict(reversed(props.items()))
    pool, opened = Pool(), []
    for properties in (props, turned, dict(props)):
        schema = {"type": "object", "properties": properties}
        spec = OpenAiModel(
            model="m", base_url="http://127.0.0.1:9/v1", extra={"json_schema": schema}
        )
        async with pool.use(spec, Watch()) as model:
            opened.append(model)
    assert opened[0] is not opened[1]
    assert opened[0] is opened[2]
    pool.close()

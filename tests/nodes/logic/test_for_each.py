"""For each: order, limit, errors, cancelling."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError, SubflowUse
from patchbay.nodes.logic.for_each import ForEach
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, Message

PARAMS = {"flow": "shout", "input": "text", "output": "loud"}


class Flow:
    """A sub-flow in Python that notes how many calls are open at once."""

    def __init__(self, work):
        self.work, self.open, self.most = work, 0, 0

    async def __call__(self, inputs):
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            return await self.work(inputs)
        finally:
            self.open -= 1


async def shout(inputs):
    await asyncio.sleep(0.03 if inputs["text"] == "a" else 0)  # the first item ends last
    if inputs["text"] == "bad":
        raise NodeError("It went wrong.", fix="Mend it.", code="x/y", retry=False)
    return {"loud": str(inputs["text"]).upper()}


def looped(items, work=shout, inputs=None, **params):
    flow = Flow(work)
    ctx = RecordingContext(flows={"shout": flow})
    out = run_node(ForEach, {**PARAMS, **params}, {"items": items, **(inputs or {})}, ctx)
    return out["results"], ctx, flow


def test_results_are_in_the_order_of_the_items():
    results, ctx, _ = looped(["a", "b", "c"])
    assert results == ["A", "B", "C"]
    assert sorted((flow, given["text"], label) for flow, given, label in ctx.calls) == [
        ("shout", "a", "0"), ("shout", "b", "1"), ("shout", "c", "2"),
    ]  # fmt: skip
    assert ctx.progressed == [("items", 1, 3), ("items", 2, 3), ("items", 3, 3)]


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_never_more_calls_at_once_than_allowed(limit):
    async def slow(inputs):
        await asyncio.sleep(0.01)
        return {"loud": "x"}

    results, _, flow = looped(list("abcdefgh"), slow, concurrency=limit)
    assert results == ["x"] * 8
    assert flow.most == min(limit, 8)


def test_an_empty_list_gives_an_empty_list():
    assert looped([])[0] == []


def test_a_document_arrives_as_documents():
    async def first(inputs):
        (document,) = inputs["text"]
        return {"loud": document.text}

    assert looped([Document(text="a"), Document(text="b")], first)[0] == ["a", "b"]


def test_what_is_collected_becomes_plain_json():
    async def give(inputs):
        return {"loud": [Message(role="user", content=inputs["text"])]}

    assert looped(["hi"], give)[0] == [[{"role": "user", "content": "hi"}]]


def test_extra_inputs_go_to_every_call():
    _, ctx, _ = looped(["a", "b"], extra=["style"], inputs={"style": "loud"})
    assert [given["style"] for _, given, _ in ctx.calls] == ["loud", "loud"]
    ports = ForEach.input_ports(ForEach.Params(**PARAMS, extra=["style"])).declared
    assert list(ports) == ["items", "style"]
    assert ports["style"].required


def test_the_first_failure_ends_it_and_names_the_item():
    with pytest.raises(NodeError) as caught:
        looped(["b", "bad", "c"], concurrency=1)
    error = caught.value
    assert error.message == "Item 2 of 3 failed: It went wrong."
    assert (error.fix, error.code, error.retry) == ("Mend it.", "x/y", False)


def test_a_failure_stops_the_calls_that_are_under_way():
    stopped = []

    async def work(inputs):
        if inputs["text"] == "bad":
            raise NodeError("no")
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            stopped.append(inputs["text"])
            raise

    with pytest.raises(NodeError, match="Item 3 of 3"):
        looped(["a", "b", "bad"], work)
    assert sorted(stopped) == ["a", "b"]


def test_keep_going_gives_null_and_warns():
    results, ctx, _ = looped(["a", "bad", "c"], on_item_error="keep going")
    assert results == ["A", None, "C"]
    assert ctx.warnings == ["Item 2 of 3 failed: It went wrong. Its result is null."]
    assert ctx.progressed[-1] == ("items", 3, 3)


def test_an_output_that_is_not_given_is_an_error_that_lists_what_is():
    with pytest.raises(NodeError) as caught:
        looped(["a"], output="quiet")
    assert 'The flow "shout" gave no output "quiet" (given: "loud").' in caught.value.message


@pytest.mark.parametrize("items", ["text", {"a": 1}, 3, None])
def test_what_is_not_a_list_is_refused(items):
    with pytest.raises(NodeError) as caught:
        looped(items)
    assert caught.value.port == "items"
    assert '"items" takes a list, but got' in caught.value.message


async def test_cancelling_stops_every_call():
    started, flow = asyncio.Event(), None

    async def forever(inputs):
        if flow.open == 2:
            started.set()
        await asyncio.sleep(600)

    flow = Flow(forever)
    ctx = RecordingContext(flows={"shout": flow})
    params = ForEach.Params(**PARAMS, concurrency=2, on_item_error="keep going")
    ports = ForEach.input_ports(params)(items=["a", "b", "c"])
    task = asyncio.create_task(ForEach().run(ports, params, ctx))
    await asyncio.wait_for(started.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert flow.open == 0
    assert len(ctx.calls) == 2


def test_the_validator_learns_which_flow_it_runs():
    params = ForEach.Params(**PARAMS, extra=["style"])
    assert ForEach.subflows(params) == (SubflowUse("shout", ("text", "style"), ("loud",)),)


@pytest.mark.parametrize(
    "params",
    [
        {"flow": "../other"},
        {"flow": "/a"},
        {"flow": "a/../../b"},
        {"flow": "a\x00b"},
        {"flow": ".."},
        {"extra": ["items"]},
        {"extra": ["a", "a"]},
        {"input": "a", "extra": ["a"]},
        {"concurrency": 0},
        {"input": "not a name"},
    ],
)
def test_bad_params(params):
    with pytest.raises(ValidationError):
        ForEach.Params(**params)

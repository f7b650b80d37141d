"""The flows that are killed, each with what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from patchbay.flows.document.model import Flow
from tests.crash.person import EDITOR
from tests.flows.runs.harness import OUT, flow

CALLS = [
    json.dumps([["send", "a"], ["post", "bc"], ["send", "def"]]),
    json.dumps([["post", "last"]]),
    "All is done: {}.",
]


def steps() -> Flow:
    """Nodes that make steps of their own, one after the other and side by side."""
    return flow(
        {
            "one": ("test.steps", {"wait": [3, 0, 2, 1]}),
            "two": ("test.steps", {"first": 1, "beside": 3, "wait": [0, 2]}),
            "o": OUT,
        },
        ["one.value > two.value", "two.value > o.value"],
    )


def asks() -> Flow:
    """Two models, one after the other."""
    return flow(
        {
            "m": "test.counted_model",
            "t": "test.text",
            "one": "model.ask",
            "two": "model.ask",
            "o": OUT,
        },
        [
            "m.model > one.model", "m.model > two.model", "t.text > one.prompt",
            "one.text > two.prompt", "two.text > o.value",
        ],
    )  # fmt: skip


def samples() -> Flow:
    """A technique: five samples of one prompt, and a vote."""
    return flow(
        {
            "m": "test.counted_model",
            "t": "test.text",
            "vote": ("technique.self_consistency", {"seed": 7}),
            "o": OUT,
        },
        ["m.model > vote.model", "t.text > vote.prompt", "vote.answer > o.value"],
    )


def agent() -> Flow:
    """LangChain's agent: three calls in one turn, one in the next, and an answer."""
    return flow(
        {
            "m": ("test.counted_model", {"lines": CALLS}),
            "send": "test.counted_tool",
            "post": ("test.counted_tool", {"name": "post"}),
            "t": "test.text",
            "a": "agent.react",
            "o": OUT,
        },
        [
            "m.model > a.model", "send.tool > a.tools", "post.tool > a.tools",
            "t.text > a.prompt", "a.text > o.value",
        ],
    )  # fmt: skip


def crew() -> Flow:
    """CrewAI: one role that calls tools, one that writes."""
    return flow(
        {
            "m": ("test.counted_model", {"lines": CALLS}),
            "w": "test.counted_model",
            "send": "test.counted_tool",
            "post": ("test.counted_tool", {"name": "post"}),
            "analyst": ("agent.role", {"role": "Analyst"}),
            "author": ("agent.role", {"role": "Author"}),
            "work": ("agent.task", {"description": "Send it.", "expected": "A word."}),
            "report": ("agent.task", {"description": "Write it down."}),
            "crew": "agent.crew",
            "o": OUT,
        },
        [
            "m.model > analyst.model", "w.model > author.model", "send.tool > analyst.tools",
            "post.tool > analyst.tools", "analyst.agent > work.agent",
            "author.agent > report.agent", "work.task > report.context", "work.task > crew.tasks",
            "report.task > crew.tasks", "crew.text > o.value",
        ],
    )  # fmt: skip


def loop() -> Flow:
    """For each of six items a flow that asks a model and makes steps, three at a time."""
    return flow(
        {
            "list": ("io.input", {"name": "items", "kind": "json"}),
            "each": ("logic.for_each", {"flow": "item", "concurrency": 3}),
            "o": OUT,
        },
        ["list.value > each.items", "each.results > o.value"],
    )


def item() -> Flow:
    """What is done for each item."""
    return flow(
        {
            "i": ("io.input", {"name": "item", "kind": "json"}),
            "s": ("test.steps", {"first": 1, "beside": 2}),
            "m": "test.counted_model",
            "t": "test.text",
            "ask": "model.ask",
            "r": ("io.output", {"name": "result"}),
        },
        ["i.value > s.value", "m.model > ask.model", "t.text > ask.prompt", "s.value > r.value"],
        name="item",
    )


def questions() -> Flow:
    """Several people are asked at once, twice each, one of them until a moment; then another is,
    while a branch beside them works."""
    return flow(
        {
            "one": ("test.asks", {"beside": 3, "within": [3600, 0.02]}),
            "two": ("test.asks", {"beside": 1}),
            "beside": ("test.steps", {"first": 3, "beside": 2, "wait": [3, 8]}),
            "o": OUT,
            "b": ("io.output", {"name": "beside"}),
        },
        ["one.value > two.value", "two.value > o.value", "beside.value > b.value"],
    )


def asked_loop() -> Flow:
    """For each of five items a flow that makes steps and asks, three at a time."""
    return flow(
        {
            "list": ("io.input", {"name": "items", "kind": "json"}),
            "each": ("logic.for_each", {"flow": "asked", "concurrency": 3}),
            "o": OUT,
        },
        ["list.value > each.items", "each.results > o.value"],
    )


def asked() -> Flow:
    """What is done for each item, with a person in it."""
    return flow(
        {
            "i": ("io.input", {"name": "item", "kind": "json"}),
            "s": ("test.steps", {"first": 1, "beside": 1}),
            "a": ("test.asks", {"within": [3600]}),
            "r": ("io.output", {"name": "result"}),
        },
        ["i.value > s.value", "s.value > a.value", "a.value > r.value"],
        name="asked",
    )


def asked_agent() -> Flow:
    """LangChain's agent, one of whose tools is used only after a person has decided."""
    made = agent()
    nodes = (*made.nodes, *flow({"first": "tool.ask_first"}).nodes)
    wires = flow({}, ["send.tool > first.tool", "first.tool > a.tools"]).edges
    kept = tuple(edge for edge in made.edges if edge.source != wires[0].source)
    return made.model_copy(update={"nodes": nodes, "edges": (*kept, *wires)})


def asked_crew() -> Flow:
    """CrewAI: a role one of whose tools is used only after a person has decided, and whose result
    a person reads: what they reject is done again."""
    return flow(
        {
            "m": ("test.counted_model", {"lines": CALLS}),
            "send": "test.counted_tool",
            "first": "tool.ask_first",
            "post": ("test.counted_tool", {"name": "post"}),
            "analyst": ("agent.role", {"role": "Analyst"}),
            "work": ("agent.task", {"human_input": True, "whom": EDITOR, "description": "Send."}),
            "crew": "agent.crew",
            "o": OUT,
        },
        [
            "m.model > analyst.model", "send.tool > first.tool", "first.tool > analyst.tools",
            "post.tool > analyst.tools", "analyst.agent > work.agent", "work.task > crew.tasks",
            "crew.text > o.value",
        ],
    )  # fmt: skip


ITEMS = (item, asked)
"""Flows that others run for each item."""

FLOWS: dict[str, Callable[[], Flow]] = {
    made.__name__: made
    for made in (
        steps,
        asks,
        samples,
        agent,
        loop,
        crew,
        questions,
        asked_loop,
        asked_agent,
        asked_crew,
    )
}
GIVEN: dict[str, dict[str, Any]] = {
    "loop": {"items": [1, [2], {"three": None}, True, 1.5, {"six": 6}]},
    "asked_loop": {"items": [1, [2], {"three": None}, True, 5.5]},
}

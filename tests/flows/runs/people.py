"""Nodes that ask people, for tests, and runs that are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.answers import find, give, gone_on_with, recorded
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import UNSET, Context, Field, JsonValue, Node, NodeParams, Ports, port
from patchbay.nodes.questions import ApprovalWanted, ChoiceWanted, EditWanted, Question, Reply
from tests.flows.runs.harness import OUT, environment, flow, words
from tests.flows.runs.nodes import NODES

TEXT = str
"""What the ports of these nodes carry."""


class Ask(Node):
    """Ask whether a text may pass; write down that it was come to, and what was said."""

    kind, title, family = "test.ask", "Ask", "Test"

    class Params(NodeParams):
        log: str = ""
        within_s: float | None = None
        default: bool | None = None
        times: int = 1

    class Inputs(Ports):
        text: TEXT = port("?", doc="What to look at.")

    class Outputs(Ports):
        text: TEXT

    @classmethod
    def asks(cls, params: Params) -> bool:
        return True

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        default = UNSET if params.default is None else params.default
        given = []
        for number in range(params.times):
            note(params.log, f"come {inputs.text} {number}")
            title = f"May {inputs.text} pass?"
            answer = await ctx.ask(
                Question(
                    title, ApprovalWanted(), inputs.text, within_s=params.within_s, default=default
                )
            )
            given.append(f"{_word(answer)} by {answer.author}")
        return self.Outputs(text=f"{inputs.text}: {', '.join(given)}")


class AskTwo(Node):
    """Ask two people at the same time."""

    kind, title, family = "test.ask_two", "Ask two", "Test"

    class Outputs(Ports):
        text: TEXT

    @classmethod
    def asks(cls, params: Any) -> bool:
        return True

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        async def ask(lane: str) -> Reply:
            with ctx.lane(lane):
                return await ctx.ask(Question("Which?", ChoiceWanted(("a", "b"))))

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(lane)) for lane in ("left", "right")]
        return self.Outputs(text="".join(task.result().value for task in tasks))


class AskFor(Node):
    """Ask for a value, and give it."""

    kind, title, family = "test.ask_for", "Ask for", "Test"

    class Params(NodeParams):
        of: str = Field("json")

    class Inputs(Ports):
        value: Any = port(None, doc="What is edited.")

    class Outputs(Ports):
        value: Any

    @classmethod
    def asks(cls, params: Params) -> bool:
        return True

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        answer = await ctx.ask(Question("What now?", EditWanted(params.of), inputs.value))  # type: ignore[arg-type]
        return self.Outputs(value=answer.value)


class Items(Node):
    """Give a list."""

    kind, title, family = "test.items", "Items", "Test"

    class Params(NodeParams):
        value: list[str] = Field(["a", "b", "c"])

    class Outputs(Ports):
        json: JsonValue

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(json=[*params.value])


CATALOG = Catalog([*NODES, Items, Ask, AskTwo, AskFor], table=BUILTIN)


def _word(answer: Reply) -> str:
    return "yes" if answer.approved else "no"


def note(log: str, text: str) -> None:
    """Write a line down, so that a test can count."""
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def env_of(**changes: Any) -> Environment:
    """An environment that knows these nodes."""
    return replace(environment(), catalog=CATALOG, **changes)


def recorded_run(
    history: History,
    flow: Flow,
    inputs: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    **changes: Any,
) -> Run:
    """A run that is recorded, not started."""
    run_id = new_run_id()
    env = recorded(env_of(folder=folder, **changes), history, run_id, flow, folder)
    return Run(LoadedFlow(flow, folder), inputs or {}, env, run_id=run_id)


async def events_until_end(run: Run) -> list[Event]:
    """All events of a run."""
    return [event async for event in run.events()]


async def told(run: Run) -> list[str]:
    """All events of a run as short words."""
    return words(await events_until_end(run))


def answered(
    history: History, run: str, value: Any, question: str | None = None, **more: Any
) -> Run | None:
    """Answer a question; the run, where it is ours to go on with."""
    more.setdefault("author", "ada")
    asked = find(history, run, question)
    mine = give(history, asked, value, types=CATALOG.value_types, **more)
    return gone_on_with(history, run, env_of(folder=history.get(run).folder)) if mine else None


async def goes_on(
    history: History, run: str, value: Any, question: str | None = None, **more: Any
) -> list[str]:
    """Answer, and the rest of the run as short words."""
    again = answered(history, run, value, question, **more)
    assert again is not None, "somebody else has the run"
    return await told(again)


def asking(log: Path, **params: Any) -> Flow:
    """A slow step, then a question, then its answer; beside them a branch that asks nobody."""
    return flow(
        {
            "a": "test.text",
            "slow": ("test.random", {"log": str(log)}),
            "ask": ("test.ask", {"log": str(log), **params}),
            "o": OUT,
            "b": ("io.output", {"name": "beside"}),
        },
        ["a.text > slow.text", "slow.text > ask.text", "ask.text > o.value", "a.text > b.value"],
    )  # fmt: skip

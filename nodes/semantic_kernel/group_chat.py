"""The node `semantic_kernel.group_chat`: agents of Semantic Kernel talk until they are done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

from patchbay.nodes.agents.meter import Meter, usage_table
from patchbay.nodes.agents.specs import RoleAgent, is_repeatable
from patchbay.nodes.agents.staff import hire
from patchbay.nodes.agents.worker import BudgetSpent, Worker
from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.models.asking import ask
from patchbay.nodes.semantic_kernel.prompt import failed
from patchbay.nodes.values import AgentSpec, Message, ModelSpec

Order = Literal["in turn", "a model chooses"]


class GroupChat(Node):
    """Let role agents talk with each other in a group chat of Semantic Kernel.

    The task goes to all; then one after the other says something, **in turn** or as a wired model
    **chooses** from their goals, until one says the closing words or all turns are taken. Each
    agent keeps its model, tools and budgets; what others say reaches it under their names.
    """

    kind, version = "semantic_kernel.group_chat", 1
    title, family, icon = "Group chat", "Systems", "people"
    synonyms = ("semantic kernel", "sk", "multi-agent", "agent chat", "autogen", "debate")
    requires = ("semantic_kernel", "langchain")

    class Params(NodeParams):
        turns: int = Field(4, ge=1, le=100)
        """How often somebody says something, at most."""
        order: Order = Field("in turn")
        """Who speaks next."""
        closing: str = Field("", max_length=200)
        """Words that end the chat when an agent says them, such as "approved"; empty for none."""

    class Inputs(Ports):
        task: str = port(doc="What they talk about.")
        agents: list[AgentSpec] = port(doc="Who talks, in this order.")
        model: ModelSpec | None = port(None, doc="Chooses who speaks next.")

    class Outputs(Ports):
        text: str = port(doc="What was said last.")
        messages: list[Message] = port(doc="The whole conversation, each turn under its name.")
        usage: Table = port(doc="Turns, calls of tools, tokens and seconds of each.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """How long, and in which order."""
        return f"{params.turns} turns, {params.order}"

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether all would say the same again."""
        agents = [one for one in inputs["agents"] if isinstance(one, RoleAgent)]
        return all(is_repeatable(one.model, one.tools) for one in agents) and (
            inputs["model"] is None or inputs["model"].repeats()
        )

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        agents = _checked(inputs, params)
        names = _names(agents)
        async with AsyncExitStack() as stack:
            workers = [
                await hire(
                    ctx, stack, who=agent.role, model=agent.model, tools=agent.tools,
                    limits=agent.limits, whole=Meter(agent.role), tools_first=agent.tools_first,
                    iterations=agent.iterations,
                )
                for agent in agents
            ]  # fmt: skip
            chat = await ctx.blocking(_chat, agents, names, workers, inputs.model, params, ctx)
            said = await _talk(chat, inputs.task)
        spoken = [
            Message(role="assistant", content=f"{agents[names.index(name)].role}: {text}")
            for name, text in said
        ]
        return self.Outputs(
            text=said[-1][1],
            messages=[Message(role="user", content=inputs.task), *spoken],
            usage=usage_table([worker.meter for worker in workers]),
        )


def _checked(inputs: Any, params: GroupChat.Params) -> list[RoleAgent]:
    agents = [one for one in inputs.agents if isinstance(one, RoleAgent)]
    if len(agents) < len(inputs.agents) or len(agents) < 2:
        raise _refused(f"A chat needs two role agents or more; {len(agents)} are wired in.")
    if not inputs.task.strip():
        raise _refused("There is nothing to talk about: the task is empty.", "task")
    if params.order == "a model chooses" and inputs.model is None:
        raise _refused("No model is wired in that chooses who speaks next.", "model")
    return agents


def _refused(message: str, name: str = "agents") -> NodeError:
    return NodeError(
        message,
        fix=f'Wire it into "{name}".',
        port=name,
        code="kernel/chat",
        retry=False,
    )


def _names(agents: Sequence[RoleAgent]) -> list[str]:
    """Names as Semantic Kernel takes them: letters, digits, - and _, each once."""
    found: list[str] = []
    for number, agent in enumerate(agents, 1):
        name = re.sub(r"[^0-9A-Za-z_-]+", "_", agent.role).strip("_") or f"agent_{number}"
        found.append(name if name not in found else f"{name}_{number}")
    return found


def _chat(
    agents: Sequence[RoleAgent],
    names: Sequence[str],
    workers: Sequence[Worker],
    model: ModelSpec | None,
    params: GroupChat.Params,
    ctx: Context,
) -> Any:
    from patchbay.nodes.semantic_kernel.chat import make_chat

    async def chooses(prompt: str) -> str:
        assert model is not None  # noqa: S101 - checked before
        question = [Message(role="user", content=prompt)]
        call = CallOptions(max_tokens=16, temperature=0.0)
        return (await ask(ctx, model, question, call, port=None)).whole_words

    chosen = chooses if params.order == "a model chooses" else None
    members = [
        (name, f"You are {agent.role}. {agent.backstory}\nYour goal: {agent.goal}", agent.goal)
        for agent, name in zip(agents, names, strict=True)
    ]
    turns = [_turn(worker, name) for worker, name in zip(workers, names, strict=True)]
    return make_chat(members, turns, chosen, params.turns, params.closing)


def _turn(worker: Worker, name: str) -> Any:
    """How an agent says something: its worker reads what was said, and may call its tools."""

    async def answers(history: Any, settings: Any) -> str:
        from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

        from patchbay.nodes.agents.react_loop import react

        read: list[Any] = []
        for one in history.messages:
            role = str(getattr(one.role, "value", one.role))
            if role == "system":
                read.append(SystemMessage(str(one.content)))
            elif one.name == name:
                read.append(AIMessage(str(one.content)))
            else:
                said = f"{one.name}: {one.content}" if one.name else str(one.content)
                read.append(HumanMessage(said))
        worker.begin()
        try:
            text, _ = await react(worker, read, system="")
        except BudgetSpent as spent:
            if not worker.last:
                raise spent.nothing(worker.who, "word") from spent
            return worker.last
        return text

    return answers


async def _talk(chat: Any, task: str) -> list[tuple[str, str]]:
    """The chat itself: names and what was said, in order."""
    from patchbay.nodes.semantic_kernel.chat import talk

    try:
        said = await talk(chat, task)
    except NodeError:
        raise
    except Exception as error:
        raise failed(error) from error
    if not said:
        raise _refused("Nobody said anything.")
    return said

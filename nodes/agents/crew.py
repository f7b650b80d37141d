"""The node `agent.crew`: roles that do tasks together."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Literal

from pydantic import JsonValue

from patchbay.nodes.agents.crew_run import crew_work, hired
from patchbay.nodes.agents.crew_work import MANAGER, CrewWork
from patchbay.nodes.agents.meter import Limits, Meter, usage_table
from patchbay.nodes.agents.plan import make_plan
from patchbay.nodes.agents.specs import CrewTask, RoleAgent, is_repeatable
from patchbay.nodes.agents.worker import NO_ANSWER, BudgetSpent
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.asking import judge
from patchbay.nodes.names import Name
from patchbay.nodes.units import duration
from patchbay.nodes.values import AgentSpec, EmbeddingsSpec, ModelSpec, Table, TaskSpec


class Crew(Node):
    """Let a crew of roles do its tasks, one after the other; CrewAI runs it.

    The wires are the crew: tasks are done in the order in which they are wired, those that are
    context of another before it. In a hierarchical crew a manager gives the tasks to the roles.
    Roles wired into `agents` belong to the crew without a task of their own: a manager may choose
    them, and those that delegate may ask them.
    Each step is shown with the role that makes it. A budget that is spent ends the crew cleanly:
    what is done is kept.
    """

    kind, version = "agent.crew", 1
    title, family, icon = "Crew", "Agents", "people"
    front = "process"
    synonyms = ("crewai", "team", "multi-agent", "agents", "supervisor", "hierarchical")
    requires = ("crewai",)
    deterministic = False

    class Params(NodeParams):
        process: Literal["sequential", "hierarchical"] = Field("sequential")
        """`sequential`: every task by its own agent. `hierarchical`: a manager decides who."""
        memory: Literal["off", "local"] = Field("off")
        """`local` keeps results on this machine, and tells the roles what fits the next task."""
        memory_name: Name = Field("crew")
        """Under which name it remembers; crews of one name share their memory."""
        manager_iterations: int = Field(10, ge=1, le=100)
        """Turns that the manager of a hierarchical crew has for a task."""
        max_tokens: int | None = Field(None, ge=1, le=100_000_000)
        """Tokens, read and written, for the whole crew. Empty: no limit."""
        max_seconds: float | None = Field(None, gt=0, le=86_400)
        """Seconds of thinking and of tools for the whole crew. Empty: no limit."""
        max_tool_calls: int | None = Field(None, ge=0, le=100_000)
        """Calls of tools for the whole crew. Empty: no limit."""

    class Inputs(Ports):
        tasks: list[TaskSpec] = port(doc="What is to be done, in the order of the wires.")

        agents: list[AgentSpec] = port((), doc="Roles that have no task of their own.")

    class Outputs(Ports):
        text: str = port(doc="The result of the last task that has one.")
        tasks: JsonValue = port(doc="The result of every task, with who did it.")
        usage: Table = port(doc="Turns, calls of tools, tokens and seconds of each role.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The tasks; the manager's model, and the embeddings of the memory, where there are any."""
        ports: dict[str, Any] = {}
        if params.process == "hierarchical":
            ports["manager"] = (ModelSpec, port(doc="The model that the manager thinks with."))
        if params.memory == "local":
            about = port(doc="By which what fits a task is found in the memory.")
            ports["embeddings"] = (EmbeddingsSpec, about)
        return cls.Inputs.plus(ports)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether all models repeat themselves, all tools do, and nothing is remembered."""
        values = inputs.as_dict()
        manager = values.get("manager")
        if params.memory != "off" or (manager is not None and not is_repeatable(manager)):
            return False
        plan = make_plan(values["tasks"], values["agents"], managed=manager is not None)
        return all(is_repeatable(agent.model, agent.tools) for agent in plan.agents)

    @classmethod
    def summary(cls, params: Params) -> str:
        """How it works, and its budget."""
        parts = [params.process, "with memory" if params.memory == "local" else ""]
        parts += [f"at most {params.max_tokens:,} tokens" if params.max_tokens else ""]
        parts += [duration(params.max_seconds)]
        return " · ".join(part for part in parts if part)

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Do the tasks."""
        values = inputs.as_dict()
        managed = params.process == "hierarchical"
        plan = make_plan(values["tasks"], values["agents"], managed=managed)
        limits = Limits(
            tokens=params.max_tokens,
            seconds=params.max_seconds,
            tool_calls=params.max_tool_calls,
        )
        whole = Meter("the crew", limits)
        async with AsyncExitStack() as stack:
            turns = params.manager_iterations
            workers = await hired(plan, values.get("manager"), turns, whole, ctx, stack)
            work = await crew_work(plan, workers, ctx, turns, partial(ctx.stream, "text"))
            if (embeddings := values.get("embeddings")) is not None:
                opened = await stack.enter_async_context(ctx.use(embeddings, slot=False))
                work.memory, work.embeddings = params.memory_name, opened
            await _done(work, ctx)
        results = _results(work)
        return self.Outputs(
            text=next((r["result"] for r in reversed(results) if r["result"]), ""),
            tasks=[*results],
            usage=usage_table(worker.meter for worker in workers.values()),
        )


async def _done(work: CrewWork, ctx: Context) -> None:
    """Let the crew work. A budget that is spent is no failure, if there is anything to show."""
    try:
        await ctx.blocking(work.run)
    except BudgetSpent as spent:
        if not any(result["result"] for result in _results(work)):
            raise spent.nothing("The crew", "result") from spent
        await ctx.warn(f"The crew stopped early: {spent.what} are spent. What is done is kept.")


def _results(work: CrewWork) -> list[dict[str, Any]]:
    """What each task gave, up to the one at which the crew was stopped."""
    results: list[dict[str, Any]] = []
    for task, raw in zip(work.plan.tasks, work.results(), strict=True):
        who = task.agent.role if isinstance(task.agent, RoleAgent) else MANAGER
        worker = work.workers[MANAGER if MANAGER in work.workers else who]
        result: dict[str, Any] = {"task": task.description, "agent": who, "done": raw is not None}
        result["result"] = worker.last if raw is None else raw
        if task.output_schema is not None and raw is not None:
            result["json"] = _parsed(raw, task)
        results.append(result)
        if raw is None:
            break
    return results


def _parsed(raw: str, task: CrewTask) -> JsonValue:
    """The JSON of a result.

    Raises:
        NodeError: it is not JSON of the wanted shape.
    """
    value, fault = judge(raw, task.output_schema or {})
    if not fault:
        return value
    shown = raw if len(raw) <= 500 else f"{raw[:500]} …"
    raise NodeError(
        f"The result of the task {task.description[:80]!r} does not follow its schema: "
        f"{f'{fault} It is: {shown!r}' if raw else NO_ANSWER}",
        fix="Raise max tokens of the model, try another model, or a simpler schema.",
        code="agent/not-json",
    )

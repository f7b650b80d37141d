"""The sub-agents of a deep agent: role agents, crews and saved flows, each given tasks by name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patchbay.nodes.agents.crew_run import crew_work, hired
from patchbay.nodes.agents.deep_loop import SubAgent, Workplace, done_by
from patchbay.nodes.agents.meter import Meter
from patchbay.nodes.agents.plan import make_plan
from patchbay.nodes.agents.specs import CrewAgent, CrewTask, RoleAgent
from patchbay.nodes.agents.staff import hire
from patchbay.nodes.agents.toolbox import open_tools, time_limits
from patchbay.nodes.agents.worker import BudgetSpent, Worker, told
from patchbay.nodes.contract import Context
from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import duration
from patchbay.nodes.values import AgentSpec, TaskSpec, ToolSpec

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

ASSIGNED = "The crew was asked to do this:"


@dataclass
class Team:
    """The sub-agents, and what each of those that think has used up."""

    boss: Worker
    place: Workplace
    ctx: Context
    stack: AsyncExitStack
    members: list[SubAgent] = field(default_factory=list)
    meters: list[Meter] = field(default_factory=list)

    async def employ(self, agents: Sequence[AgentSpec], flows: Sequence[ToolSpec]) -> None:
        """Bring in all that are wired.

        Raises:
            NodeError: one cannot be a sub-agent, cannot be opened, or two have one name.
        """
        for agent in agents:
            if isinstance(agent, RoleAgent):
                await self._role(agent)
            elif isinstance(agent, CrewAgent):
                await self._crew(agent)
            else:
                raise refused(f"A deep agent cannot employ {agent.type_id()}.")
        seconds = time_limits(flows)
        for name, tool in (await open_tools(flows, self.ctx, self.stack)).items():
            self._flow(name, tool, seconds.get(name))
        names = [member.name for member in self.members]
        if same := {name for name in names if names.count(name) > 1}:
            raise refused(f'Two of the sub-agents are named "{same.pop()}".')

    async def _role(self, agent: RoleAgent) -> None:
        name = plain_name(agent.role)
        worker = await hire(
            self.ctx, self.stack, who=agent.role, model=agent.model, tools=agent.tools,
            limits=agent.limits, whole=self.boss.whole, tools_first=agent.tools_first,
            iterations=agent.iterations,
        )  # fmt: skip
        system = f"You are {agent.role}. {agent.backstory}\nYour goal: {agent.goal}".strip()

        place = Workplace(self.place.space, self.place.policies)

        async def do(task: str) -> str:
            return await done_by(worker, name, system, place, task)

        self._add(name, agent.goal or agent.role, do, worker.meter)

    async def _crew(self, agent: CrewAgent) -> None:
        plan = make_plan(agent.tasks, agent.agents, managed=agent.manager is not None)
        workers = await hired(
            plan, agent.manager, agent.manager_iterations, self.boss.whole, self.ctx, self.stack
        )

        async def do(task: str) -> str:
            with self.boss.lane_of(agent.name, task):
                return await _crew_does(agent, workers, self.ctx, task)

        self._add(agent.name, agent.description, do, *(w.meter for w in workers.values()))

    def _flow(self, name: str, tool: BaseTool, seconds: float | None) -> None:
        async def do(task: str) -> str:
            with self.boss.lane_of(name, task):
                return await _flow_does(tool, seconds, task)

        self._add(name, tool.description, do)

    def _add(
        self, name: str, about: str, do: Callable[[str], Awaitable[str]], *meters: Meter
    ) -> None:
        self.members.append(SubAgent(name, about, do))
        self.meters += meters


async def _crew_does(
    agent: CrewAgent, workers: Mapping[str, Worker], ctx: Context, task: str
) -> str:
    """The result of a crew's last task. A role's budget ends its task, not the crew."""
    tasks = [_assigned(one, task) for one in agent.tasks]
    plan = make_plan(tasks, agent.agents, managed=agent.manager is not None)
    work = await crew_work(plan, dict(workers), ctx, agent.manager_iterations)
    try:
        await ctx.blocking(work.run)
    except BudgetSpent:
        raise
    except NodeError as error:
        return told(error)
    return next((result for result in reversed(work.results()) if result), "")


def _assigned(task: TaskSpec, what: str) -> CrewTask:
    """A task of a crew with what the crew was asked to do, and those before it likewise."""
    if not isinstance(task, CrewTask):
        raise refused(f"A crew cannot do {task.type_id()}.")
    return task.model_copy(
        update={
            "description": f"{task.description}\n\n{ASSIGNED}\n{what}",
            "context": tuple(_assigned(one, what) for one in task.context),
        }
    )


async def _flow_does(tool: BaseTool, seconds: float | None, task: str) -> str:
    """What a flow gives for a task, which goes into its first input; or why it gives nothing."""
    try:
        async with asyncio.timeout(seconds) as timer:
            return str(await tool.ainvoke({_first(tool): task}))
    except TimeoutError as error:
        if timer.expired():
            return f"Error: {tool.name} did not answer within {duration(seconds)} and was stopped."
        return told(error)
    except Exception as error:  # a flow may fail of anything; the agent decides what to do
        return told(error)


def _first(tool: BaseTool) -> str:
    schema: Any = tool.get_input_jsonschema()
    needed = schema.get("required") or list(schema.get("properties", {}))
    return str(needed[0])


def plain_name(role: str) -> str:
    """What a role is called by a model: `the Reader` is `the_reader`."""
    return re.sub(r"\W+", "_", role.strip().lower()).strip("_") or "helper"


def refused(message: str) -> NodeError:
    """The failure of a wire that brings no sub-agent."""
    fix = "Wire nodes Role agent or Crew as an agent, each with a name of its own."
    return NodeError(message, fix=fix, port="agents", code="agent/sub-agent", retry=False)

"""Who does what in which order. Pure: nothing is opened or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchbay.nodes.agents.specs import CrewTask, RoleAgent
from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import AgentSpec, TaskSpec


@dataclass(frozen=True)
class CrewPlan:
    """Tasks in the order in which they are done, and who is in the crew."""

    tasks: tuple[CrewTask, ...]
    agents: tuple[RoleAgent, ...]

    def context(self, task: CrewTask) -> list[int]:
        """The positions of the tasks whose results a task reads."""
        return [self.tasks.index(_ours(before)) for before in task.context]


def make_plan(
    tasks: Sequence[TaskSpec], roles: Sequence[AgentSpec] = (), *, managed: bool
) -> CrewPlan:
    """The plan of a crew: tasks as they are wired, each after those that are its context.

    A task that is only context of another is done, too, and none is done twice.

    Args:
        tasks: in the order of the wires.
        roles: who is in the crew besides those that have a task.
        managed: whether a manager gives tasks to agents.

    Raises:
        NodeError: there is no task, a task has nobody to do it, or two roles have one name.
    """
    ordered: list[CrewTask] = []

    def add(task: CrewTask) -> None:
        if task not in ordered:
            for before in task.context:
                add(_ours(before))
            ordered.append(task)

    for task in tasks:
        add(_ours(task))
    if not ordered:
        raise _problem("The crew has no tasks.", "Wire a task into it.")
    agents: list[RoleAgent] = []
    for task in ordered:
        if task.agent is None and not managed:
            raise _problem(
                f"Nobody does the task {_short(task)}.",
                "Wire an agent into the task, or make the crew hierarchical.",
            )
        agent = None if task.agent is None else _role(task.agent)
        if agent is not None and agent not in agents:
            agents.append(agent)
    for role in roles:
        if role not in agents:
            agents.append(_role(role, "agents"))
    if not agents:
        raise _problem(
            "The crew has no agents.", 'Wire an agent into one of its tasks, or into "agents".'
        )
    _check_roles(agents)
    return CrewPlan(tuple(ordered), tuple(agents))


def _check_roles(agents: Sequence[RoleAgent]) -> None:
    names = [agent.role.strip().casefold() for agent in agents]
    for agent, name in zip(agents, names, strict=True):
        if names.count(name) > 1:
            raise _problem(
                f'Two different agents have the role "{agent.role}"; the others could not tell '
                "them apart.",
                "Give each a role of its own, or wire one agent into both tasks.",
            )


def _ours(task: TaskSpec) -> CrewTask:
    if isinstance(task, CrewTask):
        return task
    raise _problem(f"A crew cannot do {task.type_id()}.", "Wire tasks of the node Task.")


def _role(agent: AgentSpec, port: str = "tasks") -> RoleAgent:
    if isinstance(agent, RoleAgent):
        return agent
    raise _problem(
        f"A crew cannot employ {agent.type_id()}.", "Wire agents of the node Role agent.", port
    )


def _short(task: CrewTask) -> str:
    text = " ".join(task.description.split())
    return f'"{text if len(text) <= 80 else text[:80] + "…"}"'


def _problem(message: str, fix: str, port: str = "tasks") -> NodeError:
    return NodeError(message, fix=fix, port=port, code="agent/crew", retry=False)

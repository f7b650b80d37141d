"""A crew at work: from a plan and its workers to CrewAI's own objects, run in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patchbay.nodes.agents import crewai_setup as setup
from patchbay.nodes.agents.plan import CrewPlan
from patchbay.nodes.agents.specs import RoleAgent
from patchbay.nodes.agents.worker import Worker

if TYPE_CHECKING:
    import crewai
    from langchain_core.embeddings import Embeddings

    from patchbay.nodes.agents.crew_llm import LoopPortal
    from patchbay.nodes.agents.heard import OnPiece

MANAGER = "Crew Manager"


@dataclass
class CrewWork:
    """What a crew works with. `workers` are by role; the manager is among them, as `MANAGER`."""

    plan: CrewPlan
    workers: Mapping[str, Worker]
    line: LoopPortal
    manager_iterations: int = 10
    memory: str = ""
    """Under which name it remembers; empty for no memory."""
    embeddings: Embeddings | None = None
    on_piece: OnPiece | None = None
    """Hears the last task's answer as it is written, where it is sure to be the answer."""
    tasks: list[crewai.Task] = field(default_factory=list)
    """Filled as soon as there are any, so that what is done can be had whatever happens."""

    def run(self) -> None:
        """Do all tasks. Blocks; call it in a thread of its own.

        Raises what `line.failure` then holds, or that the crew was told to stop.
        """
        setup.silence()
        crew = self._crew()
        reviews = {_name(n): t.review for n, t in enumerate(self.plan.tasks) if t.review}
        if reviews:
            from patchbay.nodes.agents.crew_review import CrewReviews, use_reviews

            use_reviews(CrewReviews(reviews, self.workers, self.line))
        try:
            crew.kickoff()
        except Exception as error:
            if self.line.failure is not None and setup.is_stop(error):
                raise self.line.failure from None
            raise

    def results(self) -> list[str | None]:
        """The result of each task of the plan; None where there is none."""
        raw = [task.output.raw if task.output else None for task in self.tasks]
        return raw + [None] * (len(self.plan.tasks) - len(raw))

    # --- CrewAI's objects ------------------------------------------------------------------------

    def _crew(self) -> crewai.Crew:
        from crewai import Crew, Process

        agents = {agent.role: self._agent(agent) for agent in self.plan.agents}
        self.tasks.extend(self._tasks(agents))
        given: dict[str, Any] = {**setup.CREW_OPTIONS}
        if MANAGER in self.workers:
            given |= {"process": Process.hierarchical, "manager_agent": self._manager()}
        if self.memory and self.embeddings is not None:
            first = next(iter(agents.values()))
            embed = self.embeddings.embed_documents
            given["memory"] = setup.local_memory(self.memory, first.llm, embed)
        crew = Crew(agents=list(agents.values()), tasks=self.tasks, **given)
        setup.store_nothing(crew)
        return crew

    def _agent(self, agent: RoleAgent) -> crewai.Agent:
        from crewai import Agent

        from patchbay.nodes.agents.crew_llm import BridgedTool, CrewLLM

        worker = self.workers[agent.role]
        llm = CrewLLM.over(
            worker,
            self.line,
            as_text=agent.text_tools,
            schemas={
                _name(number): task.output_schema
                for number, task in enumerate(self.plan.tasks)
                if task.output_schema is not None
            },
            spoken=self._spoken(agent),
        )
        return Agent(
            role=agent.role,
            goal=agent.goal,
            backstory=agent.backstory,
            llm=llm,
            tools=[BridgedTool.over(worker, self.line, name) for name in worker.tools],
            allow_delegation=agent.delegation,
            max_iter=agent.iterations,
            **setup.AGENT_OPTIONS,
        )

    def _spoken(self, agent: RoleAgent) -> dict[str, OnPiece]:
        """The last task, if what its agent writes first is its answer: no tools, no format."""
        last = self.plan.tasks[-1]
        plain = not (agent.tools or agent.delegation or agent.text_tools or last.output_schema)
        plain = plain and last.review is None
        managed = MANAGER in self.workers or bool(self.memory)
        if self.on_piece is None or managed or not plain or last.agent != agent:
            return {}
        return {_name(len(self.plan.tasks) - 1): self.on_piece}

    def _manager(self) -> crewai.Agent:
        from crewai import Agent
        from crewai.utilities.i18n import I18N_DEFAULT

        from patchbay.nodes.agents.crew_llm import CrewLLM

        def words(key: str) -> str:
            return str(I18N_DEFAULT.retrieve("hierarchical_manager_agent", key))

        return Agent(
            role=MANAGER,
            goal=words("goal"),
            backstory=words("backstory"),
            llm=CrewLLM.over(self.workers[MANAGER], self.line),
            allow_delegation=True,
            max_iter=self.manager_iterations,
            **setup.AGENT_OPTIONS,
        )

    def _tasks(self, agents: Mapping[str, crewai.Agent]) -> list[crewai.Task]:
        from crewai import Task

        made: list[crewai.Task] = []
        for number, task in enumerate(self.plan.tasks):
            agent = agents[task.agent.role] if isinstance(task.agent, RoleAgent) else None
            before = [made[place] for place in self.plan.context(task)]
            made.append(
                Task(
                    name=_name(number),
                    description=task.description,
                    expected_output=task.expected,
                    agent=agent,
                    context=before,
                    human_input=task.review is not None,
                )
            )
        return made


def _name(number: int) -> str:
    return f"task {number + 1}"

"""People who look at what a crew did: CrewAI's `human_input`, asked as every question of a flow.

CrewAI asks on the terminal, in the middle of the crew, and waits there. Here the run waits: it may
end, and the answer may come from anywhere, days later. What was done until then is in the journal.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from patchbay.nodes.agents.specs import Review
from patchbay.nodes.errors import Suspended
from patchbay.nodes.questions import Question, Reply

if TYPE_CHECKING:
    from patchbay.nodes.agents.crew_llm import LoopPortal
    from patchbay.nodes.agents.worker import Worker

NO_REASON = "This result was not accepted, and no reason was given. Do it again, and better."
"""What CrewAI is told where a person rejects without a word: an empty one would be a yes to it."""


class CrewReviews:
    """A provider of human input, as CrewAI calls it, for one crew.

    An approval ends the review. A rejection goes to the agent as feedback: it works on with all it
    has said and found so far, and the person sees the next result.

    Args:
        reviews: by the name of a task, who looks at its result.
        workers: by role.
        line: to the run.
    """

    def __init__(
        self, reviews: Mapping[str, Review], workers: Mapping[str, Worker], line: LoopPortal
    ) -> None:
        self._reviews, self._workers, self._line = reviews, workers, line

    def setup_messages(self, context: Any) -> bool:
        """CrewAI's own messages are right."""
        return False

    def post_setup_messages(self, context: Any) -> None:
        """Nothing is to be added to them."""

    def handle_feedback(self, formatted_answer: Any, context: Any) -> Any:
        """Ask until a person accepts the result."""
        answer = formatted_answer
        while context.ask_for_human_input:
            worker = self._workers[context.agent.role]
            if feedback := self._feedback(worker, context.task, answer):
                context.messages.append(context._format_feedback_message(feedback))
                worker.revise()
                answer = context._invoke_loop()
            else:
                context.ask_for_human_input = False
        return answer

    async def handle_feedback_async(self, formatted_answer: Any, context: Any) -> Any:
        """CrewAI calls this one only inside an event loop; a crew here runs in a thread."""
        raise NotImplementedError("a crew is run in a thread of its own")

    def _feedback(self, worker: Worker, task: Any, answer: Any) -> str:
        """What the person finds wrong; empty where they accept."""
        asked = self._reviews[task.name].question(worker.who, task.description, str(answer.output))
        try:
            said = self._line.wait(_asked(worker, task.name, asked))
        except Suspended as waits:  # nothing of CrewAI shall go on, nor take it for a failure
            raise self._line.end(waits) from None
        except Exception as error:  # nobody answered in time
            raise self._line.end(error) from error
        if said.approved:
            return ""
        feedback = said.comment.strip() or NO_REASON
        worker.ctx.step("note", f"{said.author} did not accept it: {feedback}", who=worker.who)
        return feedback


def _asked(worker: Worker, task: str, question: Question) -> Coroutine[Any, Any, Reply]:
    async def ask() -> Reply:
        with worker.ctx.lane(task):  # a second question about one task is the second of its lane
            return await worker.ctx.ask(question)

    return ask()


def use_reviews(reviews: CrewReviews) -> None:
    """Have CrewAI ask these people, in this thread and what it starts."""
    from crewai.core.providers.human_input import set_provider

    set_provider(reviews)

"""A group chat of Semantic Kernel over our ways of asking. Imported only where one is held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from semantic_kernel.agents import Agent, AgentGroupChat, ChatCompletionAgent
from semantic_kernel.agents.strategies import SequentialSelectionStrategy, TerminationStrategy
from semantic_kernel.agents.strategies.selection.selection_strategy import SelectionStrategy
from semantic_kernel.contents import AuthorRole, ChatMessageContent

from patchbay.nodes.semantic_kernel.service import Answers, service


class Closing(TerminationStrategy):
    """Ends a chat when somebody says the closing words."""

    words: str = ""

    async def should_agent_terminate(self, agent: Agent, history: list[ChatMessageContent]) -> bool:
        """Whether they were just said."""
        return bool(self.words) and self.words.casefold() in str(history[-1].content).casefold()


class Chosen(SelectionStrategy):
    """Has a model choose who speaks next; where it names nobody, the one whose turn it would be."""

    chooses: Any
    turn: int = 0

    async def select_agent(self, agents: list[Agent], history: list[ChatMessageContent]) -> Agent:
        """The next one."""
        who = "\n".join(f"- {agent.name}: {agent.description}" for agent in agents)
        said = "\n".join(f"{one.name or 'Task'}: {one.content}" for one in history[-6:])
        answer = await self.chooses(
            f"Who should speak next?\n\n{who}\n\nThe conversation:\n{said}\n\n"
            "Answer with one of the names, and nothing else."
        )
        fallback = agents[self.turn % len(agents)]
        self.turn += 1
        return next((one for one in agents if one.name.casefold() in answer.casefold()), fallback)


def make_chat(
    members: Sequence[tuple[str, str, str]],
    turns: Sequence[Answers],
    chooses: Callable[[str], Awaitable[str]] | None,
    most: int,
    closing: str,
) -> AgentGroupChat:
    """A chat of agents, each with a name, instructions, what it is for, and a way to answer."""
    agents: list[Agent] = [
        ChatCompletionAgent(
            service=service(answers, name), name=name, instructions=text, description=goal
        )
        for (name, text, goal), answers in zip(members, turns, strict=True)
    ]
    selection = SequentialSelectionStrategy() if chooses is None else Chosen(chooses=chooses)
    return AgentGroupChat(
        agents=agents,
        termination_strategy=Closing(maximum_iterations=most, words=closing),
        selection_strategy=selection,
    )


async def talk(chat: AgentGroupChat, task: str) -> list[tuple[str, str]]:
    """Give the task and let them talk; who said what, in order."""
    await chat.add_chat_message(ChatMessageContent(role=AuthorRole.USER, content=task))
    return [(str(one.name), str(one.content)) async for one in chat.invoke()]

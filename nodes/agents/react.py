"""The node `agent.react`: one agent with tools."""

from __future__ import annotations

from contextlib import AsyncExitStack

from patchbay.nodes.agents.meter import Limits, usage_table
from patchbay.nodes.agents.specs import is_repeatable
from patchbay.nodes.agents.staff import hire
from patchbay.nodes.agents.toolbox import check_names
from patchbay.nodes.agents.worker import BudgetSpent, Worker
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.models.pictures import check_sees
from patchbay.nodes.values import Message, ModelSpec, Table, ToolSpec


class ReactAgent(Node):
    """Let a model reason, call tools and look at what they give, until it can answer (ReAct).

    S. Yao et al., "ReAct: Synergizing Reasoning and Acting in Language Models", ICLR 2023. Runs on
    LangChain's agent. A model without tool calls of its own is held to valid ones by a JSON schema.
    What goes wrong in a tool is told to the model; a budget that is spent ends the work cleanly.
    """

    kind, version = "agent.react", 1
    title, family, icon = "ReAct agent", "Agents", "loop"
    front = ("system", "iterations")
    synonyms = ("agent", "tool agent", "tools", "function calling", "langchain agent", "autonomous")
    requires = ("langchain",)
    deterministic = False

    class Params(NodeParams):
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the agent is told about itself. A wire into `system` takes its place."""
        iterations: int = Field(8, ge=1, le=100)
        """Turns with the model; in the last one it gets no tools and must answer."""
        tools_first: bool = Field(False)
        """Whether it has to call a tool before it may answer; small models otherwise guess."""
        max_tokens: int | None = Field(None, ge=1, le=100_000_000)
        """Tokens, read and written, that may be used. Empty: no limit."""
        max_seconds: float | None = Field(None, gt=0, le=86_400)
        """Seconds of thinking and of tools. Empty: no limit."""
        max_tool_calls: int | None = Field(None, ge=0, le=10_000)
        """Calls of tools. Empty: no limit."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model that the agent thinks with.")
        prompt: str | list[Message] = port(doc="The question: a text, or a whole conversation.")
        tools: list[ToolSpec] = port((), doc="The tools that it may use.")
        system: str | None = port(None, doc="Takes the place of the param.")

    class Outputs(Ports):
        text: str = port(doc="The answer.")
        usage: Table = port(doc="Turns, calls of tools, tokens and seconds.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the model repeats itself and all tools do."""
        return is_repeatable(inputs["model"], tuple(inputs["tools"]))

    @classmethod
    def summary(cls, params: Params) -> str:
        """The limits."""
        budget = f" · at most {params.max_tokens:,} tokens" if params.max_tokens else ""
        return f"at most {params.iterations} turns{budget}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Answer, with the help of the tools."""
        messages = _messages(inputs.prompt)
        check_names(inputs.tools)
        limits = Limits(
            tokens=params.max_tokens,
            seconds=params.max_seconds,
            tool_calls=params.max_tool_calls,
        )
        check_sees(inputs.model, messages)
        async with AsyncExitStack() as stack:
            worker = await hire(
                ctx,
                stack,
                who="agent",
                model=inputs.model,
                tools=inputs.tools,
                limits=limits,
                tools_first=params.tools_first,
                iterations=params.iterations,
            )
            system = params.system if inputs.system is None else inputs.system
            text = await _answer(worker, messages, system, params, ctx)
        return self.Outputs(text=text, usage=usage_table([worker.meter]))


def _messages(prompt: str | list[Message]) -> list[Message]:
    messages = [Message(role="user", content=prompt)] if isinstance(prompt, str) else list(prompt)
    if any(message.content.strip() for message in messages):
        return messages
    raise NodeError(
        "The prompt is empty.",
        fix="Wire a text into the prompt.",
        port="prompt",
        code="model/empty-prompt",
        retry=False,
    )


async def _answer(
    worker: Worker, messages: list[Message], system: str, params: ReactAgent.Params, ctx: Context
) -> str:
    from patchbay.nodes.agents.react_loop import react

    async def stream(piece: str) -> None:
        await ctx.stream("text", piece)

    try:
        text, forced = await react(
            worker,
            to_langchain(messages),
            system=system,
            on_piece=stream,
        )
    except BudgetSpent as spent:
        if not worker.last:
            raise spent.nothing("The agent", "answer") from spent
        await ctx.warn(f"The agent stopped early: {spent.what} are spent.")
        return worker.last
    if forced:
        await ctx.warn(
            f"The agent came to the limit of {params.iterations} turns and had to answer."
        )
    return text

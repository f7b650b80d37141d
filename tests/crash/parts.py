"""A model, tools and a node whose every effect is counted. They enter the catalog like a plugin."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import (
    UNSET,
    Context,
    DescribingNode,
    Field,
    JsonValue,
    Node,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.errors import suspended
from patchbay.nodes.questions import ApprovalWanted, EditWanted, Question
from patchbay.nodes.tools.tool import LocalTool, langchain_tool
from patchbay.nodes.values import ModelSpec, Opening
from tests.crash.faults import Ledger

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel


class CountedModel(ModelSpec):
    """Says what follows from the talk alone: line n after n turns with calls. A line may be calls
    as a JSON list; a line with {} says in it a hash of all that it was asked."""

    backend: ClassVar[str] = "counted"

    lines: tuple[str, ...]
    temperature: float = 0

    @property
    def sampling(self) -> CallOptions:
        """As every model, with a temperature."""
        return CallOptions(temperature=self.temperature)

    def open(self, opening: Opening) -> BaseChatModel:
        """The model."""
        return _counted(self)


def _counted(spec: CountedModel) -> BaseChatModel:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.runnables import Runnable

    class Counted(BaseChatModel):
        context: int = 4096

        @property
        def _llm_type(self) -> str:
            return "counted"

        def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
            return self

        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise NotImplementedError

        async def _agenerate(
            self, messages: list[BaseMessage], stop: Any = None, *args: Any, **kwargs: Any
        ) -> ChatResult:
            Ledger.effect()
            asked = repr([(m.type, str(m.text)) for m in messages] + [kwargs.get("seed")])
            mark = hashlib.sha256(asked.encode()).hexdigest()[:4]
            await asyncio.sleep(int(mark[:1], 16) / 4000)
            turns = sum(bool(m.tool_calls) for m in messages if isinstance(m, AIMessage))
            line = spec.lines[min(turns, len(spec.lines) - 1)]
            return ChatResult(generations=[ChatGeneration(message=_said(line, mark))])

    def _said(line: str, mark: str) -> AIMessage:
        usage: Any = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        if not line.startswith("["):
            return AIMessage(line.replace("{}", mark), usage_metadata=usage)
        calls = [
            {"name": name, "args": {"text": text}, "id": f"call-{mark}-{number}"}
            for number, (name, text) in enumerate(json.loads(line))
        ]
        return AIMessage("", tool_calls=calls, usage_metadata=usage)

    return Counted()


class Model(DescribingNode):
    """A chat model that counts."""

    kind, title, family = "test.counted_model", "Counted model", "Test"

    class Params(NodeParams):
        lines: list[str] = Field(["The answer is {}."])

    class Outputs(Ports):
        model: CountedModel = port(doc="The model.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        return cls.Outputs(model=CountedModel(lines=tuple(params.lines)))


class CountedTool(LocalTool):
    """Does something outside that must not happen twice."""

    backend: ClassVar[str] = "counted"

    def open(self, opening: Opening) -> Any:
        async def run(text: str) -> str:
            Ledger.effect()
            await asyncio.sleep(len(text) % 3 / 2000)
            return f"{self.name} did {text}"

        return langchain_tool(self, run, {"text": (str, "anything")})


class Tool(DescribingNode):
    """A tool that counts."""

    kind, title, family = "test.counted_tool", "Counted tool", "Test"

    class Params(NodeParams):
        name: str = "send"

    class Outputs(Ports):
        tool: CountedTool = port(doc="The tool.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        return cls.Outputs(tool=CountedTool(name=params.name, description="Sends."))


class Steps(Node):
    """Makes steps one after the other, then side by side in lanes; they end in any order."""

    kind, title, family = "test.steps", "Steps", "Test"
    deterministic = False

    class Params(NodeParams):
        first: int = 2
        beside: int = 4
        wait: list[int] = []

    class Inputs(Ports):
        value: JsonValue = port(None, doc="Anything.")

    class Outputs(Ports):
        value: JsonValue

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        async def effect(number: int, found: Any) -> tuple[int, Any]:
            Ledger.effect()
            if params.wait:
                await asyncio.sleep(params.wait[number % len(params.wait)] / 2000)
            return number * 7, found

        async def lane(number: int) -> JsonValue:
            with ctx.lane(f"item {number}"):
                one = await ctx.once("one", effect, number, inputs.value)
                return [one[0], (await ctx.once("two", effect, number + 1, one))[0]]

        results: list[JsonValue] = []
        for number in range(params.first):
            results.append((await ctx.once("first", effect, number, tuple(results)))[0])
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(lane(number)) for number in range(params.beside)]
        return self.Outputs(value=[*results, *(task.result() for task in tasks)])


class Asks(Node):
    """Asks several people at once, each twice, and makes steps before, between and after."""

    kind, title, family = "test.asks", "Asks", "Test"
    deterministic = False

    class Params(NodeParams):
        beside: int = 2
        within: list[float] = []

    class Inputs(Ports):
        value: JsonValue = port(None, doc="Anything.")

    class Outputs(Ports):
        value: JsonValue

    @classmethod
    def asks(cls, params: Params) -> bool:
        return True

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        async def effect(number: int, found: Any) -> list[Any]:
            Ledger.effect()
            await asyncio.sleep(number / 4000)
            return [number, found]

        async def person(number: int) -> JsonValue:
            within = params.within[number] if number < len(params.within) else None
            default: Any = UNSET if within is None else ["late", number]
            with ctx.lane(f"person {number}"):
                made = await ctx.once("before", effect, number, inputs.value)
                title = f"What of {made}?"
                edit = EditWanted("json")
                wanted = Question(title, edit, made, within_s=within, default=default)
                first = await ctx.ask(wanted)
                Ledger.heard.add(first.author)
                made = await ctx.once("between", effect, number, first.value)
                second = await ctx.ask(Question(f"Is {made} right?", ApprovalWanted()))
                Ledger.heard.add(second.author)
                return (await ctx.once("after", effect, number, [made, second.approved]))[1]

        numbers = range(params.beside)
        ended = await asyncio.gather(*map(person, numbers), return_exceptions=True)
        waits = [end for end in ended if isinstance(end, BaseException)]
        failures = [end for end in waits if suspended(end) is None]
        if failures:  # one is enough, and is said in its own words
            raise failures[0]
        if waits:
            raise waits[0] if len(waits) == 1 else BaseExceptionGroup("several wait", waits)
        return self.Outputs(
            value=[value for value in ended if not isinstance(value, BaseException)]
        )


PARTS = [Model, Tool, Steps, Asks]

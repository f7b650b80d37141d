"""A model that says what is written down for it. It enters the catalog like any plugin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.values import ModelSpec, Opening

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

ASKED: dict[str, list[list[tuple[str, str]]]] = {}
"""By the name of a model, the messages of each request: type and text."""

HELD: dict[str, list[Any]] = {}
"""By the name of a model, the JSON schema that each request was held to, or None."""


class ScriptedModel(ModelSpec):
    """Says its lines, one a request; the last one for ever. A line may be a tool call as JSON.

    `native` is for a model that brings tool calls of its own.
    """

    backend: ClassVar[str] = "scripted"

    name: str
    lines: tuple[str, ...]
    native: bool = False
    delay_s: float = 0
    temperature: float = 0

    @property
    def sampling(self) -> CallOptions:
        """As every model, with a temperature."""
        return CallOptions(temperature=self.temperature)

    def open(self, opening: Opening) -> BaseChatModel:
        """The model, at its first line."""
        ASKED[self.name], HELD[self.name] = [], []
        return model_class(self)


def model_class(spec: ScriptedModel) -> BaseChatModel:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.runnables import Runnable

    class Scripted(BaseChatModel):
        at: int = 0
        context: int = 4096

        @property
        def _llm_type(self) -> str:
            return "scripted"

        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise NotImplementedError

        async def _agenerate(
            self, messages: list[BaseMessage], stop: Any = None, *args: Any, **kwargs: Any
        ) -> ChatResult:
            await asyncio.sleep(spec.delay_s)
            ASKED[spec.name].append([(m.type, str(m.text)) for m in messages])
            held = kwargs.get("response_format", {}).get("json_schema", {})
            HELD[spec.name].append(held.get("schema"))
            line = spec.lines[min(self.at, len(spec.lines) - 1)]
            self.at += 1
            if line == "(fails)":
                raise RuntimeError("the provider is down")
            return ChatResult(generations=[ChatGeneration(message=self._said(line))])

        def _said(self, line: str) -> AIMessage:
            usage: Any = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
            if spec.native and line.startswith(("{", "[")):
                calls = json.loads(line)
                made = [
                    {"name": call["tool"], "args": call["input"], "id": f"c{self.at}-{number}"}
                    for number, call in enumerate(calls if isinstance(calls, list) else [calls])
                ]
                return AIMessage("", tool_calls=made, usage_metadata=usage)
            return AIMessage(line, usage_metadata=usage)

    class Native(Scripted):
        def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
            return self

    return Native() if spec.native else Scripted()


class Scripted(DescribingNode):
    """A chat model that follows a script, for exact tests."""

    kind, title, family = "test.scripted", "Scripted model", "Test"

    class Params(NodeParams):
        name: str = "model"
        lines: list[str] = Field(["Hello."])
        native: bool = False
        delay_s: float = 0

    class Outputs(Ports):
        model: ScriptedModel = port(doc="The model.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        return cls.Outputs(model=ScriptedModel(**params.model_dump()))


def call(tool: str, **arguments: Any) -> str:
    """A line that calls a tool."""
    return json.dumps({"tool": tool, "input": arguments})


def answer(text: Any) -> str:
    """A line that answers, for a model that chooses."""
    return json.dumps({"answer": text})

"""A chat model that answers everything at once and always alike, whatever is wanted of it.

Held to a JSON schema it gives the plainest value that follows it; given tools it calls the first
one that it has not called, then answers; else it says what it heard last. So every saved flow runs
through with it, and two runs of one flow agree to the letter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import DescribingNode, NodeParams, Ports, port
from patchbay.nodes.values import ModelSpec, Opening


class Obliging(ModelSpec):
    """The description of it."""

    backend: ClassVar[str] = "obliging"

    @property
    def sampling(self) -> CallOptions:
        """As every model, with a temperature."""
        return CallOptions(temperature=0)

    def words(self, call: CallOptions) -> dict[str, Any]:
        """It follows grammars too: by the schema that they were made of, or not at all."""
        options = super().words(CallOptions(**{**call.said(), "grammar": None}))
        return options | ({"grammar": call.grammar} if call.grammar else {})

    def open(self, opening: Opening) -> Any:
        """Open it, as the pool does."""
        return _chat()


def _chat() -> Any:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.utils.function_calling import convert_to_openai_tool

    class Chat(BaseChatModel):
        context: int = 4096

        @property
        def _llm_type(self) -> str:
            return "obliging"

        def _generate(
            self, messages: Any, stop: Any = None, run_manager: Any = None, **said: Any
        ) -> ChatResult:
            message = AIMessage(**_answer(messages, said))
            read = sum(len(str(m.text).split()) for m in messages)
            wrote = len(str(message.text).split())
            message.usage_metadata = {
                "input_tokens": read,
                "output_tokens": wrote,
                "total_tokens": read + wrote,
            }
            return ChatResult(generations=[ChatGeneration(message=message)])

        def bind_tools(self, tools: Sequence[Any], **said: Any) -> Any:
            return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    return Chat()


def _answer(messages: Sequence[Any], said: Mapping[str, Any]) -> dict[str, Any]:
    heard = str(messages[-1].text)
    schema = said.get("response_format", {}).get("json_schema", {}).get("schema")
    if schema is not None:
        return {"content": json.dumps(plainest(schema, schema, heard))}
    called = [call["name"] for m in messages for call in getattr(m, "tool_calls", ())]
    for tool in said.get("tools", ()):
        about = tool["function"]
        if about["name"] not in called and len(called) < 2:
            given = plainest(about["parameters"], about["parameters"], heard)
            call = {"name": about["name"], "args": given, "id": f"call-{len(called)}"}
            return {"content": "", "tool_calls": [call]}
    # A digest, so that a word more or less in what it heard is another answer.
    mark = hashlib.sha256(repr([(m.type, str(m.text)) for m in messages]).encode()).hexdigest()[:6]
    return {"content": f"<{' '.join(heard.split())[:60]}> {mark}"}


def plainest(schema: Any, whole: Any, heard: str) -> Any:
    """A value that follows a JSON schema: what must be there, the first of what may be."""
    if not isinstance(schema, dict):
        return heard[:20]
    if "$ref" in schema:
        part = whole
        for name in schema["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        return plainest(part, whole, heard)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return plainest(schema[name][0], whole, heard)
    kind = schema.get("type", "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            wanted = schema.get("required") or list(schema.get("properties", {}))
            parts = schema.get("properties", {})
            return {name: plainest(parts.get(name), whole, heard) for name in wanted}
        case "array":
            count = max(1, schema.get("minItems", 1))
            return [plainest(schema.get("items"), whole, heard) for _ in range(count)]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case "null":
            return None
    return heard[: schema.get("maxLength", 20)]


class ObligingModel(DescribingNode):
    """The node of it."""

    kind, version = "test.obliging", 1
    title, family, icon = "Obliging", "Test", "ear"

    class Params(NodeParams):
        pass

    class Outputs(Ports):
        model: ModelSpec = port(doc="The model.")

    @classmethod
    def describe(cls, params: Params, inputs: Any) -> Outputs:
        return cls.Outputs(model=Obliging())

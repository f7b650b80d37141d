"""Our models and tools as Semantic Kernel has them. Imported only where a kernel is built."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from langchain_core.tools import BaseTool
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    StreamingChatMessageContent,
)
from semantic_kernel.functions import (
    KernelFunction,
    KernelFunctionFromMethod,
    KernelParameterMetadata,
    kernel_function,
)

Answers = Callable[[ChatHistory, PromptExecutionSettings], Awaitable[str]]
"""Asks a model in the run's own way, and gives its answer."""


class PatchbayChatCompletion(ChatCompletionClientBase):
    """A chat completion service of Semantic Kernel over a chat model of a flow."""

    answers: Any
    """See `Answers`."""

    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        text = await self.answers(chat_history, settings)
        return [ChatMessageContent(role=AuthorRole.ASSISTANT, content=text)]

    async def _inner_get_streaming_chat_message_contents(
        self,
        chat_history: ChatHistory,
        settings: PromptExecutionSettings,
        function_invoke_attempt: int = 0,
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        text = await self.answers(chat_history, settings)
        yield [StreamingChatMessageContent(role=AuthorRole.ASSISTANT, content=text, choice_index=0)]


def service(answers: Answers, name: str = "patchbay") -> PatchbayChatCompletion:
    """A service over a way of asking."""
    return PatchbayChatCompletion(ai_model_id=name, service_id=name, answers=answers)


def as_function(
    tool: BaseTool, plugin: str, call: Callable[[str, Mapping[str, Any]], Awaitable[str]]
) -> KernelFunction:
    """A tool as a function of a plugin.

    Arguments go to the tool as they stand in the template, and its own schema reads them: there
    "false" is false. (Semantic Kernel's own reading takes any text for true.)
    """
    schema = tool.get_input_jsonschema()
    fields = schema.get("properties", {})
    required = set(schema.get("required", ()))

    @kernel_function(name=tool.name, description=tool.description)
    async def use(**given: Any) -> str:
        return await call(tool.name, {k: v for k, v in given.items() if k in fields})

    made = KernelFunctionFromMethod(method=use, plugin_name=plugin)
    made.metadata.parameters = [
        KernelParameterMetadata(
            name=name,
            description=str(about.get("description", "")),
            default_value=about.get("default"),
            type_="str",
            is_required=name in required,
            type_object=object,
        )
        for name, about in fields.items()
    ]
    return made

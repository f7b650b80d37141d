"""A chat generator of Haystack that is open, as a LangChain chat model. Imported where needed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict

from patchbay.nodes.errors import NodeError
from patchbay.nodes.haystack.generator_spec import GENERATORS, HaystackModel

_MAKERS = {"system": ChatMessage.from_system, "ai": ChatMessage.from_assistant}


class OpenGenerator(BaseChatModel):
    """Asks the generator; what a call says goes on as its `generation_kwargs`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    generator: Any
    name_of_it: str

    @property
    def _llm_type(self) -> str:
        return "haystack"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **said: Any
    ) -> ChatResult:
        given = [_theirs(message) for message in messages]
        options = {**said, **({"stop": stop} if stop else {})}
        try:
            replies = self.generator.run(messages=given, generation_kwargs=options)["replies"]
        except Exception as error:  # each integration raises what its client does
            raise NodeError(
                f"{self.name_of_it} failed: {' '.join(str(error).split())[:300]}",
                fix="Check the settings and the key.",
                code="haystack/generator",
            ) from error
        return ChatResult(generations=[ChatGeneration(message=_ours(replies))])


def _theirs(message: BaseMessage) -> ChatMessage:
    make = _MAKERS.get(message.type, ChatMessage.from_user)
    return make(str(message.text))


def _ours(replies: Sequence[ChatMessage]) -> AIMessage:
    if not replies:
        raise NodeError(
            "The generator gave no reply.",
            fix="Check the model and its settings.",
            code="haystack/generator",
        )
    first = replies[0]
    meta = first.meta or {}
    usage = meta.get("usage") or {}
    read = int(usage.get("prompt_tokens") or usage.get("input_tokens") or 0)
    wrote = int(usage.get("completion_tokens") or usage.get("output_tokens") or 0)
    counted = UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)
    why = {"finish_reason": meta.get("finish_reason")} if meta.get("finish_reason") else {}
    return AIMessage(first.text or "", usage_metadata=counted, response_metadata=why)


def open_generator(spec: HaystackModel, key: str) -> OpenGenerator:
    """Build a generator.

    Raises:
        NodeError: its package is not installed, or it does not take the settings.
    """
    module, takes, package = GENERATORS[spec.generator]
    try:
        cls = getattr(importlib.import_module(module), spec.generator)
    except ImportError as error:
        raise NodeError(
            f"{spec.generator} is not installed.",
            fix=f"pip install {package}",
            code="haystack/generator",
            retry=False,
        ) from error
    given: dict[str, Any] = dict(spec.settings)
    if takes and key:
        given[takes] = Secret.from_token(key)
    try:
        return OpenGenerator(generator=cls(**given), name_of_it=spec.generator)
    except Exception as error:  # what a constructor of an integration raises is its own
        raise NodeError(
            f"{spec.generator} does not take the settings: {' '.join(str(error).split())[:300]}",
            fix="See its parameters in Haystack's documentation.",
            code="haystack/generator",
            retry=False,
        ) from error

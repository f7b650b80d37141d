"""What a request to a model is told as: by what name the model goes, who runs it, what it took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context
from patchbay.nodes.made_calls import ModelCall
from patchbay.nodes.specs import ModelSpec

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

ANSWERED_BY = "patchbay_answered_by"
"""The key in `response_metadata` of the first chunk: which of several models answers, by number."""

_PROVIDERS = {
    "gguf": "llama.cpp",
    "anthropic": "anthropic",
    "azure_openai": "azure.ai.openai",
    "bedrock_converse": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""Names of backends and integrations that OpenTelemetry's conventions word in another way."""


def name_of(model: ModelSpec) -> str:
    """What to call a model in a sentence, and in a table of prices."""
    for field in ("model", "weights", "base_url"):
        if isinstance(name := getattr(model, field, None), str) and name:
            return name
    base = getattr(model, "base", None)
    return name_of(base) if isinstance(base, ModelSpec) else model.type_id()


def provider_of(model: ModelSpec) -> str:
    """Who runs a model, in the words of OpenTelemetry's conventions."""
    base = getattr(model, "base", None)
    if isinstance(base, ModelSpec):
        return provider_of(base)
    name = model.backend
    if name == "provider":
        name = name_of(model).partition(":")[0]
    return _PROVIDERS.get(name, name)


def _here(model: ModelSpec) -> bool:
    return any(getattr(model, field, None) is not None for field in ("weights", "base"))


def answering(model: ModelSpec, number: int | None) -> ModelSpec:
    """The model that answered, where several stand in for each other."""
    models = getattr(model, "models", ())
    return models[number] if number is not None and number < len(models) else model


@dataclass(slots=True)
class CallSaid:
    """What is known of a request when it ends."""

    answered_by: int | None = None
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    thought: int = 0
    first_token_s: float | None = None
    end: str = "stop"
    answer: str = ""
    calls: Sequence[tuple[str, str, str]] = ()

    def used(self, usage: Mapping[str, Any] | None) -> None:
        """Take in LangChain's count of tokens."""
        if usage:
            self.prompt, self.completion = usage["input_tokens"], usage["output_tokens"]
            self.cached = cached_of(usage)
            self.thought = (usage.get("output_token_details") or {}).get("reasoning", 0) or 0


def cached_of(usage: Mapping[str, Any] | None) -> int:
    """The tokens read that the provider had kept from before."""
    return int(((usage or {}).get("input_token_details") or {}).get("cache_read", 0) or 0)


@contextlib.contextmanager
def told(
    ctx: Context,
    model: ModelSpec,
    messages: Sequence[BaseMessage],
    options: Mapping[str, Any],
    tools: Sequence[Mapping[str, Any]] = (),
) -> Iterator[CallSaid]:
    """Tell the run of a request that is made in the block, however it ends.

    Args:
        ctx: the node's context.
        model: whom is asked.
        messages: what.
        options: how the answer is to be.
        tools: those offered.
    """
    said, began, started = CallSaid(), time.time(), time.perf_counter()
    failed: BaseException | None = None
    try:
        yield said
    except BaseException as error:
        failed = error
        raise
    finally:
        who = answering(model, said.answered_by)
        ctx.called(
            ModelCall(
                name_of(who), provider_of(who), began, time.perf_counter() - started,
                str(getattr(who, "base_url", None) or ""), _here(who), said.prompt, said.cached,
                said.completion, said.thought, said.first_token_s, said.end, options, messages,
                tools, said.answer, said.calls, failed,
            )
        )  # fmt: skip

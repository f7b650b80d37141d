"""Calls of models and tools that have ended, as whoever follows a run closely is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A request to a chat model, from its start to its end.

    `began` is Unix time in seconds; `cached` are those of the tokens read that the provider had
    kept from before, `thought` those of the tokens written that nobody sees.
    """

    model: str
    """By the name that it has in prices: `openai:gpt-4o`, `smollm2-135m-instruct`."""
    provider: str
    """Who runs it: `openai`, `anthropic`, `llama.cpp`, …."""
    began: float
    seconds: float
    address: str = ""
    """The server that was asked; "" for a model in this process."""
    here: bool = False
    """Whether it runs in this process."""
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    thought: int = 0
    first_token_s: float | None = None
    end: str = ""
    """Why the answer ended: stop, length or tool_call."""
    options: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[Any] = ()
    """What was asked: LangChain's messages."""
    tools: Sequence[Mapping[str, Any]] = ()
    """The tools that were offered, as OpenAI describes them."""
    answer: str = ""
    calls: Sequence[tuple[str, str, str]] = ()
    """The calls of tools in the answer: id, name, and arguments as the model wrote them."""
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by an agent. Its result is a text; a failure is one that begins so."""

    tool: str
    who: str
    """The role that called it."""
    began: float
    seconds: float
    arguments: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""
    description: str = ""
    error: str = ""
    """What went wrong; "" where nothing did."""

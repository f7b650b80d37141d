"""LangChain's client for Ollama, which keeps thoughts also where nobody asked for them."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage
from langchain_ollama import ChatOllama

from patchbay.nodes.models.servers.ollama.spec import THINK


class ThinkingOllama(ChatOllama):
    """`ChatOllama` passes thoughts on only where `reasoning` is on, which also tells the server to
    think. Models that think by themselves would so lose their thoughts on the way; here the
    client always listens, and what the server is told is a matter of its own (`THINK`)."""

    reasoning: bool | str | None = True

    def _chat_params(
        self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        think = kwargs.pop(THINK, None)
        params: dict[str, Any] = super()._chat_params(messages, stop, **kwargs)
        return {**params, "think": think}

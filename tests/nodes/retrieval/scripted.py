"""A chat model and an embeddings model that do what a test says. They enter like any plugin."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from patchbay.nodes.values import EmbeddingsSpec, ModelSpec, Opening


class Script(ModelSpec):
    """Answers with the first line whose pattern is in the last message; remembers what came."""

    backend: ClassVar[str] = "script"
    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    lines: tuple[tuple[str, str], ...]

    def open(self, opening: Opening) -> BaseChatModel:
        return _Chat(script=list(self.lines))


class _Chat(BaseChatModel):
    script: list[tuple[str, str]]

    def _answer(self, messages: list[BaseMessage], options: dict[str, Any]) -> str:
        last = str(messages[-1].text)
        Script.asked.append((last, options))
        return next((text for pattern, text in self.script if re.search(pattern, last)), "")

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **more: Any
    ) -> ChatResult:
        answer = AIMessage(content=self._answer(messages, more))
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **more: Any
    ) -> Iterator[ChatGenerationChunk]:
        for piece in re.findall(r"\S+\s*", self._answer(messages, more)) or [""]:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

    @property
    def _llm_type(self) -> str:
        return "script"


class Letters(EmbeddingsSpec):
    """Counts letters. What `salt` names can change behind its back, as a server's model can."""

    backend: ClassVar[str] = "letters"
    embedded: ClassVar[list[str]] = []

    salt: str = ""
    """A file; its text makes the vectors others, without the description saying so."""

    def open(self, opening: Opening) -> Embeddings:
        return _Counter(Path(self.salt).read_text() if self.salt else "")


class _Counter(Embeddings):
    def __init__(self, salt: str) -> None:
        self._salt = salt

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        Letters.embedded.extend(texts)
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        if self._salt == "short":
            return [1.0, 2.0]
        if self._salt:
            return [
                float(byte) - 128 for byte in hashlib.sha256((self._salt + text).encode()).digest()
            ]
        return [text.lower().count(letter) + 0.01 for letter in "abcdefghijklmnopqrstuvwxyz012345"]

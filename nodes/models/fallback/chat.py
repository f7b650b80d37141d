"""Several chat models as one: where one fails, the next one answers, and the answer says so."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.fallback.spec import FallbackModel
from patchbay.nodes.models.servers.chat import QUIET
from patchbay.nodes.models.servers.reading import note, passed_on, says
from patchbay.nodes.models.streaming import StreamingChat
from patchbay.nodes.models.telling import ANSWERED_BY, name_of
from patchbay.nodes.models.ways import Way
from patchbay.nodes.values import Opening

_TOOLS = "tools_for_each"


class ChatFallback(StreamingChat):
    """Asks its models in order until one answers.

    A model is opened when it is first needed, so that a large one that only stands in takes no
    memory before. What was given out cannot be taken back: a model that breaks off in the middle
    of its answer is only replaced where answers are shown as a whole.
    """

    _spec: FallbackModel = PrivateAttr()
    _opening: Opening = PrivateAttr()
    _opened: dict[int, BaseChatModel] = PrivateAttr(default_factory=dict)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def over(cls, spec: FallbackModel, opening: Opening) -> ChatFallback:
        """The models of a description, to be opened through the pool."""
        model = cls()
        model._spec, model._opening = spec, opening
        return model

    @property
    def _llm_type(self) -> str:
        return "fallback"

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools, for each model in the form that it takes."""
        return self.bind(**{_TOOLS: (list(tools), kwargs)})

    async def _answer(
        self, way: Way, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        turns = _Turns(self._spec)
        while turns.go_on():
            try:
                asked = await way.apart(self._ready, turns.index, stop, options)
                async with contextlib.aclosing(way.stream(asked, messages, QUIET)) as chunks:
                    async for chunk in chunks:
                        for ours in turns.take(chunk):
                            yield ours
                for ours in turns.held:
                    yield ours
                return
            except Exception as error:
                turns.failed(error)
            if turns.is_another_left:
                yield note(turns.words())
        raise turns.all_failed()

    # --- one of the models ------------------------------------------------------------------------

    def _ready(
        self, index: int, stop: list[str] | None, call: dict[str, Any]
    ) -> Runnable[Any, Any]:
        """A model, open, with the options and tools of this call. Blocks while it is opened."""
        with self._lock:  # who comes second waits for what the first one opens
            if index not in self._opened:
                self._opened[index] = self._opening.open(self._spec.models[index])
        each: Any = call.get("each") or [model.call_options() for model in self._spec.models]
        shared = {k: v for k, v in call.items() if k not in ("each", _TOOLS)}
        options = {**each[index], **shared}
        if stop is not None:
            options["stop"] = stop
        tools, words = call.get(_TOOLS, ((), {}))
        model = self._opened[index]
        ready: Any = model.bind_tools(tools, **words) if tools else model
        bound: Runnable[Any, Any] = ready.bind(**options)
        return bound


class _Turns:
    """Whose turn it is, and how those before have failed."""

    def __init__(self, spec: FallbackModel) -> None:
        self._names = [name_of(model) for model in spec.models]
        self._whole = spec.whole
        self._failures: list[NodeError] = []
        self._begun = self._named = False
        self.held: list[ChatGenerationChunk] = []
        self.index = -1

    def go_on(self) -> bool:
        """The next model's turn, if there is one."""
        self.index += 1
        self.held, self._begun, self._named = [], False, False
        return self.index < len(self._names)

    def take(self, chunk: Any) -> Iterator[ChatGenerationChunk]:
        """A chunk, passed on or held until the answer is whole."""
        self._begun = self._begun or says(chunk)
        ours = passed_on(chunk)
        if not self._named:
            self._named = True
            ours.message.response_metadata |= {ANSWERED_BY: self.index}
        if self._whole:
            self.held.append(ours)
        else:
            yield ours

    def failed(self, error: Exception) -> None:
        """This model failed. Raises where its text was already given out."""
        failure = _as_node_error(error)
        self._failures.append(failure)
        if self._begun and not self._whole:
            raise NodeError(
                f"{self._names[self.index]!r} broke off in the middle of its answer, which was "
                f"shown already, so that no other model was asked: {failure.message}",
                fix="Switch on whole answers, so that one that breaks off can be replaced.",
                code="model/broke-off",
            ) from error

    @property
    def is_another_left(self) -> bool:
        """Whether somebody comes after."""
        return self.index + 1 < len(self._names)

    def words(self) -> str:
        """Who failed, how, and who answers instead."""
        failed, following = self._names[self.index : self.index + 2]
        why = self._failures[-1].message.rstrip(".")
        return f"{failed!r} failed; {following!r} is asked instead. What went wrong: {why}."

    def all_failed(self) -> NodeError:
        """Nobody answered. The code is the last one's, who had nobody behind it."""
        last = self._failures[-1]
        if len(self._failures) == 1:
            return last
        pairs = zip(self._names, self._failures, strict=True)
        each = " ".join(f"{name!r}: {failure.message}" for name, failure in pairs)
        fixes = [failure.fix for failure in self._failures if failure.fix]
        return NodeError(
            f"None of the {len(self._names)} models answered. {each}",
            fix=" Or: ".join(dict.fromkeys(fixes)),
            code=last.code,
            retry=last.retry,
        )


def _as_node_error(error: Exception) -> NodeError:
    if isinstance(error, NodeError):
        return error
    return NodeError(f"{type(error).__name__}: {error}")

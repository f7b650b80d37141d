"""One loaded llama.cpp model, and calls to it that can be stopped from outside."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Protocol

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models import errors, template
from patchbay.nodes.models.llama.gathering import Gathering

Chunk = dict[str, Any]
_POLL_S = 0.05
_CLOSE_S = 30.0


class LoadedLlama(Protocol):
    """A loaded llama.cpp model, in this process or in another."""

    trained: int
    """The longest context (tokens) that the model was trained for; 0 where that is not known."""

    def chat(
        self,
        request: dict[str, Any],
        emit: Callable[[Chunk], None],
        stop: threading.Event,
        gathered: bool = False,
    ) -> None:
        """Run one streaming chat request in this thread; returns when it ended or was stopped."""

    def close(self) -> None:
        """Stop what runs and free the memory."""


class LlamaEngine:
    """A llama.cpp server object and its slots. Safe to use from several threads.

    `parallel` requests run at once; more of them wait for a slot here, where they can be stopped,
    and not inside llama.cpp, where they cannot. `trained` is the longest context (tokens) that
    the model was trained for, 0 where that is not known.
    """

    def __init__(self, server: Any, parallel: int, trained: int = 0) -> None:
        self._server, self.trained = server, trained
        self._slots = threading.Semaphore(parallel)
        self._idle = threading.Condition()
        self._active = 0
        self._closing = False

    def chat(
        self,
        request: dict[str, Any],
        emit: Callable[[Chunk], None],
        stop: threading.Event,
        gathered: bool = False,
    ) -> None:
        """Run one streaming chat request in this thread; returns when it ended or was stopped.

        Args:
            request: the body of an OpenAI-like chat request.
            emit: called with every chunk, in this thread.
            stop: when set, the request ends after the batch or token at hand.
            gathered: whether what is said may come in few pieces (`Gathering`).

        Raises:
            NodeError: the model refused the request.
        """
        with self._idle:
            self._active += 1
        try:
            if self._take_slot(stop):
                gathering = Gathering(emit) if gathered else None
                try:
                    self._chat(request, gathering.take if gathering else emit, stop)
                finally:
                    self._slots.release()
                    if gathering is not None:
                        gathering.flush()
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()

    def _take_slot(self, stop: threading.Event) -> bool:
        while not stop.is_set() and not self._closing:
            if self._slots.acquire(timeout=_POLL_S):
                return True
        if self._closing:
            raise errors.closed()
        return False

    def _chat(
        self, request: dict[str, Any], emit: Callable[[Chunk], None], stop: threading.Event
    ) -> None:
        server = self._server
        if server is None:
            raise errors.closed()
        failed: list[BaseException] = []

        def callback(chunk: Chunk) -> bool:
            # llama.cpp swallows what a callback raises, so it is kept and raised below.
            if stop.is_set() or self._closing:
                return True
            try:
                if "error" in chunk:
                    raise in_words(chunk["error"], self.trained)
                emit(chunk)
            except BaseException as error:
                failed.append(error)
                return True
            return False

        body = {
            **request,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,  # a chunk per batch of the prompt: chances to stop
        }
        try:
            if "prompt" in body:
                server.handle_completions(body, callback)
            else:
                server.handle_chat_completions(body, callback)
        except (RuntimeError, ValueError, TypeError) as error:
            if why := _of_template(str(error)):
                raise template.refused(why) from error
            raise NodeError(
                f"The model cannot take this request: {error}", code="model/request", retry=False
            ) from error
        if failed:
            raise failed[0]
        if self._closing and not stop.is_set():
            raise errors.closed()

    def close(self) -> None:
        """Stop what runs and free the memory. Blocks until the running batch has ended."""
        self._closing = True
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0, timeout=_CLOSE_S)
        self._server = None  # the wheel frees the model when its object goes


def _of_template(error: str) -> str:
    """What the chat template said against a conversation; empty where the error is another."""
    found = re.search(r"Jinja Exception: *(.+)", error)
    return found[1].strip().rstrip(".") if found else ""


def in_words(error: Any, trained: int = 0) -> NodeError:
    """llama.cpp's error object in words."""
    if isinstance(error, dict) and error.get("type") == "exceed_context_size_error":
        prompt, limit = int(error["n_prompt_tokens"]), int(error["n_ctx"])
        return errors.overflow(prompt, limit, trained=trained)
    return errors.refused(error.get("message", error) if isinstance(error, dict) else error)

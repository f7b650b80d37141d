"""One loaded model and the thread that computes with it. Safe to use from several threads."""

from __future__ import annotations

import atexit
import contextlib
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.errors import (
    closed,
    in_words,
    memory_ran_out,
    of_a_gpu,
    out_of_memory,
)
from patchbay.nodes.models.transformers.adapters import Adapters
from patchbay.nodes.models.transformers.answer import Ended, Generation, Request
from patchbay.nodes.models.transformers.batch import RunningBatch
from patchbay.nodes.models.transformers.encoded_batch import EncodedBatch
from patchbay.nodes.models.transformers.grammar import Grammars
from patchbay.nodes.models.transformers.writer import Detokenizer

T = TypeVar("T")
_CLOSE_S = 30.0
_EXIT_S = 5.0

_running: weakref.WeakSet[HfEngine] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """End every engine's thread: one inside torch when the interpreter ends aborts the process."""
    for engine in tuple(_running):
        engine.close(_EXIT_S)


class HfEngine:
    """Answers requests, up to `parallel` of them in one batch; the others wait in order.

    Args:
        model: the network, on `model.device`.
        tokenizer: of Transformers.
        context: tokens that a prompt and its answer may have together.
        parallel: rows of a batch.
    """

    def __init__(self, model: Any, tokenizer: Any, context: int, parallel: int) -> None:
        self.tokenizer, self.context, self.parallel = tokenizer, context, parallel
        self.adapters = Adapters(model)
        self.ends = ends_of(model, tokenizer)
        self.trained = int(getattr(model.config, "max_position_embeddings", 0) or 0)
        self.grammars = Grammars(tokenizer, int(model.config.vocab_size), self.ends)
        self.encodes = bool(getattr(model.config, "is_encoder_decoder", False))
        """Whether an encoder reads the prompt, and a decoder answers."""
        self._device = model.device
        self._waiting: deque[Request] = deque()
        self._orders: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = self._computing = False

    def submit(self, request: Request) -> None:
        """Take a request; its pieces go to `request.put`, from the engine's thread."""
        with self._wake:
            if self._closing:
                raise closed()
            self._waiting.append(request)
            self._start()
            self._wake.notify_all()

    @property
    def busy(self) -> bool:
        """Whether an answer is being computed, or waits to be."""
        return bool(self._waiting) or self._computing

    def between(self, work: Callable[[], T]) -> T:
        """Do something to the model while no step is being computed, and wait for it."""
        done: Future[T] = Future()

        def order() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        with self._wake:
            if self._closing:
                raise closed()
            self._orders.append(order)
            self._start()
            self._wake.notify_all()
        return done.result()

    def detach(self, name: str) -> None:
        """Take an adapter off; nothing is left to do where the engine is closed already."""
        with contextlib.suppress(NodeError):
            self.between(lambda: self.adapters.detach(name))

    def close(self, patience_s: float = _CLOSE_S) -> None:
        """End what runs, after the step at hand, and let go of the memory.

        `patience_s` is how long the step may take, in seconds.
        """
        with self._wake:
            self._closing = True
            thread = self._thread
            self._wake.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(patience_s)
        self.adapters.clear()

    # --- the thread -------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a model that is still computing must not keep the interpreter from ending.
            self._thread = threading.Thread(target=self._work, name="hf-engine", daemon=True)
            self._thread.start()
            _running.add(self)

    def _work(self) -> None:
        import torch

        batch = self._batch()
        with torch.inference_mode():
            while self._next(batch):
                try:
                    batch.step()
                except Exception as error:
                    batch.fail(in_words(error, translate))
        batch.fail(closed())
        for request in self._waiting:
            request.put(Ended(error=closed()))
        for order in self._orders:
            order()

    def _batch(self) -> RunningBatch:
        given = self.adapters.forward, self._device, self.adapters.lead
        return EncodedBatch(*given, self.adapters.network) if self.encodes else RunningBatch(*given)

    def _next(self, batch: RunningBatch) -> bool:
        """Do orders and let waiting requests in; False when the engine closes."""
        import torch

        while True:
            with self._wake:
                self._computing = bool(batch.rows)
                self._wake.wait_for(
                    lambda: self._closing or self._orders or self._waiting or batch.rows
                )
                if self._closing:
                    return False
                order = self._orders.popleft() if self._orders else None
                request = None if order else self._admissible(batch)
                self._computing = bool(batch.rows) or request is not None
                gone = [waiting for waiting in self._waiting if waiting.stop.is_set()]
                for waiting in gone:
                    self._waiting.remove(waiting)
            for waiting in gone:
                waiting.put(Ended())
            if order is not None:
                with torch.inference_mode(False):
                    order()
            elif request is not None:
                self._admit(batch, request)
            elif batch.rows:
                return True

    def _admissible(self, batch: RunningBatch) -> Request | None:
        room = self.parallel if batch.joinable else 1
        if not self._waiting or len(batch.rows) >= room:
            return None
        there = {self._waiting[0].adapter, *(row.request.adapter for row in batch.rows)}
        if len(there) > 1 and not all(map(self.adapters.mixes, there)):
            return None  # computed apart: it waits until the others are over
        return self._waiting.popleft()

    def _admit(self, batch: RunningBatch, request: Request) -> None:
        writer = Detokenizer(self.tokenizer, request.stops)
        row = Generation(request, writer, self.ends, self.context)
        try:
            if request.stop.is_set():
                row.end("stop")
            else:
                batch.admit(row)
        except Exception as error:
            row.fail(in_words(error, translate))


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that the model or its tokenizer says ends an answer."""
    given = [tokenizer.eos_token_id]
    for config in (model.generation_config, model.config):
        ids = getattr(config, "eos_token_id", None)
        given += ids if isinstance(ids, list) else [ids]
    return frozenset(int(token) for token in given if token is not None)


def translate(error: BaseException) -> NodeError | None:
    """What torch raised, in words where a person can do something about it."""
    if not memory_ran_out(error):
        return None
    # What was computed would stay in memory as long as somebody remembers the error.
    traceback.clear_frames(error.__traceback__)
    return out_of_memory("Going on with this answer", gpu=of_a_gpu(error))

"""The actor that a model lives in, and where it is."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from patchbay.flows.cluster.sending import GetsWeights, SentFile, lacking
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.runs.unwatched import Unwatched
from patchbay.nodes.cut_texts import with_cut
from patchbay.nodes.errors import NodeError, error_as_json
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import Spec


@dataclass(frozen=True, slots=True)
class WhereModel:
    """A copy of a model: its name, the machine, the device, and the process there."""

    name: str
    host: str
    device: str
    process: int
    sent: int = 0
    """Bytes of its weights that went there, since that machine had them not."""

    def __str__(self) -> str:
        sent = f", {size_in_words(self.sent)} of weights sent there" if self.sent else ""
        return f"{self.name} on {self.host} ({self.device}{sent})"


class ModelActor(GetsWeights):
    """Holds one opened description. One process on some machine.

    Args:
        spec: the description.
        secrets: those that it names, and no others.
        weights: its weights, which were sent to this machine before, if the process is not the
            first.
    """

    def __init__(
        self, spec: Spec, secrets: Mapping[str, str], weights: Sequence[SentFile] = ()
    ) -> None:
        use_all_cores()
        lacking(file for file in weights if file.own)
        self._spec, self._pool = spec, Pool()
        self._watcher = Unwatched(Secrets(env=dict(secrets), files=()))

    async def open(self) -> tuple[WhereModel | None, dict[str, Any] | None]:
        """Open it, and say where it is; or why it cannot be opened."""
        try:
            async with self._pool.use(self._spec, self._watcher, slot=False) as opened:
                device = str(getattr(opened, "device", None) or _device(self._spec))
        except NodeError as error:
            return None, error_as_json(error)
        name = str(getattr(self._spec, "weights", "") or self._spec.type_id())
        return WhereModel(name, socket.gethostname(), device, os.getpid()), None

    async def ask(
        self, method: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[Any, dict[str, Any] | None]:
        """What a method of it gives; or what it raises, in words."""
        try:
            async with self._pool.use(self._spec, self._watcher) as opened:
                return await self._asked(opened, method, args, options), None
        except NodeError as error:
            return None, error_as_json(error)
        except Exception as error:  # else Ray would say it, as if the process had died
            return None, error_as_json(_broke(error))

    async def _asked(self, opened: Any, method: str, args: Any, options: dict[str, Any]) -> Any:
        if method == "attribute":
            return getattr(opened, args[0])
        if method == "with_cut":
            name, *given = args
            return await asyncio.to_thread(with_cut, opened, getattr(opened, name), *given)
        called = getattr(opened, method)
        if inspect.iscoroutinefunction(called):
            return await called(*args, **options)
        return await asyncio.to_thread(called, *args, **options)

    async def stream(
        self, args: tuple[Any, ...], options: dict[str, Any]
    ) -> AsyncIterator[tuple[Any, dict[str, Any] | None]]:
        """The chunks of an answer as they come; what it raises, in words, last."""
        try:
            async with (
                self._pool.use(self._spec, self._watcher) as opened,
                aclosing(opened._astream(*args, **options)) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk, None
        except NodeError as error:
            yield None, error_as_json(error)
        except Exception as error:
            yield None, error_as_json(_broke(error))

    def process(self) -> int:
        """The process that it is."""
        return os.getpid()


def use_all_cores() -> None:
    """Let what is computed here use all cores. Ray gives a process that is promised no core one
    thread; before torch is imported this can be taken back."""
    if os.environ.get("OMP_NUM_THREADS") == "1":
        del os.environ["OMP_NUM_THREADS"]


def _broke(error: Exception) -> NodeError:
    said = f"The model broke in the midst of a call: {type(error).__name__}: {error}"
    return NodeError(said, code="model/failed")


def _device(spec: Spec) -> str:
    layers = getattr(spec, "gpu_layers", 0)
    return "GPU" if layers or spec.gpu is not None else "processor"

"""The way to models that live in actors, and a pool that hands it out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from patchbay.flows.runs.resources import Pool
from patchbay.flows.wording import first_line
from patchbay.nodes.errors import NodeError, error_from_json
from patchbay.nodes.values import Spec, encode

RETRIES = 5
"""A request whose actor has died so often is given up."""


def model_key(spec: Spec) -> str:
    """What tells opened models apart."""
    return json.dumps(encode(spec.resource()), ensure_ascii=False, separators=(",", ":"))


class RayFar:
    """A way to the copies of a model; each request goes to the one that has fewest.

    Args:
        names: what the actors are called.
        streams: whether answers come piece by piece.
    """

    def __init__(self, names: Sequence[str], streams: bool = False) -> None:
        import ray

        self._ray, self._streams = ray, streams
        self._copies: list[Any] = [ray.get_actor(name) for name in names]
        self._busy = [0] * len(names)

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of the model, and wait."""
        place = self._place()
        try:
            return _given(self._ray.get(self._sent(place, method, args, options)))
        except self._ray.exceptions.RayError as error:
            raise self._gone(error) from None
        finally:
            self._busy[place] -= 1

    async def acall(self, method: str, *args: Any, **options: Any) -> Any:
        """Likewise; cancelling stops it there."""
        place = self._place()
        sent = self._sent(place, method, args, options)
        try:
            return _given(await sent)
        except asyncio.CancelledError:
            self._ray.cancel(sent)
            raise
        except self._ray.exceptions.RayError as error:
            raise self._gone(error) from None
        finally:
            self._busy[place] -= 1

    def stream(self, *args: Any, **options: Any) -> AsyncIterator[Any] | None:
        """See `Far`. A copy that dies before the first piece is asked again; after it nothing can
        be taken back, so the request fails in words."""
        return self._pieces(args, options) if self._streams else None

    async def _pieces(self, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncIterator[Any]:
        place, given = self._place(), False
        try:
            for left in range(RETRIES, -1, -1):
                asked = self._copies[place].stream.options(
                    num_returns="streaming", max_task_retries=0
                )
                coming = asked.remote(args, options)
                try:
                    async for sent in coming:
                        piece = _given(await sent)
                        given = True
                        yield piece
                except self._ray.exceptions.RayError as error:
                    if given or not left:
                        raise self._gone(error) from None
                    await asyncio.to_thread(self._back, place)
                    continue
                except (asyncio.CancelledError, GeneratorExit):
                    self._ray.cancel(coming)
                    raise
                return
        finally:
            self._busy[place] -= 1

    def _back(self, place: int) -> None:
        """Wait until a copy is there again: by a call that Ray repeats until then."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.get(self._copies[place].process.remote(), timeout=120)

    def _place(self) -> int:
        place = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[place] += 1
        return place

    def _sent(self, place: int, method: str, args: Any, options: Any) -> Any:
        return self._copies[place].ask.remote(method, args, options)

    def _gone(self, error: Exception) -> NodeError:
        return NodeError(
            f"The process of the model has died {RETRIES + 1} times on this request, or is lost: "
            f"{first_line(error)}",
            fix="Give the model more memory, or a shorter context; Ray's logs say more.",
            code="cluster/model-died",
        )


def _given(answer: tuple[Any, Mapping[str, Any] | None]) -> Any:
    value, wrong = answer
    if wrong is not None:
        raise error_from_json(wrong)
    return value


class FarPool(Pool):
    """A pool in which the models that were placed live elsewhere; it opens all others itself.

    Args:
        names: what the actors of each model are called, by `model_key`. It is looked up when a
            model is opened, so that others may come.
        streams: whether answers come piece by piece.
    """

    def __init__(self, names: Mapping[str, Sequence[str]], streams: bool = False) -> None:
        super().__init__()
        self._names, self._streams = names, streams

    def know(self, names: Mapping[str, Sequence[str]]) -> None:
        """Others that were placed since."""
        self._names = {**self._names, **names}

    def is_far(self, spec: Spec) -> bool:
        """Whether it lives elsewhere."""
        return spec.elsewhere and model_key(spec) in self._names

    def make(self, spec: Spec, opening: Any) -> Any:
        if self.is_far(spec):
            return spec.handle(RayFar(self._names[model_key(spec)], self._streams))
        return super().make(spec, opening)

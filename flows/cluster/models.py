"""Models on Ray: each opened description is an actor, and whoever asks it has a handle.

An actor opens its description in a pool of its own, so requests of all processes share its slots.
One that dies is started again by Ray, and its requests run again, up to `RETRIES` times each.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patchbay.flows.checks.described import describe_flow
from patchbay.flows.cluster.connection import RayConnection
from patchbay.flows.cluster.placing import ModelNeed, copies_of, memory_of
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.runs.subflows import Prepared
from patchbay.flows.runs.unwatched import Unwatched
from patchbay.nodes.cut_texts import with_cut
from patchbay.nodes.data import secrets_in
from patchbay.nodes.errors import NodeError, error_as_json, error_from_json
from patchbay.nodes.values import Spec, encode

RETRIES = 5
"""A request whose actor has died so often is given up."""


@dataclass(frozen=True, slots=True)
class WhereModel:
    """A copy of a model: its name, the machine, the device, and the process there."""

    name: str
    host: str
    device: str
    process: int

    def __str__(self) -> str:
        return f"{self.name} on {self.host} ({self.device})"


def model_key(spec: Spec) -> str:
    """What tells opened models apart."""
    return json.dumps(encode(spec.resource()), ensure_ascii=False, separators=(",", ":"))


def needs_of_models(ready: Prepared, depth: int = 1) -> Iterator[ModelNeed]:
    """The models that a flow describes, itself or in flows that it runs, and that may live
    elsewhere."""
    for node_id, outputs in describe_flow(ready.resolved).outputs.items():
        for value in outputs.as_dict().values():
            yield from _in_value(value, node_id)
    for step in ready.plan.steps.values():
        for name in () if step.disabled else step.subflows:
            yield from needs_of_models(ready.subflows.open(name, depth).prepared, depth + 1)


def _in_value(value: Any, node_id: str) -> Iterator[ModelNeed]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _in_value(item, node_id)
    if not isinstance(value, Spec):
        return
    if value.elsewhere:
        resource = value.resource()
        yield ModelNeed(resource, memory_of(resource) or 0, resource.slots or 64, node_id)
        return
    for part in value.parts():
        yield from _in_value(part, node_id)


class ModelActor:
    """Holds one opened description. One process on some machine.

    Args:
        spec: the description.
        secrets: those that it names, and no others.
    """

    def __init__(self, spec: Spec, secrets: Mapping[str, str]) -> None:
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
            said = f"The model broke in the midst of a call: {type(error).__name__}: {error}"
            return None, error_as_json(NodeError(said, code="model/failed"))

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

    def process(self) -> int:
        """The process that it is."""
        return os.getpid()


def _device(spec: Spec) -> str:
    layers = getattr(spec, "gpu_layers", 0)
    return "GPU" if layers else "processor"


class RayFar:
    """A way to the copies of a model; each request goes to the one that has fewest.

    Args:
        names: what the actors are called.
    """

    def __init__(self, names: Sequence[str]) -> None:
        import ray

        self._ray = ray
        self._copies = [ray.get_actor(name) for name in names]
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

    def _place(self) -> int:
        place = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[place] += 1
        return place

    def _sent(self, place: int, method: str, args: Any, options: Any) -> Any:
        return self._copies[place].ask.remote(method, args, options)

    def _gone(self, error: Exception) -> NodeError:
        said = str(error).strip().splitlines()
        return NodeError(
            f"The process of the model has died {RETRIES + 1} times on this request, or is lost: "
            f"{said[0] if said else type(error).__name__}",
            fix="Give the model more memory, or a shorter context; Ray's logs say more.",
            code="cluster/model-died",
        )


def _given(answer: tuple[Any, Mapping[str, Any] | None]) -> Any:
    value, wrong = answer
    if wrong is not None:
        raise error_from_json(wrong)
    return value


class PlacedModels:
    """The models of a flow, opened as actors.

    Args:
        connection: the Ray.
        flows: those that will be run.
        secrets: where secrets are found.
        wanted: how many requests may come at once.
        gpus: how many GPUs each copy gets.

    Raises:
        FlowError: no machine holds one of them, or one cannot be opened.
    """

    def __init__(
        self, connection: RayConnection, flows: Iterable[Prepared], secrets: Secrets,
        wanted: int, gpus: float = 0,
    ) -> None:  # fmt: skip
        self._ray = connection.ray
        found = {model_key(need.spec): need for one in flows for need in needs_of_models(one)}
        needs = list(found.values())
        counts = copies_of(needs, connection.nodes(), wanted, gpus)
        self.names: dict[str, list[str]] = {}
        """What the actors of each model are called, by `model_key`: that travels to workers."""
        self._actors: list[Any] = []
        """They live as long as these handles of them."""
        for (key, need), count in zip(found.items(), counts, strict=True):
            made = self._ray.remote(
                num_cpus=0, num_gpus=gpus, memory=need.memory, max_restarts=-1,
                max_task_retries=RETRIES, scheduling_strategy="SPREAD",
            )(ModelActor)  # fmt: skip
            own = {ref.secret: secrets.get(ref) for ref in secrets_in(need.spec)}
            self.names[key] = [f"patchbay-model-{uuid.uuid4().hex}" for _ in range(count)]
            for name in self.names[key]:
                self._actors.append(made.options(name=name).remote(need.spec, own))
        self.places = self._opened(found)
        """Where each copy is."""

    def _opened(self, needs: Mapping[str, ModelNeed]) -> list[WhereModel]:
        keys = [key for key, names in self.names.items() for _ in names]
        asked = [(k, a.open.remote()) for k, a in zip(keys, self._actors, strict=True)]
        found, problems = [], []
        for key, sent in asked:
            try:
                where, wrong = self._ray.get(sent)
            except self._ray.exceptions.RayError as error:
                where, wrong = None, {
                    "code": "cluster/model-died", "fix": "Ray's logs say more.",
                    "message": f"Its process died while it opened: {str(error).splitlines()[0]}",
                }  # fmt: skip
            if wrong is not None:
                node = needs[key].node
                problems.append(Problem(wrong["code"], wrong["message"], wrong["fix"], node=node))
            else:
                found.append(where)
        if problems:
            self.close()
            raise FlowError(dict.fromkeys(problems))
        return found

    def close(self) -> None:
        """Let them go."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []

    async def processes(self) -> list[int]:
        """The processes of the copies on their machines, in order."""
        found: list[int] = await asyncio.gather(*(a.process.remote() for a in self._actors))
        return found


class FarPool(Pool):
    """A pool in which the models that were placed live elsewhere; it opens all others itself.

    Args:
        names: what the actors of each model are called, by `model_key`.
    """

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._names = names

    def is_far(self, spec: Spec) -> bool:
        """Whether it lives elsewhere."""
        return spec.elsewhere and model_key(spec) in self._names

    def make(self, spec: Spec, opening: Any) -> Any:
        if self.is_far(spec):
            return spec.handle(RayFar(self._names[model_key(spec)]))
        return super().make(spec, opening)

"""A worker on Ray that holds flows, checked once each, and what goes to it and comes back."""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from patchbay.flows.cluster.far_pool import FarPool
from patchbay.flows.cluster.far_work import RayWork
from patchbay.flows.cluster.sending import GetsWeights, SentFile, lacking
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeStreamed, Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedFlow, PreparedResult
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.secrets import Secrets

KEPT = 64
"""Flows that a worker keeps ready."""


@dataclass(frozen=True)
class RayPlace:
    """What a worker needs besides flows: all of it plain."""

    folder: str | None
    variables: str
    secrets: Mapping[str, str] = field(repr=False)
    cached: bool = True
    models: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    """What the actors of each model are called, by `model_key`."""
    named: tuple[str, ...] = ()
    """The secrets that flows name, also those that have no value."""
    gpus: float = 0
    """How many GPUs long work gets."""

    @classmethod
    def of(
        cls,
        env: Environment,
        secrets: Sequence[str],
        models: Mapping[str, Sequence[str]],
        gpus: float = 0,
    ) -> RayPlace:
        """As the environment says, with these secrets and no others."""
        known = {name: env.secrets.find(name) for name in secrets}
        return cls(
            str(env.folder) if env.folder else None,
            env.variables,
            {name: value for name, value in known.items() if value is not None},
            env.cache is not None,
            models,
            tuple(secrets),
            gpus,
        )

    def environment(self) -> Environment:
        """What flows get there."""
        folder = Path(self.folder) if self.folder else None
        env = replace(
            default_environment(use_cache=self.cached, folder=folder),
            secrets=Secrets(env={**os.environ, **self.secrets}),
            variables=self.variables,
            keeps_quick=False,
        )
        return replace(env, pool=FarPool(self.models), far_work=RayWork(self.gpus))


@dataclass(frozen=True)
class SentFlow:
    """A flow that is sent to a worker."""

    text: str
    folder: str | None
    path: str | None
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """As for `RayPlace`: those that were placed since the workers began among them."""
    weights: Sequence[SentFile] = ()
    """What it opens itself, which was sent there before."""

    @classmethod
    def of(
        cls,
        flow: LoadedFlow,
        models: Mapping[str, Sequence[str]] | None = None,
        weights: Sequence[SentFile] = (),
    ) -> SentFlow:
        """As it is here."""
        return cls(
            canonical_text(flow.flow),
            str(flow.folder) if flow.folder else None,
            str(flow.path) if flow.path else None,
            dict(models or {}),
            weights,
        )

    def loaded(self) -> LoadedFlow:
        """As it is there, where this process then knows the weights that were sent."""
        lacking(file for file in self.weights if file.own)
        folder = Path(self.folder) if self.folder else None
        return LoadedFlow(read_text(self.text), folder, Path(self.path) if self.path else None)


@dataclass(frozen=True, slots=True)
class FlowRequest:
    """One run that a worker is asked for. `flow` is a reference to a `SentFlow` in Ray's store."""

    digest: str
    flow: Any
    inputs: Mapping[str, Any]
    from_person: bool
    person: str = ""
    heard: bool = False
    """Whether anybody hears what its nodes do."""


@dataclass(frozen=True, slots=True)
class FlowAnswer:
    """What a run gave; or what is wrong, and whether its inputs are at fault."""

    given: PreparedResult | None = None
    problems: Sequence[Problem] = ()
    at_fault: bool = False
    tokens: Tokens | None = None
    """Those that were used, however it ended."""
    events: Sequence[Event] = ()


class FlowWorker(GetsWeights):
    """Runs flows, some at once. One process on some machine."""

    def __init__(self, place: RayPlace, at_once: int) -> None:
        self._env = place.environment()
        self._flows: OrderedDict[tuple[str, bool, str], PreparedFlow] = OrderedDict()
        self._at_once = at_once

    async def run(self, requests: list[FlowRequest]) -> list[FlowAnswer]:
        """What each gives; as many at once as may be."""
        waiting = iter(enumerate(requests))
        found: dict[int, FlowAnswer] = {}

        async def slot() -> None:
            for place, request in waiting:
                found[place] = await self._one(request)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._at_once, len(requests))):
                group.create_task(slot())
        return [found[place] for place in range(len(requests))]

    async def _one(self, request: FlowRequest) -> FlowAnswer:
        events: list[Event] = []
        used: list[Tokens] = []

        def hear(event: Event) -> None:
            if not isinstance(event, NodeStreamed):
                events.append(event)

        given: PreparedResult | None = None
        problems: Sequence[Problem] = ()
        at_fault = False
        try:
            flow = await self._flow(request)
            began = time.monotonic()
            given = await flow.run(request.inputs, hear if request.heard else None, used.append)
            given = replace(given, seconds=time.monotonic() - began)
        except FlowError as error:
            problems, at_fault = error.problems, True
        except RunError as error:
            problems = (error.problem,)
        tokens = used[0] if used else None
        return FlowAnswer(given, problems, at_fault, tokens, tuple(events))

    async def _flow(self, request: FlowRequest) -> PreparedFlow:
        key = request.digest, request.from_person, request.person
        if (flow := self._flows.get(key)) is None:
            sent: SentFlow = await request.flow
            loaded = sent.loaded()
            if isinstance(self._env.pool, FarPool):
                self._env.pool.know(sent.models)
            env = replace(self._env, folder=loaded.folder, person=request.person)
            flow = PreparedFlow(loaded, env, from_person=request.from_person)
            self._flows[key] = flow
            while len(self._flows) > KEPT:
                self._flows.popitem(last=False)
        self._flows.move_to_end(key)
        return flow

    def process(self) -> int:
        """The process that it is; by this call it is seen to be there."""
        return os.getpid()

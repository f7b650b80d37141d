"""Models on Ray: each opened description is an actor, and whoever asks it has a handle.

An actor opens its description in a pool of its own, so requests of all processes share its slots.
One that dies is started again by Ray, and its requests run again, up to `RETRIES` times each.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from patchbay.flows.checks.described import Described, describe_flow
from patchbay.flows.cluster.connection import RayConnection, refused
from patchbay.flows.cluster.far_pool import RETRIES, model_key
from patchbay.flows.cluster.model_actor import ModelActor, WhereModel
from patchbay.flows.cluster.placing import ModelNeed, copies_of, memory_of
from patchbay.flows.cluster.sending import SentFile, files_to_send, names_of_weights, send_all
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.runs.subflows import Prepared
from patchbay.flows.wording import first_line
from patchbay.nodes.contract import DescribingNode
from patchbay.nodes.data import secrets_in
from patchbay.nodes.values import Spec

ROOM_WITHIN_S = 60.0
"""So long Ray may look for room for a model that comes later."""


def needs_of_models(ready: Prepared, depth: int = 1) -> Iterator[ModelNeed]:
    """The models that a flow describes, itself or in flows that it runs, and that may live
    elsewhere."""
    described = describe_flow(ready.resolved)
    worked_on = _worked_on(ready, described)
    for node_id, outputs in described.outputs.items():
        for value in outputs.as_dict().values():
            for need in _in_value(value, node_id):
                if model_key(need.spec) not in worked_on:
                    yield need
    for step in ready.plan.steps.values():
        for name in () if step.disabled else step.subflows:
            yield from needs_of_models(ready.subflows.open(name, depth).prepared, depth + 1)


def _worked_on(ready: Prepared, described: Described) -> set[str]:
    """Models that nobody opens by the pool: one that is trained and never asked, say."""
    worked: set[str] = set()
    asked: set[str] = set()
    for node_id, given in described.inputs.items():
        node = ready.resolved.nodes[node_id].cls
        if node is not None and issubclass(node, DescribingNode):  # it hands on what it is given
            continue
        found = {model_key(n.spec) for value in given.values() for n in _in_value(value, node_id)}
        (worked if node is not None and node.opens_itself else asked).update(found)
    return worked - asked


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


def _needs(flows: Iterable[Prepared]) -> dict[str, ModelNeed]:
    """What flows need, each once."""
    return {model_key(need.spec): need for one in flows for need in needs_of_models(one)}


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
        self._connection, self._ray, self._gpus = connection, connection.ray, gpus
        self._secrets = secrets
        self.names: dict[str, list[str]] = {}
        """What the actors of each model are called, by `model_key`: that travels to workers."""
        self._actors: list[Any] = []
        """They live as long as these handles of them."""
        self.places: list[WhereModel] = []
        """Where each copy is."""
        self.weights: set[str] = set()
        """The names of their weights."""
        found = _needs(flows)
        counts = copies_of(list(found.values()), connection.nodes(), wanted, gpus)
        self._place(found, counts)

    def add(self, flows: Iterable[Prepared]) -> None:
        """Open a copy of each model that these need and that is not open yet. Blocks.

        Raises:
            FlowError: no machine holds one of them, or has room for it now; or one cannot be
                opened.
        """
        new = {key: need for key, need in _needs(flows).items() if key not in self.names}
        if new:
            copies_of(list(new.values()), self._connection.nodes(), 1, self._gpus)
            self._place(new, [1] * len(new), ROOM_WITHIN_S)

    def _place(
        self, needs: Mapping[str, ModelNeed], counts: Sequence[int], within_s: float | None = None
    ) -> None:
        """Make so many actors of each, and open them; all of them or none.

        Args:
            needs: the models.
            counts: how many copies of each.
            within_s: how long Ray may look for room; None where it is known that there is some.
        """
        made: list[tuple[str, str, Any]] = []
        files: dict[str, list[SentFile]] = {}
        for (key, need), count in zip(needs.items(), counts, strict=True):
            remote = self._ray.remote(
                num_cpus=0, num_gpus=self._gpus, memory=need.memory, max_restarts=-1,
                max_task_retries=RETRIES, scheduling_strategy="SPREAD",
            )(ModelActor)  # fmt: skip
            own = {ref.secret: self._secrets.get(ref) for ref in secrets_in(need.spec)}
            names = list(names_of_weights(need.spec))
            files[key] = files_to_send(names)
            self.weights.update(names)
            for _ in range(count):
                name = f"patchbay-model-{uuid.uuid4().hex}"
                made.append(
                    (key, name, remote.options(name=name).remote(need.spec, own, files[key]))
                )
        try:
            if within_s is not None:
                self._have_room([actor for *_, actor in made], within_s)
            self.places += self._opened(needs, files, [(key, actor) for key, _, actor in made])
        except BaseException:
            for *_, actor in made:
                self._ray.kill(actor)
            raise
        for key, name, actor in made:
            self._actors.append(actor)
            self.names.setdefault(key, []).append(name)

    def _have_room(self, actors: Sequence[Any], within_s: float) -> None:
        begun = [actor.process.remote() for actor in actors]
        there, _ = self._ray.wait(begun, num_returns=len(begun), timeout=within_s)
        if len(there) < len(begun):
            raise refused(
                "cluster/no-room", "No machine of Ray has room for the models of this flow now.",
                "Add machines, choose smaller models, or start anew: models of flows that were "
                "changed stay until then.",
            )  # fmt: skip

    def _opened(
        self, needs: Mapping[str, ModelNeed], files: Mapping[str, Sequence[SentFile]],
        actors: Sequence[tuple[str, Any]],
    ) -> list[WhereModel]:  # fmt: skip
        went = [send_all(self._ray, [actor], files[key], needs[key].node) for key, actor in actors]
        asked = [(key, actor.open.remote()) for key, actor in actors]
        found, problems = [], []
        for (key, sent), count in zip(asked, went, strict=True):
            try:
                where, wrong = self._ray.get(sent)
            except self._ray.exceptions.RayError as error:
                where, wrong = None, {
                    "code": "cluster/model-died", "fix": "Ray's logs say more.",
                    "message": f"Its process died while it opened: {first_line(error)}",
                }  # fmt: skip
            if wrong is not None:
                node = needs[key].node
                problems.append(Problem(wrong["code"], wrong["message"], wrong["fix"], node=node))
            else:
                found.append(replace(where, sent=count))
        if problems:
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

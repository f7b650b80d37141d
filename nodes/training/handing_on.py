"""Trainings of one base that wait for each other hand its network on, so that it is read once.

Nothing is kept for a training that may come: where none waits the network goes as it did.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from patchbay.nodes.training.base import network_of, root_of
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.methods import bits_of
from patchbay.nodes.training.settings import TrainingMethod
from patchbay.nodes.values import Opening

WHOLE: tuple[TrainingMethod, ...] = ("LoRA", "rank-stabilized LoRA", "DoRA", "IA3")
"""Methods that leave the base as it was, once their layers are taken off."""
KINDS = ("supervised", "preference")
"""Trainings that begin with a network that writes, and nothing else."""

_LOCK = threading.Lock()
_HERE: Counter[str] = Counter()
"""Trainings of a base that wait or work."""
_HANDED: dict[str, Any] = {}


@contextlib.contextmanager
def taking_part(job: Job) -> Iterator[None]:
    """Be one of those that a network may be handed on to."""
    key = _key(job)
    with _LOCK:
        _HERE[key] += 1
    try:
        yield
    finally:
        with _LOCK:
            _HERE[key] -= 1
            if not _HERE[key]:
                del _HERE[key]
                _HANDED.pop(key, None)


def is_handed_on(job: Job) -> bool:
    """Whether the network of a training before this one waits for it."""
    with _LOCK:
        return _key(job) in _HANDED


def network_for(job: Job, opening: Opening) -> Any:
    """A network of one's own: one that was handed on, or as `network_of` reads it.

    Raises:
        NodeError: the weights cannot be had or do not load.
    """
    with _LOCK:
        handed = _HANDED.pop(_key(job), None)
    if handed is not None:
        return handed
    params = job.settings.params
    return network_of(job.base, params.precision, bits_of(job.settings), opening)[0]


def hand_on(job: Job, network: Any) -> None:
    """Leave the network of a training that is over to the next of its base, if one waits.

    Args:
        job: what was trained.
        network: of PEFT, saved; it is of no use afterwards.
    """
    with _LOCK:
        if _HERE[_key(job)] < 2 or not _fits(job):
            return
    base = network.unload().eval()
    if hasattr(base, "peft_config"):  # else PEFT says that it hangs on it a second time
        del base.peft_config
    with _LOCK:
        if _HERE[_key(job)] > 1:
            _HANDED[_key(job)] = base


def _fits(job: Job) -> bool:
    params = job.settings.params
    plain = params.start == "zero" and not params.checkpointing
    return job.settings.kind in KINDS and params.method in WHOLE and plain


def _key(job: Job) -> str:
    """What the network hangs on; a job of another method has one that nobody shares."""
    if not _fits(job):
        return f"{id(job)}"
    return f"{job.base_id} {job.settings.params.precision} {root_of(job.base).device}"

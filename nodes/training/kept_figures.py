"""Figures of trainings that are kept, which may have been computed otherwise than today's.

A training is kept for good and found again by its content, so what is changed about a figure later
does not change those that are kept. What is kept says what it means; a figure that means something
else today is left out, rather than shown under a name that it has no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.nodes.training.settings import TrainingSettings

MEANINGS: Mapping[str, Mapping[str, str]] = {"PPO": {"kl": "nats a token, by r - 1 - ln r"}}
"""By algorithm: the figures that have meant something else before, and what they mean now."""

UNSAID = "worked"
"""Records did not say it at first. Those that have this were made after the change of PPO's KL,
which was the sum over an answer before."""


def meanings(settings: TrainingSettings) -> dict[str, str]:
    """What figures mean that a training of these settings makes today; kept beside them."""
    return dict(MEANINGS.get(str(settings.more.get("algorithm", "")), {}))


def read_again(settings: TrainingSettings, kept: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the figures that mean what today's mean; `left_out` names the others."""
    told = kept.get("means", meanings(settings) if UNSAID in kept else {})
    others = _others(settings, told)
    there = [name for name in others if any(name in step for step in kept["figures"])]
    return {**kept, "figures": _without(kept["figures"], others), "left_out": there}


def steps_of(settings: TrainingSettings, state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a trainer's state says of the steps so far, without figures that mean something else."""
    return _without(state["log_history"], _others(settings, state.get("means", {})))


def _others(settings: TrainingSettings, told: Mapping[str, str]) -> list[str]:
    return [name for name, now in meanings(settings).items() if told.get(name) != now]


def _without(steps: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name not in names} for one in steps]

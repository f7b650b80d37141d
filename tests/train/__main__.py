"""Train SmolLM2-135M by every method and every trainer to the end, and see what it was good for.

    python -m tests.train [--steps 24] [--only NAME …]

Prints, as it goes, one row for each: base against trained on rows held out, with 95% intervals, the
first and the last loss or reward, and the time. After PPO and GRPO their curves stand side by side.
Ends with 1 where a supervised or preference training does not better rows held out by more than the
interval of the difference, where a reward does not rise, or where KL does not begin at zero.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from patchbay.nodes.home import cache_dir, weights_dir
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.checked_data import CheckedPromptsNode
from patchbay.nodes.training.instruction_data import InstructionDataNode
from patchbay.nodes.training.preference_data import PreferenceDataNode
from patchbay.nodes.training.preference_node import TrainPreference
from patchbay.nodes.training.reinforce_node import TrainReinforce
from patchbay.nodes.training.reward_node import TrainRewardModel
from patchbay.nodes.training.settings import TrainingMethod
from patchbay.nodes.training.supervised_node import TrainSupervised
from patchbay.nodes.units import duration

METHODS: tuple[TrainingMethod, ...] = get_args(TrainingMethod)
ALGORITHMS = ("GRPO", "RLOO", "PPO")
RATES = {"prompt tuning": 0.05, "prefix tuning": 0.02, "IA3": 2e-2, "all weights": 1e-4}
"""Learning rates for so few steps; 0.003 for the others."""
BATCH = 4
TELLING = 5
"""Parts of a curve, of which each is told by its mean."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one training was good for."""

    name: str
    measure: str
    base: str
    trained: str
    apart: str
    first: float
    last: float
    seconds: float
    good: bool

    def row(self) -> str:
        """A line of a Markdown table."""
        cells = (self.name, self.measure, self.base, self.trained, self.apart,
                 f"{self.first:.3g} → {self.last:.3g}", duration(self.seconds),
                 "" if self.good else "NOT BETTER")  # fmt: skip
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| training | held out | base | trained | trained - base | first → last | time | |\n"
    "|---|---|---|---|---|---|---|---|"
)


def main() -> int:
    """Train, tell, and say whether all of it was good for something."""
    parser = argparse.ArgumentParser(prog="python -m tests.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=24, help="of each training")
    parser.add_argument("--only", nargs="*", help="just these methods and trainers")
    chosen = parser.parse_args()
    named = {**{name: _supervised(name) for name in METHODS}, "DPO": _preference,
             "reward model": _reward_model,
             **{name: _reinforced(name) for name in ALGORITHMS}}  # fmt: skip
    if unknown := set(chosen.only or ()) - set(named):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(named)}")
    os.environ["PATCHBAY_CACHE"] = str(cache_dir())
    os.environ["PATCHBAY_WEIGHTS"] = str(weights_dir())
    with tempfile.TemporaryDirectory() as home:
        os.environ["PATCHBAY_HOME"] = home
        print(HEAD, flush=True)
        told = [
            _told(named[name], chosen.steps) for name in named if name in (chosen.only or named)
        ]
    _curves(told)
    return 1 if any(not one.good for one, _ in told) else 0


def _told(train: Callable[[int], tuple[Told, Any]], steps: int) -> tuple[Told, Any]:
    made = train(steps)
    print(made[0].row(), flush=True)
    return made


# --- the trainers ---------------------------------------------------------------------------------


def _base() -> TransformersModel:
    return TransformersModel(weights="smollm2-135m-instruct", context=256, temperature=0)


def _trained(kind: Any, data: Any, params: dict[str, Any], **more: Any) -> tuple[Any, float]:
    inputs = {"model": _base(), "data": data["data"], "held_out": data["held_out"], **more}
    began = time.monotonic()
    out = run_node(kind, params, inputs, RecordingContext(folder=Path.cwd()))
    return out, time.monotonic() - began


def _common(steps: int, **more: Any) -> dict[str, Any]:
    return {"steps": steps, "batch": BATCH, "limit": 128, "layers": "all", "rate": 3e-3, **more}


def _supervised(method: str) -> Callable[[int], tuple[Told, Any]]:
    def train(steps: int) -> tuple[Told, Any]:
        data = run_node(InstructionDataNode, {"ready": "sentiment", "held_out": 0.2}, {})
        params = _common(steps, method=method, rate=RATES.get(method, 3e-3))
        out, seconds = _trained(TrainSupervised, data, params)
        return _compared(method, "loss of a token", out, "curve", "loss", seconds, less=True), out

    return train


def _preference(steps: int) -> tuple[Told, Any]:
    data = run_node(PreferenceDataNode, {"held_out": 0.25}, {})
    out, seconds = _trained(TrainPreference, data, _common(steps, rate=1e-3))
    return _compared("DPO", "nats in favour", out, "curve", "loss", seconds), out


_REWARD: list[Any] = []


def _reward_model(steps: int) -> tuple[Told, Any]:
    data = run_node(PreferenceDataNode, {"held_out": 0.25}, {})
    out, seconds = _trained(TrainRewardModel, data, _common(steps, rate=1e-3))
    _REWARD[:] = [out["reward"]]
    told = _compared("reward model", "pairs in order", out, "curve", "loss", seconds, sure=False)
    return told, out


def _reinforced(algorithm: str) -> Callable[[int], tuple[Told, Any]]:
    """For politeness, by the reward model, on the prompts of the pairs."""

    def train(steps: int) -> tuple[Told, Any]:
        if not _REWARD:
            _reward_model(steps)
        rows = run_node(PreferenceDataNode, {"held_out": 0}, {})["data"].read()
        prompts = [{"prompt": row["prompt"][-1]["content"]} for row in rows]
        data = run_node(CheckedPromptsNode, {"check": None, "held_out": 0.25}, {"source": prompts})
        params = _common(
            steps, algorithm=algorithm, rate=1e-3, batch=2, answers=4, answer=24, beta=0.02
        )
        out, seconds = _trained(TrainReinforce, data, params, reward=_REWARD[0])
        told = _compared(
            algorithm, "reward", out, "rewards", "reward", seconds, sure=False, rises=True
        )
        return told, out

    return train


def _compared(
    name: str, measure: str, out: Any, port: str, figure: str, seconds: float, *,
    less: bool = False, sure: bool = True, rises: bool = False,
) -> Told:  # fmt: skip
    """A row, and whether it is good.

    Args:
        less: whether less is better on rows held out.
        sure: whether the interval of the difference has to leave out zero, not only its mean.
        rises: whether the curve has to rise, and its KL to begin at zero; else it has to fall.
    """
    base, trained, apart = out["held_out"].rows
    curve = [point[figure] for point in out[port].rows]
    ends = [statistics.mean(part) for part in _parts(curve)]
    moved = ends[-1] > ends[0] if rises else ends[-1] < ends[0]
    worst = (apart[3] if less else apart[2]) if sure else apart[1]
    better = worst < 0 if less else worst > 0 if sure else worst >= 0
    near = not rises or abs(out["kl"].rows[0]["kl"]) < 1e-3
    return Told(name, measure, _span(base), _span(trained), _span(apart), curve[0], curve[-1],
                seconds, moved and better and near)  # fmt: skip


def _span(row: Sequence[Any]) -> str:
    return f"{row[1]:.3g} ({row[2]:.3g} to {row[3]:.3g})"


# --- PPO's curves over GRPO's ---------------------------------------------------------------------


def _curves(told: Sequence[tuple[Told, Any]]) -> None:
    """Means over parts of the steps: they rise alike, and stay as near to the base."""
    found = {one.name: out for one, out in told if one.name in ALGORITHMS}
    if len(found) < 2:
        return
    parts = "".join(f" part {n} |" for n in range(1, TELLING + 1))
    print(f"\n| mean over steps |{parts}\n|---|{'---|' * TELLING}")
    for figure, port in (("reward", "rewards"), ("kl", "kl")):
        for name, out in found.items():
            means = _parts([point[figure] for point in out[port].rows])
            cells = "".join(f" {statistics.mean(part):.3g} |" for part in means)
            print(f"| {name}, {figure} |{cells}", flush=True)


def _parts(curve: Sequence[float]) -> Iterator[Sequence[float]]:
    count = min(TELLING, len(curve))
    for n in range(count):
        yield curve[len(curve) * n // count : len(curve) * (n + 1) // count]


if __name__ == "__main__":
    sys.exit(main())

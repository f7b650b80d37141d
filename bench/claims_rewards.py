"""Of the lecture's claims those about preferences: what they cost, and two ways to learn them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench.claims_task import cases, said_by, wired

QUICK = {"batch": 2, "limit": 96, "rate": 1e-3, "steps": 16, "beta": 0.1}
"""How preferences are learned."""


def tax() -> Iterator[str]:
    """The alignment tax: right answers of a task before and after preferences are learned.

    Ouyang et al. 2022, arXiv:2203.02155.
    """
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.preference_node import TrainPreference
    from patchbay.nodes.training.supervised_node import TrainSupervised

    model, rows, params = wired({})
    given = {"model": model, "data": rows["data"], "held_out": rows["held_out"]}
    learned = run_node(TrainSupervised, params["train"], given)["model"]
    pairs = _pairs()
    yield "| | right of 24 | the polite answer is likelier by |"
    yield "|---|---|---|"
    for beta in (1.0, 0.1):
        polite = run_node(TrainPreference, {**QUICK, "beta": beta}, {"model": learned, **pairs})
        before, after, _ = polite["held_out"].rows
        if beta == 1.0:
            yield f"| the task alone | {_right(learned)} | {before[1]:.1f} nats |"
        yield f"| and DPO, beta {beta:g} | {_right(polite['model'])} | {after[1]:.1f} nats |"


def hacking() -> Iterator[str]:
    """Reward hacking: the same reward model, with and without the price on straying.

    Gao et al. 2023, "Scaling Laws for Reward Model Overoptimization", arXiv:2210.10760.
    """
    model, _, _ = wired({})
    pairs = _pairs()
    reward = _reward(model, pairs)
    yield "| | reward, first and last step | KL at the end | an answer of the last step |"
    yield "|---|---|---|---|"
    for beta in (0.0, 0.2):
        out = _reinforced(model, pairs, reward, beta)
        rewards = [point["reward"] for point in out["rewards"].rows]
        kl = [point["kl"] for point in out["kl"].rows]
        said = str(out["samples"].rows[-1][2]).replace("\n", " ")
        strayed = f"{kl[-1]:.2f}" if kl else "not computed"
        yield f"| beta {beta:g} | {rewards[0]:.2f}, {rewards[-1]:.2f} | {strayed} | {said} |"


def ways() -> Iterator[str]:
    """Two ways to the same preferences: directly (DPO), and by a reward model and GRPO."""
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.preference_node import TrainPreference

    model, _, _ = wired({})
    pairs, began = _pairs(), time.monotonic()
    direct = run_node(TrainPreference, QUICK, {"model": model, **pairs})
    took, (before, after, _) = time.monotonic() - began, direct["held_out"].rows
    yield "| | the polite answer is likelier by | trained in |"
    yield "|---|---|---|"
    yield f"| the base | {before[1]:.1f} nats | |"
    yield f"| DPO | {after[1]:.1f} nats | {took:.0f} s |"
    began = time.monotonic()
    reward = _reward(model, pairs)
    by_reward = _reinforced(model, pairs, reward, 0.1)["model"]
    took = time.monotonic() - began
    yield f"| a reward model, then GRPO | {_likelier(by_reward, pairs):.1f} nats | {took:.0f} s |"


def rounds() -> Iterator[str]:
    """A second round of ratings, of what the policy itself answers after the first.

    In place of people who rate anew stands the reward model that learned from their first ratings.
    """
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.datasets import PreferenceData, kept
    from patchbay.nodes.training.preference_node import TrainPreference
    from patchbay.nodes.training.reward_value import Scorer

    model, _, _ = wired({})
    pairs = _pairs()
    rater = Scorer(_reward(model, pairs), lambda *_: None)
    first = run_node(TrainPreference, QUICK, {"model": model, **pairs})["model"]
    yield "| | reward of its answers | the polite answer is likelier by |"
    yield "|---|---|---|"
    yield _round("the base", model, pairs, rater)
    yield _round("after the first round", first, pairs, rater)
    own = _own_pairs(first, pairs, rater)
    if not own:
        yield "\nBoth of its answers to each prompt were the same: there is nothing to rate."
        return
    again = {**pairs, "data": kept(PreferenceData, own, "the policy's own answers")}
    second = run_node(TrainPreference, QUICK, {"model": first, **again})["model"]
    yield _round(f"after a second, of {len(own)} pairs of its own", second, pairs, rater)


def _own_pairs(model: Any, pairs: dict[str, Any], rater: Any) -> list[dict[str, Any]]:
    """Two answers of the model to each prompt, the better one first; level ones say nothing."""
    prompts = [row["prompt"] for row in pairs["data"].read()]
    asked = [prompt[-1]["content"] for prompt in prompts]
    both = [said_by(model, asked, temperature=1, max_tokens=16, seed=seed) for seed in (1, 2)]
    marks = [rater.scores(prompts, answers) for answers in both]
    found = []
    for prompt, *said in zip(prompts, *both, *marks, strict=True):
        one, other, of_one, of_other = said
        if one and other and one != other and of_one != of_other:
            chosen, rejected = (one, other) if of_one > of_other else (other, one)
            found.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    return found


def _round(name: str, model: Any, pairs: dict[str, Any], rater: Any) -> str:
    prompts = [row["prompt"] for row in pairs["held_out"].read()]
    said = said_by(model, [prompt[-1]["content"] for prompt in prompts], max_tokens=16)
    reward = statistics.fmean(rater.scores(prompts, said))
    return f"| {name} | {reward:.2f} | {_likelier(model, pairs):.1f} nats |"


def _likelier(model: Any, pairs: dict[str, Any]) -> float:
    """By how many nats a model prefers the polite answers held out: what a training measures before
    its first step."""
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.preference_node import TrainPreference

    measured = run_node(TrainPreference, {**QUICK, "steps": 1}, {"model": model, **pairs})
    return float(measured["held_out"].rows[0][1])


def _pairs() -> dict[str, Any]:
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.preference_data import PreferenceDataNode

    made = run_node(PreferenceDataNode, {}, {})
    return {"data": made["data"], "held_out": made["held_out"]}


def _reward(model: Any, pairs: dict[str, Any]) -> Any:
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.reward_node import TrainRewardModel

    how = {"batch": 2, "limit": 96, "steps": 12}
    return run_node(TrainRewardModel, how, {"model": model, "data": pairs["data"]})["reward"]


def _reinforced(model: Any, pairs: dict[str, Any], reward: Any, beta: float) -> Any:
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.checked_data import CheckedPromptsNode
    from patchbay.nodes.training.reinforce_node import TrainReinforce

    asked = sorted({row["prompt"][-1]["content"] for row in pairs["data"].read()})
    source: list[Any] = [{"prompt": one} for one in asked]
    prompts = run_node(CheckedPromptsNode, {"check": None, "held_out": 0}, {"source": source})
    how = {"algorithm": "GRPO", "answer": 16, "answers": 4, "batch": 2, "limit": 96,
           "rate": 4e-3, "steps": 24, "beta": beta, "layers": "all"}  # fmt: skip
    given = {"model": model, "data": prompts["data"], "reward": reward}
    return run_node(TrainReinforce, how, given)


def _right(model: Any) -> int:
    """How many of the cases a model says right."""
    asked = cases()
    said = said_by(model, [one["remark"] for one in asked])
    return sum(text == one["expected"] for text, one in zip(said, asked, strict=True))

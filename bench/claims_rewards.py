"""Of the lecture's claims those about preferences: the alignment tax, and reward hacking."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from typing import Any

from bench.claims_task import CASES, wired


def tax() -> Iterator[str]:
    """The alignment tax: right answers of a task before and after preferences are learned.

    Ouyang et al. 2022, arXiv:2203.02155.
    """
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.preference_data import PreferenceDataNode
    from patchbay.nodes.training.preference_node import TrainPreference
    from patchbay.nodes.training.supervised_node import TrainSupervised

    model, rows, params = wired({})
    given = {"model": model, "data": rows["data"], "held_out": rows["held_out"]}
    learned = run_node(TrainSupervised, params["train"], given)["model"]
    pairs = run_node(PreferenceDataNode, {}, {})
    yield "| | right of 24 | the polite answer is likelier by |"
    yield "|---|---|---|"
    for beta in (1.0, 0.1):
        quick = {"batch": 2, "limit": 96, "rate": 1e-3, "steps": 16, "beta": beta}
        given = {"model": learned, "data": pairs["data"], "held_out": pairs["held_out"]}
        polite = run_node(TrainPreference, quick, given)
        before, after, _ = polite["held_out"].rows
        if beta == 1.0:
            yield f"| the task alone | {_right(learned)} | {before[1]:.1f} nats |"
        yield f"| and DPO, beta {beta:g} | {_right(polite['model'])} | {after[1]:.1f} nats |"


def hacking() -> Iterator[str]:
    """Reward hacking: the same reward model, with and without the price on straying.

    Gao et al. 2023, "Scaling Laws for Reward Model Overoptimization", arXiv:2210.10760.
    """
    from patchbay.nodes.testing import run_node
    from patchbay.nodes.training.checked_data import CheckedPromptsNode
    from patchbay.nodes.training.preference_data import PreferenceDataNode
    from patchbay.nodes.training.reinforce_node import TrainReinforce
    from patchbay.nodes.training.reward_node import TrainRewardModel

    model, _, _ = wired({})
    pairs = run_node(PreferenceDataNode, {}, {})
    quick = {"batch": 2, "limit": 96, "steps": 12}
    reward = run_node(TrainRewardModel, quick, {"model": model, "data": pairs["data"]})["reward"]
    asked = sorted({row["prompt"][-1]["content"] for row in pairs["data"].read()})
    source: list[Any] = [{"prompt": one} for one in asked]
    prompts = run_node(CheckedPromptsNode, {"check": None, "held_out": 0}, {"source": source})
    yield "| | reward, first and last step | KL at the end | an answer of the last step |"
    yield "|---|---|---|---|"
    for beta in (0.0, 0.2):
        how = {"algorithm": "GRPO", "answer": 16, "answers": 4, "batch": 2, "limit": 96,
               "rate": 4e-3, "steps": 24, "beta": beta, "layers": "all"}  # fmt: skip
        given = {"model": model, "data": prompts["data"], "reward": reward}
        out = run_node(TrainReinforce, how, given)
        rewards = [point["reward"] for point in out["rewards"].rows]
        kl = [point["kl"] for point in out["kl"].rows]
        said = str(out["samples"].rows[-1][2]).replace("\n", " ")
        strayed = f"{kl[-1]:.2f}" if kl else "not computed"
        yield f"| beta {beta:g} | {rewards[0]:.2f}, {rewards[-1]:.2f} | {strayed} | {said} |"


def _right(model: Any) -> int:
    """How many of the cases a model says right."""
    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.testing import PooledContext, user
    from patchbay.nodes.models.asking import ask

    with CASES.open(encoding="utf-8", newline="") as file:
        cases = list(csv.DictReader(file))

    async def all_of_them() -> int:
        ctx = PooledContext()
        ctx.pool = Pool()
        options = model.call_options(temperature=0, max_tokens=4)
        try:
            said = await asyncio.gather(
                *(ask(ctx, model, user(one["remark"]), port=None, **options) for one in cases)
            )
        finally:
            ctx.pool.close()
        pairs = zip(said, cases, strict=True)
        return sum(one.text.strip() == case["expected"] for one, case in pairs)

    return asyncio.run(all_of_them())

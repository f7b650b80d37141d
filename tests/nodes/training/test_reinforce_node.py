"""Rewards: from checkers and reward models; what is rewarded gets likelier."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.base import reader_of
from patchbay.nodes.training.checked_data import CheckedPromptsNode
from patchbay.nodes.training.datasets import CheckedPrompts, PreferenceData, kept
from patchbay.nodes.training.doing import train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.reinforce import Reinforce
from patchbay.nodes.training.reinforce_node import OWN, TrainReinforce
from patchbay.nodes.training.reward_node import TrainRewardModel
from patchbay.nodes.training.reward_value import Scorer
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from tests.nodes.training.conftest import WORDS
from tests.nodes.training.watches import Killed, dying, quiet

QUICK: dict[str, Any] = {
    "steps": 8, "batch": 2, "limit": 64, "rate": 2e-2, "answers": 6, "answer": 4, "keep_every": 2,
    "layers": "all", "beta": 0.0,
}  # fmt: skip


@pytest.fixture
def prompts() -> CheckedPrompts:
    """Prompts of which answers with an e in them are right."""
    made = [
        {"prompt": [{"role": "user", "content": f"Is {word} good?"}], "check": "contains",
         "right": "e"}
        for word in WORDS[:4]
    ]  # fmt: skip
    return kept(CheckedPrompts, made, "weather")


def reinforced(model: Any, data: Any, reward: Any = None, held: Any = None, **params: Any) -> Any:
    inputs = {"model": model, "data": data, "reward": reward, "held_out": held}
    return run_node(TrainReinforce, {**QUICK, **params}, inputs)


def job_of(base: TransformersModel, prompts: CheckedPrompts, **params: Any) -> Job:
    whole = TrainReinforce.Params(**{**QUICK, **params})
    settings = TrainingSettings(
        kind="reinforce", params=TrainingParams(**whole.model_dump(exclude=set(OWN))),
        more={name: getattr(whole, name) for name in OWN},
    )  # fmt: skip
    return Job(base, prompts, None, settings)


def mean(points: Any, name: str) -> float:
    values = [point[name] for point in points]
    return float(sum(values) / len(values))


@pytest.mark.parametrize("algorithm", ["GRPO", "RLOO", "PPO"])
def test_what_is_rewarded_gets_likelier(
    algorithm: str, base: TransformersModel, prompts: CheckedPrompts
) -> None:
    out = reinforced(
        base, prompts, held=prompts, algorithm=algorithm, steps=16, answer=12, rate=5e-2, answers=8
    )
    rewards = out["rewards"].rows
    assert mean(rewards[-4:], "reward") > mean(rewards[:4], "reward") + 0.1
    before, after, _ = out["held_out"].rows
    assert after[1] >= before[1]
    assert len(out["samples"].rows) == 16
    assert out["adapter"].method == "LoRA"


@pytest.mark.parametrize("algorithm", ["GRPO", "PPO"])
def test_straying_costs(algorithm: str, base: TransformersModel, prompts: CheckedPrompts) -> None:
    """The KL to the base is zero at first, and kept small by beta."""
    out = reinforced(base, prompts, algorithm=algorithm, beta=1e-6)
    free = out["kl"].rows
    over = out["reward_over_kl"]
    assert (over.x, over.y, over.title) == ("kl", "reward", "reward over kl")
    assert [row["kl"] for row in over.rows] == [row["kl"] for row in free]
    assert [row["reward"] for row in over.rows] == [row["reward"] for row in out["rewards"].rows]
    held = reinforced(base, prompts, algorithm=algorithm, beta=5.0)["kl"].rows
    assert free[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert held[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert abs(mean(held[-3:], "kl")) < mean(free[-3:], "kl")


@pytest.mark.parametrize("algorithm", ["GRPO", "PPO"])
def test_a_killed_training_goes_on_with_the_same_numbers(
    algorithm: str, base: TransformersModel, prompts: CheckedPrompts, tmp_path: Path
) -> None:
    job = job_of(base, prompts, algorithm=algorithm, steps=5)
    whole = train(job, quiet(), Reinforce(None))
    job.place.folder.rename(tmp_path / "moved")

    with pytest.raises(Killed):
        train(job, dying(5), Reinforce(None))
    assert job.place.last_checkpoint() == job.place.checkpoints / "checkpoint-4"
    again = train(job, quiet(), Reinforce(None))
    for name in ("loss", "reward"):
        numbers = [f[name] for f in whole["figures"]]
        assert [f[name] for f in again["figures"]] == pytest.approx(numbers, abs=1e-6)
    assert [one["step"] for one in again["samples"]] == [1, 2, 3, 4, 5]
    assert again["samples"] == whole["samples"]
    assert not job.place.checkpoints.exists()


def of_before(place: Path, **changed: Any) -> dict[str, Any]:
    """What a file of a training holds, written as it was before figures said what they mean."""
    held: dict[str, Any] = json.loads(place.read_text("utf-8"))
    held.pop("means")
    held |= changed
    place.write_text(json.dumps(held), "utf-8")
    return held


@pytest.mark.parametrize("algorithm", ["PPO", "GRPO"])
def test_a_kl_that_meant_something_else_when_it_was_kept_is_not_shown(
    algorithm: str, base: TransformersModel, prompts: CheckedPrompts
) -> None:
    """Once PPO told the sum over an answer; GRPO has always told a token's."""
    params = {"steps": 2, "algorithm": algorithm, "beta": 0.05}
    place = job_of(base, prompts, **params).place.folder / "training.json"
    inputs = {"model": base, "data": prompts, "reward": None, "held_out": None}
    first = run_node(TrainReinforce, QUICK | params, inputs)
    held = of_before(place)
    assert held["worked"] > 0  # of today's definition, by an entry that came after the change
    assert run_node(TrainReinforce, QUICK | params, inputs)["kl"] == first["kl"]

    held.pop("worked")
    place.write_text(json.dumps(held), "utf-8")
    ctx = RecordingContext()
    again = run_node(TrainReinforce, QUICK | params, inputs, ctx)
    if algorithm == "GRPO":
        assert (again["kl"], ctx.warnings) == (first["kl"], [])
        return
    assert again["kl"].rows == ()
    assert "computed otherwise" in again["kl"].title
    assert (again["reward_over_kl"].rows, again["reward_over_kl"].title) == (
        (), "reward over kl: kl was not computed"
    )  # fmt: skip
    assert "nats a token" in ctx.warnings[0]
    assert again["rewards"] == first["rewards"]
    assert all("KL" not in point and "reward" in point for point in ctx.points)


def test_a_ppo_that_was_stopped_under_another_kl_goes_on_without_it(
    base: TransformersModel, prompts: CheckedPrompts
) -> None:
    job = job_of(base, prompts, algorithm="PPO", steps=4)
    with pytest.raises(Killed):
        train(job, dying(3), Reinforce(None))
    state = job.place.checkpoints / "checkpoint-2" / "trainer_state.json"
    log = json.loads(state.read_text("utf-8"))["log_history"]
    of_before(state, log_history=[{**step, "kl": 99.0} for step in log])
    record = train(job, quiet(), Reinforce(None))
    assert [("kl" in step, "loss" in step) for step in record["figures"]] == [
        (False, True), (False, True), (True, True), (True, True),
    ]  # fmt: skip
    assert record["means"]["kl"].startswith("nats a token")


def test_the_card_names_what_was_measured(base: TransformersModel, prompts: CheckedPrompts) -> None:
    out = reinforced(base, prompts, held=prompts, algorithm="PPO", steps=1)
    card = (Path(out["adapter"].path) / "README.md").read_text("utf-8")
    assert "- Reward of the likeliest answer: " in card
    assert ", on 4 rows held out" in card


def test_a_reward_model_tells_answers_apart_and_is_cheated_without_kl(
    base: TransformersModel, pairs: PreferenceData, prompts: CheckedPrompts
) -> None:
    chosen = {"steps": 8, "batch": 4, "limit": 64, "rate": 1e-2, "layers": "all"}
    out = run_node(TrainRewardModel, chosen, {"model": base, "data": pairs, "held_out": pairs})
    assert out["curve"].rows[0]["loss"] == pytest.approx(math.log(2), abs=0.2)
    assert out["curve"].rows[-1]["loss"] < out["curve"].rows[0]["loss"]
    before, after, _ = out["held_out"].rows
    assert after[1] > before[1]
    scorer = Scorer(out["reward"], lambda *_: None)
    asked = pairs.read()[0]["prompt"]
    good, bad = scorer.scores([asked, asked], ["the the", "sun no"])
    assert good > bad
    # The same value opens to the same scores.
    assert Scorer(out["reward"], lambda *_: None).scores([asked], ["the the"]) == [good]
    trained = reinforced(base, prompts, out["reward"], steps=14, rate=5e-2)["rewards"].rows
    assert mean(trained[-3:], "reward") > mean(trained[:3], "reward")
    # It draws numbers of its own when it is opened; the matrices begin as the seed says.
    begun = []
    for seed in (0, 1):
        job, recipe = job_of(base, prompts, algorithm="PPO", seed=seed), Reinforce(out["reward"])
        reader = reader_of(base, lambda *_: None)
        rows = recipe.rows(job, prompts, reader)
        network = recipe.trainer(job, reader.tokenizer, rows, quiet()).model
        begun.append(next(p for name, p in network.named_parameters() if "lora_A" in name))
    assert not begun[0].equal(begun[1])


def test_checkpointing_saves_memory_and_changes_no_number(
    base: TransformersModel, prompts: CheckedPrompts
) -> None:
    found = []
    for saves in (False, True):
        job = job_of(base, prompts, algorithm="PPO", steps=2, checkpointing=saves)
        recipe = Reinforce(None)
        reader = reader_of(base, lambda *_: None)
        made = recipe.trainer(job, reader.tokenizer, recipe.rows(job, prompts, reader), quiet())
        assert made.model.is_gradient_checkpointing == saves
        made.train()
        found.append([entry["loss"] for entry in made.state.log_history])
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_answers_of_the_steps_before_a_checkpoint_are_taken_over(tmp_path: Path) -> None:
    path, first, again = tmp_path / "checkpoints" / "samples.jsonl", quiet(), quiet()
    first.keep_samples(path, 0)
    for step in (1, 2, 3):
        first.sample("asked", f"said \ud800 {step}", 0.5)
        first.log(step, 3, {"loss": 0.0})
    with path.open("a") as file:
        file.write('{"step": 1, "cut of')
    again.keep_samples(path, 2)
    assert again.samples == first.samples[:2]
    again.keep_samples(path, 1)
    assert again.samples == first.samples[:1]


# --- the objective, by hand -----------------------------------------------------------------------


def test_the_objective_is_clipped_and_advantages_look_ahead() -> None:
    import torch

    from patchbay.nodes.training.ppo import advantages_of, divergence, policy_loss, values_loss

    said = torch.ones(1, 1)
    before, better = torch.zeros(1, 1), torch.full((1, 1), math.log(1.5))
    # A ratio of 1.5: with a good answer it counts as 1.2, with a bad one in full.
    assert float(policy_loss(better, before, said, said)) == pytest.approx(-1.2)
    assert float(policy_loss(better, before, -said, said)) == pytest.approx(1.5)
    # A value that has moved from 0 to 1 towards 1: the error is that of one moved by 0.2.
    assert float(values_loss(said, before, said, said)) == pytest.approx(0.5 * 0.8**2)
    rewards = torch.tensor([[0.0, 1.0, 0.0]])
    values = torch.tensor([[0.5, 0.5, 9.0]])
    two = torch.tensor([[1.0, 1.0, 0.0]])
    advantages, returns = advantages_of(rewards, values * two, two)
    # Last: 1 - 0.5; before it: 0.5 - 0.5 + 0.95 x 0.5; what only pads counts nothing.
    assert advantages.tolist()[0] == pytest.approx([0.475, 0.5, 0.0])
    assert returns.tolist()[0][:2] == pytest.approx([0.975, 1.0])
    # Of two tokens one is as likely as before and one twice as likely: GRPO's estimate, the mean.
    moved = torch.tensor([[0.0, math.log(2.0), 5.0]])
    assert float(divergence(moved, 0 * moved, two)) == pytest.approx((0.5 - 1 + math.log(2)) / 2)


# --- what cannot be -------------------------------------------------------------------------------


def test_nothing_says_what_is_better(base: TransformersModel) -> None:
    out = run_node(CheckedPromptsNode, {"check": None}, {})
    with pytest.raises(NodeError, match="no reward model is wired") as caught:
        reinforced(base, out["data"])
    assert caught.value.port == "reward"


def test_answers_without_room(base: TransformersModel, prompts: CheckedPrompts) -> None:
    with pytest.raises(NodeError, match="none has 4 tokens or fewer"):
        reinforced(base, prompts, answer=60)


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"method": "prompt tuning"}, "cannot be reinforced here"),
        ({"method": "all weights"}, "cannot be reinforced here"),
        ({"answers": 1}, "needs two of each prompt"),
        ({"algorithm": "PPO", "accumulate": 2}, "accumulate 1"),
    ],
)
def test_settings_that_do_not_go_together(params: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TrainReinforce.Params(**params)

"""What `make claims` does, on a tiny network: its figures mean nothing, its tables are whole."""

from __future__ import annotations

from typing import Any

import pytest

from bench import claims, claims_rewards, claims_unseen
from bench.claims_task import task_flow, wired
from patchbay.nodes.models.transformers.spec import TransformersModel
from tests.nodes.training.long import long_training


@pytest.fixture
def tiny_task(base: TransformersModel, monkeypatch: pytest.MonkeyPatch) -> TransformersModel:
    """The task with the tiny network in place of SmolLM2."""
    _, rows, params = wired({})

    def in_its_place(change: Any) -> Any:
        return base, rows, {**params, "train": {**params["train"], "steps": 2, **change}}

    monkeypatch.setattr(claims_rewards, "wired", in_its_place)
    monkeypatch.setattr(claims, "wired", in_its_place)
    monkeypatch.setattr(claims_unseen, "wired", in_its_place)
    return base


def test_a_setting_of_the_training_is_changed() -> None:
    params = {node.id: node.params for node in task_flow({"rank": 4}).nodes}
    assert (params["train"]["rank"], params["train"]["method"]) == (4, "LoRA")


@pytest.mark.parametrize(("tasks", "wordings"), claims_unseen.SETTINGS)
def test_trainings_of_few_and_of_many_tasks_have_the_same_number_of_rows(
    tasks: int, wordings: int
) -> None:
    rows = claims_unseen.learned_rows(tasks, wordings)
    assert len(rows) == claims_unseen.ROWS
    right = {row["messages"][0]["content"]: row["messages"][1]["content"] for row in rows}
    assert {"yes", "no"} == set(right.values())
    dogs = {ask.format(text="dog") for ask in claims_unseen.TASKS["animals"][1]}
    assert {right[text] for text in dogs & right.keys()} == {"yes"}
    used = {
        (name, ask)
        for name, (_, asks) in claims_unseen.TASKS.items()
        for ask in asks
        if any(ask.replace("{text}", word) in right for word in _words(name))
    }
    assert {name for name, _ in used} == set(list(claims_unseen.TASKS)[:tasks])
    assert len(used) == tasks * wordings


def _words(task: str) -> tuple[str, ...]:
    right, wrong = claims_unseen.TASKS[task][0]
    return (*right, *wrong)


def test_an_unseen_task_is_asked_in_every_wording(tiny_task: TransformersModel) -> None:
    head, _, told = claims_unseen.unseen(most=2, settings=())
    assert head.count("|") == told.count("|") == 4
    dots = [float(one) for one in told.split("|")[3].split(",")]
    assert len(dots) == len(claims_unseen.UNSEEN)
    assert {0 <= one <= 1 for one in dots} == {True}


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("a b c", "a b c", "none"),
        ("a b c", "a x c", "word 2: b, x"),
        ("a b", "a b c", "word 3: (end), c"),
        ("", "a", "word 1: (end), a"),
    ],
)
def test_where_the_words_of_two_backends_part(one: str, other: str, said: str) -> None:
    assert claims._apart(one, other) == said


@long_training
def test_two_ways_and_two_rounds(
    tiny_task: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(claims_rewards.QUICK, "steps", 2)
    ways = list(claims_rewards.ways())
    assert [line.split("|")[1].strip() for line in ways[2:]] == [
        "the base", "DPO", "a reward model, then GRPO"
    ]  # fmt: skip
    assert float(ways[3].split("|")[2].split()[0]) >= float(ways[2].split("|")[2].split()[0])
    rounds = list(claims_rewards.rounds())
    assert rounds[3].startswith("| after the first round |")
    assert "pairs of its own" in rounds[-1] or "nothing to rate" in rounds[-1]
    unseen = list(claims_unseen.unseen(most=2, settings=((1, 1),)))
    assert unseen[-1].startswith("| 1 task in 1 wording |")


@long_training
def test_the_tables_are_whole(tiny_task: TransformersModel) -> None:
    told = claims._trained({"method": "LoRA"})
    # Rank 8 on seven layers of two blocks, of 32, 16 and 64 numbers.
    assert told["numbers"] == 2 * 8 * (2 * 64 + 2 * 48 + 3 * 96)
    assert told["bytes"] > told["numbers"] * 4
    assert told["peak"] > 10**8
    tax = list(claims_rewards.tax())
    assert [line.count("|") for line in tax] == [4] * 5
    hacking = list(claims_rewards.hacking())
    assert [line.split("|")[1].strip() for line in hacking[2:]] == ["beta 0", "beta 0.2"]
    # What is never looked at costs nothing to stray from: without a price there is no KL to tell.
    assert "not computed" in hacking[2] or float(hacking[2].split("|")[3]) >= 0

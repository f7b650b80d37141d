"""Pairs of answers: from pairs, rankings and ratings; what is left out, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.datasets import PreferenceData
from patchbay.nodes.training.preference_data import PreferenceDataNode


def made(params: dict[str, Any] | None = None, **inputs: Any) -> tuple[Any, RecordingContext]:
    ctx = RecordingContext()
    return run_node(PreferenceDataNode, params, inputs, ctx), ctx


def pairs(data: PreferenceData) -> list[tuple[str, str, str]]:
    return [(r["prompt"][-1]["content"], r["chosen"], r["rejected"]) for r in data.read()]


def test_a_set_ships() -> None:
    out, ctx = made()
    assert (out["data"].rows, out["held_out"].rows) == (19, 5)
    assert ctx.warnings == []


def test_a_ranking_prefers_every_better_answer_to_every_worse_one() -> None:
    given = [{"prompt": "a", "answers": ["x", "y", "z"]}]
    out, _ = made({"form": "ranking", "held_out": 0, "system": "Be kind."}, source=given)
    assert pairs(out["data"]) == [("a", "x", "y"), ("a", "x", "z"), ("a", "y", "z")]
    assert out["data"].read()[0]["prompt"][0] == {"role": "system", "content": "Be kind."}


def test_ratings_of_several_people_are_averaged() -> None:
    table = "prompt,answer,rating\na,x,5\na,y,2\na,x,1\na,y,5\na,z,3.5\nb,x,4\n"
    out, _ = made({"form": "ratings", "held_out": 0}, source=table)
    assert pairs(out["data"]) == [("a", "y", "x"), ("a", "z", "x")]  # y and z are level


RANKED = [{"prompt": f"p{n}", "answers": [f"{n}{a}" for a in "xyz"]} for n in range(10)]
RATED = [{"prompt": f"p{n % 10}", "answer": f"{n}", "rating": n} for n in range(30)]
TWICE = [{"prompt": f"p{n % 10}", "chosen": f"c{n}", "rejected": "r"} for n in range(30)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("form", "given"),
    [("ranking", RANKED), ("ranking", [*RANKED, *RANKED]), ("ratings", RATED), ("pairs", TWICE)],
)
def test_no_prompt_is_on_both_sides(form: str, given: list[Any], seed: int) -> None:
    out, _ = made({"form": form, "held_out": 0.3, "seed": seed}, source=given)
    trained = {asked for asked, _, _ in pairs(out["data"])}
    held = {asked for asked, _, _ in pairs(out["held_out"])}
    assert (len(trained), len(held)) == (7, 3)
    assert trained.isdisjoint(held)
    assert (out["data"].rows, out["held_out"].rows) == (21, 9)


def test_one_prompt_alone_is_not_split() -> None:
    out, ctx = made({"form": "ranking", "held_out": 0.3}, source=RANKED[:1])
    assert (out["data"].rows, out["held_out"].rows) == (3, 0)
    assert ctx.warnings[-1].startswith("Nothing is held out")


def test_pairs_that_say_nothing_are_named_and_left_out() -> None:
    lines = [
        {"prompt": "a", "chosen": "x", "rejected": "y"},
        {"prompt": "a", "chosen": "y", "rejected": "x"},
        {"prompt": "a", "chosen": "x", "rejected": "y"},
        {"prompt": "b", "chosen": "x", "rejected": "x"},
        {"prompt": "c", "chosen": " ", "rejected": "x"},
    ]
    out, ctx = made({"held_out": 0}, source=lines)
    assert out["data"].rows == 1
    assert [row[0] for row in out["report"].rows] == [
        "given", "the other way round before", "twice", "both the same", "without an answer",
        "kept",
    ]  # fmt: skip
    assert "1 pair is the other way round before (the first is number 2)" in ctx.warnings[0]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("params", "record", "prompt"),
    [
        ({}, {"prompt": "q", "chosen": [said("x")], "rejected": [said("y")]}, [user("q")]),
        ({}, {"prompt": [user("q")], "chosen": "x", "rejected": said("y")}, [user("q")]),
        # As in UltraFeedback: the prompt stands in both answers, and once more as a text.
        (
            {},
            {"prompt": "q", "chosen": [user("q"), said("x")], "rejected": [user("q"), said("y")]},
            [user("q")],
        ),
        (
            {"system": "Be brief."},
            {
                "chosen": [user("a"), said("b"), user("q"), said("x")],
                "rejected": [user("a"), said("b"), user("q"), said("y")],
            },
            [{"role": "system", "content": "Be brief."}, user("a"), said("b"), user("q")],
        ),
        # As a table has it, or ratings of what was said in a chat.
        (
            {},
            {
                "prompt": json.dumps([user("q")], indent=2),
                "chosen": "x",
                "rejected": json.dumps([said("y")]),
            },
            [user("q")],
        ),
        (
            {"form": "ranking"},
            {"prompt": [user("q")], "answers": [said("x"), [said("y")]]},
            [user("q")],
        ),
    ],
    ids=["answers", "prompt", "all", "several turns", "JSON text", "ranking"],
)
def test_pairs_may_be_conversations(
    params: dict[str, Any], record: dict[str, Any], prompt: list[dict[str, str]]
) -> None:
    out, ctx = made({"held_out": 0, **params}, source=[record])
    assert out["data"].read() == [{"prompt": prompt, "chosen": "x", "rejected": "y"}]
    assert out["table"].rows == (("q", "x", "y"),)
    assert ctx.warnings == []


def test_ratings_of_messages() -> None:
    rated = [{"prompt": [user("q")], "answer": [said(word)], "rating": mark}
             for word, mark in (("y", 1), ("x", 3))]  # fmt: skip
    out, _ = made({"form": "ratings", "held_out": 0}, source=rated)
    assert out["data"].read() == [{"prompt": [user("q")], "chosen": "x", "rejected": "y"}]


def test_conversations_that_are_no_pair_are_named() -> None:
    records = [
        {"chosen": [user("q"), said("x")], "rejected": [user("q"), said("y")]},
        {"chosen": [user("q"), said("x")], "rejected": [user("other"), said("y")]},
        {
            "chosen": [user("q"), said("x"), user("z")],
            "rejected": [user("q"), said("x"), user("z")],
        },
        {"chosen": [user("q"), said("x")], "rejected": None},
    ]
    out, ctx = made({"held_out": 0}, source=records)
    assert out["data"].rows == 1
    assert ctx.warnings == [
        "2 pairs are different before the last answer (the first is number 2); left out.",
        "1 pair is without an answer (the first is number 4); left out.",
    ]
    with pytest.raises(NodeError, match=r"Record 2 .* has no 'prompt'"):
        made(source=[records[0], {"chosen": "x", "rejected": "y"}])


@pytest.mark.parametrize(
    ("params", "source", "message"),
    [
        ({}, [{"prompt": "a", "chosen": "x"}], "has no 'rejected'; it has: prompt, chosen"),
        ({}, [{"prompt": "a", "chosen": "x", "rejected": "x"}], "none is left to train on"),
        ({"form": "ranking"}, [{"prompt": "a", "answers": ["x"]}], "no ranking of two answers"),
        ({"form": "ratings"}, [{"prompt": "a", "answer": "x", "rating": "good"}], "is 'good' and"),
        ({"form": "ratings"}, [{"prompt": "a", "answer": "x", "rating": "nan"}], "is 'nan' and"),
    ],
)
def test_what_is_no_preference_is_refused(
    params: dict[str, Any], source: Any, message: str
) -> None:
    with pytest.raises(NodeError) as caught:
        made(params, source=source)
    assert message in caught.value.message
    assert caught.value.fix

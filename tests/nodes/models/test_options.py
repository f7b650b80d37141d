"""Options of a call as a value, and descriptions that were stored before they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.calls import CallOptions
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.fallback.spec import FallbackModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.values import decode, encode

STORED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "values-1" / "specs.json").read_text("utf-8")
)
"""Descriptions as they were written at commit 025935e."""


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["$type"])
def test_descriptions_stored_before_still_open_and_say_the_same(stored: object) -> None:
    assert holds(encode(decode(stored, Catalog(table=BUILTIN).value_types)), stored)


def holds(now: Any, then: Any) -> bool:
    """Whether a stored value says all that it said; it may say more by now."""
    if isinstance(then, dict):
        return all(name in now and holds(now[name], part) for name, part in then.items())
    if isinstance(then, list):
        return len(now) == len(then) and all(map(holds, now, then))
    return bool(now == then)


def test_what_is_asked_counts_before_what_the_description_says() -> None:
    asked = CallOptions(temperature=0, stop=["x"])
    said = CallOptions(temperature=0.7, seed=4, stop=["y"], max_tokens=9)
    assert asked.over(said) == CallOptions(temperature=0, seed=4, stop=("x",), max_tokens=9)
    assert CallOptions().over(said) == said
    assert said.over(CallOptions()) == said


def test_a_form_takes_the_place_of_any_other_form() -> None:
    schema, grammar = CallOptions(json_schema={}), CallOptions(grammar="root ::= [a]")
    assert schema.over(grammar) == schema
    assert grammar.over(schema) == grammar
    assert CallOptions(seed=1).over(grammar).grammar == "root ::= [a]"


@pytest.mark.parametrize(
    "spec",
    [GgufModel(), OpenAiModel(base_url="http://h"), OllamaModel(model="m"),
     ProviderModel(model="openai:m")],
    ids=lambda spec: spec.backend,
)  # fmt: skip
def test_a_description_opens_alike_whatever_it_says_of_each_call(spec: GgufModel) -> None:
    changed = spec.model_copy(update={"temperature": 1.5, "seed": 3, "max_tokens": 7})
    assert changed.resource() == spec.resource()
    assert changed.call_options()["temperature"] == 1.5
    assert changed.call_options(CallOptions(seed=8), temperature=0) == {
        **spec.call_options(), "temperature": 0, "seed": 8, "max_tokens": 7,
    }  # fmt: skip


def test_an_answer_repeats_with_a_seed_where_seeds_mean_something() -> None:
    assert GgufModel(seed=1).repeats()
    assert GgufModel().repeats(CallOptions(temperature=0))
    assert not GgufModel().repeats()
    assert not ProviderModel(model="anthropic:m", seed=1).repeats()
    assert not FallbackModel(models=(GgufModel(seed=1),)).repeats()


def test_each_model_behind_another_is_asked_in_its_own_words() -> None:
    both = FallbackModel(models=(GgufModel(seed=1), OllamaModel(model="m")))
    asked = both.call_options(max_tokens=5)["each"]
    assert asked == [model.call_options(max_tokens=5) for model in both.models]
    with pytest.raises(NodeError) as caught:
        both.call_options(grammar="root ::= [a]")
    assert caught.value.code == "model/no-grammar"

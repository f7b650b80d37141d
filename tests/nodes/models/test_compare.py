"""Compare models: answers and figures side by side; one that fails holds nobody up."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.compare import CompareModels, model_name, total_memory
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.values import ModelSpec
from tests.nodes.models.conftest import SPEC, SharedContext
from tests.nodes.techniques.conftest import PoolContext
from tests.nodes.techniques.scripted import Scripted

GB = 1_000_000_000


class Pair(ModelSpec):
    """A model that holds others, as a fallback does."""

    backend: ClassVar[str] = "pair"

    models: tuple[ModelSpec, ...]


async def compare(ctx: Any, models: list[ModelSpec], **params: Any) -> Any:
    inputs = CompareModels.Inputs(models=models, prompt="Say hello.")
    return await CompareModels().run(inputs, CompareModels.Params(**params), ctx)


@pytest.mark.parametrize("at_once", [True, False])
async def test_answers_and_figures_side_by_side(at_once: bool) -> None:
    ctx = PoolContext()
    models = [Scripted(replies=("hello you",), bytes=2 * GB), Scripted(replies=("hi",))]
    out = await compare(ctx, models, names=["large", "small"], at_once=at_once, system="Be brief.")
    assert out.answers == {"large": "hello you", "small": "hi"}
    large, small = (dict(zip(out.table.columns, row, strict=True)) for row in out.table.rows)
    assert (large["answer"], large["tokens"], large["memory (GB)"]) == ("hello you", 2, 2.0)
    assert large["tokens a second"] > 0
    assert large["first token (s)"] >= 0
    assert (small["memory (GB)"], small["tokens a second"], small["error"]) == (None, None, "")
    assert [row["model"] for row in out.memory.rows] == ["large"]
    assert [row["model"] for row in out.first_token.rows] == ["large", "small"]
    assert ctx.chat(models[0]).calls[0][0] == ["system: Be brief.", "human: Say hello."]
    assert ctx.progressed[-1] == ("models", 2, 2)
    assert ctx.come_about is not None
    kept = ctx.come_about()  # had the run been stopped here
    assert kept["answers"] == out.answers
    assert sorted(kept["table"].rows) == sorted(out.table.rows)


async def test_a_model_that_fails_is_a_row() -> None:
    ctx = PoolContext()
    out = await compare(
        ctx, [Scripted(fails="Nobody answers."), Scripted()], names=["gone", "here"]
    )
    assert out.answers == {"gone": None, "here": "ok"}
    assert out.table.rows[0][-1] == "Nobody answers."
    assert ctx.warnings == ["gone failed: Nobody answers. Mend it."]
    assert [row["model"] for row in out.first_token.rows] == ["here"]


async def test_when_all_fail_the_node_does() -> None:
    with pytest.raises(NodeError, match="Every model failed") as caught:
        await compare(PoolContext(), [Scripted(fails="Nobody answers.")])
    assert (caught.value.port, caught.value.code) == ("models", "compare/all-failed")


def test_names() -> None:
    assert model_name(GgufModel()) == "smollm2-135m-instruct"
    assert model_name(GgufModel(weights="hf:owner/repo/small.gguf")) == "small.gguf"
    assert model_name(Scripted()) == "scripted"
    assert model_name(Pair(models=(GgufModel(), Scripted()))) == "smollm2-135m-instruct + scripted"


async def test_models_of_one_name_are_told_apart() -> None:
    out = await compare(PoolContext(), [Scripted(replies=(r,)) for r in ("a", "b")])
    assert out.answers == {"scripted #1": "a", "scripted #2": "b"}


def test_a_part_that_is_shared_counts_once() -> None:
    one, two = Scripted(bytes=GB), Scripted(bytes=2 * GB, replies=("x",))
    assert total_memory(Pair(models=(one, two, one))) == 3 * GB
    assert total_memory(Scripted()) is None
    assert total_memory(Scripted(bytes=0)) is None, "a server: what it takes is not known here"
    assert total_memory(Pair(models=(Scripted(bytes=0), Scripted(bytes=0, replies=("b",))))) is None


async def test_on_the_real_model(ctx: SharedContext) -> None:
    warm = SPEC.model_copy(update={"temperature": 1.0})
    cool = SPEC.model_copy(update={"temperature": 0.0})
    out = await compare(ctx, [cool, warm], seed=1, max_tokens=12)
    assert list(out.answers) == ["smollm2-135m-instruct #1", "smollm2-135m-instruct #2"]
    assert len(set(out.answers.values())) == 2
    for row in out.table.rows:
        assert row[2] > 0
        assert row[3] > 0
        assert row[5] == pytest.approx((SPEC.memory() or 0) / GB)

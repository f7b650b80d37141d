"""Every token that a batch uses counts, and money that cannot be counted ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from patchbay.flows.batch.api import BatchResult
from patchbay.flows.problems import FlowError
from patchbay.nodes.contract import Context, Node, NodeError, NodeParams, Ports
from tests.flows.batch.kit import json_table, over
from tests.flows.runs.harness import CATALOG, environment, flow


class Costly(Node):
    """Takes ten tokens of a model, then does as `how` says."""

    kind, title, family, deterministic = "test.costly", "Costly", "Test", False

    class Params(NodeParams):
        how: Literal["works", "fails", "breaks", "hangs", "second"] = "works"
        model: str = "known"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    tries = 0

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        ctx.count_tokens(7, 3, model=params.model)
        Costly.tries += 1
        if params.how == "fails" or (params.how == "second" and Costly.tries % 2):
            raise NodeError("It is no good.", fix="Another.", code="test/no", retry=False)
        if params.how == "breaks":
            raise ZeroDivisionError
        if params.how == "hangs":
            await asyncio.sleep(60)
        return self.Outputs(text=inputs.text)


async def spent(tmp_path: Path, count: int, params: dict[str, Any], **more: Any) -> BatchResult:
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "c": ("test.costly", params),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > c.text", "c.text > o.value"],
    )
    Costly.tries = 0
    rows = json_table(tmp_path / "a.jsonl", [{"review": f"r{n}"} for n in range(count)])
    env = environment(catalog=CATALOG.extended([Costly]))
    return await over(document, rows, tmp_path / "o.jsonl", env=env, slots=1, **more)


@pytest.mark.parametrize(
    ("how", "more", "tokens"),
    [
        ("works", {}, 30),
        ("fails", {}, 30),
        ("breaks", {}, 30),
        ("second", {"retries": 1}, 60),
        ("hangs", {"limit_s": 1.0}, 30),
    ],
)
async def test_rows_and_tries_that_fail_count(
    tmp_path: Path, how: str, more: dict[str, Any], tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = asyncio.sleep
    monkeypatch.setattr("patchbay.flows.batch.runner.asyncio.sleep", lambda s: real(min(s, 1)))
    result = await spent(tmp_path, 3, {"how": how}, **more)
    assert result.tokens.total == tokens
    assert result.failed == (0 if how in ("works", "second") else 3)


async def test_failures_use_a_budget_up(tmp_path: Path) -> None:
    result = await spent(tmp_path, 9, {"how": "fails"}, max_tokens=20)
    assert result.stopped is not None
    assert (result.stopped.code, result.failed) == ("batch/budget", 2)


PRICES = '[prices.models."known"]\ninput = 100000\noutput = 100000\n'


@pytest.mark.parametrize("model", ["other", ""])
async def test_a_model_without_a_price_ends_a_budget_of_money(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text(PRICES, encoding="utf-8")
    result = await spent(tmp_path, 9, {"model": model}, max_cost=5.0)
    assert result.stopped is not None
    assert (result.stopped.code, result.rows) == ("batch/prices", 1)
    assert (model or "a model that is not known") in result.stopped.message


async def test_one_limit_cannot_hold_money_of_two_currencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    other = PRICES.replace("known", "other") + 'currency = "EUR"\n'
    (tmp_path / "home" / "settings.toml").write_text(PRICES + other, encoding="utf-8")
    with pytest.raises(FlowError, match='"EUR" and "USD", which one limit cannot hold'):
        await spent(tmp_path, 9, {}, max_cost=5.0)


async def test_a_model_with_a_price_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text(PRICES, encoding="utf-8")
    result = await spent(tmp_path, 9, {"how": "fails"}, max_cost=5.0)
    assert result.stopped is not None
    assert (result.stopped.code, result.failed) == ("batch/budget", 5)

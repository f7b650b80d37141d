"""Rows that wait for an earlier one: they are no reason not to keep the others, nor count twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.held_rows import DoneRow, HeldRows
from patchbay.flows.runs.events import Tokens
from patchbay.nodes.contract import Context, Node, Ports
from tests.flows.batch.kit import json_table, lines_of, over
from tests.flows.runs.harness import CATALOG, environment, flow


class Gated(Node):
    """Hand a text on for ten tokens; "slow" waits until it may."""

    kind, title, family, deterministic = "test.gated", "Gated", "Test", False
    may = asyncio.Event()
    ended = 0

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        if inputs.text == "slow":
            await Gated.may.wait()
        ctx.count_tokens(7, 3)
        Gated.ended += 1
        return self.Outputs(text=inputs.text)


DOCUMENT = flow(
    {
        "i": ("io.input", {"name": "review"}),
        "c": "test.gated",
        "o": ("io.output", {"name": "label"}),
    },
    ["i.value > c.text", "c.text > o.value"],
)


def state(out: Path) -> dict[str, Any]:
    file = Path(f"{out}.batch", "state.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


async def until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("words", [["a", "slow", "b", "c"], ["slow", "a"], ["a", "b", "slow"]])
async def test_what_is_kept_is_on_the_disk_while_a_slow_row_is_in_work(
    tmp_path: Path, ordered: bool, words: list[str]
) -> None:
    Gated.may, Gated.ended = asyncio.Event(), 0
    rows = json_table(tmp_path / "a.jsonl", [{"review": word} for word in words])
    env = environment(catalog=CATALOG.extended([Gated]))
    out = tmp_path / "o.jsonl"
    more: dict[str, Any] = {"env": env, "keep": (), "slots": 2, "ordered": ordered}
    work = asyncio.create_task(over(DOCUMENT, rows, out, **more))
    others = len(words) - 1
    await until(lambda: Gated.ended == others)
    kept = words.index("slow") if ordered else others
    await until(lambda: state(out).get("rows") == kept)
    assert state(out)["prompt_tokens"] == 7 * kept, "tokens count with their row"
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    Gated.may.set()
    result = await over(DOCUMENT, rows, out, resume=True, **more)
    assert (result.rows, result.tokens.total) == (len(words), 10 * len(words))
    found = [row["label"] for row in lines_of(out)]
    assert (found if ordered else sorted(found)) == (words if ordered else sorted(words))


async def test_rows_that_wait_use_a_budget_up(tmp_path: Path) -> None:
    Gated.may, Gated.ended = asyncio.Event(), 0
    rows = json_table(tmp_path / "a.jsonl", [{"review": w} for w in ("slow", *"abcdefgh")])
    env = environment(catalog=CATALOG.extended([Gated]))
    work = asyncio.create_task(
        over(DOCUMENT, rows, tmp_path / "o.jsonl", env=env, keep=(), slots=2, max_tokens=30)
    )
    await until(lambda: Gated.ended == 3)
    Gated.may.set()
    result = await work
    assert result.stopped is not None
    assert (result.rows, result.tokens.total) == (4, 40)


def test_rows_that_are_held_are_counted_and_let_go() -> None:
    held = HeldRows()
    held.add(2, DoneRow(b"x" * 9, False, Tokens(1, 2), {"EUR": 0.1}))
    held.add(3, DoneRow(b"y" * 16_000_000, False, Tokens(3, 4), {"EUR": 0.2}))
    assert (held.tokens, held.is_full) == (10, True)
    assert held.pop(1) is None
    held.pop(3)
    assert (held.tokens, held.is_full) == (3, False)
    held.pop(2)
    assert (held.tokens, held.cost) == (0, 0.0)

"""Adapters on one base: memory, switching, merging, and many of them at once.

The adapters are the two that ship, each at several strengths: to the network those are different
adapters of the same size.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from langchain_core.messages import HumanMessage

from bench.table import Row
from bench.timing import interleave
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.spec import TransformersModel

BASE = TransformersModel(context=256, parallel=8)
COUNT = 8
SAID = "The food was cold and the waiter was rude."
TOKENS = 16


def measure(quick: bool = False) -> Iterator[Row]:
    """One base with many adapters, against a copy of the base for each."""
    began = _taken()
    base = BASE.open(_Opening(None))
    _tokens_a_second([base], TOKENS)  # caches are warm, buffers there
    one = _taken() - began
    adapted = [_lora(i).open(_Opening(base)) for i in range(COUNT)]
    _tokens_a_second(adapted[:1], 4)
    shared = _taken() - began
    merged = _lora(0, merge=True).open(_Opening(None))
    _tokens_a_second([merged], 4)
    copy = max(_taken() - began - shared, 1)
    copies = one + copy * (COUNT - 1)
    yield Row(f"one base and {COUNT} adapters", shared / 2**20, "MiB", 0.3, on="ratio",
              against=f"{COUNT} merged copies", other=copies / 2**20)  # fmt: skip
    yield from _switching(adapted, quick)
    yield from _mixing(adapted, quick)
    for model in adapted:  # a base with adapters on it, even idle ones, is a little slower
        model.close()
    yield from _merging(base, merged, quick)
    merged.close()
    base.close()


def _switching(adapted: Sequence[Any], quick: bool) -> Iterator[Row]:
    """The first token with another adapter than before, against a freshly loaded merged model."""
    turn = 0

    def switch() -> float:
        nonlocal turn
        turn += 1
        return _seconds(adapted[turn % COUNT], 1)

    def reload() -> float:
        started = time.perf_counter()
        model = _lora(1, merge=True).open(_Opening(None))
        _seconds(model, 1)
        model.close()
        gc.collect()
        return time.perf_counter() - started

    seconds = interleave({"switch": switch, "reload": reload}, 2 if quick else 4)
    yield Row("switch the adapter, first token", seconds["switch"], "s", 0.25, on="ratio",
              against="loading a merged model", other=seconds["reload"])  # fmt: skip


def _merging(base: Any, merged: Any, quick: bool) -> Iterator[Row]:
    seconds = interleave(
        {
            "merged": lambda: 1 / _tokens_a_second([merged], TOKENS),
            "base": lambda: 1 / _tokens_a_second([base], TOKENS),
        },
        5 if quick else 15,
    )
    yield Row("merged adapter", 1 / seconds["merged"], "tokens/s", 0.97, "at least", "ratio",
              "the base", 1 / seconds["base"])  # fmt: skip


def _mixing(adapted: Sequence[Any], quick: bool) -> Iterator[Row]:
    """Eight requests in one batch, of four adapters or of one."""
    four = [adapted[i % 4] for i in range(8)]
    seconds = interleave(
        {
            "four": lambda: 1 / _tokens_a_second(four, TOKENS),
            "one": lambda: 1 / _tokens_a_second([adapted[0]] * 8, TOKENS),
        },
        3 if quick else 7,
    )
    yield Row("eight requests over four adapters", 1 / seconds["four"], "tokens/s", 0.7,
              "at least", "ratio", "over one adapter", 1 / seconds["one"])  # fmt: skip


# --- one side -------------------------------------------------------------------------------------


class _Opening:
    """Opens on a base that is there."""

    def __init__(self, base: Any) -> None:
        self._base = base

    def report(self, label: str, done: float, total: float | None) -> None:
        pass

    def secret(self, ref: Any) -> str:
        raise NotImplementedError

    def open(self, spec: Any) -> Any:
        return self._base


def _lora(index: int, merge: bool = False) -> LoraModel:
    name = ("pirate", "sentiment")[index % 2]
    use = LoraUse(weights=name, scale=1 - index / 100)
    return LoraModel(base=BASE, adapters=(use,), merge=merge)


def _tokens_a_second(models: Sequence[Any], tokens: int) -> float:
    """All models asked at once; the schema makes every answer as long as it may be."""
    started = time.perf_counter()
    with ThreadPoolExecutor(len(models)) as threads:
        counts = list(threads.map(lambda model: _ask(model, tokens), models))
    return sum(counts) / (time.perf_counter() - started)


def _ask(model: Any, tokens: int) -> int:
    schema = {"type": "string", "minLength": 200}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    said = model.invoke(
        [HumanMessage(SAID)], max_tokens=tokens, temperature=0, response_format=wanted
    )
    return int(said.usage_metadata["output_tokens"])


def _seconds(model: Any, tokens: int) -> float:
    started = time.perf_counter()
    model.invoke([HumanMessage(SAID)], max_tokens=tokens, temperature=0)
    return time.perf_counter() - started


def _taken() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)

"""What a server has done, in the text form that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.prices import Cost, prices_or_none

if TYPE_CHECKING:
    from patchbay.flows.server.core.admission import RunUse
    from patchbay.flows.server.core.slots import Slots

BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the buckets of seconds."""


class Figures:
    """Counts runs by flow and by how they ended, their seconds and tokens."""

    def __init__(self) -> None:
        self._runs: Counter[tuple[str, str]] = Counter()
        self._tokens: Counter[tuple[str, str]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._waited: Counter[str] = Counter()
        self._of_models: Counter[tuple[str, str, str]] = Counter()
        self._cost: Counter[tuple[str, str, str]] = Counter()
        self._unpriced: Counter[tuple[str, str]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()

    def ended(self, use: RunUse) -> None:
        """Count a run."""
        flow = use.flow
        self._runs[flow, use.status] += 1
        self._tokens[flow, "prompt"] += use.tokens.prompt
        self._tokens[flow, "completion"] += use.tokens.completion
        self._seconds[flow] += use.seconds  # type: ignore[assignment]
        self._waited[flow] += use.waited  # type: ignore[assignment]
        if (place := bisect_left(BUCKETS, use.seconds)) < len(BUCKETS):
            self._buckets[flow, BUCKETS[place]] += 1
        prices = prices_or_none() if use.tokens.models else None
        for one in use.tokens.models:
            self._of_models[flow, one.model, "cached"] += one.cached
            self._of_models[flow, one.model, "prompt"] += one.prompt - one.cached
            self._of_models[flow, one.model, "completion"] += one.completion
            cost = prices.cost_of([one]) if prices else Cost()
            for currency, amount in cost.amounts.items():
                self._cost[flow, one.model, currency] += amount  # type: ignore[assignment]
            if cost.unknown:
                self._unpriced[flow, one.model] += one.prompt + one.completion

    def as_json(self) -> dict[str, list[list[Any]]]:
        """All of it, for another process."""
        return {
            name: [
                [*(key if isinstance(key, tuple) else (key,)), count] for key, count in c.items()
            ]
            for name, c in self.__dict__.items()
        }

    @classmethod
    def from_json(cls, told: dict[str, list[list[Any]]]) -> Figures:
        """What another process counted."""
        made = cls()
        for name, rows in told.items():
            for *key, count in rows:
                getattr(made, name)[tuple(key) if len(key) > 1 else key[0]] = count
        return made

    def text(
        self,
        slots: Slots,
        may: Callable[[str], bool] = lambda flow: True,
        *,
        models: bool = True,
    ) -> str:
        """All of it, of the flows that the reader may use.

        Args:
            slots: how the queue stands.
            may: whether the reader may use a flow.
            models: whether the reader is told which models the flows have, and what they cost.
        """
        return "\n".join(self._lines(slots, may, models)) + "\n"

    def _lines(self, slots: Slots, may: Callable[[str], bool], models: bool) -> Iterator[str]:
        yield from _head("patchbay_runs_total", "counter", "Runs by how they ended.")
        for (flow, status), count in sorted(self._runs.items()):
            if not may(flow):
                continue
            yield f"patchbay_runs_total{_labels(flow=flow, status=status)} {count}"
        yield from _head("patchbay_tokens_total", "counter", "Tokens of models.")
        for (flow, kind), count in sorted(self._tokens.items()):
            if not may(flow):
                continue
            yield f"patchbay_tokens_total{_labels(flow=flow, type=kind)} {count}"
        yield from _head("patchbay_run_seconds", "histogram", "Seconds that runs took.")
        flows = sorted({flow for flow, _ in self._runs if may(flow)})
        for flow in flows:
            total = sum(count for (name, _), count in self._runs.items() if name == flow)
            within = 0
            for bound in BUCKETS:
                labels = _labels(flow=flow, le=f"{bound:g}")
                within += self._buckets[flow, bound]
                yield f"patchbay_run_seconds_bucket{labels} {within}"
            yield f"patchbay_run_seconds_bucket{_labels(flow=flow, le='+Inf')} {total}"
            yield f"patchbay_run_seconds_sum{_labels(flow=flow)} {self._seconds[flow]:.6f}"
            yield f"patchbay_run_seconds_count{_labels(flow=flow)} {total}"
        yield from _head("patchbay_wait_seconds_total", "counter", "Seconds spent in the queue.")
        for flow in flows:
            yield f"patchbay_wait_seconds_total{_labels(flow=flow)} {self._waited[flow]:.6f}"
        if models:
            yield from self._money(may)
        yield from _head("patchbay_slots", "gauge", "Slots for runs.")
        yield f"patchbay_slots {slots.at_once}"
        yield from _head("patchbay_slots_busy", "gauge", "Runs at work.")
        yield f"patchbay_slots_busy {slots.busy}"
        yield from _head("patchbay_queue", "gauge", "Runs that wait for a slot.")
        yield f"patchbay_queue {slots.waiting}"
        with contextlib.suppress(RuntimeError):  # there is no event loop
            tasks = len(asyncio.all_tasks())
            yield from _head("patchbay_tasks", "gauge", "Tasks of the process that answers.")
            yield f"patchbay_tasks {tasks}"

    def _money(self, may: Callable[[str], bool]) -> Iterator[str]:
        """Tokens by model and what they cost; without a price they are only counted."""
        name = "patchbay_model_tokens_total"
        yield from _head(name, "counter", "Tokens by model; cached ones were read from a cache.")
        for (flow, model, kind), count in sorted(self._of_models.items()):
            if may(flow):
                yield f"{name}{_labels(flow=flow, model=model, type=kind)} {count}"
        name = "patchbay_cost_total"
        yield from _head(name, "counter", "What models cost, by the prices of the settings.")
        for (flow, model, currency), amount in sorted(self._cost.items()):
            if may(flow):
                yield f"{name}{_labels(flow=flow, model=model, currency=currency)} {amount:.9f}"
        name = "patchbay_unpriced_tokens_total"
        yield from _head(name, "counter", "Tokens of models that have no price.")
        for (flow, model), count in sorted(self._unpriced.items()):
            if may(flow):
                yield f"{name}{_labels(flow=flow, model=model)} {count}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _labels(**labels: str) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

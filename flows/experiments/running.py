"""Run the cells that are missing: every variant on every case, several side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from patchbay.flows.checks.memory import memory_plan
from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.checking import OutputCheck
from patchbay.flows.experiments.judging import FlowCheck, bound
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.flows.experiments.variants import Variant
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Tokens
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.history import CELL
from patchbay.flows.runs.prices import prices_or_none
from patchbay.flows.runs.results import ended
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from patchbay.flows.runs.subflows import Prepared, prepare
from patchbay.nodes.context import unread
from patchbay.nodes.values import encode

CellHeard = Callable[[ExperimentCell, int, int], None]
"""Takes a cell that has ended, how many have, and how many there are."""
Recorder = Callable[[Environment, str, Flow], Environment]
"""Gives the environment in which the run of a cell is recorded under an id."""


@dataclass(slots=True)
class Experiment:
    """A flow in variants over cases.

    `output` is the flow's output that is checked. `side_by_side` runs are at work at once; models
    queue them by their slots. `recorder` keeps the run of each cell, to be looked at later.
    """

    variants: Sequence[Variant]
    cases: Sequence[FlowCase]
    output: str
    kept: KeptCells
    folder: Path | None = None
    side_by_side: int = 8
    checks: Sequence[OutputCheck] = ()
    recorder: Recorder | None = None
    cells: dict[tuple[str, str], ExperimentCell] = field(default_factory=dict)
    notes: Sequence[str] = ()
    """What of the cases' table may have been meant otherwise, in sentences."""
    total: int = 0
    """How many cells there are to do, once it has begun."""
    refused: str = ""
    """Why a check that is a flow gave no score, the last time that one did not."""

    def __post_init__(self) -> None:
        self.checks = [bound(check, self.variants[0].key) for check in self.checks]

    def missing(self) -> Iterator[tuple[Variant, FlowCase]]:
        """What is to be run: case by case, so that variants can be compared at any time.

        A cell that failed is tried again.
        """
        asked = set()
        for case in self.cases:
            for variant in self.variants:
                place = variant.key, self.case_key(case)
                known = self.cells.get(place)
                if (known is None or known.error) and place not in asked:
                    asked.add(place)
                    yield variant, case

    def case_key(self, case: FlowCase) -> str:
        """A case under the output that is looked at."""
        return f"{case.key}:{self.output}"

    def cell(self, variant: Variant, case: FlowCase) -> ExperimentCell | None:
        """What is known of a variant and a case."""
        return self.cells.get((variant.key, self.case_key(case)))

    def load(self) -> None:
        """Read what is kept of these variants."""
        self.cells = self.kept.cells([variant.key for variant in self.variants])

    def prepared(self, env: Environment) -> list[Prepared]:
        """Its variants, checked and planned.

        Raises:
            FlowError: one has errors.
        """
        return [self._prepared(one, env) for one in self.variants]

    def _prepared(self, variant: Variant, env: Environment) -> Prepared:
        return prepare(variant.flow, env.catalog, self.folder, (), env.variables)

    async def run(self, env: Environment, told: CellHeard) -> None:
        """Run what is missing. Stops between cells when it is cancelled; what has ended is kept.

        Raises:
            FlowError: the disk refuses to keep a cell.
        """
        with ExitStack() as open_:  # models stay open between cells, beside other runs
            for check in self.checks:
                if isinstance(check, FlowCheck):
                    open_.enter_context(env.pool.keeping(check.opens(env)))
            await self._run(env, told, open_)

    async def _run(self, env: Environment, told: CellHeard, open_: ExitStack) -> None:
        await asyncio.to_thread(self.load)
        rows = (
            (case.number, self.case_key(case), case.inputs, case.expected) for case in self.cases
        )
        await asyncio.to_thread(self.kept.put_cases, list(rows))
        waiting = list(self.missing())
        total, ready = len(waiting), dict[str, tuple[Prepared, int]]()
        done, self.total = 0, total

        async def one(variant: Variant, case: FlowCase) -> None:
            nonlocal done
            if variant.key not in ready:
                made = self._prepared(variant, env)
                plan = memory_plan(made.resolved, self.folder)
                open_.enter_context(env.pool.keeping([share.spec for share in plan.shares]))
                ready[variant.key] = made, plan.total
            prepared, memory = ready[variant.key]
            cell = replace(await self._one(variant, case, env, prepared), memory=memory)
            await self._take(cell)
            await self._judge(variant, case, env)
            done += 1
            told(self.cells[cell.variant, cell.case], done, total)

        await self._each(waiting, one, env.side_by_side(self.side_by_side))
        unjudged = list(self._unjudged())
        done, self.total = total, total + len(unjudged)
        total = self.total

        async def judged(variant: Variant, case: FlowCase) -> None:
            nonlocal done
            await self._judge(variant, case, env)
            done += 1
            told(self.cells[variant.key, self.case_key(case)], done, total)

        await self._each(unjudged, judged, self.side_by_side)

    async def _each(self, work: list[tuple[Variant, FlowCase]], do: Any, side_by_side: int) -> None:
        queue = iter(work)

        async def worker() -> None:
            for variant, case in queue:
                await do(variant, case)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(side_by_side, len(work))):
                    group.create_task(worker())
        except BaseExceptionGroup as group_error:
            flow_errors = [e for e in group_error.exceptions if isinstance(e, FlowError)]
            raise flow_errors[0] if flow_errors else group_error from None

    async def _take(self, cell: ExperimentCell) -> None:
        self.cells[cell.variant, cell.case] = cell
        await asyncio.to_thread(self.kept.add, cell)

    # --- one cell -----------------------------------------------------------------------------

    async def _one(
        self, variant: Variant, case: FlowCase, env: Environment, prepared: Prepared
    ) -> ExperimentCell:
        place, run_id = (variant.key, self.case_key(case)), f"{new_run_id()}{CELL}"
        if self.recorder is not None:
            env = self.recorder(env, run_id, variant.flow)
        try:
            flow = LoadedFlow(variant.flow, self.folder)
            if env.elsewhere is not None and self.recorder is None:
                # What goes together is kept when all of it has ended: too late for trainings.
                alone = any(step.cls.opens_itself for step in prepared.plan.steps.values())
                far = await env.elsewhere.run(
                    flow, variant.key, case.inputs, from_person=True, person=env.person,
                    alone=alone,
                )  # fmt: skip
                return self._of(place, far.outputs, far.seconds, far.tokens, "")
            begun = Run(flow, case.inputs, env, run_id=run_id, prepared=prepared)
            with unread():
                result = await ended(begun, None, None)
        except RunError as error:
            return ExperimentCell(*place, error=str(error.problem.message), run=run_id)
        except FlowError as error:
            return ExperimentCell(*place, error=" ".join(p.message for p in error.problems))
        return self._of(place, result.outputs, result.seconds, result.tokens, result.run)

    def _of(
        self, place: tuple[str, str], outputs: Mapping[str, Any], seconds: float, tokens: Tokens,
        run: str,
    ) -> ExperimentCell:  # fmt: skip
        said: Any = outputs.get(self.output)
        error = ""
        if self.output not in outputs:
            error = f'The flow gave no output "{self.output}".'
        cost = prices_or_none().cost(tokens)
        return ExperimentCell(
            *place,
            output=encode(said),
            error=error,
            seconds=seconds,
            tokens=tokens.total,
            run=run,
            cost={} if cost.unknown else dict(cost.amounts),  # a part is not what it cost
        )

    # --- checks that are flows ----------------------------------------------------------------

    def _unjudged(self) -> Iterator[tuple[Variant, FlowCase]]:
        for case in self.cases:
            for variant in self.variants:
                if next(self._to_ask(variant, case), None) is not None:
                    yield variant, case

    def _to_ask(self, variant: Variant, case: FlowCase) -> Iterator[FlowCheck]:
        cell = self.cell(variant, case)
        if cell is None or cell.error:
            return
        for check in self.checks:
            if not isinstance(check, FlowCheck) or check.of(cell, case) is not None:
                continue
            if check.needs_expected and case.expected is None:
                continue
            first = self.cell(self.variants[0], case)
            if not check.pair or (first is not None and not first.error):
                yield check

    async def _judge(self, variant: Variant, case: FlowCase, env: Environment) -> None:
        first = self.cell(self.variants[0], case)
        for check in list(self._to_ask(variant, case)):
            cell = self.cells[variant.key, self.case_key(case)]
            try:
                said = await check.judge(cell, first, case, env)
            except RunError as error:
                self.refused = f"{check.name}: {error.problem.in_words()}"
            except FlowError as error:
                self.refused = f"{check.name}: {error}"
            else:
                judged = {**cell.judged, check.place(case): said}
                await self._take(replace(cell, judged=judged))

"""Run the cells that are missing: every variant on every case, several side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.flows.experiments.variants import Variant
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.results import RunResult, ended
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.runs.subflows import Prepared, prepare
from patchbay.nodes.values import encode

CellHeard = Callable[[ExperimentCell, int, int], None]
"""Takes a cell that has ended, how many have, and how many there are."""


@dataclass(slots=True)
class Experiment:
    """A flow in variants over cases.

    `output` is the flow's output that is checked. `side_by_side` runs are at work at once; models
    queue them by their slots.
    """

    variants: Sequence[Variant]
    cases: Sequence[FlowCase]
    output: str
    kept: KeptCells
    folder: Path | None = None
    side_by_side: int = 8
    cells: dict[tuple[str, str], ExperimentCell] = field(default_factory=dict)

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

    async def run(self, env: Environment, told: CellHeard) -> None:
        """Run what is missing. Stops between cells when it is cancelled; what has ended is kept.

        Raises:
            FlowError: the disk refuses to keep a cell.
        """
        self.cells = self.kept.cells()
        waiting = list(self.missing())
        total, ready = len(waiting), dict[str, Prepared]()
        queue, done = iter(waiting), 0

        async def worker() -> None:
            nonlocal done
            for variant, case in queue:
                if variant.key not in ready:
                    ready[variant.key] = prepare(
                        variant.flow, env.catalog, self.folder, (), env.variables
                    )
                cell = await self._one(variant, case, env, ready[variant.key])
                self.cells[cell.variant, cell.case] = cell
                await asyncio.to_thread(self.kept.add, cell)
                done += 1
                told(cell, done, total)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.side_by_side, total)):
                    group.create_task(worker())
        except BaseExceptionGroup as group_error:
            flow_errors = [e for e in group_error.exceptions if isinstance(e, FlowError)]
            raise flow_errors[0] if flow_errors else group_error from None

    async def _one(
        self, variant: Variant, case: FlowCase, env: Environment, prepared: Prepared
    ) -> ExperimentCell:
        place = variant.key, self.case_key(case)
        try:
            flow = LoadedFlow(variant.flow, self.folder)
            begun = Run(flow, case.inputs, env, prepared=prepared)
            result = await ended(begun, None, None)
        except RunError as error:
            return ExperimentCell(*place, error=str(error.problem.message))
        except FlowError as error:
            return ExperimentCell(*place, error=" ".join(p.message for p in error.problems))
        return self._of(place, result)

    def _of(self, place: tuple[str, str], result: RunResult) -> ExperimentCell:
        said: Any = result.outputs.get(self.output)
        error = ""
        if self.output not in result.outputs:
            error = f'The flow gave no output "{self.output}".'
        return ExperimentCell(
            *place,
            output=encode(said),
            error=error,
            seconds=result.seconds,
            tokens=result.tokens.total,
            run=result.run,
        )

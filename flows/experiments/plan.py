"""What an experiment is to do, kept beside what it has found; and from that to the experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.case_sets import case_file
from patchbay.flows.experiments.cases import CaseTable, read_case_table
from patchbay.flows.experiments.judging import read_any_check
from patchbay.flows.experiments.keeping import KeptCells, experiments_folder
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.experiments.variants import Axis, variants_of
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs
from patchbay.flows.runs.running import settled
from patchbay.nodes.catalog import Catalog

PLAN, SUMMARY = "plan.json", "summary.json"


class PlannedAxis(BaseModel):
    """A param and the values that it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    node: str
    param: str
    values: list[JsonValue]


class ExperimentPlan(BaseModel):
    """What is compared, on what, and how it is scored.

    `flow` is the flow's file, `cases` the name of a set of cases or a file, `expected` the column
    of what should come out, `output` the output that is checked; "" leaves both to be found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = 1
    flow: str = ""
    cases: str = ""
    expected: str = ""
    output: str = ""
    axes: list[PlannedAxis] = []
    checks: list[str] = ["exact"]
    jobs: int = Field(8, ge=1, le=256)


def experiment_of(
    plan: ExperimentPlan,
    flow: Flow,
    folder: Path | None,
    catalog: Catalog,
    kept: KeptCells,
    variables: str = "",
) -> Experiment:
    """The experiment, checked and ready to be run.

    Args:
        plan: what it is to do.
        flow: the flow as it is now.
        folder: where it lies.
        catalog: the kinds of nodes that there are.
        kept: where what it finds is kept.
        variables: the environment whose values the flow's variables have.

    Raises:
        FlowError: the cases, an axis, a check or a variant is wrong; nothing has been run.
    """
    if flow.variables or variables:
        flow = settled(flow, variables)
    resolved = resolve_once(flow, catalog)
    outputs = list(flow_outputs(resolved))
    if not outputs or (plan.output and plan.output not in outputs):
        what = f'has no output "{plan.output}"' if plan.output else "has no output to be checked"
        there = f"It has: {', '.join(outputs)}." if outputs else 'Add a "Flow output".'
        raise FlowError([Problem("experiment/output", f"The flow {what}.", there)])
    axes = [Axis(axis.node, axis.param, tuple(axis.values)) for axis in plan.axes]
    inputs = list(flow_inputs(resolved))
    table = read_case_table(
        case_file(plan.cases), [field.name for _, field in inputs], plan.expected
    )
    given = {axis.node for axis in axes if axis.param == "default"}
    needed = [field.name for node, field in inputs if field.required and node not in given]
    _check_needed(table, needed)
    return Experiment(
        variants_of(flow, axes, catalog, folder, variables),
        table.cases,
        plan.output or outputs[0],
        kept,
        folder,
        plan.jobs,
        [read_any_check(text, folder or Path.cwd()) for text in plan.checks],
        notes=table.notes,
    )


def _check_needed(table: CaseTable, needed: Sequence[str]) -> None:
    """Check that some case has each input that the flow cannot do without.

    Raises:
        FlowError: none has one, so that every run would fail.
    """
    for name in needed:
        if not any(name in case.inputs for case in table.cases):
            raise FlowError(
                [
                    Problem(
                        "experiment/cases",
                        f'No case has "{name}", which the flow needs.',
                        " ".join([f'Add a column "{name}".', *table.notes]),
                    )
                ]
            )


def read_plan(kept: KeptCells) -> ExperimentPlan | None:
    """The plan of a kept experiment; None where it has none that is understood."""
    held = kept.read(PLAN)
    try:
        return None if held is None else ExperimentPlan.model_validate(held)
    except ValidationError:
        return None


def write_plan(kept: KeptCells, plan: ExperimentPlan) -> None:
    """Keep a plan.

    Raises:
        FlowError: the disk refuses.
    """
    kept.write(PLAN, plan.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class KnownExperiment:
    """An experiment that is kept. `changed` is Unix time in seconds."""

    name: str
    changed: float
    plan: ExperimentPlan | None


def known_experiments() -> Sequence[KnownExperiment]:
    """All that are kept, the latest first. Reads their plans, not what they found."""
    found = []
    for folder in sorted(experiments_folder().glob("*/")):
        times = [path.stat().st_mtime for name in (PLAN, SUMMARY, "cells.sqlite")
                 if (path := folder / name).is_file()]  # fmt: skip
        if times:
            plan = read_plan(KeptCells(folder.name))
            found.append(KnownExperiment(folder.name, max(times), plan))
    return sorted(found, key=lambda one: -one.changed)

"""`patchbay experiment`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from patchbay.flows.cli import experiment_options as own
from patchbay.flows.cli import say
from patchbay.flows.cli.experiment_options import ReportForm
from patchbay.flows.cli.options import (
    Container,
    Debug,
    Gpus,
    JobTime,
    Machines,
    PrintOnly,
    Profile,
    Where,
    Workers,
)
from patchbay.flows.cli.places import on_ray, place_or_job
from patchbay.flows.cli.run import StoppedError, until_stopped
from patchbay.flows.problems import FlowError, Problem

if TYPE_CHECKING:
    from patchbay.flows.batch.clusters import Cluster
    from patchbay.flows.batch.sent import JobReads
    from patchbay.flows.experiments.grid import Scored
    from patchbay.flows.experiments.judging import FlowCheck
    from patchbay.flows.experiments.keeping import ExperimentCell
    from patchbay.flows.experiments.plan import ExperimentPlan
    from patchbay.flows.experiments.running import Experiment
    from patchbay.flows.runs.environment import Environment

LAST = "LAST"


def experiment(
    flow: own.VariedFlow,
    cases: own.Cases,
    vary: own.Vary = None,
    check: own.Checks = None,
    expected: own.Expected = "",
    output_name: own.OutputName = "",
    report: own.ReportAs = ReportForm.text,
    output: own.ReportFile = None,
    name: own.KeptAs = "",
    at_least: own.AtLeast = None,
    no_worse_than: own.NoWorseThan = "",
    side_by_side: own.Jobs = 8,
    env_name: own.EnvOfVariants = "",
    use_best: own.UseBest = False,
    preferences: own.Preferences = None,
    where: Where = "here",
    workers: Workers = 0,
    gpus: Gpus = 0,
    nodes: Machines = 0,
    job_time: JobTime = "",
    container: Container = "",
    profile: Profile = "",
    print_only: PrintOnly = False,
    quiet: own.OnlyReport = False,
    debug: Debug = False,
) -> None:
    """Run a flow in variants over cases, and say which is better and by how much.

    What has ended is kept: stop it at any time and run it again to go on. Only what changed is run
    again: a variant, a case, a flow. Without --vary the flow itself is scored.
    """
    from patchbay.flows.experiments.grid import as_result, as_summary, grid_of
    from patchbay.flows.experiments.plan import SUMMARY, write_plan

    def planned() -> ExperimentPlan:
        return _plan(flow, cases, vary, check, expected, output_name, side_by_side)

    def asked() -> JobReads:
        found = planned()
        made = _experiment(flow, found, name, env_name)
        return _asked(flow, found, made, no_worse_than, env_name)

    cluster = place_or_job(
        "experiment", where, print_only, quiet, flow, asked, workers=workers, gpus=gpus,
        nodes=nodes, time=job_time, container=container, profile=profile,
    )  # fmt: skip
    plan = planned()
    made = _experiment(flow, plan, name, env_name)
    write_plan(made.kept, plan)
    before = _before(made, no_worse_than)
    judges = [] if preferences is None else _judges(made)
    code = _run(made, flow, env_name, quiet, cluster)
    grid = grid_of(made)
    if made.refused:
        say.err(f"Some answers were not judged. {made.refused}")
    made.kept.write(SUMMARY, as_summary(made, grid))
    whole = code == 0
    if whole:
        made.kept.keep(as_result(grid, made.cases))
    _write(made, grid, report, output, flow.stem)
    if preferences is not None:
        _prefer(made, judges, preferences)
    if not whole:
        raise typer.Exit(code)
    if use_best:
        _use_best(flow, grid)
    if not _good_enough(made, grid, at_least, before):
        raise typer.Exit(say.EXIT_PROBLEM)


def _plan(
    path: Path,
    cases: Path,
    vary: list[str] | None,
    checks: list[str] | None,
    expected: str,
    output: str,
    jobs: int,
) -> ExperimentPlan:
    from patchbay.flows.experiments.plan import ExperimentPlan, PlannedAxis
    from patchbay.flows.experiments.variants import read_axis

    axes = [read_axis(text) for text in vary or []]
    return ExperimentPlan(
        flow=str(path.resolve()), cases=_found(cases), expected=expected, output=output,
        axes=[PlannedAxis(node=a.node, param=a.param, values=list(a.values)) for a in axes],
        checks=list(dict.fromkeys(checks or ["exact"])), jobs=jobs,
    )  # fmt: skip


def _experiment(path: Path, plan: ExperimentPlan, name: str, env_name: str) -> Experiment:
    from patchbay.flows.document.reading import read_flow
    from patchbay.flows.experiments.keeping import KeptCells
    from patchbay.flows.experiments.plan import experiment_of
    from patchbay.flows.runs.defaults import default_catalog

    kept, flow = KeptCells(name or path.stem), read_flow(path)
    return experiment_of(plan, flow, path.resolve().parent, default_catalog(), kept, env_name)


def _asked(
    path: Path, plan: ExperimentPlan, made: Experiment, before: str, env_name: str
) -> JobReads:
    """What a job of it reads: the flow in all variants, judges, the cases."""
    from patchbay.flows.batch.sent import JobReads
    from patchbay.flows.experiments.case_sets import case_file
    from patchbay.flows.experiments.judging import files_of_checks
    from patchbay.flows.runs.running import LoadedFlow

    folder = path.resolve().parent
    judges, files = files_of_checks(plan.checks, folder)
    flows = [LoadedFlow(one.flow, folder, path) for one in made.variants]
    files = [case_file(plan.cases), *files]
    if before and before != LAST:
        files.append(Path(before))
    return JobReads([*flows, *judges], files, env_name)


def _found(cases: Path) -> str:
    """The file where there is one, so that it is found from elsewhere; else the name of a set."""
    return str(cases.resolve()) if cases.exists() else str(cases)


def _run(made: Experiment, path: Path, env_name: str, quiet: bool, cluster: Cluster) -> int:
    """Run what is missing; the exit status where the person stops it, else 0."""
    from patchbay.flows.runs.defaults import default_environment

    env = replace(default_environment(folder=path.resolve().parent), variables=env_name)

    def told(cell: ExperimentCell, done: int, total: int) -> None:
        if not quiet:
            failed = f", failed: {cell.error}" if cell.error else ""
            say.err(f"{done}/{total}{failed}")

    async def work(env: Environment) -> int:
        try:
            await until_stopped(made.run(env, told))
        except StoppedError as stopped:
            say.err("Stopped; run it again to go on.")
            return stopped.code
        return 0

    if cluster.is_here:
        return asyncio.run(work(env))
    with on_ray(cluster, env, made.prepared(env), quiet) as spread:
        return asyncio.run(work(spread.env))


def _write(
    made: Experiment, grid: list[Scored], report: ReportForm, output: Path | None, title: str,
) -> None:  # fmt: skip
    from patchbay.flows.cli.figures import text_of
    from patchbay.flows.experiments.grid import all_said, as_result
    from patchbay.flows.experiments.report import (
        as_csv,
        as_html,
        as_markdown,
        cases_table,
        grid_table,
    )
    from patchbay.flows.wording import plural

    sizes = f"{plural(len(made.variants), 'variant')}, {plural(len(made.cases), 'case')}"
    table = grid_table(grid, f"{title}: {sizes}")
    said = all_said(made, grid)
    every = [table, cases_table(made, made.checks)]
    match report:
        case ReportForm.text:
            text = "\n".join([text_of(table), "", *said]) + "\n"
        case ReportForm.md:
            text = as_markdown(every, said)
        case ReportForm.csv:
            text = as_csv(table)
        case ReportForm.html:
            text = as_html(every, said, table.title)
        case ReportForm.json:
            text = json.dumps(as_result(grid, made.cases), ensure_ascii=False, indent=1) + "\n"
    if output is None:
        say.out(text, end="")
        return
    _to_file(output, text)
    say.err(f"wrote {output}")


def _to_file(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise FlowError(
            [Problem("experiment/unwritable", message, "Name another file.")]
        ) from error


def _judges(made: Experiment) -> list[FlowCheck]:
    """The judges among the checks; refused before anything is run where there are none."""
    from patchbay.flows.experiments.judged import judges_among, no_judge

    found = judges_among(made.checks, [one.key for one in made.variants])
    if not found:
        raise no_judge()
    return found


def _prefer(made: Experiment, judges: list[FlowCheck], path: Path) -> None:
    from patchbay.flows.experiments.judged import judged_preferences
    from patchbay.flows.wording import plural

    rows = judged_preferences(made.kept, [one.key for one in made.variants], judges)
    _to_file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    say.err(f"wrote {plural(len(rows), 'preference')} to {path}")


def _before(made: Experiment, which: str) -> dict[str, Any] | None:
    """The earlier result that is compared with; looked up before this one is kept."""
    if not which:
        return None
    if which == LAST:
        if (found := made.kept.last()) is None:
            say.err("There is no earlier result yet; this one is kept for the next time.")
        return found
    from patchbay.flows.experiments.grid import is_result

    why = ""
    try:
        held = json.loads(Path(which).read_text("utf-8"))
        if is_result(held):
            return dict(held)
    except (OSError, ValueError) as error:
        why = f": {error.strerror if isinstance(error, OSError) else error}"
    message = f"{which} holds no result of an experiment{why}."
    fix = f"Name a file of --report json, or {LAST}."
    raise FlowError([Problem("experiment/last", message, fix)])


def _good_enough(
    made: Experiment, grid: list[Scored], at_least: float | None, before: dict[str, Any] | None
) -> bool:
    from patchbay.flows.experiments.grid import best_of, in_common, worse_than

    good = True
    best = best_of(grid)
    scored = best.interval if best is not None else None
    if at_least is not None and (scored is None or scored.mean < at_least):
        why = "No variant could be scored" if scored is None else (
            f"The best variant scores {scored.mean:.3f}, less than {at_least:g}"
        )  # fmt: skip
        say.err(f"{why}.")
        good = False
    if before is not None and not in_common(grid, made.cases, before):
        say.err("Whether it is worse cannot be told: no variant, check and case of then is here.")
        good = False
    for line in worse_than(grid, made.cases, before) if before else ():
        say.err(f"Worse than before: {line}.")
        good = False
    return good


def _use_best(path: Path, grid: list[Scored]) -> None:
    from patchbay.flows.document.reading import read_bytes, read_text
    from patchbay.flows.document.writing import save_flow
    from patchbay.flows.experiments.grid import best_of

    best = best_of(grid)
    if best is None or not best.variant.changes:
        say.err("There is no variant to write.")
        return
    now = read_text(read_bytes(path))  # in a job it may have been edited since it was sent
    save_flow(now.with_params(best.variant.changes), path)
    say.err(f"wrote {best.variant.name} into {path}")

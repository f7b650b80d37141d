"""A batch sent to Slurm, followed to its end, and put together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.batch.beside import standing_in_the_way
from patchbay.flows.batch.cluster_profile import read_profile
from patchbay.flows.batch.clusters import Cluster
from patchbay.flows.batch.on_slurm import (
    SlurmOrder,
    cancel,
    comes,
    follow,
    log_ends,
    refuse_passwords,
    scripts,
    submit,
)
from patchbay.flows.batch.row_map import make_row_map, refuse_first_row
from patchbay.flows.batch.rows import bad, open_rows
from patchbay.flows.batch.tables import check_output
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.validate import validate_resolved
from patchbay.flows.problems import FlowError, Problem, errors
from patchbay.flows.runs.defaults import default_catalog

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchOrder


class SlurmBatch:
    """One batch as jobs of Slurm.

    Args:
        cluster: how many jobs, and what each gets.
        words: what stands behind `patchbay batch`, all but where it runs and what it writes.
        output: the file that is written in the end.

    Raises:
        FlowError: a password would stand in the scripts, the output is a database, or there is no
            such profile.
    """

    def __init__(self, cluster: Cluster, words: list[str], output: str) -> None:
        refuse_passwords([*words, output])
        if "://" in output:
            message = "Jobs of Slurm are put together into a file, not into a database."
            raise bad("batch/output", message, "Name a .jsonl, .csv or .parquet file.")
        self._output = Path(output)
        self._nodes = cluster.nodes
        self.folder = Path(f"{output}.slurm").absolute()
        """Where the parts lie, and what they say."""
        order = order_of(cluster)
        self._ssh = order.profile.ssh
        shares = shared_budgets(words, order.nodes)
        self.scripts = scripts(order, shares, str(self._output.absolute()), self.folder)
        """That of the array, and that of the job that puts the parts together."""
        self._jobs: tuple[str, str] | None = None
        self._is_cancelled = False

    def run(self, tell: Callable[[str], None]) -> None:
        """Send the jobs, and wait until the output is there.

        Args:
            tell: is told how far they are.

        Raises:
            FlowError: Slurm refuses, or the jobs ended without the output: what they said last.
        """
        if there := standing_in_the_way(str(self._output)):
            raise bad("batch/there", there, "Name another output.")
        self._jobs = submit(*self.scripts, self.folder, self._ssh)
        if self._is_cancelled:  # while they were sent
            self.cancel()
            return
        array, collect = self._jobs
        tell(f"Jobs {array} (array of {self._nodes}) and {collect} (collects) in {self.folder}")
        follow(self._jobs, self.folder, tell, self._ssh)
        if comes(self._output):
            return
        message = f"The jobs ended without {self._output}. {log_ends(self.folder)}."
        raise bad("slurm/failed", message, f"Look into {self.folder}; the same command goes on.")

    def cancel(self) -> None:
        """Have Slurm end the jobs. Sent again, they go on where they were."""
        self._is_cancelled = True
        if self._jobs is not None:
            cancel(*self._jobs, ssh=self._ssh)


BUDGETS: dict[str, Callable[[str, int], str]] = {
    "--max-tokens": lambda said, nodes: str(max(1, int(said) // nodes)),
    "--max-cost": lambda said, nodes: repr(float(said) / nodes),
}
"""Options that bound the whole batch, and the share of one of so many jobs."""


def shared_budgets(words: Sequence[str], nodes: int) -> list[str]:
    """The words of a job, with its share of what the batch may use: no job knows of the others."""
    found: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if equals and option in BUDGETS:
            found.append(f"{option}={BUDGETS[option](value, nodes)}")
        else:
            before = found[-1] if found else ""
            found.append(BUDGETS[before](word, nodes) if before in BUDGETS else word)
    return found


OF_THE_MACHINE = ("node/missing-package", "node/unknown-kind")
"""What is wrong here may be right where a job runs, if that is another Python."""


def is_this_python(cluster: Cluster) -> bool:
    """Whether jobs run with the Python that this is, and not in a container or by ssh elsewhere."""
    return order_of(cluster).profile.command.startswith(sys.executable)


def wrong_anywhere(problems: Iterable[Problem], same_python: bool) -> list[Problem]:
    """Of what is wrong with a flow here, what is wrong where a job runs too."""
    return [one for one in problems if same_python or one.code not in OF_THE_MACHINE]


def refuse_unfit(order: BatchOrder, cluster: Cluster) -> None:
    """Check before jobs wait in a queue what they would refuse: the flow, the rows, the mapping,
    the output.

    Rows of a database are not asked for: it may be reached from the machines of the jobs only.

    Raises:
        FlowError: everything that does not fit.
    """
    rows, settings = order.settings.rows, order.settings
    if rows == "-":
        fix = "Save the rows as a file on a folder that all machines see."
        raise bad("batch/rows", "Jobs of Slurm have no standard input.", fix)
    check_output(order.output)
    catalog = order.env.catalog if order.env else default_catalog()
    resolved = resolve_once(order.flow.flow, catalog, order.flow.folder)
    problems = errors(validate_resolved(resolved, order.flow.folder))
    if found := wrong_anywhere(problems, is_this_python(cluster)):
        raise FlowError(found)
    if "://" in rows:
        return
    opened = open_rows(rows, settings.query)
    try:
        row_map = make_row_map(
            resolved, opened.columns, settings.columns, settings.shared, settings.keep
        )
        refuse_first_row(opened, row_map)
    finally:
        opened.close()


def order_of(cluster: Cluster) -> SlurmOrder:
    """What is asked of Slurm for a cluster.

    Raises:
        FlowError: there is no such profile.
    """
    profile = read_profile(cluster.profile)
    plain = profile.command == "patchbay" and not cluster.container and not profile.container
    if plain and not profile.ssh:  # where ssh leads this Python need not be
        profile = replace(profile, command=f"{sys.executable} -m patchbay.flows")
    return SlurmOrder(
        max(1, cluster.nodes), int(cluster.gpus), cluster.time, cluster.container, profile
    )


__all__ = ["SlurmBatch", "order_of", "refuse_unfit", "shared_budgets"]

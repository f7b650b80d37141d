"""A batch sent to Slurm, followed to its end, and put together."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.batch.beside import standing_in_the_way
from patchbay.flows.batch.cluster_profile import read_profile
from patchbay.flows.batch.clusters import Cluster
from patchbay.flows.batch.manifest import shared_files
from patchbay.flows.batch.on_slurm import (
    SENT_FILE,
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
from patchbay.flows.batch.sent import FORMAT, JobReads, differences, files_in, write_sent
from patchbay.flows.batch.tables import check_output
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.validate import validate_resolved
from patchbay.flows.problems import FlowError, Problem, errors
from patchbay.flows.runs.defaults import default_catalog
from patchbay.nodes.contract import NodeError

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchOrder


class SlurmBatch:
    """One batch as jobs of Slurm.

    Args:
        cluster: how many jobs, and what each gets.
        words: what stands behind `patchbay batch`, all but where it runs and what it writes.
        output: the file that is written in the end.
        asked: what the jobs read.

    Raises:
        FlowError: a password would stand in the scripts, the output is a database, or there is no
            such profile.
    """

    def __init__(self, cluster: Cluster, words: list[str], output: str, asked: JobReads) -> None:
        refuse_passwords([*words, output])
        if "://" in output:
            message = "Jobs of Slurm are put together into a file, not into a database."
            raise bad("batch/output", message, "Name a .jsonl, .csv or .parquet file.")
        self._output, self._asked = Path(output), asked
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

    def keep(self) -> None:
        """Lay what the jobs run beside the parts. Blocks: reads and hashes the rows.

        Raises:
            FlowError: parts are there of what was sent before and was another batch.
            OSError: the disk refuses.
        """
        file = self.folder / SENT_FILE
        fix = f"Send it again when that is as it was, which goes on; or remove {self.folder}, and "
        fix += "what is sent then begins anew."
        now = self._asked.as_dict(fix)
        if any(self.folder.glob("part-*")) and (found := differences(_sent(file) or now, now)):
            message = f"{self.folder} holds parts of a batch that was sent before, and now is "
            message += f"another: {'; '.join(found)}."
            fix = "Remove the folder to begin anew, or have all as it was to go on."
            raise bad("batch/changed", message, fix)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_sent(now, file)

    def run(self, tell: Callable[[str], None]) -> None:
        """Send the jobs, and wait until the output is there.

        Args:
            tell: is told how far they are.

        Raises:
            FlowError: Slurm refuses, or the jobs ended without the output: what they said last; or
                the parts that are there are of another batch.
            OSError: the disk refuses.
        """
        if there := standing_in_the_way(str(self._output)):
            raise bad("batch/there", there, "Name another output.")
        self.keep()
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


def _sent(file: Path) -> dict[str, Any] | None:
    """What was sent before; None where that is not known, as before it was kept."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT else None


def asked_by(order: BatchOrder, variables: str = "") -> JobReads:
    """What the parts of a batch read.

    Args:
        order: the batch.
        variables: the environment whose values the flows' variables have.
    """
    settings, found = order.settings, []
    if "://" not in settings.rows:
        found.append(Path(settings.rows))
    catalog = order.env.catalog if order.env else default_catalog()
    resolved = resolve_once(order.flow.flow, catalog, order.flow.folder)
    for asked in shared_files(resolved, settings):
        with suppress(NodeError):  # which the part says
            found += files_in(asked.parse(settings.shared[asked.name]))
    return JobReads([order.flow], found, variables)


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


__all__ = ["SlurmBatch", "asked_by", "order_of", "refuse_unfit", "shared_budgets"]

"""Where rows can run besides this process: a Ray of this machine, and the clusters of the settings.

A person names clusters in `settings.toml` below the home folder:

    [clusters.lab]
    on = "ray://head:10001"     # or "slurm", or "ray"
    workers = 4
    gpus = 1

    [clusters.ai-lab]
    on = "slurm"
    profile = "ai-lab"
    nodes = 4
    time = "2:00:00"
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.batch.rows import bad
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.errors import NodeError
from patchbay.nodes.settings import section, settings_file

if TYPE_CHECKING:
    from patchbay.flows.batch.api import MakeRunner
    from patchbay.flows.batch.manifest import BatchSettings
    from patchbay.flows.batch.runner import RowRunner
    from patchbay.flows.runs.prepared import PreparedFlow

HERE = "here"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A place where rows run.

    `on` is `here`, `ray` (one of this machine), `ray://head:10001` or `slurm`. `workers` are
    processes on Ray, 0 for one for each core; `gpus` how many each of them, or each job, needs. The
    others are Slurm's: how many jobs share the rows, how long each may take, the image that they
    run in, and the profile that says what the cluster wants to be told.
    """

    on: str = HERE
    workers: int = 0
    gpus: float = 0
    nodes: int = 1
    time: str = ""
    container: str = ""
    profile: str = ""

    @property
    def is_slurm(self) -> bool:
        """Whether rows become jobs of Slurm."""
        return self.on == "slurm"

    @property
    def is_here(self) -> bool:
        """Whether rows run in this process."""
        return self.on == HERE

    @property
    def address(self) -> str:
        """Where Ray is; "" for one of this machine."""
        return self.on if self.on.startswith("ray://") else ""

    def runner(self, slots: int) -> MakeRunner:
        """What runs rows on Ray, so many at once in each worker."""

        def make(flow: PreparedFlow, settings: BatchSettings) -> RowRunner:
            from patchbay.flows.batch.on_ray import RayRunner

            return RayRunner(flow, settings, self.address, self.workers, slots, self.gpus)

        return make


def named_clusters(file: Path | None = None) -> dict[str, Cluster]:
    """The clusters that the settings name.

    Raises:
        FlowError: the file says something that is no cluster.
    """
    path = file or settings_file()
    try:
        said = section("clusters", path)
    except NodeError as error:
        raise FlowError([Problem("settings/clusters", error.message, error.fix)]) from None
    return {name: _cluster(path, name, one) for name, one in said.items()}


def find_cluster(where: str) -> Cluster:
    """The place that `--on` names: `here`, `ray`, `ray://head:10001`, `slurm`, or a cluster of the
    settings.

    Raises:
        FlowError: there is none of that name.
    """
    if _is_place(where):
        return Cluster(where)
    known = named_clusters()
    if where in known:
        return known[where]
    names = [HERE, "ray", "ray://head:10001", "slurm", *known]
    near = get_close_matches(where, names, 1)
    fix = f'Did you mean "{near[0]}"?' if near else f"There are: {', '.join(names)}."
    message = f'"{where}" is no place where rows run.'
    raise bad("batch/place", message, f"{fix} Clusters stand in {settings_file()}.")


def _is_place(where: str) -> bool:
    return where in (HERE, "ray", "slurm") or where.startswith("ray://")


def _cluster(path: Path, name: str, said: Any) -> Cluster:
    where = f"[clusters.{name}]"
    if not isinstance(said, dict):
        raise _wrong(path, f"{where} is no table.", 'Write on = "slurm" or on = "ray://…" in it.')
    known: dict[str, Any] = {field.name: type(field.default) for field in fields(Cluster)}
    for key, value in said.items():
        if key not in known:
            raise _wrong(path, f'{where} knows no "{key}".', f"It knows {', '.join(known)}.")
        wanted = (int, float) if known[key] in (int, float) else known[key]
        if isinstance(value, bool) or not isinstance(value, wanted):
            kind = "a text" if wanted is str else "a number"
            raise _wrong(path, f'{where}: "{key}" is not {kind}.', f"Write {kind}.")
        if not isinstance(value, str) and value < 0:
            raise _wrong(path, f'{where}: "{key}" is below 0.', "Write 0 or more.")
    on = said.get("on", "")
    if not _is_place(on):
        raise _wrong(
            path, f"{where} does not say where it is.", 'Write on = "slurm" or on = "ray://…".'
        )
    return Cluster(**said)


def _wrong(path: Path, what: str, fix: str) -> FlowError:
    return FlowError([Problem("settings/clusters", f"{path.name}: {what}", fix)])

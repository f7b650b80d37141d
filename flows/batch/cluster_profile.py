"""What a cluster with Slurm wants to be told: a file for each, and those that ship."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from patchbay.flows.batch.rows import bad
from patchbay.flows.problems import FlowError
from patchbay.flows.wording import did_you_mean
from patchbay.nodes.home import home


@dataclass(frozen=True)
class ClusterProfile:
    """What a cluster wants to be told. Each is a file `clusters/NAME.toml` in Patchbay's home.

    `lines` are further `#SBATCH` options; `setup` are commands before the work. `ssh` is where
    Slurm's commands are run by the person's own `ssh`, such as `ada@login`; "" for here.
    """

    partition: str = ""
    account: str = ""
    gpu_option: str = "--gres=gpu:{count}"
    modules: tuple[str, ...] = ()
    container: str = ""
    container_command: str = "apptainer exec {nv} {binds} {image}"
    binds: tuple[str, ...] = ()
    memory: str = ""
    cores: int = 0
    time: str = ""
    lines: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    command: str = "patchbay"
    ssh: str = ""
    notes: str = field(default="", compare=False)


PLAIN = ClusterProfile()
"""A cluster that wants to be told nothing."""
AI_LAB = ClusterProfile(
    container_command="singularity exec {nv} {binds} {image}",
    memory="24G",
    cores=15,
    time="12:00:00",
    notes="AI-LAB of Aalborg University (hpc.aau.dk/ai-lab): batch jobs with GPUs, containers by "
    "singularity. NOT VERIFIED on the cluster: memory and cores for each GPU, the longest time, "
    "and that no partition or account has to be named.",
)
SHIPPED = {"ai-lab": AI_LAB}


def read_profile(name: str) -> ClusterProfile:
    """A profile by name: the person's, else one that ships.

    Raises:
        FlowError: there is none of that name, or it says what no profile says.
    """
    if not name:
        return PLAIN
    path = home() / "clusters" / f"{name}.toml"
    if not path.exists():
        if name in SHIPPED:
            return SHIPPED[name]
        own = [p.stem for p in path.parent.glob("*.toml")]
        known = ", ".join(sorted({*own, *SHIPPED}))
        raise bad(
            "slurm/profile", f'There is no profile "{name}"; there are: {known}.', f"Write {path}."
        )
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_profile(path, f"{error}.", "Correct it.") from None
    like = said.pop("like", "")
    if like and like not in SHIPPED:
        raise _no_profile(path, f'There is no "{like}" to be like.', _one_of(like, SHIPPED))
    plain = {key: _said(path, key, value) for key, value in said.items()}
    found = replace(SHIPPED.get(like, PLAIN), **plain)
    try:
        found.gpu_option.format(count=1)
        found.container_command.format(nv="", binds="", image="")
    except (KeyError, IndexError, ValueError) as error:
        fix = "gpu_option knows {count}, container_command {nv}, {binds} and {image}."
        raise _no_profile(path, f"A name in braces is not known: {error}.", fix) from None
    return found


def _said(path: Path, key: str, value: Any) -> Any:
    """What a profile says, as `ClusterProfile` has it.

    Raises:
        FlowError: a profile says no such thing, or not so.
    """
    kinds: dict[str, Any] = {one.name: type(one.default) for one in fields(ClusterProfile)}
    if key not in kinds:
        raise _no_profile(path, f'It knows no "{key}".', _one_of(key, [*kinds, "like"]))
    wanted = kinds[key]
    if wanted is tuple:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise _no_profile(path, f'"{key}" is no list of texts.', f'Write {key} = ["…"].')
    if not isinstance(value, wanted) or isinstance(value, bool):
        kind = "a whole number" if wanted is int else "a text"
        raise _no_profile(path, f'"{key}" is not {kind}.', f"Write {kind}.")
    if key == "ssh" and (value.startswith("-") or any(sign.isspace() for sign in value)):
        raise _no_profile(path, f'"{value}" is no place for ssh.', 'Write ssh = "ada@login".')
    return value


def _no_profile(path: Path, why: str, fix: str) -> FlowError:
    return bad("slurm/profile", f"{path}: {why}", fix)


def _one_of(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, list(known), "")

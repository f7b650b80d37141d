"""Wheels for another machine's Python: Patchbay, and what the nodes of a flow need."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patchbay.flows.batch.rows import bad
from patchbay.flows.runs.subflows import Prepared
from patchbay.nodes.checkout import ROOT

NAME = "patchbay-studio"
IS_CHECKOUT = (ROOT / "pyproject.toml").exists()
LINUX = ("manylinux_2_28_{machine}", "manylinux_2_17_{machine}", "manylinux2014_{machine}",
         "linux_{machine}")  # fmt: skip
"""What wheels for a usual Linux are for."""


@dataclass(frozen=True, slots=True)
class OtherPython:
    """The Python of another machine.

    `version` such as 3.12, `platform` such as manylinux_2_28_x86_64; or `linux` for a usual Linux
    of `machine`.
    """

    version: str
    platform: str = "linux"
    machine: str = "x86_64"

    def options(self) -> Iterator[str]:
        """What pip is told of it."""
        yield from ("--python-version", self.version, "--implementation", "cp")
        names = LINUX if self.platform == "linux" else (self.platform,)
        for name in names:
            yield from ("--platform", name.format(machine=self.machine))


def required(ready: Prepared) -> list[str]:
    """What is to be installed there, with the versions of here: what Patchbay itself needs, and
    the nodes of the flow and of those that it runs."""
    own = [match[0] for line in _own_needs() if (match := re.match(r"[\w.-]+(\[[^\]]*\])?", line))]
    found: dict[str, str] = {}
    for name in (*own, *sorted(_of_nodes(ready))):
        try:
            version = importlib.metadata.version(name.partition("[")[0])
            found[name] = f"{name}=={_public(version)}"
        except importlib.metadata.PackageNotFoundError:
            found[name] = name
    return list(found.values())


def _own_needs() -> list[str]:
    """What Patchbay says that it needs: where it was installed may be an older one."""
    if IS_CHECKOUT:
        said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        return list(said["project"]["dependencies"])
    return [one for one in importlib.metadata.requires(NAME) or () if "extra ==" not in one]


def _public(version: str) -> str:
    """Without the local part, which no registry knows: `2.13.0+cpu`."""
    return version.partition("+")[0]


def _of_nodes(ready: Prepared, depth: int = 1) -> Iterator[str]:
    for step in ready.plan.steps.values():
        if step.disabled:
            continue
        yield from step.cls.requires
        for name in step.subflows:
            yield from _of_nodes(ready.subflows.open(name, depth).prepared, depth + 1)


def fetch_wheels(ready: Prepared, python: OtherPython, folder: Path) -> list[Path]:
    """Have all wheels in a folder, Patchbay's own among them.

    Raises:
        FlowError: a registry is not reached, or has no wheel of a package for that Python; the
            words of pip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _own(folder)
    command = ["download", "--quiet", "--only-binary=:all:", "--dest", str(folder)]
    done = _pip([*command, *python.options(), *required(ready)])
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = said[-1].removeprefix("ERROR: ") if said else f"pip ended with {done.returncode}"
        message = f"Wheels for Python {python.version} cannot be had: {why.rstrip('.')}."
        fix = (
            "Make the bundle where a registry of packages is reached, or choose another --python "
            "or --platform; without --wheels the bundle takes the patchbay of that machine."
        )
        raise bad("bundle/wheels", message, fix)
    return sorted(folder.glob("*.whl"))


def _own(folder: Path) -> None:
    """Patchbay's own wheel, made of the checkout that runs, or as it was installed."""
    asked = [str(ROOT) if IS_CHECKOUT else f"{NAME}=={importlib.metadata.version(NAME)}"]
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), *asked]
    done = _pip(words)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = said[-1].removeprefix("ERROR: ") if said else f"pip ended with {done.returncode}"
        fix = "Run it from a checkout of Patchbay, or where a registry of packages is reached."
        raise bad("bundle/wheels", f"Patchbay's own wheel cannot be made: {why}.", fix)


def _pip(words: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)

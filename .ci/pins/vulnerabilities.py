"""Known vulnerabilities of the pinned packages, as pip-audit finds them.

pip-audit says "No known vulnerabilities found", and ends with 0, even where its source answered for
no package at all. So what it was told nothing about is counted here, and said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pins.lines import Pin

SOURCES = {"pypi": "the package index", "osv": "the OSV database"}


@dataclass(frozen=True)
class Checked:
    """What one source knows."""

    source: str
    reason: str = ""  # why it could not be asked; then the rest is empty
    asked: tuple[str, ...] = ()
    found: tuple[str, ...] = ()  # one line for each vulnerability
    unknown: dict[str, str] = field(default_factory=dict)  # package to why it was not checked


def check(pins: list[Pin], tool: Path) -> Iterator[Checked]:
    """Ask the sources in turn until one answers.

    Args:
        pins: what to ask about.
        tool: the folder that pip-audit is installed in.
    """
    for source in SOURCES:
        first = ask(pins[:1], tool, source)  # three hundred questions only where one is answered
        if not first.reason and not first.unknown:
            yield ask(pins, tool, source)
            return
        yield Checked(source, first.reason or next(iter(first.unknown.values())))


def ask(pins: Iterable[Pin], tool: Path, source: str) -> Checked:
    """Run pip-audit over these pins."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{pin.text}\n" for pin in pins), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(file), "--disable-pip"]
        command += ["--vulnerability-service", source, "--format", "json"]
        done = subprocess.run(
            [*command, "--progress-spinner", "off"],
            env={**os.environ, "PYTHONPATH": str(tool)},
            capture_output=True,
            text=True,
            check=False,
        )
    return understood(source, done.stdout, done.stderr)


def understood(source: str, printed: str, complaint: str) -> Checked:
    """What pip-audit printed, read."""
    try:
        packages = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError):
        lines = complaint.strip().splitlines()
        return Checked(source, lines[-1] if lines else "pip-audit printed nothing")
    found = [
        f"{package['name']} {package['version']}: {told['id']}"
        f" (fixed in {', '.join(told['fix_versions']) or 'no version yet'})"
        for package in packages
        for told in package.get("vulns", ())
    ]
    return Checked(
        source,
        asked=tuple(package["name"] for package in packages if "skip_reason" not in package),
        found=tuple(found),
        unknown={p["name"]: p["skip_reason"] for p in packages if "skip_reason" in p},
    )

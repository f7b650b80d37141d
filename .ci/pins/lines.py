"""requirements.txt and pyproject.toml, read: which package at which version, and who asks for it.

It runs in an environment where nothing is installed yet, so it needs nothing but Python.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "requirements.txt"
PROJECT = "patchbay-studio"

_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[(?P<extras>[^]]*)\])?(?:==(?P<version>[\w.+!-]+))?"
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_VIA = re.compile(r"# via (.+)")


@dataclass(frozen=True)
class Pin:
    """One package at one version. A package may have several, each for some Python versions."""

    name: str
    version: str
    hashes: tuple[str, ...]
    via: frozenset[str]  # the names of those that ask for it
    text: str  # its lines in requirements.txt


def canonical(name: str) -> str:
    """The one spelling of a package's name that registries compare by (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text: str) -> Iterator[Pin]:
    """Every pin of a text as uv writes it: the package, its hashes, and one line `# via …`."""
    for lines in _entries(text.splitlines()):
        entry = "\n".join(lines)
        found = _REQUIREMENT.match(entry)
        if not found or not found["version"]:
            raise ValueError(f"not pinned with ==: {lines[0]}")
        yield Pin(
            canonical(found["name"]),
            found["version"],
            tuple(_HASH.findall(entry)),
            frozenset(name for listed in _VIA.findall(entry) for name in _names(listed)),
            entry,
        )


def pins() -> list[Pin]:
    """What requirements.txt holds."""
    return list(parse(PINS.read_text(encoding="utf-8")))


def extras() -> dict[str, list[str]]:
    """What pyproject.toml asks for with each extra, `all` and `dev` included."""
    table: dict[str, list[str]] = _project()["optional-dependencies"]
    return table


def asked(names: Iterable[str] = ()) -> Iterator[str]:
    """The packages that pyproject.toml asks for: always, and with these extras.

    Raises:
        KeyError: there is no such extra.
    """
    lines = list(_project()["dependencies"])
    for name in names:
        lines += extras()[name]
    for line in lines:
        found = _REQUIREMENT.match(line)
        if found and canonical(found["name"]) == PROJECT:
            yield from asked(name.strip() for name in (found["extras"] or "").split(","))
        elif found:
            yield canonical(found["name"])


def _project() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def _entries(lines: Iterable[str]) -> Iterator[list[str]]:
    entry: list[str] = []
    for line in lines:
        if line[:1].isalnum():
            if entry:
                yield entry
            entry = [line]
        elif entry:
            entry.append(line)
    if entry:
        yield entry


def _names(listed: str) -> Iterator[str]:
    for name in listed.split(","):
        yield canonical(name.strip().partition(" ")[0])

"""Findings have the form that their README asks for. They are run by hand: they fetch packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

FOLDER = ROOT / "findings"
SCRIPTS = sorted(path for path in FOLDER.glob("*.sh") if not path.name.startswith("_"))
PARTS = (
    r"#!/usr/bin/env bash\n# Guess: \S",
    r"\n# What happens: \S",
    r"\n# Seen with [^\n]*\d[^\n]*(\n# [^\n]*)*?on \d{4}-\d\d-\d\d",
    r"\n# Why it matters: \S",
    r'\nsource "\$\(dirname "\$0"\)/_env\.sh"\n',
)
"""The comment that a script begins with, and what makes its environment; in this order."""


def lacking(script: str) -> list[str]:
    """The parts that a script has not, or in another order."""
    at, gone = 0, []
    for part in PARTS:
        found = re.compile(part).search(script, at)
        at = found.start() if found else at
        gone += [] if found else [part]
    if any("==" not in name for name in re.findall(r"^packages (.*)", script, re.M)):
        gone.append("a version of each package")
    return gone


def test_every_script_says_guess_and_behaviour_version_date_and_why() -> None:
    found = {path.name: lacking(path.read_text("utf-8")) for path in SCRIPTS}
    assert {name: parts for name, parts in found.items() if parts} == {}


def test_none_uses_patchbay() -> None:
    for path in SCRIPTS:
        code = re.sub(r"^#.*", "", path.read_text("utf-8"), flags=re.M)
        assert "import patchbay" not in code
        assert "from patchbay" not in code


def test_nothing_else_lies_there() -> None:
    others = {path.name for path in FOLDER.iterdir()} - {path.name for path in SCRIPTS}
    assert others == {"README.md", "_env.sh"}


@pytest.mark.parametrize("part", ["# Guess:", "# What happens:", "# Seen with", "# Why it", "=="])
def test_what_a_script_leaves_out_is_found(part: str) -> None:
    whole = Path(SCRIPTS[0]).read_text("utf-8")
    assert lacking(whole) == []
    assert lacking(whole.replace(part, "#"))

"""One broken flow and one message snapshot per rule, and the page that the rules make.

To take new snapshots after a change of words: `REWRITE=1 pytest` with this
file, then read the diff.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from patchbay.flows.checks.rules import RULES
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.reading import read_flow
from patchbay.flows.wording import UNSAFE
from tests.flows.checks.rules_kit import CATALOG

BROKEN = Path(__file__).parents[2] / "fixtures" / "broken"
ROOT = Path(__file__).parents[3]
UNSAVABLE = {"structure/duplicate-id"}  # such a file is already refused when it is read
CODES = [rule.code for rule in RULES if rule.code not in UNSAVABLE]


@pytest.fixture(autouse=True)
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine is of the same size here."""
    monkeypatch.setattr("patchbay.flows.machine.memory_limit", lambda: 2_000_000_000)


@pytest.mark.parametrize("code", CODES)
def test_a_broken_flow_is_told_in_these_words(code: str) -> None:
    path = BROKEN / f"{code.replace('/', '-')}.json"
    problems = validate(read_flow(path), CATALOG, BROKEN, path.name)
    told = "".join(f"{problem}\n" for problem in problems).replace(str(BROKEN), "BROKEN")
    expected = path.with_suffix(".txt")
    if os.environ.get("REWRITE"):
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")
    assert {problem.code for problem in problems} == {code}
    severity = next(rule.severity for rule in RULES if rule.code == code)
    assert {problem.severity for problem in problems} == {severity}
    assert all(problem.fix for problem in problems)
    assert not UNSAFE.search(told.replace("\n", ""))


def test_no_snapshot_is_left_over() -> None:
    names = {path.stem for path in BROKEN.glob("*.*")}
    ours = {code.replace("/", "-") for code in CODES}
    assert not names - ours, "no rule of flows/checks/rules/__init__.py has these files"
    assert not ours - names, f"write them in {BROKEN.relative_to(ROOT)}, then REWRITE=1"


def test_every_rule_that_is_written_stands_in_the_table() -> None:
    table = {rule.check.__name__ for rule in RULES}
    forgotten = [
        f"{path.name}: {made.name}"
        for path in sorted((ROOT / "flows/checks/rules").glob("*.py"))
        for made in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(made, ast.FunctionDef)
        and not made.name.startswith("_")
        and [given.arg for given in made.args.args] == ["facts"]
        and made.name not in table
    ]
    assert not forgotten, "give each its line in RULES of flows/checks/rules/__init__.py"


def test_codes_are_unique_and_every_rule_says_what_it_is_about() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert all(rule.doc for rule in RULES)

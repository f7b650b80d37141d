"""docs/problems.md, from the rules: `python -m patchbay.flows.checks.rules.page --write`."""

from __future__ import annotations

import sys
from pathlib import Path

from patchbay.flows.checks.rules import RULES
from patchbay.nodes.generated import main

PAGE = Path(__file__).parents[3] / "docs" / "problems.md"

HEAD = """# Problems

Everything that can be wrong with a flow, by code. `patchbay validate FLOW` and the studio tell all
of it at once, each with its place and what to do. An error keeps the flow from running, a warning
does not. What is wrong only inside a disabled node is a warning. What goes wrong with
files and while a flow runs has a page of its own: [failures](failures.md).

This page is generated from the rules in `flows/checks/rules/`
(`python -m patchbay.flows.checks.rules.page --write`).
"""


def page_text() -> str:
    """The page as it is committed."""
    rules = (f"## {rule.code}\n\n*{rule.severity}*\n\n{rule.doc}\n" for rule in RULES)
    return "\n".join([HEAD, *rules])


if __name__ == "__main__":
    sys.exit(main(PAGE, page_text, "patchbay.flows.checks.rules.page"))

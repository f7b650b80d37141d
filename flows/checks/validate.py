"""Everything that is wrong with a flow, at once."""

from __future__ import annotations

from pathlib import Path

from patchbay.flows.checks.resolve import Resolved, resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.problems import Problem
from patchbay.nodes.catalog import Catalog


def validate(
    flow: Flow, catalog: Catalog, folder: Path | None = None, file: str = ""
) -> list[Problem]:
    """Every finding about a flow, in the order of its nodes.

    Args:
        flow: the flow; anything that the model allows.
        catalog: the kinds of node there are.
        folder: where the flow lies, so that the flows it runs can be looked at; None for nowhere.
        file: the name of its own file there, so that it is noticed when it runs itself although
            that has not been saved yet.
    """
    return validate_resolved(resolve_once(flow, catalog, folder), folder, file)


def validate_resolved(
    resolved: Resolved, folder: Path | None = None, file: str = ""
) -> list[Problem]:
    """Likewise, for a flow that is already resolved."""
    from patchbay.flows.checks.rules import RULES, Facts

    facts = Facts(resolved, folder, file)
    return facts.in_order(problem for rule in RULES for problem in rule.problems(facts))

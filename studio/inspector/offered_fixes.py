"""All that is wrong with an open flow, errors first, each with the edits that would fix it."""

from __future__ import annotations

from typing import Any

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.document.operations import dump_operation
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.fix import Fix
from patchbay.studio.inspector.fixes import fixes
from patchbay.studio.inspector.fixes_of_wires import LABELS
from patchbay.studio.server.services import services

SHOWN = 50


def found_in(document: FlowDocument) -> dict[str, Any]:
    """`problems`, the first `SHOWN` of them, and how many `more` there are.

    Each has the fields of a `Problem` that say something, and `offers`: what a button says, and the
    operation (`op`) that it makes, or the flow that it `opens`.
    """
    path = document.path
    resolved = resolve_once(document.flow, services().catalog, document.folder)
    facts = Facts(resolved, path.parent if path else None, path.name if path else "")
    found = sorted(document.problems(), key=lambda problem: problem.severity != "error")
    told = []
    for problem in found[:SHOWN]:
        offers = [_told(fix) for fix in fixes(facts, problem)]
        fields = ("code", "severity", "node", "port", "param", "message", "fix")
        said = {name: value for name in fields if (value := getattr(problem, name))}
        told.append({**said, "offers": offers})
    told.sort(key=lambda one: (one["severity"] != "error", not _first(one["offers"])))
    return {"problems": told, "more": max(0, len(found) - SHOWN)}


def _told(fix: Fix) -> dict[str, Any]:
    if fix.opens:
        return {"label": fix.label, "opens": fix.opens}
    return {"label": fix.label, "op": dump_operation(fix.operation)}


def _first(offers: list[dict[str, Any]]) -> bool:
    """A missing model comes first: without one nothing else can be tried."""
    return any(offer["label"] in LABELS.values() for offer in offers)

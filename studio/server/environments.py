"""Whose values the variables of an open flow have in runs of this session."""

from __future__ import annotations

from patchbay.flows.document.model import Flow
from patchbay.flows.document.variables import settled
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server import session

USUAL = "as this machine says"
"""The choice that leaves it to the machine."""


def chosen_environment(document: FlowDocument) -> str:
    """The environment that this tab runs the flow for; `USUAL` where nobody chose one."""
    return str(session.recall(_key(document), USUAL))


def choose_environment(document: FlowDocument, name: str) -> None:
    """Run the flow for an environment from now on."""
    session.remember(_key(document), name)


def flow_to_run(document: FlowDocument) -> Flow:
    """The flow with the values of the environment that is chosen."""
    flow = document.flow
    if not flow.variables:
        return flow
    chosen = chosen_environment(document)
    return settled(flow, "" if chosen == USUAL else chosen, strict=False)


def _key(document: FlowDocument) -> str:
    return f"environment:{document.id}"

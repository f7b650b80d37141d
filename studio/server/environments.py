"""Whose values the variables of an open flow have in runs from this browser."""

from __future__ import annotations

from patchbay.flows.document.model import Flow
from patchbay.flows.document.variables import settled
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server import session
from patchbay.studio.server.services import services

USUAL = "as this machine says"
"""The choice that leaves it to the machine."""


def chosen_environment(document: FlowDocument, browser: str | None = None) -> str:
    """The environment that this browser runs the flow for; `USUAL` where nobody chose one.

    `browser` is for whoever asks outside of a page.
    """
    form = services().forms.of(document.id, browser or session.browser())
    return USUAL if form.environment is None else form.environment


def choose_environment(document: FlowDocument, name: str, browser: str | None = None) -> None:
    """Run the flow for an environment from now on."""
    form = services().forms.of(document.id, browser or session.browser())
    form.environment = None if name == USUAL else name


def flow_to_run(document: FlowDocument, browser: str | None = None) -> Flow:
    """The flow with the values of the environment that is chosen."""
    flow = document.flow
    if not flow.variables:
        return flow
    chosen = chosen_environment(document, browser)
    return settled(flow, "" if chosen == USUAL else chosen, strict=False)

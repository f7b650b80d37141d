"""Starting and stopping a person's runs of an open flow, with what stands in its form.

The page, its commands and the routes beside it all start a run here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.pinning import for_run, ran
from patchbay.studio.runs.live_run import LiveRun
from patchbay.studio.server.environments import flow_to_run
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services

if TYPE_CHECKING:
    from patchbay.flows.runs.thread_runs import InThread


def start(
    document: FlowDocument,
    browser: str,
    inputs: dict[str, Any] | None = None,
    *,
    only: tuple[str, ...] = (),
    fresh: str | None = None,
    thread: InThread | None = None,
) -> bool:
    """Start the flow. False if it cannot be; the reasons are kept, see `refusals`.

    Args:
        document: the flow.
        browser: whose run it is.
        inputs: values of its inputs; what stands in its form unless given.
        only: just these nodes and what they need.
        fresh: the id of a node that runs even where its result is known.
        thread: that it is a turn of a conversation.
    """
    form = services().forms.of(document.id, browser)
    form.refused = (-1, ())
    given = form_values(document, browser) if inputs is None else inputs
    try:
        services().runner.start(
            document.id, browser, flow_to_run(document, browser), given,
            folder=document.folder, only=only, fresh=fresh, path=document.path, thread=thread,
            pinned=for_run(document, fresh),
        )  # fmt: skip
        ran(document)
    except FlowError as error:
        form.refused = (document.revision, tuple(error.problems))
        return False
    return True


def refusals(document: FlowDocument, browser: str) -> tuple[Problem, ...]:
    """Why the flow, as it is now, was not started when this person tried."""
    revision, problems = services().forms.of(document.id, browser).refused
    return problems if revision == document.revision else ()


def form_values(document: FlowDocument, browser: str) -> dict[str, Any]:
    """What stands in the form, for inputs that were touched; the rest has defaults."""
    typed = services().forms.of(document.id, browser).values
    names = [field.name for field in asked(document.flow).inputs]
    return {name: typed[name] for name in names if typed.get(name) not in (None, "")}


def missing(document: FlowDocument, browser: str) -> list[str]:
    """Inputs that must be given and have no value yet."""
    given = form_values(document, browser)
    return [f.name for f in asked(document.flow).inputs if f.required and f.name not in given]


def latest(document: FlowDocument, browser: str) -> LiveRun | None:
    """This person's latest run of the flow."""
    return services().runner.latest(document.id, browser)


def stop(document: FlowDocument, browser: str) -> None:
    """Stop it."""
    if live := latest(document, browser):
        services().runner.stop(live.id)

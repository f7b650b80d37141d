"""What the editor's canvas may ask for, done: runs, the panel beside it, dropped files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from patchbay.flows.document.edit import EditError
from patchbay.flows.problems import FlowError
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.importing import dropped, taken_in
from patchbay.studio.inspector.starting import missing, start
from patchbay.studio.server import session
from patchbay.studio.server.questions import asked
from patchbay.studio.server.services import services
from patchbay.studio.server.wished_page import is_wished, open_in_editor

REFUSED_RUN = "refused-run"
"""Under which a tab remembers the notice that a run was refused, until nothing is wrong."""


@dataclass(frozen=True, slots=True)
class EditorCommands:
    """The editor as its canvas sees it: `patchbay.studio.canvas.commands.CanvasPage`."""

    document: FlowDocument
    rerun: Callable[[], None]

    def run(self) -> None:
        """Run the flow, or ask for what it needs first."""
        run_flow(self.document)

    def note_try(self) -> None:
        """Count what is wrong from now on."""
        session.note_try(self.document)

    def run_to(self, node: str) -> None:
        """Run a node and what it needs."""
        run_node(self.document, node, again=False)

    def rerun_from(self, node: str) -> None:
        """Run the flow, this node even where its result is known."""
        run_node(self.document, node, again=True)

    def show_documents(self, node: str) -> None:
        """Show the documents of a node, once the page is drawn again."""
        session.remember("show-documents", node)

    def make_flow(self, selection: str) -> None:
        """Make a flow file of a selection, and run it by one node in its place."""
        from patchbay.studio.documents.extracted import make_flow, words

        try:
            asked = json.loads(selection)
            chosen, name = [str(each) for each in asked["ids"]], str(asked["name"])
        except (ValueError, KeyError, TypeError):
            return
        here, me = services(), session.client()
        try:
            made, path = make_flow(
                self.document, chosen, name, library=here.library, catalog=here.catalog, client=me
            )
        except EditError as error:
            self.notice(str(error))
        except FlowError as error:
            self.notice(f"The flow cannot be saved; nothing was changed. {error.in_words()}")
        else:
            session.reveal(made.node)
            self.notice(words(made, path))

    def edit_from(self, moment: str) -> None:
        """Nothing here is past: `PastCommands` goes on from a run."""

    def open_file(self, dropped_file: str) -> None:
        """Open the flow in a file that was dropped on the page, as a new flow."""
        try:
            name, data = dropped(dropped_file)
            rows = taken_in(services().library, data, name)
        except FlowError as error:
            found = " ".join(problem.in_words() for problem in error.problems[:5])
            self.notice(f"The file cannot be opened; nothing was changed. {found}")
            return
        if any(row.report is not None for row in rows):
            session.remember("report", rows)
        open_in_editor(rows[0].stem)

    def open_flow(self, name: str) -> None:
        """Open another of the person's flows."""
        if services().library.path(name) is None:
            self.notice("This flow is not there any more.")
            return
        open_in_editor(name)

    def use_template(self, name: str) -> None:
        """Open a copy of a template; one, however often it is asked for until that is open."""
        if is_wished():
            return
        library = services().library
        template = next((p for p in library.template_files() if p.stem == name), None)
        if template is None:
            self.notice("This template is not there any more.")
            return
        try:
            self.open_flow(library.use_template(template).stem)
        except FlowError as error:
            self.notice(f"The template cannot be used. {error.in_words()}")

    def notice(self, words: str) -> None:
        """Say something above the canvas."""
        session.remember("notice", words)

    def refresh(self) -> None:
        """Rerun what depends on the flow or the run."""
        self.rerun()


def errors_in(document: FlowDocument) -> int:
    """How many there are; an empty canvas is no mistake."""
    if not document.flow.nodes:
        return 0
    return sum(problem.severity == "error" for problem in document.problems())


def run_flow(document: FlowDocument) -> None:
    """Start a run and show it; where something is wrong or missing, show that instead."""
    session.note_try(document)
    if bad := errors_in(document):
        session.show_panel("Problems")
        what = "this error" if bad == 1 else f"these {bad} errors"
        words = f"Nothing was run. Correct {what} first."
        session.remember("notice", words)
        session.remember(REFUSED_RUN, words)
    elif missing(document, session.browser()):
        session.show_panel("Chat" if asked(document.flow).chat_input else "Run")
        session.remember("notice", "Fill in what the flow asks for, then run it.")
    else:
        start(document, session.browser())
        session.show_panel("Run")


def run_node(document: FlowDocument, node_id: str, again: bool) -> None:
    """Run up to a node, or (`again`) everything, that node even where its result is known."""
    session.note_try(document)
    if again:
        start(document, session.browser(), fresh=node_id)
    else:
        start(document, session.browser(), only=(node_id,))
    session.show_panel("Run")

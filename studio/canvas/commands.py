"""What the canvas can ask of its page, beyond edits: one table, for every page that mounts it.

The browser sends a command by name (`doc.command("run_to", node)` in the frontend). A page hands
it to `perform`, with itself as the `CanvasPage`. What concerns the document alone is done here, so
that no page can forget it; the rest is the page's to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from patchbay.studio.documents.document import FlowDocument

Handler = Callable[["CanvasPage", str], object]
"""Does what was asked, given the page and the command's argument. What it returns is dropped."""


class CanvasPage(Protocol):
    """What a page does for the canvas on it."""

    @property
    def document(self) -> FlowDocument:
        """The flow that the canvas shows."""

    def run(self) -> None:
        """Run the flow."""

    def note_try(self) -> None:
        """Somebody has tried to run it elsewhere than on the page: what is wrong counts now."""

    def run_to(self, node: str) -> None:
        """Run a node and what it needs."""

    def rerun_from(self, node: str) -> None:
        """Run the flow, this node even where its result is known."""

    def open_flow(self, name: str) -> None:
        """Open another of the person's flows, by the name of its file."""

    def use_template(self, name: str) -> None:
        """Open a copy of a flow that ships, by the name of its file."""

    def make_flow(self, selection: str) -> None:
        """Make a flow of a selection: JSON with its `ids` and the `name` that the flow is given."""

    def edit_from(self, moment: str) -> None:
        """Go on from a moment of a past run: JSON with `at` (seconds) and `node` ("" for none)."""

    def show_documents(self, node: str) -> None:
        """Show what a node that loads documents reads, and how it is cut and found."""

    def open_file(self, dropped: str) -> None:
        """Open the flow in a file that was dropped, as `documents.importing.dropped` takes it."""

    def notice(self, words: str) -> None:
        """Tell the person something, in plain words."""

    def refresh(self) -> None:
        """Show what the commands have changed. Called once after them; need not return."""


COMMANDS: Mapping[str, Handler] = {
    "run": lambda page, _: page.run(),
    "tried": lambda page, _: page.note_try(),
    "run_to": lambda page, node: page.run_to(node),
    "rerun_from": lambda page, node: page.rerun_from(node),
    "documents": lambda page, node: page.show_documents(node),
    "make_flow": lambda page, chosen: page.make_flow(chosen),
    "edit_from": lambda page, moment: page.edit_from(moment),
    "import": lambda page, dropped: page.open_file(dropped),
    "open": lambda page, name: page.open_flow(name),
    "template": lambda page, name: page.use_template(name),
    "save": lambda page, _: page.document.save(),
    "keep_mine": lambda page, _: page.document.keep_mine(),
    "take_theirs": lambda page, _: page.document.take_theirs(),
}
"""By the names that the frontend uses; `tests/studio/test_canvas_commands.py` compares them."""


def perform(name: str, argument: str, page: CanvasPage) -> None:
    """Do what the canvas asks. What nobody knows becomes a notice."""
    handler = COMMANDS.get(name)
    if handler is None:
        page.notice(
            f'The canvas asked for "{name}", which this studio does not know. '
            "Nothing was done. Reload the page: it may be older than the studio."
        )
        return
    handler(page, argument)

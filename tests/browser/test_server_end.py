"""The server ends when it is asked to, whatever is open in browsers and at work."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from patchbay.flows.runs.history import History
from tests.browser.editor_page import edit, messages, run, say, tab
from tests.browser.flow_files import long_story
from tests.browser.harness import LONGEST_END_S, ROOT, Server, serve


def at_work_in_the_editor(studio: Server, page: Page) -> None:
    """A run whose answer is being written, and a canvas that is told of it."""
    edit(studio, page, "story")
    panel = run(page)
    expect(panel.get_by_role("button", name="Stop")).to_be_visible()


def at_work_in_the_chat(studio: Server, page: Page) -> None:
    """A turn whose answer is being written."""
    edit(studio, page, "story")
    tab(page, "Chat")
    say(page, "Owls")
    expect(messages(page)).to_have_count(2)


@pytest.mark.parametrize(
    ("name", "begin"), [("SIGINT", at_work_in_the_editor), ("SIGTERM", at_work_in_the_chat)]
)
def test_it_ends_at_the_first_signal(
    name: str, begin: Callable[[Server, Page], None], tmp_path: Path, empty_page: Page
) -> None:
    with serve(ROOT / "studio" / "app.py", tmp_path) as studio:
        (tmp_path / "flows").mkdir(exist_ok=True)
        long_story(studio, "story")
        begin(studio, empty_page)
        studio.process.send_signal(getattr(signal, name))
        studio.process.wait(LONGEST_END_S)
    (left,) = History(f"sqlite:///{tmp_path / 'history.sqlite'}").runs()
    assert left.status != "finished"

"""A second press on what makes a flow and opens it, in Streamlit's own test of a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from patchbay.studio.server import services as kept
from patchbay.studio.server.services import Services


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    made = Services(tmp_path)
    monkeypatch.setattr(kept, "_services", made)
    return made


def app() -> None:
    import streamlit as st

    from patchbay.flows.document.model import Flow
    from patchbay.studio.screens import flows
    from patchbay.studio.screens.editor_commands import EditorCommands
    from patchbay.studio.server import wished_page
    from patchbay.studio.server.services import services

    def page() -> None:
        st.button("use", key="use", on_click=flows._use, args=(template,))
        st.button("new", key="new", on_click=flows._new)
        st.button("command", key="command", on_click=commands.use_template, args=("ask",))

    def editor() -> None:
        if st.session_state.get("slow"):
            page()
            st.stop()  # as Streamlit ends what it draws for the next press
        page()

    template = services().library.templates_folder / "ask.json"
    document = services().documents.shown(Flow(name="Mine"))
    commands = EditorCommands(document, lambda: None)
    pages: dict[wished_page.PageName, st.Page] = {
        "flows": st.Page(page, url_path="flows", default=True),
        "editor": st.Page(editor, url_path="editor"),
    }
    wished_page.draw(pages, st.navigation(list(pages.values())))


@pytest.mark.parametrize("key", ["use", "new", "command"])
def test_it_makes_one_flow(here: Services, key: str) -> None:
    page = AppTest.from_function(app, default_timeout=240).run()
    page.session_state["slow"] = True
    page.button(key).click().run()
    page.button(key).click().run()
    assert not page.exception
    assert len(here.library.own_files()) == 1
    page.session_state["slow"] = False
    page.run()  # it is open
    page.button(key).click().run()
    assert len(here.library.own_files()) == 2, "whoever presses later wants another"

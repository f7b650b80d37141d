"""What is done with one's own flows on the Flows page, in Streamlit's own test of a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.studio.documents.pins import Pin, Pins
from patchbay.studio.server import services as kept
from patchbay.studio.server.services import Services

FLOW = Flow(name="Mine", nodes=(NodeInstance(id="a", kind="io.value"),))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Two flows, `mine` and `mine-2`."""
    made = Services(tmp_path)
    monkeypatch.setattr(kept, "_services", made)
    made.library.create(FLOW)
    made.library.create(FLOW)
    return made


def app() -> None:
    import streamlit as st

    from patchbay.studio.screens.flow_dialogs import dialogs
    from patchbay.studio.screens.own_flows import FILE, ask_for, delete_flow, undelete
    from patchbay.studio.server import session
    from patchbay.studio.server.services import services

    path = services().library.folder / "mine.json"
    st.button("delete", key="delete", on_click=delete_flow, args=(path,))
    st.button("undo", key="undo", on_click=undelete)
    for each in sorted(services().library.own_files()):
        st.button("file", key=f"file {each.stem}", on_click=ask_for, args=(FILE.lower(), each))
    if session.recall("dialog"):
        dialogs(lambda template: None)


def press(page: AppTest, key: str) -> AppTest:
    page.button(key).click().run()
    assert not page.exception
    return page


def test_pinned_values_go_with_a_deleted_flow_and_come_back_with_it(here: Services) -> None:
    path = here.library.folder / "mine.json"
    Pins(here.home, path).put({"a": Pin("io.value", {"value": 1})})
    page = press(AppTest.from_function(app, default_timeout=240).run(), "delete")
    assert not path.exists()
    again = here.library.create(FLOW)
    assert again == path
    assert here.documents.open(again).pins.of(FLOW) == {}, "the next flow of the name has none"
    press(page, "undo")
    back = here.library.folder / "mine-3.json"
    assert list(here.documents.open(back).pins.of(FLOW)) == ["a"]
    press(page, "undo")  # pressed twice: there is nothing more to bring back


def test_a_flow_that_cannot_be_brought_back_is_told(here: Services) -> None:
    page = press(AppTest.from_function(app, default_timeout=240).run(), "delete")
    for resting in here.library.trash.iterdir():
        resting.unlink()
    press(page, "undo")
    assert page.session_state["notice"].startswith("mine could not be brought back")


def test_a_dialog_that_was_closed_leaves_nothing_to_the_next_flow(here: Services) -> None:
    here.filing.put("mine", "Teaching", ["week 2"])
    page = press(AppTest.from_function(app, default_timeout=240).run(), "file mine")
    assert page.selectbox[0].value == "Teaching"
    press(page, "file mine-2")
    assert page.selectbox[0].value is None
    assert page.multiselect[0].value == []

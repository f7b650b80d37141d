"""The page that a press leads to, in Streamlit's own test of a page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def app() -> None:
    import streamlit as st

    from patchbay.studio.server import wished_page
    from patchbay.studio.server.reruns import rerun_parts

    state = st.session_state
    state.setdefault("drawn", [])

    def command() -> None:  # as the canvas has it: what was asked for is done, then all is shown
        wished_page.wish("editor", flow="other")
        rerun_parts("part")

    @st.fragment(key="part")
    def part() -> None:
        st.button("go", key="go", on_click=wished_page.go, args=("editor",),
                  kwargs={"flow": "mine"})  # fmt: skip
        st.button("command", key="command", on_click=command)

    def flows() -> None:
        state["drawn"].append("flows")
        st.button("wish", key="wish", on_click=wished_page.open_in_editor, args=("mine",))
        part()

    def editor() -> None:
        if state.pop("fails", False):
            raise ValueError("a defect")
        if state.pop("ended", 0):
            st.stop()  # as Streamlit ends what it draws when a browser asks for something else
        state["drawn"].append(f"editor {st.query_params.get('flow')}")

    pages: dict[wished_page.PageName, st.Page] = {
        "flows": st.Page(flows, url_path="flows", default=True),
        "editor": st.Page(editor, url_path="editor"),
    }
    state["first"] = pages["flows"]._script_hash
    wished_page.draw(pages, st.navigation(list(pages.values())))


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_function(app, default_timeout=240).run()


def back(page: AppTest) -> None:
    """The browser asks for the first page. (`switch_page` knows pages that are files only.)"""
    page._page_hash = page.session_state["first"]
    page.run()
    page._page_hash = ""
    assert not page.exception


def drawn(page: AppTest) -> list[str]:
    found: list[str] = page.session_state["drawn"]
    return found[1:]


@pytest.mark.parametrize("key", ["wish", "go"])
def test_a_press_leads_to_the_page_once(page: AppTest, key: str) -> None:
    page.button(key).click().run()
    assert not page.exception
    assert drawn(page) == ["editor mine"]
    back(page)
    assert drawn(page) == ["editor mine", "flows"], "whoever comes back stays there"


def test_a_command_of_the_canvas_leads_there_too(page: AppTest) -> None:
    page.button("command").click().run()
    assert not page.exception
    assert drawn(page) == ["editor other"]


@pytest.mark.parametrize("key", ["wish", "go", "command"])
def test_a_page_that_was_ended_is_reached_from_the_old_one(page: AppTest, key: str) -> None:
    page.session_state["ended"] = 1
    page.button(key).click().run()
    assert drawn(page) == []
    back(page)  # what the browser had sent meanwhile names the old page, and no button
    assert len(drawn(page)) == 1
    assert drawn(page)[0].startswith("editor ")


def test_a_page_that_cannot_be_drawn_holds_nobody(page: AppTest) -> None:
    page.session_state["fails"] = True
    page.button("wish").click().run()
    assert page.exception
    back(page)
    assert drawn(page) == ["flows"]


def test_another_page_that_was_chosen_meanwhile_is_drawn(page: AppTest) -> None:
    from patchbay.studio.server.wished_page import WISH, WishedPage

    page.session_state[WISH] = WishedPage("editor", {"flow": "mine"}, on="models")
    page.run()
    page.run()
    assert drawn(page) == ["flows", "flows"]


def test_an_address_that_is_never_met_leads_nowhere_in_the_end(page: AppTest) -> None:
    from patchbay.studio.server.wished_page import WISH, WishedPage

    page.session_state[WISH] = WishedPage("flows", {"never": 1}, on="flows")  # type: ignore[dict-item]
    page.run()
    assert drawn(page) == ["flows"]

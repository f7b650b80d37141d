"""Parts of a page that are rerun, in Streamlit's own test of a page."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def app() -> None:
    import streamlit as st

    from patchbay.studio.server.reruns import rerun_parts

    state = st.session_state
    state["page"] = state.get("page", 0) + 1

    @st.fragment(key="there")
    def there() -> None:
        state["part"] = state.get("part", 0) + 1

    there()
    st.button("part", on_click=rerun_parts, args=("there",))
    st.button("gone", on_click=rerun_parts, args=("there", "gone"))


def drawn(page: AppTest) -> tuple[int, int]:
    assert not page.exception
    return page.session_state["page"], page.session_state["part"]


def test_a_part_is_rerun_alone() -> None:
    page = AppTest.from_function(app, default_timeout=240).run()
    assert drawn(page) == (1, 1)
    page.button[0].click().run()
    whole, part = drawn(page)
    assert part > 1
    assert whole == 1


def test_where_a_part_is_gone_the_page_is_rerun() -> None:
    page = AppTest.from_function(app, default_timeout=240).run()
    page.button[1].click().run()
    whole, _ = drawn(page)
    assert whole > 1

"""The only owner of `st.session_state`: what one browser tab has open, selected and typed."""

from __future__ import annotations

import secrets
from typing import Any, Literal

import streamlit as st

from flows.problems import FlowError
from studio.document import Document
from studio.events_route import COOKIE, tokens
from studio.services import services

Panel = Literal["Node", "Chat", "Run", "Problems"]
PANEL = "panel"
CANVAS = "canvas"


def browser() -> str:
    """The name of this browser; the same in all its tabs, and after a reload."""
    return st.context.cookies.get(COOKIE) or _once("browser", lambda: secrets.token_urlsafe(18))


def client() -> str:
    """The name of this tab's canvas."""
    return _once("client", Document.new_client)


def open_flow(name: str) -> None:
    """Make a flow the one that the editor shows."""
    st.session_state["flow"] = name


def flow_name() -> str:
    """The file name of the open flow, from the address or as last opened in this tab."""
    name = st.query_params.get("flow") or st.session_state.get("flow") or ""
    if name:
        st.session_state["flow"] = name
    return str(name)


def current() -> Document | None:
    """The open flow's document, or None. Not for pages: it hides why a file cannot be opened."""
    path = services().library.path(flow_name())
    if path is None:
        return None
    try:
        return services().documents.open(path)
    except FlowError:
        return None


def token(document: Document) -> str:
    """The token with which this tab hears of a document."""
    held: dict[str, str] = _once("tokens", dict)
    if document.id not in held:
        held[document.id] = tokens.issue(document.id, browser())
    return held[document.id]


def reveal(node: str) -> None:
    """Show and select a node on the canvas."""
    _, number = st.session_state.get("reveal", ("", 0))
    st.session_state["reveal"] = (node, number + 1)
    st.session_state["shown_node"] = node


def revealed() -> tuple[str, int] | None:
    """What the canvas was last asked to show."""
    return st.session_state.get("reveal")


def show_panel(panel: Panel) -> None:
    """Bring a tab of the right panel to the front. For callbacks."""
    st.session_state[PANEL] = panel


def recall(name: str, default: Any = None) -> Any:
    """Something that this tab remembers."""
    return st.session_state.get(name, default)


def remember(name: str, value: Any) -> None:
    """Remember something in this tab."""
    st.session_state[name] = value


def forget(name: str) -> None:
    """Forget it again."""
    st.session_state.pop(name, None)


def once(name: str, make: Any) -> Any:
    """What this tab remembers under `name`, made when it is first asked for."""
    return _once(name, make)


def _once(name: str, make: Any) -> Any:
    if name not in st.session_state:
        st.session_state[name] = make()
    return st.session_state[name]

"""The only owner of `st.session_state`: what one browser tab has open, selected and typed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.studio.server.cookie import COOKIE
from patchbay.studio.server.services import services

if TYPE_CHECKING:  # every page imports this one, and not every page opens a flow
    from patchbay.studio.documents.document import FlowDocument

PanelName = Literal["Values", "Chat", "Run", "Problems"]
PANELS: tuple[PanelName, ...] = get_args(PanelName)
"""The tabs of the canvas's dock beside the settings of what is selected, in their order."""
T = TypeVar("T")

PANEL = "panel"
CANVAS = "canvas"


def browser() -> str:
    """The name of this browser; the same in all its tabs, and after a reload."""
    return st.context.cookies.get(COOKIE) or once("browser", lambda: secrets.token_urlsafe(18))


def client() -> str:
    """The name of this tab's canvas."""
    return once("client", _new_client)


def _new_client() -> str:
    from patchbay.studio.documents.document import FlowDocument

    return FlowDocument.new_client()


def open_flow(name: str) -> None:
    """Make a flow the one that the editor shows."""
    st.session_state["flow"] = name


def flow_name() -> str:
    """The file name of the open flow, from the address or as last opened in this tab."""
    name = st.query_params.get("flow") or st.session_state.get("flow") or ""
    if name:
        st.session_state["flow"] = name
    return str(name)


def current() -> FlowDocument | None:
    """The open flow's document, or None. Not for pages: it hides why a file cannot be opened."""
    path = services().library.path(flow_name())
    if path is None:
        return None
    try:
        return services().documents.open(path)
    except FlowError:
        return None


def token(document: FlowDocument) -> str:
    """The token with which this tab hears of a document."""
    held: dict[str, str] = once("tokens", dict)
    if document.id not in held:
        held[document.id] = services().grants.issue(document.id, browser())
    return held[document.id]


def reveal(node: str) -> None:
    """Show and select a node on the canvas."""
    _, number = st.session_state.get("reveal", ("", 0))
    st.session_state["reveal"] = (node, number + 1)


def revealed() -> tuple[str, int] | None:
    """What the canvas was last asked to show."""
    return st.session_state.get("reveal")


def show_panel(panel: PanelName) -> None:
    """Bring a panel of the canvas's dock to the front, and unfold the dock."""
    _, times = shown_panel()
    st.session_state[PANEL] = (panel, times + 1)


def shown_panel() -> tuple[str, int]:
    """The panel that was brought to the front from Python last, and how often one was: a higher
    number is a new wish."""
    wish: tuple[str, int] = st.session_state.get(PANEL, ("", 0))
    return wish


def note_try(document: FlowDocument) -> None:
    """Somebody has tried to run the flow, or had it checked: what is missing is a fault now."""
    st.session_state[f"tried:{document.id}"] = True


def tried(document: FlowDocument) -> bool:
    """Whether somebody did in this tab. Before that the page counts no errors."""
    return bool(st.session_state.get(f"tried:{document.id}"))


def told() -> tuple[str, int]:
    """The last notice, and how many there were: a higher number is a new one.

    For a part of the page that is drawn again and again; others `recall` and `forget` it.
    """
    said: tuple[str, int] = st.session_state.get("told", ("", 0))
    if notice := recall("notice"):
        forget("notice")
        st.session_state["told"] = said = (notice, said[1] + 1)
    return said


def unsay(name: str) -> None:
    """Take back the notice that is kept under this name as well, unless another came since."""
    said: tuple[str, int] = st.session_state.get("told", ("", 0))
    if (words := recall(name)) is not None and said[0] == words:
        st.session_state["told"] = ("", said[1] + 1)
    forget(name)


# --- what is open over the page -------------------------------------------------------------------


def opens_large() -> None:
    """Note that something is open over the page, which a rerun of all of the page would close."""
    st.session_state["large"] = True


def closes_large() -> None:
    """Note that it was closed, or that all of the page is drawn anew."""
    st.session_state.pop("large", None)


def is_large() -> bool:
    """Whether something is open over the page: a part that reruns by itself leaves it alone."""
    return "large" in st.session_state


# --- widgets that show what a document holds ------------------------------------------------------


def widget_key(name: str, value: Any) -> str:
    """The key of a widget that shows `value`; a new one when the value was changed elsewhere.

    A widget that is given a value under its old key may keep, and send back, what it had: Streamlit
    tells the browser only in some kinds of rerun. A widget with a new key starts from its value.
    """
    stamp = _stamp(value)
    if st.session_state.get(f"{name}:seen") != stamp:
        st.session_state[f"{name}:seen"] = stamp
        st.session_state[f"{name}:turn"] = st.session_state.get(f"{name}:turn", 0) + 1
    return f"{name}:{st.session_state[f'{name}:turn']}"


def widget_gave(name: str, key: str, value: Any) -> bool:
    """Whether a widget's callback brings news. False: it is a widget of before, or says the same.

    Streamlit may call the callback of a widget that is no longer drawn, since the browser goes on
    sending its value.
    """
    stamp = _stamp(value)
    current = f"{name}:{st.session_state.get(f'{name}:turn', 0)}"
    if key != current or st.session_state.get(f"{name}:seen") == stamp:
        return False
    st.session_state[f"{name}:seen"] = stamp
    return True


def path_key(path: Path) -> str:
    """What the widgets of a file are called: of another file never the same.

    Not made of its name: `a_b` and `a-b` would give one class name for a style sheet.
    """
    return short_key(os.fsdecode(path))


def short_key(name: str) -> str:
    """A name of any length and letters as one that a style sheet can hold, never shared by two."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def draws(part: str, stamp: object) -> None:
    """Note what a part of the page shows, as it is drawn."""
    st.session_state[f"drawn:{part}"] = stamp


def drew(part: str, stamp: object) -> bool:
    """Whether a part of the page, as it was last drawn, shows the same."""
    return bool(st.session_state.get(f"drawn:{part}") == stamp)


def _stamp(value: Any) -> str:
    return json.dumps(value, default=str)


def recall(name: str, default: Any = None) -> Any:
    """Something that this tab remembers."""
    return st.session_state.get(name, default)


def remember(name: str, value: Any) -> None:
    """Remember something in this tab."""
    st.session_state[name] = value


def forget(name: str) -> None:
    """Forget it again."""
    st.session_state.pop(name, None)


def once(name: str, make: Callable[[], T]) -> T:
    """What this tab remembers under `name`, made when it is first asked for."""
    if name not in st.session_state:
        st.session_state[name] = make()
    kept: T = st.session_state[name]
    return kept

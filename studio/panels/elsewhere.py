"""Use it elsewhere: serve a flow to other programs, and what they call it with, to copy."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.studio.plain_text import plain
from patchbay.studio.server import session
from patchbay.studio.server.served_flows import FlowServer
from patchbay.studio.server.services import services
from patchbay.studio.views.problems import list_problems

if TYPE_CHECKING:
    from patchbay.flows.server.core.shelf import ServedFlow

_ORIGIN = re.compile(r"https?://[^/\s]+")
_INSTALL = "pip install 'patchbay-studio[serving]'"


@st.dialog("Use it elsewhere", width="large")
def elsewhere_dialog(path: Path) -> None:
    """Serve the flow of a file, and show how it is called."""
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn")):
        st.warning("Serving flows needs two more packages. Install them with:")
        st.code(_INSTALL, language="bash")
        return
    flow = _flow(path)
    if flow is None:
        return
    served, key = services().served, session.path_key(path)
    server = served.of(path)
    state = "ended" if server is None else _settled(server)
    if server is None or state == "ended":
        if server is not None and not server.told_to_end:
            st.error("The server has ended by itself. The last that it said:")
            st.code(served.said(path) or "Nothing.", language=None, wrap_lines=True)
        _offer(path, key, server)
        return
    _at_work(path, key, server)
    _calls(path, key, flow, server)


def _flow(path: Path) -> ServedFlow | None:
    """The flow as it is served; None where it cannot be, which is told."""
    from patchbay.flows.server.core.shelf import Shelf

    try:
        return Shelf([path], services().catalog).get(path.stem)
    except FlowError as error:
        st.error("The flow cannot be served as it is. Correct this first:")
        list_problems(error.problems, 8)
        return None


def _settled(server: FlowServer) -> str:
    """What a server is doing, once it has started or ended."""
    served = services().served
    state = served.state(server)
    if state == "starting":
        with st.spinner("Starting…", show_time=True):
            state = served.settled(server)
    elif state == "ending":
        with st.spinner("Ending: runs that are at work get 20 seconds…", show_time=True):
            state = served.settled(server)
    return state


# --- the server ----------------------------------------------------------------------------------


def _offer(path: Path, key: str, before: FlowServer | None) -> None:
    """What serving is, and the button that begins it."""
    st.markdown(
        "Programs, OpenAI's clients, MCP clients and web pages can call this flow at an address of "
        "this machine. It is served as its file is; changes count from the next call on."
    )
    given = st.text_input(
        "Web pages that may show it",
        " ".join(before.origins) if before is not None else "",
        key=f"elsewhere-origins:{key}", placeholder="https://example.org",
        help="Origins, with a space between them. Programs need none; pages of others get nothing.",
    )  # fmt: skip
    origins = (given or "").split()
    wrong = [origin for origin in origins if not _ORIGIN.fullmatch(origin)]
    if wrong:
        st.error(f"{plain(wrong[0])} is no origin. Write it like https://example.org.")
    stays = st.toggle(
        "Keep serving when the studio ends", bool(before and before.stays),
        key=f"elsewhere-stays:{key}",
    )  # fmt: skip
    st.button(
        "Start serving", key="elsewhere-start", type="primary", icon=":material/play_arrow:",
        on_click=_start, args=(path, tuple(origins), bool(stays)), disabled=bool(wrong),
    )  # fmt: skip
    if failed := session.recall("elsewhere-failed"):
        session.forget("elsewhere-failed")
        st.error(plain(failed))


def _start(path: Path, origins: tuple[str, ...], stays: bool) -> None:
    try:
        services().served.start(path, origins, stays=stays)
    except OSError as error:
        session.remember("elsewhere-failed", f"The server could not be started: {error}")


def _at_work(path: Path, key: str, server: FlowServer) -> None:
    """Where it is served, and the button that ends it."""
    served = services().served
    with st.container(horizontal=True, vertical_alignment="center", key="elsewhere-state"):
        st.markdown(f":green-badge[Serving] at `{server.address}`")
        st.space("stretch")
        st.button(
            "Stop serving", key="elsewhere-stop", icon=":material/stop:",
            on_click=served.stop, args=(path,),
        )  # fmt: skip
    if server.origins:
        st.caption(f"Pages of {plain(', '.join(server.origins))} may show it.")
    if not served.tied(server):
        st.caption("It was started by an earlier studio, and goes on when this one ends.")
        return
    toggle = f"elsewhere-stays-now:{key}"

    def keep() -> None:
        served.keep(path, bool(st.session_state[toggle]))

    st.toggle("Keep serving when the studio ends", server.stays, key=toggle, on_change=keep)


# --- calls ---------------------------------------------------------------------------------------


def _calls(path: Path, key: str, flow: ServedFlow, server: FlowServer) -> None:
    from patchbay.flows.server.core.keys import owner_file, owner_key
    from patchbay.flows.server.snippets import SNIPPETS, ServedAt

    file, owner = owner_file(), owner_key()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = quote(flow.name, safe="")
        st.link_button("Chat", f"{server.address}/chat/{name}#key={owner}", icon=":material/chat:")
        st.link_button("Description", f"{server.address}/docs", icon=":material/menu_book:")
        with st.popover("Key", icon=":material/key:"):
            st.markdown(f"Every call needs this key. It lies in `{file}`, for you alone.")
            st.code(owner, language=None, wrap_lines=True)
    inside = st.toggle(
        "Put the key into what I copy", key=f"elsewhere-key:{key}",
        help="For other machines. On this one, what can read a file reads the key from its file.",
    )  # fmt: skip
    called = ServedAt(flow, server.address, owner, None if inside else file)
    tabs = st.tabs([snippet.name for snippet in SNIPPETS])
    for tab, snippet in zip(tabs, SNIPPETS, strict=True):
        with tab:
            st.caption(snippet.about)
            shown = called
            if snippet.name == "Embed":
                page = _page_key(path, key, server)
                if page is None:
                    continue
                shown = ServedAt(flow, server.address, page)
            text = snippet.write(shown)
            if text is None:
                st.caption("This flow cannot be called so: no one input takes the message.")
            else:
                st.code(text, language=snippet.language, wrap_lines=True)


def _page_key(path: Path, key: str, server: FlowServer) -> str | None:
    """The key of a page, made when it is asked for; None until then."""
    name = f"page-key:{key}"
    if not server.origins:
        st.caption("No page is allowed yet: stop serving, name the page, and start again.")
    made: str | None = session.recall(name)
    if made is None:
        st.markdown(
            "Everybody who sees the page can read its key. So it gets one of its own: for this "
            "flow only, and a thousand requests a day. One that was made before ends."
        )

        def make() -> None:
            try:
                session.remember(name, services().served.page_key(path))
            except (FlowError, OSError) as error:
                session.remember("elsewhere-key-failed", str(error))

        st.button("Make a key for the page", key="elsewhere-page-key", on_click=make)
        if failed := session.recall("elsewhere-key-failed"):
            session.forget("elsewhere-key-failed")
            st.error(plain(failed))
        return None
    st.caption("Copy it now: the key is shown as long as this tab is open, and kept as its hash.")
    return made

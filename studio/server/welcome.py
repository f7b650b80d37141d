"""What happens when the server starts and ends: the address is told, and a hang-up is an end."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from patchbay.nodes.home import cache_dir, home
from patchbay.nodes.private import private_folder
from patchbay.studio.server.access import VARIABLE, WEAK, Key, access_token, entrance
from patchbay.studio.server.ending import ending


@cache
def key() -> Key:
    """What opens this server."""
    return Key(access_token(home()))


@contextlib.asynccontextmanager
async def welcome(_app: Any) -> AsyncIterator[None]:
    """The lifespan of the server: makes our folders private, says where it is, opens a browser."""
    # What the server started with is no garbage, and need not be looked at each time.
    gc.freeze()
    gc.enable()
    for folder in (home(), cache_dir()):
        with contextlib.suppress(OSError):
            private_folder(folder)
    ending.watch()
    _end_on_hangup()
    address = _address()
    _tell(address)
    if not _headless():
        opened = entrance(address, key().codes.issue())
        threading.Thread(target=_open, args=(opened,), daemon=True).start()  # it may take its time
    yield


def _end_on_hangup() -> None:
    """A closed terminal ends the server as a person would: open flows are saved, runs stopped.

    A hang-up that is ignored (`nohup`) stays ignored.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return
    with contextlib.suppress(ValueError):  # not the main thread: somebody else's server
        signal.signal(hangup, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))


def _address() -> str:
    """Where the studio is, as a browser on this machine sees it."""
    import streamlit as st
    from streamlit.web.server.server_util import get_display_address, get_url

    named = st.get_option("browser.serverAddress")
    listens = st.get_option("server.address")
    return get_url(get_display_address(listens) if listens else named or "localhost")


def _headless() -> bool:
    import streamlit as st

    return bool(st.get_option("server.headless"))


def _tell(address: str) -> None:
    given = os.environ.get(VARIABLE, "").strip()
    lines = ["", "  Patchbay is open at", ""]
    if given:
        lines += [f"    {address}/?token=…", "", f"  with the token that {VARIABLE} holds."]
        if len(given) < WEAK:
            lines.append(f"  It is short: {WEAK} characters or more cannot be guessed.")
    else:
        lines += [f"    {entrance(address, key().token)}", ""]
        lines.append("  Whoever has this address gets in; nobody else does.")
    lines += ["  Ctrl+C ends it.", "", ""]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()


def _open(address: str) -> None:
    from streamlit import cli_util

    with contextlib.suppress(Exception):  # no browser here: the address has been told
        cli_util.open_browser(address)

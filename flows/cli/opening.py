"""Opening the studio: the server runs in this very process.

A child would be left behind, with its port and whatever was computed, when the command is killed.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from patchbay.flows.problems import FlowError, Problem

PORT = 8501
"""Where the studio listens, unless told otherwise."""


def plainly_asked(arguments: Sequence[str]) -> tuple[int, bool] | None:
    """The port of `patchbay studio`, and whether no browser is opened, as most ask for it.

    What reads the options of all commands takes as long to import as a third of Streamlit.

    Returns:
        None: something else is asked for, and is left to that.
    """
    if arguments[:1] != ["studio"]:
        return None
    port, headless = PORT, False
    words = iter(arguments[1:])
    for word in words:
        if word == "--headless":
            headless = True
        elif word == "--port" and (given := next(words, "")).isascii() and given.isdecimal():
            port = int(given)
        else:
            return None
    return port, headless


def open_studio(port: int, headless: bool) -> None:
    """Serve the studio on this machine until it is ended.

    Args:
        port: the port to listen on.
        headless: whether no browser is opened.

    Raises:
        FlowError: the studio is not installed here.
    """
    found = importlib.util.find_spec("patchbay.studio")
    if found is None or found.origin is None or importlib.util.find_spec("streamlit") is None:
        problem = Problem(
            "studio/missing",
            "The studio is not installed here.",
            "Install it with: pip install patchbay-studio, or run make studio in a checkout.",
        )
        raise FlowError([problem])
    app = Path(found.origin).parent / "app.py"
    gc.disable()  # until the server has started: imports make no garbage, and are many
    from click import Abort
    from streamlit.web.cli import main

    options = ["--server.port", str(port), "--server.address", "127.0.0.1"]
    if headless:  # else Streamlit looks whether there is a screen
        options += ["--server.headless", "true"]
    try:
        main(["run", str(app), *options], prog_name="streamlit", standalone_mode=False)
    except (Abort, KeyboardInterrupt):  # Ctrl+C, as it says at its start
        sys.exit(130)

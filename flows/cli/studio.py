"""`patchbay studio`: open the canvas in the browser.

The server runs in this very process. A child would be left behind, with its port and whatever was
computed, when the command is killed.
"""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from patchbay.flows.problems import FlowError, Problem


def studio(
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8501,
    headless: Annotated[bool, typer.Option(help="Open no browser.")] = False,
    trace: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Send traces of runs there (OTLP over HTTP)."),
    ] = None,
    trace_content: Annotated[
        bool, typer.Option("--trace-content", help="Prompts, answers and values go with them.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Open the studio in the browser.

    Only this machine can reach it, and only who has the address with the token, which is printed.
    """
    found = importlib.util.find_spec("patchbay.studio")
    if found is None or found.origin is None or importlib.util.find_spec("streamlit") is None:
        problem = Problem(
            "studio/missing",
            "The studio is not installed here.",
            "Install it with: pip install patchbay-studio, or run make studio in a checkout.",
        )
        raise FlowError([problem])
    if trace or trace_content:
        from patchbay.flows.traces.sending import hand_on

        hand_on(trace, trace_content)
    app = Path(found.origin).parent / "app.py"
    gc.disable()  # until the server has started: imports make no garbage, and are many
    from streamlit.web.cli import main

    options = ["--server.port", str(port), "--server.address", "127.0.0.1"]
    if headless:  # else Streamlit looks whether there is a screen
        options += ["--server.headless", "true"]
    main(["run", str(app), *options], prog_name="streamlit")

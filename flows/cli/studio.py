"""`patchbay studio`: open the canvas in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from patchbay.flows.cli.opening import PORT, open_studio
from patchbay.flows.cli.options import Debug, SendTraces, TraceContent


def studio(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = PORT,
    headless: Annotated[bool, typer.Option(help="Open no browser.")] = False,
    trace: SendTraces = None,
    trace_content: TraceContent = False,
    debug: Debug = False,
) -> None:
    """Open the studio in the browser.

    Only this machine can reach it, and only who has the address with the token, which is printed.
    """
    if trace or trace_content:
        from patchbay.flows.traces.sending import hand_on

        hand_on(trace, trace_content)
    open_studio(port, headless)

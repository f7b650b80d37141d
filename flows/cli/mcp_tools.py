"""`patchbay mcp FLOWS`: flows as tools, over stdin and stdout."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, EnvName, Timeout
from patchbay.flows.problems import FlowError, Problem


def serve_tools(
    flows: Annotated[list[Path], typer.Argument(help="Flow files, and folders of them.")],
    config: Annotated[
        bool, typer.Option("--config", help="Print what a desktop client's settings need, and end.")
    ] = False,
    at_once: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 4,
    timeout: Timeout = 600,
    env_name: EnvName = "",
    debug: Debug = False,
) -> None:
    """Serve flows as tools over stdin and stdout (Model Context Protocol), for desktop clients.

    Over HTTP, `patchbay serve` has them at /mcp.
    """
    if missing := [n for n in ("mcp", "starlette") if importlib.util.find_spec(n) is None]:
        fix = "Install it with: pip install 'patchbay-studio[mcp,serving]'"
        problem = Problem("serve/missing", f"{missing[0]} is not installed here.", fix)
        raise FlowError([problem])
    from patchbay.flows.runs.defaults import default_catalog
    from patchbay.flows.server.core.shelf import Shelf

    shelf = Shelf(flows, default_catalog(), env_name)
    if config:
        say.out(json.dumps(client_config(flows), indent=2))
        return
    from patchbay.flows.server.core.keys import Keys, signing_key
    from patchbay.flows.server.core.owners import Owners
    from patchbay.flows.server.core.service import FlowService
    from patchbay.flows.server.core.settings import Settings
    from patchbay.flows.server.mcp.stdio import speak

    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(message)s")
    for file, found in shelf.problems.items():
        say.problems(found, f"{file}: ")
    settings = Settings(at_once=at_once, timeout_s=timeout, variables=env_name, drain_s=1.0)
    asyncio.run(speak(FlowService(shelf, Keys(None), settings, Owners(signing_key()))))


def client_config(flows: list[Path]) -> dict[str, object]:
    """The part of a desktop client's settings that starts this server."""
    paths = [str(path.resolve()) for path in flows]
    server: dict[str, object] = {
        "command": sys.executable,
        "args": ["-m", "patchbay.flows", "mcp", *paths],
    }
    kept = {name: os.environ[name] for name in ("PATCHBAY_HOME",) if name in os.environ}
    if kept:
        server["env"] = kept
    return {"mcpServers": {flows[0].resolve().stem: server}}

"""`patchbay serve`: flows for other programs, over HTTP."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, EnvName, SendTraces, Timeout, TraceContent
from patchbay.flows.problems import FlowError, Problem

_NEEDED = ("starlette", "uvicorn")
AT_ONCE = 8
"""Runs at the same time, where nothing else is said."""


def serve(
    flows: Annotated[
        list[Path] | None, typer.Argument(help="Flow files, and folders of them.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for a free one.")] = 8080,
    name: Annotated[
        list[str] | None, typer.Option(help="A host name that it is called by. May be repeated.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A web page's origin that may call it, as https://example.org."),
    ] = None,
    key_from: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the keys of other callers.")
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Write a key for a caller into --key-from, and end."),
    ] = None,
    no_key: Annotated[bool, typer.Option("--no-key", help="Anybody may call.")] = False,
    env_name: EnvName = "",
    at_once: Annotated[
        int | None,
        typer.Option(min=1, help="Runs at the same time: 8, or on Ray what its workers take."),
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Runs that may wait for their turn.")] = 100,
    timeout: Timeout = 600,
    drain: Annotated[float, typer.Option(min=0, help="Seconds to let runs end at the end.")] = 20,
    body: Annotated[int, typer.Option(min=1, help="Megabytes that a request may have.")] = 32,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Processes that share the port and the limits; with --on ray: those of Ray.",
        ),
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="WHERE",
            help="Where runs and models are: here, ray (of this machine), ray://head:10001, or a "
            "cluster of settings.",
        ),
    ] = "here",
    gpus: Annotated[float, typer.Option(min=0, help="Ray: GPUs for each model.")] = 0,
    values: Annotated[
        bool, typer.Option("--values", help="Tell callers what every node gives.")
    ] = False,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FLOW:NODE.PARAM", help="A param that callers may change. May be repeated."
        ),
    ] = None,
    cache: Annotated[bool, typer.Option("--cache", help="Use results of before again.")] = False,
    trace: SendTraces = None,
    trace_content: TraceContent = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each run.")] = False,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
    debug: Debug = False,
) -> None:
    """Serve flows over HTTP, to programs, OpenAI's clients and browsers.

    Only this machine can reach it unless --host says otherwise, and every call needs a key, unless
    --no-key says otherwise.
    """
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        fix = "Install it with: pip install 'patchbay-studio[serving]'"
        problem = Problem("serve/missing", f"{missing[0]} is not installed here.", fix)
        raise FlowError([problem])
    if new_key is not None:
        _new_key(key_from, new_key)
        return
    if not flows:
        fix = "Write it like this: patchbay serve FLOW.json"
        raise say.usage("No flow was named.", fix)
    from patchbay.flows.server.core.settings import Settings
    from patchbay.flows.traces.sending import asked_for
    from patchbay.nodes.units import MEGABYTE

    _check_names(name or (), origin or ())
    names = (*(name or ()), *([host] if host not in ("0.0.0.0", "::") else []))  # noqa: S104
    settings = Settings(
        names=names, origins=tuple(origin or ()), at_once=at_once or AT_ONCE, queue=queue,
        timeout_s=timeout, drain_s=drain, body=body * MEGABYTE, values=values,
        variables=env_name, use_cache=cache, overrides=tuple(override or ()),
    )  # fmt: skip
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("patchbay").setLevel(level)
    traces = asked_for(trace, trace_content)
    if no_key and key_from is not None:
        fix = "Leave one of them out."
        raise say.usage("--no-key and --key-from do not go together.", fix)
    from patchbay.flows.cli.serving import Serving

    serving = Serving(tuple(flows), host, port, settings, key_from, no_key, tied, traces)
    if where == "here" and not gpus:
        serving.begin(workers or 1)
        return
    from patchbay.flows.cli.places import place_for_server

    cluster = place_for_server(where, workers=workers if where != "here" else 0, gpus=gpus)
    serving.begin_on(cluster, at_once, quiet)


def _check_names(names: Iterable[str], origins: Iterable[str]) -> None:
    """Refuse what no request would ever be found to be called."""
    for name in names:
        if not name.strip() or any(sign in name for sign in "/ *"):
            raise say.usage(f'--name "{name}" is no host name.', "--name flows.example.org")
    for origin in origins:
        parts = urlsplit(origin.strip())
        if not (parts.scheme and parts.hostname) or "*" in origin:
            fix = "Write each page's scheme and host: --origin https://example.org"
            raise say.usage(f'--origin "{origin}" is no origin of a web page.', fix)


def _new_key(file: Path | None, name: str) -> None:
    from patchbay.flows.server.core.keys import add

    if file is None:
        fix = "Write it like this: patchbay serve --new-key ada --key-from keys.toml"
        raise say.usage("Which file is the key for?", fix)
    key = add(file, name)
    say.err(f"The key of {name}; it is shown this once, and {file} keeps its hash:")
    say.out(key)

"""A batch as words of the command line: for jobs of a cluster, and for people to copy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.manifest import BatchSettings


def command_words(flow: Path, settings: BatchSettings, **more: Any) -> list[str]:
    """What stands behind `patchbay batch`, all but where it runs and what it writes.

    Args:
        flow: the file of the flow.
        settings: how rows become runs.
        **more: further options by name, such as `max_tokens`; None and False are left out.
    """
    return [str(flow), *_words(settings, more)]


def _words(settings: BatchSettings, more: dict[str, Any]) -> Iterator[str]:
    yield from ("--rows", settings.rows)
    if settings.query:
        yield from ("--query", settings.query)
    for name, column in settings.columns.items():
        yield from ("--map", f"{name}={column}")
    for name, value in settings.shared.items():
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        # What begins with one @ would be read as the name of a file.
        said = f"@{said}" if said.startswith("@") else said
        yield from ("--input", f"{name}={said}")
    for column in settings.keep or ():
        yield from ("--keep", column)
    if not settings.ordered:
        yield "--unordered"
    if settings.retries:
        yield from ("--retries", str(settings.retries))
    if settings.limit_s is not None:
        yield from ("--limit", f"{settings.limit_s:g}")
    for name, value in more.items():
        if value is True:
            yield f"--{name.replace('_', '-')}"
        elif value is not None and value is not False:
            yield from (f"--{name.replace('_', '-')}", str(value))

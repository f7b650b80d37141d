"""`patchbay import`: flows of other builders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug
from patchbay.flows.runs.defaults import default_catalog

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.reading import Imported


def import_flows(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="The export; CrewAI: agents.yaml and tasks.yaml."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The flow file to write; a folder for several flows."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Bring a flow of Flowise, Langflow, CrewAI, Haystack, Dify or n8n, with a report.

    Nothing in the file is executed, and no address in it is opened. Without -o the flow goes to
    standard output; the report always goes to standard error, but with --json.
    """
    from patchbay.flows.document.writing import canonical_text
    from patchbay.flows.exchange.imports.reading import import_files

    found = import_files(files, default_catalog())
    folder = output is not None and (output.is_dir() or len(found) > 1)
    if output is None and (len(found) > 1 or any(one.parts for one in found)):
        message = f"The file makes {sum(1 + len(one.parts) for one in found)} flows."
        raise say.usage(message, "Say where they go: -o FOLDER.")
    rows = []
    for one in found:
        place = ""
        if output is not None:
            place = str(_write(one, output, folder))
        elif not as_json:
            say.out(canonical_text(one.flow), end="")
        rows.append({"flow": place or one.flow.name, **one.report.as_dict()})
        if not as_json:
            say.err(f"{place}: {one.report}" if place else str(one.report))
    if as_json:
        say.out(json.dumps(rows, ensure_ascii=False, indent=2))


def _write(one: Imported, output: Path, folder: bool) -> Path:
    from patchbay.flows.document.edit import fresh_id
    from patchbay.flows.document.writing import save_flow

    path = output
    if folder:
        output.mkdir(parents=True, exist_ok=True)
        taken = {file.stem for file in output.glob("*.json")}
        path = output / f"{fresh_id(one.flow.name, taken)}.json"
    for name, part in one.parts.items():
        save_flow(part, path.parent / name)
    save_flow(one.flow, path)
    return path

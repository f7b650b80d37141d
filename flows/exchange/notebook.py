"""A flow as a Jupyter notebook: the script, a cell for each step."""

from __future__ import annotations

import json
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.python_script import import_lines, needed
from patchbay.flows.exchange.script_draft import script_of
from patchbay.nodes.catalog import Catalog


def to_notebook(flow: Flow, catalog: Catalog) -> str:
    """The same as a Jupyter notebook: a cell for each step."""
    made = script_of(flow, catalog)
    about = [f"# {flow.name}", "", flow.description, "", "Exported from Patchbay."]
    needs = needed(made)
    cells = [_cell("markdown", "\n".join(about))]
    if needs:
        cells.append(_cell("code", f"%pip install -q {' '.join(needs)}"))
    cells.append(_cell("code", "\n".join(line for line in import_lines(made) if line)))
    if made.arguments:
        values = [
            argument if "=" in argument else f'{argument.partition(":")[0]} = ""  # set it'
            for argument in made.arguments
        ]
        cells.append(_cell("code", "\n".join(_plain_argument(value) for value in values)))
    cells += [_cell("code", "\n".join(block)) for block in made.body]
    returned = ", ".join(f"{name!r}: {value}" for name, value in made.outputs)
    cells.append(_cell("code", f"{{{returned}}}"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {
        "cells": cells,
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _plain_argument(text: str) -> str:
    name, equals, value = text.partition("=")
    return f"{name.partition(':')[0].strip()} = {value.strip()}" if equals else text


def _cell(kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})

"""docs/exchange.md, from the tables: `python -m patchbay.flows.exchange.imports.page --write`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from patchbay.flows.exchange.imports.table import FOLDER, TypeSpec, table
from patchbay.nodes.generated import main

PAGE = Path(__file__).parents[3] / "docs" / "exchange.md"
PROSE = Path(__file__).with_name("exchange.md")
NAMES = {
    "flowise": "Flowise",
    "langflow": "Langflow",
    "crewai": "CrewAI",
    "haystack": "Haystack",
    "dify": "Dify",
    "n8n": "n8n",
}


def page_text() -> str:
    """The page as it is committed."""
    return PROSE.read_text(encoding="utf-8") + "".join(
        "\n".join(_table(builder)) + "\n"
        for builder in NAMES
        if (FOLDER / f"{builder}.json").exists()
    )


def _table(builder: str) -> Iterator[str]:
    about = json.loads((FOLDER / f"{builder}.json").read_text(encoding="utf-8"))["about"]
    yield f"\n### {NAMES[builder]}\n"
    yield f"{about}\n"
    yield "| there | here | differs, or why not |"
    yield "|---|---|---|"
    for spec in table(builder).values():
        if spec.name.startswith("#"):  # of ours, for bodies of loops
            continue
        cells = (_name(spec), _here(spec), spec.differs or spec.refused)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _name(spec: TypeSpec) -> str:
    return (
        f"{spec.title} (`{spec.name}`)"
        if spec.title and spec.title != spec.name
        else f"`{spec.name}`"
    )


def _here(spec: TypeSpec) -> str:
    if spec.refused:
        return "a switched-off stub"
    if spec.note:
        return "a note"
    if spec.memory:
        return "the conversation that is given to the flow"
    if spec.lends:
        return "a setting of the node that it is wired into"
    kinds = [piece.kind for piece in spec.pieces.values()]
    kinds += [str(spec.wraps["kind"])] if spec.wraps else []
    kinds += [str(spec.guards["kind"])] if spec.guards else []
    kinds += ["prompt.template"] if spec.texts and not kinds else []
    coming = [kind.rstrip("?") for kind in kinds if kind.endswith("?")]
    if coming:
        return f"a stub, until there is {', '.join(f'`{kind}`' for kind in coming)}"
    return ", ".join(f"`{kind}`" for kind in dict.fromkeys(kinds))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main(PAGE, page_text, "patchbay.flows.exchange.imports.page"))

"""The catalog as a page: `python -m patchbay.nodes.docs --write` makes `nodes/CATALOG.md` anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Node
from patchbay.nodes.declaration import node_declaration
from patchbay.nodes.generated import main

PAGE = Path(__file__).with_name("CATALOG.md")

_HEAD = """\
# The nodes

<!-- Written by `python -m patchbay.nodes.docs --write`, from the node classes. Do not edit. -->

What ships, by family. `patchbay nodes KIND` shows one of them in the terminal.
"""


def catalog_page(catalog: Catalog) -> str:
    """The page for a catalog, as Markdown."""
    families: dict[str, list[type[Node]]] = {}
    for node in catalog:
        families.setdefault(node.family, []).append(node)
    parts = [_HEAD]
    for family, nodes in families.items():
        links = ", ".join(f"[{node.title}](#{_anchor(node)})" for node in nodes)
        parts.append(f"- **{family}**: {links}")
    for family, nodes in families.items():
        parts.append(f"\n## {family}")
        parts.extend("\n" + "\n".join(_node_lines(node)) for node in nodes)
    return "\n".join(parts) + "\n"


def _node_lines(node: type[Node]) -> Iterator[str]:
    spec = node_declaration(node)
    yield f"### {node.title} (`{node.kind}`)"
    yield ""
    yield node.doc()
    if node.synonyms:
        yield ""
        yield f"Also looked for as: {', '.join(node.synonyms)}."
    if node.requires:
        yield ""
        yield f"Needs: {', '.join(f'`{name}`' for name in node.requires)}."
    if not node.deterministic:
        yield ""
        yield "Equal inputs may give different results."
    yield from _port_lines("in", spec["inputs"])
    yield from _port_lines("out", spec["outputs"])
    yield from _param_lines(spec)
    if spec["dynamic"]:
        yield ""
        yield "Its ports depend on its params; those above are the ports of the default params."


def _port_lines(side: str, ports: list[dict[str, Any]]) -> Iterator[str]:
    if not ports:
        return
    yield ""
    yield f"| {side} | type | |"
    yield "|---|---|---|"
    for port in ports:
        types = " or ".join(port["types"]) + (", many wires" if port["many"] else "")
        optional = "" if port["required"] or side == "out" else " Optional."
        yield f"| `{port['name']}` | {types} | {_cell(port['doc'])}{optional} |"


def _param_lines(spec: dict[str, Any]) -> Iterator[str]:
    if not spec["params"]:
        return
    yield ""
    yield "| param | default | |"
    yield "|---|---|---|"
    for name, param in spec["params"].items():
        default = _code(param["default"]) if "default" in param else "required"
        choices = param.get("enum", [])
        listed = f" One of {', '.join(_code(choice) for choice in choices)}." if choices else ""
        yield f"| `{name}` | {default} | {_cell(param.get('description', ''))}{listed} |"


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    shown = text if len(text) <= 60 else text[:57] + "…"
    return f"`{shown}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(node: type[Node]) -> str:
    """The id that GitHub gives to the node's heading."""
    heading = f"{node.title} (`{node.kind}`)".lower()
    kept = "".join(char for char in heading if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def page_text() -> str:
    """The page as it is committed."""
    return catalog_page(Catalog(table=BUILTIN))


if __name__ == "__main__":
    sys.exit(main(PAGE, page_text, "patchbay.nodes.docs"))

"""What the options of commands are declared as."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from patchbay.flows import cli


def test_an_option_of_several_commands_is_declared_once() -> None:
    """The same words in two files would drift apart; `flows/cli/options.py` has them for all."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in Path(cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated":
                declared = ast.unparse(node.slice)
                if "typer.Option" in declared:
                    found[declared].append(f"{path.name}:{node.lineno}")
    assert len(found) > 100
    assert {text: places for text, places in found.items() if len(places) > 1} == {}

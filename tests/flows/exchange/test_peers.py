"""The flows that Flowise and Langflow ship: `make exchange-peers` fetches them, outside CI."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.exchange.imports.reading import Imported, import_file
from patchbay.flows.problems import Problem, errors
from patchbay.nodes.catalog import load_catalog

FOLDER = Path(os.environ.get("PATCHBAY_PEERS", ".exchange-peers"))
FILES = sorted(FOLDER.rglob("*.json"))
CATALOG = load_catalog()
CLEAN = 67
"""How many of the 78 validate clean; it only grows."""

pytestmark = pytest.mark.skipif(not FILES, reason="run `make exchange-peers` first")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_opens_can_be_saved_and_tells_of_every_node(path: Path):
    for one in import_file(path, CATALOG):
        assert read_text(canonical_text(one.flow)) == one.flow
        assert one.report.entries


def to_name(one: Imported, error: Problem) -> bool:
    """Whether an error only says what the report asks the person to name: where a database is."""
    node = next((n for n in one.flow.nodes if n.id == error.node), None)
    asked = any("in the param url" in entry.words for entry in one.report.of("name"))
    return node is not None and node.kind == "retrieval.store" and asked and "url" in error.fix


def test_so_many_validate_clean(tmp_path: Path):
    """Clean: no error, nothing refused. What is to be named (a key, a folder) does not count."""
    clean: Counter[str] = Counter()
    for path in FILES:
        (one,) = import_file(path, CATALOG)
        for name, part in one.parts.items():
            save_flow(part, tmp_path / name)
        wrong = [e for e in errors(validate(one.flow, CATALOG, tmp_path)) if not to_name(one, e)]
        clean[path.parent.name] += not wrong and not one.report.of("refused")
    print(f"{sum(clean.values())} of {len(FILES)} validate clean: {dict(clean)}")
    assert len(FILES) == 78
    assert sum(clean.values()) >= CLEAN

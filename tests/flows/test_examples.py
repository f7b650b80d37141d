"""The flows of docs/examples, which need a server, a key, a file or a package of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.exchange.python_script import to_python
from patchbay.nodes.catalog import load_catalog
from tests.flows.test_saved_flows import NEED_MORE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples"
FILES = sorted(path for path in FOLDER.glob("*.json") if path.stem != "library")  # OpenAPI
CATALOG = load_catalog()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_a_flow_that_only_waits_for_what_is_yours(path: Path):
    flow = read_flow(path)
    found = [p for p in validate(flow, CATALOG, FOLDER) if "No installed package" not in p.message]
    assert found == []
    assert canonical_text(flow) == path.read_text(encoding="utf-8")
    assert flow.description
    compile(to_python(flow, CATALOG), path.stem, "exec")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_page_leads_to_it(path: Path):
    pages = (ROOT / "docs").glob("*.md")
    assert any(f"(examples/{path.name})" in page.read_text(encoding="utf-8") for page in pages)


def test_with_the_saved_flows_they_show_every_kind_but_these():
    shown = {node.kind for path in FILES for node in read_flow(path).nodes}
    assert NEED_MORE - shown == {
        "embeddings.huggingface", "embeddings.ollama", "embeddings.openai", "tool.files",
        "train.hub_data", "train.push", "model.vllm",
    }  # fmt: skip

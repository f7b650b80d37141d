"""`validate`, `show`, `nodes`, `models`: what they print."""

from __future__ import annotations

import json

from patchbay.nodes.catalog import load_catalog
from tests.flows.cli.conftest import SAVED, Patchbay


def test_validate_all_saved_flows(patchbay: Patchbay) -> None:
    done = patchbay("validate", *sorted(SAVED.glob("*.json")))
    assert done.returncode == 0
    assert done.stderr.count("no problems") == len(list(SAVED.glob("*.json")))


def test_show_as_text_and_as_mermaid(patchbay: Patchbay) -> None:
    text = patchbay("show", SAVED / "ask.json")
    assert text.returncode == 0
    for word in ("question", "prompt", "answer", "smollm2-135m-instruct"):
        assert word in text.stdout
    mermaid = patchbay("show", SAVED / "ask.json", "--mermaid").stdout
    assert mermaid.startswith(("flowchart", "graph"))


def test_nodes_lists_every_kind_and_describes_one(patchbay: Patchbay) -> None:
    listed = patchbay("nodes").stdout
    for node in load_catalog():
        assert node.kind in listed
    page = patchbay("nodes", "prompt.template").stdout
    assert "template" in page
    assert "Outputs" in page
    described = json.loads(patchbay("nodes", "model.ask", "--json").stdout)
    assert described["kind"] == "model.ask"
    called = patchbay("nodes", "Gemini")
    assert called.returncode == 1
    assert "What people call gemini: model.provider." in called.stderr
    assert "What people call sql: data.sql, tool.sql." in patchbay("nodes", "sql").stderr
    unknown = patchbay("nodes", "prompt.tempalte")
    assert unknown.returncode == 1
    assert "prompt.template" in unknown.stderr


def test_models_says_what_is_here(patchbay: Patchbay) -> None:
    (model,) = [
        m for m in json.loads(patchbay("models", "--json").stdout) if "smollm2" in m["name"]
    ]
    assert model["size"] == 98_362_432
    assert len(model["sha256"]) == 64
    assert "smollm2-135m-instruct" in patchbay("models").stdout
    assert patchbay("models", "pull", "smollm2-135m-instruct").stdout.strip().endswith(".gguf")


def test_models_lists_the_catalogue_with_what_is_stated_of_each(patchbay: Patchbay) -> None:
    said = patchbay("models", "--all").stdout
    assert "Phi-3-mini-4k-instruct-q4.gguf@c80d904a" in said
    assert "MIT; 4,096 tokens; English; no tools; pinned by its hash" in said
    assert "hash not stated: no two sources that publish one were found" in said

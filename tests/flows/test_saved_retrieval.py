"""The flow that answers from a folder, on the real models, from a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from patchbay.flows import load, run
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.events import NodeFinished
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.home import weights_dir

SAVED = Path(__file__).parents[2] / "flows" / "saved"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The flow and its texts, as the studio copies a template; and an empty home."""
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    shutil.copytree(SAVED / "texts", tmp_path / "texts")
    shutil.copyfile(SAVED / "ask_folder.json", tmp_path / "ask_folder.json")
    return tmp_path


def test_ask_folder(copy: Path) -> None:
    cache = FolderCache(copy / "cache", load_catalog().value_types)

    def ran(**inputs: str) -> tuple[dict[str, object], list[str], set[str]]:
        """Outputs, sources of what was found, and the nodes that ran."""
        nodes = set()

        def see(event: object) -> None:
            if isinstance(event, NodeFinished) and event.source == "run":
                nodes.add(event.node)

        env = default_environment(use_cache=False, folder=copy)
        env = type(env)(env.catalog, env.pool, env.secrets, cache, copy, sinks=(see,))
        result = run(load(copy / "ask_folder.json"), inputs, environment=env)
        found = [d.metadata["source"] for d in result.nodes["search"]["documents"]]
        return result.outputs, found, nodes

    outputs, found, nodes = ran()
    assert found[0] == "oven.md"
    assert "[1]" in str(outputs["answer"])
    assert "twenty minutes" in str(outputs["answer"])  # a passage too many, and it is two nights
    assert "Spruce is never burned" in str(outputs["answer"])
    assert isinstance(outputs["citations"], list)
    cited = outputs["citations"][0]  # which one is up to a small model; it is one of those found
    assert cited["metadata"]["source"] in found
    assert {"load", "split", "index"} <= nodes
    *_, nodes = ran()
    assert nodes & {"load", "split", "search", "answer"} == set()
    goats = copy / "texts" / "goats.md"
    goats.write_text(goats.read_text().replace("oven", "stove") + "\n## Names\n\nOne is Berta.\n")
    _, found, nodes = ran(question="Which name does a goat have, Berta?")
    assert {"load", "split", "index", "search"} <= nodes
    assert "goats.md" in found

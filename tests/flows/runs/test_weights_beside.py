"""Weights and adapters that a flow names by relative paths lie beside it, as its files do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.needs import needs_of
from patchbay.flows.checks.described import describe_flow
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.api import load, run
from patchbay.flows.runs.subflows import prepare
from patchbay.nodes.models.transformers.adapter import SHIPPED
from patchbay.nodes.weights.resolve import find
from tests.flows.runs.harness import CATALOG, OUT, flow

DEFAULT = "smollm2-135m-instruct"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flow's folder with weights in it; the working folder is another, with the same names."""
    for place in ("flow", "elsewhere"):
        (tmp_path / place / "w").mkdir(parents=True)
        (tmp_path / place / "w" / "m.gguf").write_bytes(place.encode())
    (tmp_path / "elsewhere" / "w" / "only.gguf").touch()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "flow"


def at(params: Any, place: str) -> Any:
    for part in place.split("."):
        params = params[int(part)] if part.isdigit() else getattr(params, part)
    return params


@pytest.mark.parametrize(
    ("kind", "params", "place"),
    [
        ("model.gguf", {"weights": "w/m.gguf"}, "weights"),
        ("model.gguf", {"weights": "./w/../w/m.gguf"}, "weights"),
        ("model.gguf", {"adapters": [{"weights": "w/m.gguf"}]}, "adapters.0.weights"),
        ("model.transformers", {"weights": "w/m.gguf"}, "weights"),
        ("model.lora", {"adapter": "w/m.gguf"}, "adapter"),
        ("model.vllm", {"adapters": [{"name": "a", "weights": "w/m.gguf"}]}, "adapters.0.weights"),
        ("embeddings.huggingface", {"weights": "w/m.gguf"}, "weights"),
        ("retrieval.retriever", {"reranker": "w/m.gguf", "rerank": "cross-encoder"}, "reranker"),
        ("text.fill_mask", {"weights": "w/m.gguf"}, "weights"),
    ],
)
def test_a_relative_path_begins_at_the_flows_folder(
    folder: Path, kind: str, params: dict[str, Any], place: str
) -> None:
    resolved = resolve_once(flow({"n": (kind, params)}), CATALOG, folder)
    assert at(resolved.nodes["n"].params, place) == str(folder / "w" / "m.gguf")
    assert resolved.flow.nodes[0].params == params, "the flow says what it said"


@pytest.mark.parametrize(
    "text",
    ["w/only.gguf", "w/none.gguf", DEFAULT, "hf:w/m.gguf", "ollama:w/m.gguf", "~/w/m.gguf",
     "/w/m.gguf"],
)  # fmt: skip
def test_what_does_not_lie_there_is_as_it_was(folder: Path, text: str) -> None:
    (folder / DEFAULT).touch()
    (folder / "hf:w").mkdir()
    (folder / "hf:w" / "m.gguf").touch()
    resolved = resolve_once(flow({"n": ("model.gguf", {"weights": text})}), CATALOG, folder)
    assert resolved.nodes["n"].params.weights == text
    assert resolve_once(resolved.flow, CATALOG) is resolved


def test_a_model_of_a_server_is_no_path(folder: Path) -> None:
    served = flow({"n": ("model.openai_compatible", {"model": "w/m.gguf"})})
    assert resolve_once(served, CATALOG, folder).nodes["n"].params.model == "w/m.gguf"


def asking(weights: str) -> Flow:
    nodes = {
        "q": ("io.input", {"name": "q"}),
        "m": ("model.gguf", {"weights": weights, "context": 256, "temperature": 0}),
        "a": ("model.ask", {"max_tokens": 4}),
        "o": OUT,
    }
    return flow(nodes, ["q.value > a.prompt", "m.model > a.model", "a.text > o.value"])


def test_two_flows_that_say_the_same_are_two_models(folder: Path) -> None:
    other = folder.parent / "elsewhere"
    found = {
        describe_flow(resolve_once(asking("w/m.gguf"), CATALOG, place)).outputs["m"]["model"]
        for place in (folder, other)
    }
    assert len(found) == 2


def test_it_is_resolved_once_for_as_long_as_the_files_lie_there(folder: Path) -> None:
    document = asking("w/m.gguf")
    first = resolve_once(document, CATALOG, folder)
    assert resolve_once(document, CATALOG, folder) is first
    assert first.lie_beside == {str(folder / "w" / "m.gguf")}
    other = resolve_once(document, CATALOG, folder.parent / "elsewhere")
    assert other.nodes["m"].params != first.nodes["m"].params
    (folder / "w" / "m.gguf").unlink()
    gone = resolve_once(document, CATALOG, folder)
    assert gone.nodes["m"].params.weights == "w/m.gguf"
    (folder / "w" / "m.gguf").touch()
    assert resolve_once(document, CATALOG, folder) is first


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("w/m.gguf", "w/m.gguf"),
        ("./w/../w/m.gguf", "w/m.gguf"),
        ("{folder}/w/m.gguf", "{folder}/w/m.gguf"),
    ],
)
def test_weights_are_needed_by_the_name_that_the_flow_says(
    folder: Path, said: str, named: str
) -> None:
    """A note with the same text in it made a relative path one that only this machine has."""
    document = asking(said.format(folder=folder)).model_copy(
        update={"description": f"Its weights are {folder}/w/m.gguf."}
    )
    needs = needs_of(prepare(document, CATALOG, folder), folder)
    assert [n.name for n in needs if n.kind == "weights"] == [named.format(folder=folder)]


def test_a_flow_that_says_both_names_a_whole_path(folder: Path) -> None:
    whole = str(folder / "w" / "m.gguf")
    document = flow({"a": ("model.gguf", {"weights": "w/m.gguf"}),
                     "b": ("model.gguf", {"weights": whole})})  # fmt: skip
    assert resolve_once(document, CATALOG, folder).lie_beside == frozenset()


def test_a_flow_runs_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = find(DEFAULT)
    assert weights is not None
    (tmp_path / "flow" / "w").mkdir(parents=True)
    (tmp_path / "flow" / "w" / "mine.gguf").symlink_to(weights)
    save_flow(asking("w/mine.gguf"), tmp_path / "flow" / "ask.json")
    monkeypatch.chdir(tmp_path)
    loaded = load(tmp_path / "flow" / "ask.json")
    assert run(loaded, {"q": "Say yes."}).outputs["out"]
    assert not validate(loaded.flow, CATALOG, loaded.folder)


def test_a_flow_inside_another_has_a_folder_of_its_own(folder: Path) -> None:
    inner = folder / "steps"
    shutil.copytree(SHIPPED / "pirate", inner / "mine" / "one")
    nodes = {"m": "model.transformers", "l": ("model.lora", {"adapter": "mine/one"}),
             "q": ("io.input", {"name": "q"}), "a": "model.ask", "o": OUT}  # fmt: skip
    wires = ["m.model > l.model", "l.model > a.model", "q.value > a.prompt", "a.text > o.value"]
    save_flow(flow(nodes, wires), inner / "inner.json")
    outer = flow(
        {
            "q": ("io.input", {"name": "q"}),
            "f": ("logic.run_flow", {"flow": "steps/inner", "inputs": {"q": "text"},
                                     "outputs": {"out": "text"}}),
            "o": OUT,
        },
        ["q.value > f.q", "f.out > o.value"],
    )  # fmt: skip
    needs = needs_of(prepare(outer, CATALOG, folder), folder)
    assert [n.name for n in needs if n.kind == "weights" and n.path == inner / "mine" / "one"] == [
        "steps/mine/one"
    ]

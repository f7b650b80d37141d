"""Flows on disk: made, copied with what they need, thrown away and brought back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay import flows
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.library import Library, slug
from patchbay.studio.documents.references import references
from patchbay.studio.documents.versions import Versions

SAVED = Path(flows.__file__).parent / "saved"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "flows", SAVED, tmp_path / "trash", load_catalog)


def test_a_new_flow_never_takes_the_file_of_another(library: Library) -> None:
    first = library.create(Flow(name="My flow!"))
    second = library.create(Flow(name="My flow!"))
    assert [first.name, second.name] == ["my-flow.json", "my-flow-2.json"]
    assert {entry.name for entry in library.own()} == {"my-flow", "my-flow-2"}


def test_a_disk_that_refuses_is_told_like_any_other_problem(tmp_path: Path) -> None:
    (tmp_path / "flows").write_text("in the way")
    library = Library(tmp_path / "flows", SAVED, tmp_path / "trash", load_catalog)
    for make in (
        lambda: library.create(Flow(name="Mine")),
        lambda: library.use_template(SAVED / "ask.json"),
    ):
        with pytest.raises(FlowError) as refused:
            make()
        (problem,) = refused.value.problems
        assert problem.code == "file/unwritable"
        assert str(tmp_path / "flows") in problem.message
        assert problem.fix


def test_a_file_is_renamed_and_takes_its_versions_along(library: Library, tmp_path: Path) -> None:
    library.create(Flow(name="Taken"), "wanted")
    path = library.create(Flow(name="Mine"), "old")
    user = Flow(
        name="User", nodes=(NodeInstance(id="n", kind="logic.run_flow", params={"flow": "old"}),)
    )
    library.create(user)
    versions = Versions(tmp_path, path)
    versions.add(Flow(name="Mine"))
    assert library.users(path) == ["User"]
    target = library.rename(path, "Wanted")
    versions.move(target)
    assert (target.name, path.exists()) == ("wanted-2.json", False)
    assert read_flow(target).name == "Mine"
    assert len(Versions(tmp_path, target).list()) == 1
    assert Versions(tmp_path, path).list() == []
    assert library.rename(target, "wanted-2") == target


def test_a_deleted_flow_comes_back_under_its_name(library: Library) -> None:
    path = library.create(Flow(name="Precious"))
    resting = library.delete(path)
    assert library.own() == []
    assert library.restore(resting) == path
    assert read_flow(path).name == "Precious"


def test_a_deleted_flow_does_not_replace_its_successor(library: Library) -> None:
    path = library.create(Flow(name="Twin"))
    resting = library.delete(path)
    library.create(Flow(name="Twin", description="new"))
    assert library.restore(resting).name == "twin-2.json"
    assert read_flow(path).description == "new"


def test_a_template_brings_the_flows_that_it_runs(library: Library) -> None:
    path = library.use_template(SAVED / "classify_lines.json")
    assert read_flow(path) == read_flow(SAVED / "classify_lines.json")
    assert (library.folder / "classify.json").exists()


def test_a_flow_cannot_bring_files_from_outside_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.json").write_text("{}")
    for name in ("../secret", "../secret.json", str(tmp_path / "secret.json"), "..", ".", "\0", ""):
        for kind, param in (("logic.run_flow", "flow"), ("retrieval.load", "path")):
            flow = Flow(nodes=(NodeInstance(id="n", kind=kind, params={param: name}),))
            assert references(flow, inside, load_catalog()) == []


def test_what_a_param_only_resembles_is_not_brought(library: Library) -> None:
    """`"cite": "ask"` names no flow, and neither does a text, a title or an unknown kind."""
    library.use_template(SAVED / "ask_folder.json")
    brought = {path.name for path in library.folder.glob("*.json")}
    assert brought == {"ask-folder.json"}
    texts = {path.name for path in (library.folder / "texts").iterdir()}
    assert "bees.md" in texts
    for kind, params in (
        ("io.input", {"name": "ask", "default": "ask"}),
        ("prompt.template", {"template": "ask"}),
        ("io.input", {"name": "q", "kind": "choice", "choices": ["ask"], "default": "ask"}),
        ("nobody.knows", {"flow": "ask"}),
        ("tool.flow", {"name": "ask", "flow": ""}),
    ):
        flow = Flow(nodes=(NodeInstance(id="n", kind=kind, params=params),))
        assert references(flow, SAVED, load_catalog()) == [], kind


@pytest.mark.parametrize(
    ("kind", "params", "wanted"),
    [
        ("logic.run_flow", {"flow": "shorten"}, {"shorten.json"}),
        ("logic.for_each", {"flow": "classify.json"}, {"classify.json"}),
        ("tool.flow", {"flow": "shorten_and_ask"}, {"shorten_and_ask.json", "shorten.json"}),
        ("tool.files", {"root": "texts/"}, {"bees.md"}),
        ("retrieval.load", {"path": "./texts/bees.md"}, {"bees.md"}),
        ("io.input", {"name": "f", "kind": "file", "default": "texts/bees.md"}, {"bees.md"}),
        ("io.input", {"name": "f", "kind": "documents", "default": ["texts/bees.md"]}, {"bees.md"}),
        ("tool.sql", {"tables": [{"name": "t", "file": "texts/bees.md"}]}, {"bees.md"}),
        ("data.sql", {"url": "sqlite:///texts/bees.md"}, {"bees.md"}),
    ],
)
def test_what_a_param_names_is_brought(kind: str, params: dict[str, Any], wanted: set[str]) -> None:
    flow = Flow(nodes=(NodeInstance(id="n", kind=kind, params=params),))
    assert {path.name for path in references(flow, SAVED, load_catalog())} >= wanted


def test_a_broken_file_is_listed_with_its_reason_and_left_alone(library: Library) -> None:
    library.folder.mkdir(parents=True)
    broken = library.folder / "broken.json"
    broken.write_text("{")
    (entry,) = library.own()
    assert entry.flow is None
    assert "Not JSON" in entry.error
    with pytest.raises(FlowError):
        library.duplicate(broken)
    assert broken.read_text() == "{"


@pytest.mark.parametrize(
    "name",
    ["../ask", "/etc/passwd", "a/b", "", ".hidden", "nothing", "..", "..\\ask", "a\0", "x" * 5000],
)
def test_only_names_of_own_flows_lead_to_files(library: Library, name: str) -> None:
    library.create(Flow(name="ask"))
    assert library.path(name) is None


@pytest.mark.parametrize("name", ["my (copy)", "a&b", "日本語", "-dash", "two  blanks", "v1.2"])
def test_a_file_with_any_name_can_be_opened(library: Library, name: str) -> None:
    path = library.create(Flow(name="x"))
    path = path.rename(path.with_name(f"{name}.json"))
    assert [entry.name for entry in library.own()] == [name]
    assert library.path(name) == path


def test_every_template_can_be_shown(library: Library) -> None:
    assert len(library.templates()) == len(list(SAVED.glob("*.json")))
    for entry in library.templates():
        assert json.loads(entry.path.read_text("utf-8"))["name"] == entry.title


def test_file_names_are_safe() -> None:
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("Où est-ce ?") == "o-est-ce"
    assert slug("…") == "flow"


def test_a_template_brings_its_data_folder(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    texts = templates / "texts" / "rivers"
    texts.mkdir(parents=True)
    (texts / "rhine.md").write_text("The Rhine.")
    (templates / "texts" / ".hidden").write_text("x")
    (tmp_path / "outside.md").write_text("secret")
    (templates / "texts" / "link.md").symlink_to(tmp_path / "outside.md")
    node = {"id": "n", "kind": "retrieval.load", "params": {"path": "texts"}}
    flow = {"format": 1, "nodes": [node]}
    (templates / "ask_rivers.json").write_text(json.dumps(flow))
    library = Library(tmp_path / "flows", templates, tmp_path / "trash", load_catalog)
    library.use_template(templates / "ask_rivers.json")
    copied = {p.relative_to(library.folder).as_posix() for p in library.folder.rglob("*.*")}
    assert copied == {"ask-rivers.json", "texts/rivers/rhine.md"}

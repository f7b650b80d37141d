"""Cards of flows: what the Flows page shows, worked out once and kept on the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay import flows
from patchbay.flows.document.model import Flow, NodeInstance, Place
from patchbay.flows.document.writing import save_flow
from patchbay.nodes.catalog import Catalog, load_catalog
from patchbay.studio.documents.cards import Cards
from tests.paths import ROOT, python_path

SAVED = sorted((Path(flows.__file__).parent / "saved").glob("*.json"))[:4]
CATALOG = load_catalog()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "cards.json"


def nobody() -> Catalog:
    raise AssertionError("a card that is kept needs no catalog")


def test_a_card_says_what_the_flow_is(store: Path) -> None:
    cards = Cards(store, lambda: CATALOG).of(SAVED)
    for card, path in zip(cards, SAVED, strict=True):
        told = json.loads(path.read_text("utf-8"))
        assert (card.title, card.nodes) == (told["name"], len(told["nodes"]))
        assert card.about.startswith(told["description"][:20])
        assert card.light.startswith("<svg ")
        assert card.dark.startswith("<svg ")
        assert card.light != card.dark
        assert card.modified == pytest.approx(path.stat().st_mtime)


def test_what_is_kept_is_not_worked_out_again(store: Path) -> None:
    made = Cards(store, lambda: CATALOG)
    cards = made.of(SAVED)
    kept = Cards(store, nobody)
    assert kept.of(SAVED) == cards


def test_a_file_that_changes_gets_another_card(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    save_flow(Flow(name="First"), path)
    made = Cards(store, lambda: CATALOG)
    assert made.of([path])[0].title == "First"
    save_flow(Flow(name="Second one"), path)
    assert made.of([path])[0].title == "Second one"
    assert Cards(store, nobody).of([path])[0].title == "Second one"
    path.unlink()
    assert made.of([path]) == []


def test_a_file_that_holds_no_flow_says_why(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "torn.json"
    path.write_text('{"format": 1, "name": "Torn', "utf-8")
    (card,) = Cards(store, nobody).of([path])
    assert card.title == "torn"
    assert card.error
    assert card.light == ""


def test_what_another_package_draws_is_not_kept(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "strange.json"
    save_flow(Flow(nodes=(NodeInstance(id="a", kind="stranger.node"),)), path)
    Cards(store, lambda: CATALOG).of([path, SAVED[0]])
    assert list(json.loads(store.read_text("utf-8"))["cards"]) == [str(SAVED[0])]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"stamp": "other", "cards": {}}', '{"stamp": null, "cards": 3}']
)
def test_a_store_of_another_version_or_a_broken_one_is_made_anew(store: Path, text: str) -> None:
    cards = Cards(store, lambda: CATALOG).of(SAVED[:1])
    store.write_text(text, "utf-8")
    assert Cards(store, lambda: CATALOG).of(SAVED[:1]) == cards
    assert json.loads(store.read_text("utf-8"))["cards"]


def test_a_folder_that_cannot_be_written_to_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Cards(tmp_path / "file" / "cards.json", lambda: CATALOG).of(SAVED[:1])


def test_a_file_of_another_builder_says_whose_it_is(store: Path, tmp_path: Path) -> None:
    theirs, nobodys = tmp_path / "theirs.json", tmp_path / "nobodys.json"
    start = {"parameters": {}, "name": "Start", "type": "n8n-nodes-base.manualTrigger"}
    start |= {"typeVersion": 1, "position": [0, 0], "id": "a"}
    theirs.write_text(json.dumps({"name": "x", "nodes": [start], "connections": {}}), "utf-8")
    nobodys.write_text('{"some": "thing"}', "utf-8")
    cards = Cards(store, lambda: CATALOG).of([theirs, nobodys])
    assert [card.builder for card in cards] == ["n8n", ""]
    assert all(card.error for card in cards)


def test_flows_that_do_the_same_are_told_whatever_they_are_called(
    store: Path, tmp_path: Path
) -> None:
    node = NodeInstance(id="a", kind="io.value", params={"value": "x"})
    twin = Flow(name="Two", description="Else", nodes=(node,), layout={"a": Place(x=1, y=2)})
    for name, flow in {
        "one": Flow(name="One", nodes=(node,)),
        "two": twin,
        "three": Flow(nodes=(node.model_copy(update={"params": {"value": "y"}}),)),
        "empty": Flow(name="Nothing"),
    }.items():
        save_flow(flow, tmp_path / f"{name}.json")
    paths = [tmp_path / f"{name}.json" for name in ("one", "two", "three", "empty")]
    one, two, three, empty = (card.digest for card in Cards(store, lambda: CATALOG).of(paths))
    assert one == two != three
    assert empty == ""


def test_the_first_page_of_a_studio_imports_nothing_that_reads_flows(tmp_path: Path) -> None:
    """Of flows that are known, that is: all that a person waits for is Streamlit itself."""
    script = """
import sys
from patchbay.studio.screens import flows
from patchbay.studio.server.services import services
cards = services().cards
assert cards.of(services().library.template_files())
print(*[m for m in ("pydantic", "networkx", "pandas", "pyarrow", "PIL") if m in sys.modules])
"""
    environment = {**os.environ, "PYTHONPATH": python_path(), "PATCHBAY_HOME": str(tmp_path)}
    environment.pop("PATCHBAY_CACHE", None)
    command = [sys.executable, "-c", script]
    for heavy in (True, False):
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert bool(done.stdout.strip()) == heavy, done.stdout

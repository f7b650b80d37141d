"""A flow's file is moved: its conversations and facts go along, and those of no other flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows import History, InThread, run
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.api import load
from patchbay.flows.runs.moving import Moved, move_by_hand, move_place
from patchbay.flows.runs.remembering import Remembering
from patchbay.flows.runs.threads import Threads
from patchbay.nodes.remembered import Fact
from tests.flows.runs.harness import OUT, environment, flow


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def keeps(history: History, path: Path) -> list[str]:
    return [fact.text for fact in Remembering(history, flow=str(path)).facts("flow")]


def with_facts(history: History, path: Path, *texts: str) -> None:
    for text in texts:
        Remembering(history, flow=str(path)).store("flow", Fact(text))


def test_what_a_flow_remembers_is_found_after_it_was_renamed(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through runs of a file: kept under the old name, recalled under the new one."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    asks = ("io.input", {"name": "question", "kind": "messages"})
    keep = flow(
        {
            "i": asks,
            "l": ("chat.turn", {}),
            "k": ("memory.remember", {"scope": "flow"}),
            "r": ("memory.recall", {"scope": "flow"}),
            "o": OUT,
        },
        ["i.value > l.messages", "l.text > k.text", "l.text > r.query", "k.text > r.after",
         "r.text > o.value"],
    )  # fmt: skip
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    save_flow(keep, old)
    env = environment(history=history)
    run(
        load(old), question="bees like lime", environment=env, thread=InThread("t"), history=history
    )
    old.rename(new)
    assert run(load(new), question="bees", environment=env).outputs["out"] == "bees"
    assert move_by_hand(history, old, new) == Moved(threads=1, facts=1)
    found = run(load(new), question="lime?", environment=env).outputs["out"]
    assert "bees like lime" in found
    assert [thread.id for thread in Threads(history).listed(place=str(new))] == ["t"]


def test_only_what_was_moved_goes(history: History, tmp_path: Path) -> None:
    folder, there = tmp_path / "flows", tmp_path / "there"
    with_facts(history, folder / "a.json", "one", "two")
    with_facts(history, folder / "deep" / "b.json", "three")
    with_facts(history, tmp_path / "flows-2" / "a.json", "other")
    with_facts(history, there / "a.json", "two", "own")
    Remembering(history, person=str(folder)).store("person", Fact("me"))
    assert move_place(history, folder, there) == Moved(facts=3)
    assert keeps(history, folder / "a.json") == []
    assert sorted(keeps(history, there / "a.json")) == ["one", "own", "two"]
    assert keeps(history, there / "deep" / "b.json") == ["three"]
    assert keeps(history, tmp_path / "flows-2" / "a.json") == ["other"]
    assert [f.text for f in Remembering(history, person=str(folder)).facts("person")] == ["me"]


def test_what_was_not_moved_is_refused_in_words(history: History, tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    with pytest.raises(FlowError, match="There is no file"):
        move_by_hand(history, old, new)
    new.touch()
    with pytest.raises(FlowError, match="Nothing is kept of"):
        move_by_hand(history, old, new)
    old.touch()
    with pytest.raises(FlowError, match="is still there"):
        move_by_hand(history, old, new)


def test_renaming_in_the_studio_takes_them_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patchbay.studio.screens.flow_dialogs import _rename_file
    from patchbay.studio.server import services as shared

    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    services = shared.Services(tmp_path)
    monkeypatch.setattr(shared, "_services", services)
    path = services.library.create(flow({"o": OUT, "i": "io.input"}, ["i.value > o.value"]), "a")
    with_facts(services.history, path.resolve(), "kept")
    _rename_file(path, "b")
    assert keeps(services.history, path.with_name("b.json").resolve()) == ["kept"]
    _rename_file(path.with_name("b.json"), "b")
    assert keeps(services.history, path.with_name("b.json").resolve()) == ["kept"]

"""Flows whose files change while they are served."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core import shelf
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import CATALOG, serving


def test_a_changed_flow_is_read_anew(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shelf, "_LOOK_EVERY_S", 0.0)
    folder = write(tmp_path / "flows", "shout", "slow")
    with serving(folder) as served:
        old = served.run("slow", {"question": "a b c d e f", "background": True}).json()["run"]
        file = folder / "shout.json"
        text = file.read_text()
        file.write_text(text.replace('"answer"', '"loud"'))
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"loud": "A"}
        file.write_text("{")
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"loud": "A"}
        assert "shout.json" in served.http.get("/flows").json()["not_served"]
        file.write_text(text)
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        assert "not_served" not in served.http.get("/flows").json()
        (folder / "slow.json").write_text(text)
        (folder / "new.json").write_text(text)
        assert served.run("new", {"text": "b"}).json()["outputs"] == {"answer": "B"}
        (folder / "new.json").unlink()
        assert served.run("new", {"text": "b"}).status_code == 404
        text = served.http.get(f"/runs/{old}/events").text  # finishes as it began
        assert json.loads(text.rstrip().splitlines()[-1].removeprefix("data: "))["outputs"] == {
            "answer": "a b c d e f"
        }


def test_a_folder_of_many_files_is_looked_at_once(tmp_path: Path, monkeypatch):
    """Each file and each folder, however many there are, and however many are no flows."""
    folder, looks = write(tmp_path / "flows", "shout"), Counter[str]()
    text = (folder / "shout.json").read_text()
    for number in range(30):
        (folder / f"shout-{number}.json").write_text(text)
        (folder / f"no-flow-{number}.json").write_text("{}")
    for name in ("resolve", "glob"):
        real = getattr(Path, name)

        def counted(path: Path, *given: Any, name: str = name, real: Any = real) -> Any:
            looks[name] += 1
            return real(path, *given)

        monkeypatch.setattr(Path, name, counted)
    monkeypatch.setattr(shelf, "_LOOK_EVERY_S", 0.0)
    served = shelf.Shelf([folder], CATALOG)
    assert len(list(served.all())) == 31
    looks.clear()
    assert len(list(served.all())) == 31
    assert looks == {"resolve": 61, "glob": 2}


def test_one_flow_named_twice_is_served_once(tmp_path: Path):
    folder = write(tmp_path / "flows", "shout")
    served = shelf.Shelf([folder / "shout.json", folder], CATALOG)
    assert [flow.name for flow in served.all()] == ["shout"]
    assert served.problems == {}


def test_a_changed_subflow_is_read_anew(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shelf, "_LOOK_EVERY_S", 0.0)
    outer = flow(
        {
            "in": asks("text"),
            "sub": ("logic.run_flow", {"flow": "shout", "inputs": {"text": "text"}}),
            "out": gives(),
        },
        ["in.value > sub.text", "sub.answer > out.value"],
    )
    folder = write(tmp_path / "flows", "shout")
    (folder / "outer.json").write_text(canonical_text(outer))
    with serving(folder) as served:
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        file = folder / "shout.json"
        file.write_text(file.read_text().replace("test.upper", "test.words"))
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "a"}

"""Flows whose files change while they are served."""

from __future__ import annotations

import json
from pathlib import Path

from patchbay.flows.document.writing import canonical_text
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import serving


def test_a_changed_flow_is_read_anew(tmp_path: Path, monkeypatch):
    from patchbay.flows.server.core import shelf

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


def test_a_changed_subflow_is_read_anew(tmp_path: Path, monkeypatch):
    from patchbay.flows.server.core import shelf

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

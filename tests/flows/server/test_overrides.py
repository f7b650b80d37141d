"""Params that callers may change: those that were declared for a flow, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import FlowVariable
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.overrides import check_declared
from patchbay.flows.server.core.settings import Settings
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import Served, serving

ECHO = flow(
    {"in": asks(), "say": ("prompt.template", {"template": "Said {question}"}), "out": gives()},
    ["in.value > say.question", "say.text > out.value"],
    "Echo",
)


@pytest.fixture(scope="module")
def open_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = write(tmp_path_factory.mktemp("open") / "flows", "shout")
    for name in ("echo", "closed"):
        (folder / f"{name}.json").write_text(canonical_text(ECHO), encoding="utf-8")
    with serving(folder, Settings(overrides=("echo:say.template",))) as found:
        yield found


def ask(served: Served, name: str, params: Any) -> Any:
    return served.run(name, {"question": "hi", "params": params})


def test_a_declared_param_is_changed_for_one_run(open_: Served):
    changed = ask(open_, "echo", {"say.template": "Heard {question}"})
    assert changed.json()["outputs"] == {"answer": "Heard hi"}
    assert ask(open_, "echo", {}).json()["outputs"] == {"answer": "Said hi"}
    streamed = open_.run(
        "echo", {"question": "x", "params": {"say.template": "S {question}"}, "stream": True}
    )
    assert "S x" in streamed.text


@pytest.mark.parametrize(
    ("name", "params", "status"),
    [
        ("closed", {"say.template": "x"}, 403),
        ("echo", {"in.name": "x"}, 403),
        ("echo", {"say.templat": "x"}, 403),
        ("echo", {"": 1}, 403),
        ("echo", {"say.template": 3}, 400),
        ("echo", {"say.template": "{other}"}, 400),
        ("echo", "say.template", 400),
        ("echo", [1], 400),
    ],
)
def test_what_may_not_be_changed_or_does_not_fit(
    open_: Served, name: str, params: Any, status: int
):
    assert ask(open_, name, params).status_code == status


def test_near_names_are_told(open_: Served):
    told = ask(open_, "echo", {"say.templat": "x"}).json()["error"]
    assert (told["code"], "say.template" in told["fix"]) == ("serve/override", True)


@pytest.mark.parametrize("text", ["echo", "echo:say", "echo:say.x", "none:say.template", ":"])
def test_what_is_declared_must_be_there(open_: Served, text: str):
    with pytest.raises(FlowError, match="no such param"):
        check_declared([text], open_.service.shelf)


def test_a_flow_may_have_an_input_of_that_name(tmp_path: Path):
    own = flow({"in": asks("params", "json"), "out": gives()}, ["in.value > out.value"], "Own")
    folder = write(tmp_path / "flows", "shout")
    (folder / "own.json").write_text(canonical_text(own), encoding="utf-8")
    with serving(folder) as served:
        told = served.run("own", {"params": {"a": 1}}).json()
    assert told["outputs"] == {"answer": {"a": 1}}


def test_flows_inside_keep_the_values_of_the_environment(tmp_path: Path, monkeypatch):
    """They had the usual values where a caller changed a param of the flow around them."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    language = FlowVariable(name="language", value="Danish", environments={"production": "German"})
    inner = flow({"v": ("io.value", {"value": {"variable": "language"}}), "out": gives()},
                 ["v.value > out.value"], "Inner")  # fmt: skip
    outer = flow(
        {
            "r": ("logic.run_flow", {"flow": "inner", "inputs": {}}),
            "say": ("prompt.template", {"template": "In {word}"}),
            "out": gives(),
        },
        ["r.answer > say.word", "say.text > out.value"],
        "Outer",
    )
    folder = write(tmp_path / "flows", "shout")
    for name, made in (("inner", inner), ("outer", outer)):
        text = canonical_text(made.model_copy(update={"variables": (language,)}))
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    settings = Settings(overrides=("outer:say.template",), variables="production")
    with serving(folder, settings) as served:
        assert served.run("outer").json()["outputs"] == {"answer": "In German"}
        changed = served.run("outer", {"params": {"say.template": "Auf {word}"}})
        assert changed.json()["outputs"] == {"answer": "Auf German"}

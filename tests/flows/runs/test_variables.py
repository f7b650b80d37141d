"""Variables of a flow: values that params name, with other values in other environments."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import FlowError, RunError, load, run
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.variables import environments, settled, usual_environment
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.history import History
from patchbay.nodes.catalog import load_catalog

CATALOG = load_catalog()
LANGUAGE = {"name": "language", "value": "Danish", "environments": {"production": "German"}}


def flow_of(*variables: dict[str, Any], value: Any = None, **more: Any) -> Flow:
    taken = {"variable": "language"} if value is None else value
    return read_text(json.dumps({
        "format": 1, "name": "Variables", "variables": list(variables),
        "nodes": [
            {"id": "v", "kind": "io.value", "params": {"value": taken, **more}},
            {"id": "out", "kind": "io.output"},
        ],
        "edges": [{"from": "v.value", "to": "out.value"}],
    }))  # fmt: skip


def answer(flow: Any, **more: Any) -> Any:
    return run(flow, **more).outputs["answer"]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PATCHBAY_ENV", raising=False)
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))


def test_a_param_takes_the_value() -> None:
    assert validate(flow_of(LANGUAGE), CATALOG) == []
    assert answer(flow_of(LANGUAGE)) == "Danish"


def test_inside_of_lists_and_objects_too_and_other_types() -> None:
    most = {"name": "most", "value": 3, "environments": {"production": 30}}
    nested = {"a": [{"variable": "most"}, {"variable": "language"}], "b": {"variable": "x", "y": 1}}
    flow = flow_of(LANGUAGE, most, value=nested, type="json")
    assert answer(flow) == {"a": [3, "Danish"], "b": {"variable": "x", "y": 1}}
    assert answer(settled(flow, "production")) == {
        "a": [30, "German"], "b": {"variable": "x", "y": 1},
    }  # fmt: skip


def test_a_flow_without_variables_may_hold_data_that_looks_like_one() -> None:
    flow = flow_of(value={"variable": "language"}, type="json")
    assert validate(flow, CATALOG) == []
    assert answer(flow) == {"variable": "language"}


def test_the_value_is_checked_as_if_it_stood_there() -> None:
    flow = flow_of(LANGUAGE, type="number")
    [problem] = validate(flow, CATALOG)
    assert problem.code == "params/invalid"
    assert "must be a number" in problem.message


def test_an_environment_by_argument_by_variable_and_by_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flow.json"
    save_flow(flow_of(LANGUAGE), path)
    assert answer(load(path)) == "Danish"
    assert answer(load(path, env="production")) == "German"
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text('[flows]\nenvironment = "production"\n')
    assert answer(load(path)) == "German"
    monkeypatch.setenv("PATCHBAY_ENV", "test")  # the flow has none: its usual values
    assert usual_environment() == "test"
    assert answer(load(path)) == "Danish"
    with pytest.raises(FlowError, match=r'environment "staging".*production'):
        load(path, env="staging")


def test_flows_inside_have_the_values_of_the_same_environment(tmp_path: Path) -> None:
    save_flow(flow_of(LANGUAGE), tmp_path / "inner.json")
    outer = read_text(json.dumps({
        "format": 1,
        "variables": [LANGUAGE],
        "nodes": [
            {"id": "r", "kind": "logic.run_flow", "params": {"flow": "inner", "inputs": {}}},
            {"id": "out", "kind": "io.output"},
        ],
        "edges": [{"from": "r.answer", "to": "out.value"}],
    }))  # fmt: skip
    save_flow(outer, tmp_path / "outer.json")
    loaded = load(tmp_path / "outer.json")
    env = default_environment(use_cache=False, folder=tmp_path)
    assert answer(loaded, environment=env) == "Danish"
    assert answer(loaded, environment=replace(env, variables="production")) == "German"


def test_a_recorded_run_keeps_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(f"sqlite:///{tmp_path}/history.sqlite")
    monkeypatch.setenv("PATCHBAY_ENV", "production")
    kept = run(flow_of(LANGUAGE), record=True, history=history)
    monkeypatch.delenv("PATCHBAY_ENV")
    again = history.get(kept.run).flow
    assert (again.variables[0].value, environments(again)) == ("German", [])
    assert answer(again) == "German"
    history.close()


def test_secrets_are_refused(tmp_path: Path) -> None:
    plain = flow_of({**LANGUAGE, "environments": {"x": "sk-THIS0IS0NOT0A0REAL0KEY0AT0ALL"}})
    [problem] = validate(plain, CATALOG)
    assert problem.code == "params/plain-secret"
    assert 'variable "language"' in problem.message
    with pytest.raises(FlowError, match="looks like"):
        save_flow(plain, tmp_path / "flow.json")
    named = flow_of({**LANGUAGE, "value": {"secret": "KEY"}}, type="json")
    assert [p.code for p in validate(named, CATALOG)] == ["params/variable"]


def test_one_that_is_not_there_is_named() -> None:
    flow = flow_of(LANGUAGE, value={"variable": "langauge"}, type="json")
    [problem] = validate(flow, CATALOG)
    assert 'takes the variable "langauge", which the flow does not have' in problem.message
    assert 'Did you mean "language"?' in problem.fix
    with pytest.raises((FlowError, RunError)):
        run(flow)


def test_the_file_is_canonical_and_one_line_a_variable() -> None:
    text = canonical_text(flow_of(LANGUAGE))
    assert (
        '    {"name": "language", "value": "Danish", "environments": {"production": "German"}}'
        in (text)
    )
    assert canonical_text(read_text(text)) == text
    assert "variables" not in canonical_text(flow_of(value="x"))

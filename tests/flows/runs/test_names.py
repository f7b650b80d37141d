"""A name that a person chooses works, or is refused when the flow is checked. None hangs a run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.api import run
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.history import History
from patchbay.flows.runs.thread_runs import InThread
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow

NAMES = (
    "self", "cls", "ctx", "params", "inputs", "outputs", "values", "name", "port", "flow", "path",
    "declared", "of", "as_dict", "class", "from", "lambda", "None", "True", "item", "items",
    "result", "value", "__init__", "__class__", "__dict__", "_", "__", "config", "run_manager",
    "environment", "mro", "model_config", "copy", "json", "schema",
)  # fmt: skip


def template(name: str) -> tuple[dict[str, object], list[str], dict[str, str]]:
    nodes = {
        "q": ("io.input", {"name": "q"}),
        "t": ("prompt.template", {"template": f"<{{{name}}}>"}),
        "o": ("io.output", {"name": "out"}),
    }
    return nodes, [f"q.value > t.{name}", "t.text > o.value"], {"q": "hi"}


def flow_input(name: str) -> tuple[dict[str, object], list[str], dict[str, str]]:
    nodes = {"q": ("io.input", {"name": name}), "o": ("io.output", {"name": "out"})}
    return nodes, ["q.value > o.value"], {name: "<hi>"}


def flow_output(name: str) -> tuple[dict[str, object], list[str], dict[str, str]]:
    nodes = {"q": ("io.input", {"name": "q"}), "o": ("io.output", {"name": name})}
    return nodes, ["q.value > o.value"], {"q": "<hi>"}


def subflow(name: str) -> tuple[dict[str, object], list[str], dict[str, str]]:
    nodes = {
        "q": ("io.input", {"name": "q"}),
        "f": (
            "logic.run_flow",
            {"flow": "inner", "inputs": {name: "text"}, "outputs": {name: "text"}},
        ),
        "o": ("io.output", {"name": "out"}),
    }
    return nodes, [f"q.value > f.{name}", f"f.{name} > o.value"], {"q": "<hi>"}


def for_each(name: str) -> tuple[dict[str, object], list[str], dict[str, str]]:
    nodes = {
        "q": ("io.input", {"name": "q"}),
        "s": ("text.split", {}),
        "f": ("logic.for_each", {"flow": "inner", "input": "given", "output": name,
                                 "extra": [name]}),
        "o": ("io.output", {"name": "out"}),
    }  # fmt: skip
    wires = ["q.value > s.text", "s.items > f.items", f"q.value > f.{name}", "f.results > o.value"]
    return nodes, wires, {"q": "<hi>"}


@pytest.mark.parametrize("where", [template, flow_input, flow_output, subflow, for_each])
@pytest.mark.parametrize("name", NAMES)
async def test_a_name_works_or_is_refused(name: str, where, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    inner = flow(
        {
            "a": ("io.input", {"name": name}),
            "g": ("io.input", {"name": "given", "default": "x"}),
            "o": ("io.output", {"name": name}),
        },
        ["a.value > o.value"],
    )
    save_flow(inner, tmp_path / "inner.json")
    nodes, wires, inputs = where(name)
    try:
        async with asyncio.timeout(120):
            found = await events_of(flow(nodes, wires), inputs, folder=tmp_path)
    except FlowError as refused:
        text = str(refused)
        assert "taken" in text or "plain name" in text or "different names" in text, text
        return
    end = found[-1]
    assert isinstance(end, RunFinished), end
    assert "<hi>" in str(end.outputs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("agent.task", lambda name: {"description": f"Say {{{name}}}."}),
        ("eval.accuracy", lambda name: {"answers": [name]}),
        ("tool.flow", lambda name: {"flow": "inner", "inputs": [name], "output": name}),
    ],
)
def test_ports_take_the_name(kind: str, params, name: str) -> None:  # type: ignore[no-untyped-def]
    cls = CATALOG.get(kind)
    assert cls is not None
    try:
        given = cls.Params.model_validate(params(name))
    except ValidationError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert "taken" in refused or "plain name" in refused or "must differ" in refused
        return
    ports = cls.input_ports(given)
    if name in ports.declared:
        assert ports(**{name: "<hi>"}).as_dict()[name] == "<hi>"


def test_an_input_called_environment_is_given_in_the_mapping():
    """By keyword it is the environment of the run; a text there is told so, not run into."""
    nodes, wires, given = flow_input("environment")
    asked = flow(nodes, wires)
    assert run(asked, given, environment=environment()).outputs == {"out": "<hi>"}
    with pytest.raises(FlowError, match="as a mapping") as caught:
        run(asked, environment="<hi>")  # type: ignore[arg-type]
    assert caught.value.problems[0].code == "input/environment"


@pytest.mark.parametrize("name", ["history", "thread", "record"])
def test_inputs_called_as_other_arguments_are_given_in_the_mapping(name: str):
    nodes, wires, given = flow_input(name)
    asked = flow(nodes, wires)
    assert run(asked, given, environment=environment()).outputs == {"out": "<hi>"}
    for value in ("<hi>", 7, ["<hi>"]):
        with pytest.raises(FlowError, match="mapping") as caught:
            run(asked, environment=environment(), **{name: value})  # type: ignore[arg-type]
        assert caught.value.problems[0].code == f"input/{name}"


@pytest.mark.parametrize("name", ["inputs", "flow", "more", "cache", "only", "folder"])
def test_inputs_called_as_no_argument_may_be_given_by_keyword(name: str):
    nodes, wires, given = flow_input(name)
    assert run(flow(nodes, wires), environment=environment(), **given).outputs == {"out": "<hi>"}


def test_a_thread_beside_an_input_of_that_name(tmp_path: Path):
    """With the input in the mapping, or with an `InThread`, nothing is left to guess."""
    nodes, wires, given = flow_input("thread")
    kept = History(f"sqlite:///{tmp_path}/history.sqlite3")
    for thread in ("one", InThread("two")):
        result = run(flow(nodes, wires), given, environment=environment(), thread=thread,
                     history=kept)  # fmt: skip
        assert result.outputs == {"out": "<hi>"}
        assert result.thread == (thread if isinstance(thread, str) else thread.id)


HALF = "\ud83d"
"""What is left of an emoji that was cut, as JSON can say it."""


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", f"a{HALF}"),
        ("json", {"a": [HALF]}),
        ("json", {HALF: 1}),
        ("messages", [{"role": "user", "content": HALF}]),
    ],
)
def test_half_a_character_is_refused_as_an_input(kind: str, value: object):
    nodes = {"q": ("io.input", {"name": "q", "kind": kind}), "o": OUT}
    with pytest.raises(FlowError, match="half a character") as caught:
        run(flow(nodes, ["q.value > o.value"]), {"q": value}, environment=environment())
    assert caught.value.problems[0].code == "input/invalid"


def test_half_a_character_that_a_node_gives_is_told_with_its_port():
    nodes = {"q": ("io.input", {"name": "q"}), "it": ("eval.data", {}), "o": OUT}
    asked = flow(nodes, ["q.value > it.source", "it.inputs > o.value"])
    rows = '{"input": "\\ud83d", "label": "b"}\n'  # whole as text; JSON makes half of it
    with pytest.raises(RunError, match="half a character") as caught:
        run(asked, {"q": rows}, environment=environment())
    assert caught.value.problem.code == "node/half-character"
    assert (caught.value.problem.node, caught.value.problem.port) == ("it", "inputs")


def test_whole_characters_pass():
    nodes = {"q": ("io.input", {"name": "q", "kind": "json"}), "o": OUT}
    given = {"a": ["\U0001f600", "\u00e9"]}
    found = run(flow(nodes, ["q.value > o.value"]), {"q": given}, environment=environment())
    assert list(found.outputs.values()) == [given]

# ruff: noqa: E501 - files in the shape that builders write
"""Dify's iterations and loops: what the models inside hear, and what comes out.

By its documentation an iteration runs its nodes once for each item, with `item` and `index`, and
gives the list of results; a loop goes on with its variables until its condition holds, an Exit Loop
is reached or it has run as often as it may.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.exchange.imports.reading import Imported, import_bytes
from patchbay.flows.runs.api import run
from tests.flows.exchange.importing import CATALOG, Listening
from tests.flows.exchange.test_import_flowise import statuses
from tests.flows.exchange.test_import_rounds import loaded
from tests.flows.runs.harness import environment

MODEL = {"provider": "openai", "name": "m"}


def llm(text: str, **more: Any) -> dict[str, Any]:
    rows = [{"role": "user", "text": text}]
    return {"type": "llm", "model": MODEL, "prompt_template": rows, **more}


def app(nodes: dict[str, dict[str, Any]], *wires: str, mode: str = "workflow") -> Imported:
    """An app: `_in` is the node that another one is inside of; `"a:true > b"` leaves by a handle."""
    made, edges = [], []
    for node_id, given in nodes.items():
        data = {"title": node_id.capitalize(), **given}
        parent = data.pop("_in", None)
        made.append({"id": node_id, "data": data, **({"parentId": parent} if parent else {})})
    for wire in wires:
        begin, finish = (end.strip() for end in wire.split(">"))
        source, _, handle = begin.partition(":")
        edges.append({"source": source, "target": finish, "sourceHandle": handle or "source"})
    graph = {"nodes": made, "edges": edges}
    text = json.dumps({"app": {"mode": mode, "name": "Case"}, "workflow": {"graph": graph}})
    (one,) = import_bytes(text.encode(), "case.json", CATALOG)
    return one


def answer(one: Imported, folder: Path, **inputs: Any) -> Any:
    done = run(loaded(one, folder), inputs, environment=environment(catalog=CATALOG))
    return done.outputs["answer"]


START = {"type": "start", "variables": [{"variable": "tone"}]}
EXTRACT = {
    "type": "parameter-extractor", "model": MODEL, "query": ["sys", "query"],
    "parameters": [{"name": "parts", "type": "array[string]"}],
}  # fmt: skip
END = {"type": "end", "outputs": [{"variable": "o", "value_selector": ["each", "output"]}]}


def iteration(**more: Any) -> dict[str, Any]:
    return {
        "type": "iteration", "iterator_selector": ["get", "parts"],
        "output_selector": ["say", "text"], "start_node_id": "eachstart", **more,
    }  # fmt: skip


def iterated(say: str = "{{#start.tone#}}: {{#each.item#}}", **more: Any) -> Imported:
    return app(
        {
            "start": START,
            "get": {"type": "code", "code": "…"} if more.pop("code", False) else EXTRACT,
            "each": iteration(**more),
            "eachstart": {"type": "iteration-start", "_in": "each"},
            "say": {**llm(say), "_in": "each"},
            "end": END,
        },
        "start > get", "get > each", "eachstart > say", "each > end",
    )  # fmt: skip


def test_an_iteration_asks_for_every_item_with_what_stands_outside(tmp_path: Path):
    one = iterated()
    assert list(one.parts) == ["case-each.json"]
    each = next(node for node in one.flow.nodes if node.kind == "logic.for_each")
    assert (each.params["flow"], each.params["concurrency"]) == ("case-each", 1)
    assert "refused" not in statuses(one)
    Listening.script[:] = ['{"parts": ["a", "b"]}', "A", "B"]
    assert json.loads(answer(one, tmp_path, tone="kind", question="x")) == ["A", "B"]
    assert Listening.heard[1:] == [[("human", "kind: a")], [("human", "kind: b")]]


def test_the_parameters_of_an_extractor_keep_their_types(tmp_path: Path):
    """A list was a text, and what was read of it all that the model had said."""
    rows = [
        {"name": "mood", "type": "select", "options": ["good", "bad"], "required": True},
        {"name": "scores", "type": "array[number]", "required": False},
        {"name": "things", "type": "array[object]"},
    ]
    one = app(
        {"start": START, "get": {**EXTRACT, "parameters": rows}, "end": {"type": "answer", "answer": "{{#get.mood#}}: {{#get.scores#}}"}},
        "start > get", "get > end",
    )  # fmt: skip
    Listening.script[:] = ['{"mood": "bad", "scores": [1, 2.5], "things": ["x"]}']
    assert answer(one, tmp_path, question="x").split() == ["bad:", "[", "1.0,", "2.5", "]"]
    assert any("list of texts" in line for line in statuses(one)["approximated"])


def test_the_number_of_an_item_is_told_as_not_known():
    (one,) = [iterated(say="{{#each.index#}}: {{#each.item#}}")]
    assert any("each.index" in line for line in statuses(one)["refused"])


def test_how_an_iteration_takes_what_fails_and_lists_of_lists():
    one = iterated(
        error_handle_mode="remove-abnormal-output", is_parallel=True, parallel_nums=7,
        output_type="array[array[string]]",
    )  # fmt: skip
    each = next(node for node in one.flow.nodes if node.kind == "logic.for_each")
    assert (each.params["concurrency"], each.params["on_item_error"]) == (7, "keep going")
    made = [node.params["expression"] for node in one.flow.nodes if node.kind == "data.transform"]
    assert made == ["[?@ != `null`]", "[]"]
    one = iterated(output_type="array[array[string]]", flatten_output=False)
    assert "data.transform" not in [node.kind for node in one.flow.nodes]


def test_an_iteration_over_what_code_gives_keeps_its_wire_to_the_stub():
    one = iterated(code=True)
    assert [node.kind for node in one.flow.nodes if node.disabled] == ["dify:code"]
    assert any(edge.target_port == "items" for edge in one.flow.edges)


def test_an_iteration_inside_of_another_one(tmp_path: Path):
    """Both items are read in the inner one; each has a flow of its own."""
    one = app(
        {
            "start": START,
            "get": EXTRACT,
            "outer": {"type": "iteration", "iterator_selector": ["get", "parts"], "output_selector": ["inner", "output"]},
            "outerstart": {"type": "iteration-start", "_in": "outer"},
            "inner": {"type": "iteration", "iterator_selector": ["get", "parts"], "output_selector": ["say", "text"], "_in": "outer"},
            "innerstart": {"type": "iteration-start", "_in": "inner"},
            "say": {**llm("{{#outer.item#}}{{#inner.item#}}{{#sys.query#}}"), "_in": "inner"},
            "end": {"type": "end", "outputs": [{"variable": "o", "value_selector": ["outer", "output"]}]},
        },
        "start > get", "get > outer", "outerstart > inner", "innerstart > say", "outer > end",
    )  # fmt: skip
    assert list(one.parts) == ["case-inner.json", "case-outer.json"]
    Listening.script[:] = ['{"parts": ["a", "b"]}']
    found = json.loads(answer(one, tmp_path, question="?"))
    assert found == [["<aa?>", "<ab?>"], ["<ba?>", "<bb?>"]]


# --- loops ----------------------------------------------------------------------------------------


def variable(label: str, kind: str, value: Any) -> dict[str, Any]:
    told = "variable" if isinstance(value, list) else "constant"
    return {"label": label, "var_type": kind, "value_type": told, "value": value}


def until(name: str, test: str, value: str, kind: str = "string") -> dict[str, Any]:
    return {
        "variable_selector": ["loop", name], "comparison_operator": test, "value": value,
        "varType": kind,
    }  # fmt: skip


def assign(name: str, operation: str, value: Any) -> dict[str, Any]:
    told = "variable" if isinstance(value, list) and operation != "set" else "constant"
    row = {
        "variable_selector": ["loop", name],
        "operation": operation,
        "input_type": told,
        "value": value,
    }
    return {"type": "assigner", "version": "2", "items": [row], "_in": "loop"}


def loop(*variables: dict[str, Any], ends: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "loop",
        "loop_variables": list(variables),
        "break_conditions": list(ends),
        "logical_operator": "and",
        "loop_count": 5,
        **more,
    }


ENTER = {"type": "loop-start", "_in": "loop"}


def said(*fields: str) -> dict[str, Any]:
    text = " ".join("{{#loop." + field + "#}}" for field in fields)
    return {"type": "answer", "answer": text}


def test_a_loop_goes_on_with_its_variables_until_its_condition_holds(tmp_path: Path):
    """The model of a round hears what the last one wrote."""
    one = app(
        {
            "start": START,
            "loop": loop(variable("draft", "string", ["start", "tone"]), variable("count", "number", "1"), ends=[until("count", "≥", "3", "number")]),
            "loopstart": ENTER,
            "say": {**llm("Improve {{#loop.draft#}}"), "_in": "loop"},
            "keep": assign("draft", "over-write", ["say", "text"]),
            "add": assign("count", "+=", 1),
            "end": said("draft", "count", "loop_round"),
        },
        "start > loop", "loopstart > say", "say > keep", "keep > add", "loop > end",
    )  # fmt: skip
    assert list(one.parts) == ["case-loop.json"]
    Listening.script[:] = ["b", "c", "d"]
    assert answer(one, tmp_path, tone="a") == "c 3 2"
    assert Listening.heard == [[("human", "Improve a")], [("human", "Improve b")]]
    assert any("after a round" in line for line in statuses(one)["approximated"])


def test_what_is_read_after_it_was_written_is_the_new_value(tmp_path: Path):
    one = app(
        {
            "start": START,
            "loop": loop(variable("mood", "string", "old"), loop_count=1),
            "loopstart": ENTER,
            "before": {**llm("before {{#loop.mood#}}"), "_in": "loop"},
            "write": assign("mood", "set", "new"),
            "after": {**llm("after {{#loop.mood#}}"), "_in": "loop"},
            "end": said("mood"),
        },
        "start > loop", "loopstart > before", "before > write", "write > after", "loop > end",
    )  # fmt: skip
    assert answer(one, tmp_path) == "new"
    assert sorted(Listening.heard) == [[("human", "after new")], [("human", "before old")]]


@pytest.mark.parametrize(("first", "rounds"), [("stop", 1), ("go", 3)])
def test_an_exit_on_one_way_ends_the_loop(tmp_path: Path, first: str, rounds: int):
    """What is written on a way that is not taken stays as it was."""
    one = app(
        {
            "start": START,
            "loop": loop(variable("word", "string", ["start", "tone"]), loop_count=3),
            "loopstart": ENTER,
            "way": {"type": "if-else", "_in": "loop", "cases": [{"case_id": "true", "logical_operator": "and", "conditions": [{"variable_selector": ["loop", "word"], "comparison_operator": "is", "value": "stop"}]}]},
            "exit": {"type": "loop-end", "_in": "loop"},
            "say": {**llm("On {{#loop.word#}}"), "_in": "loop"},
            "end": said("word", "loop_round"),
        },
        "start > loop", "loopstart > way", "way:true > exit", "way:false > say", "loop > end",
    )  # fmt: skip
    assert answer(one, tmp_path, tone=first) == f"{first} {rounds}"
    assert len(Listening.heard) == (0 if first == "stop" else 3)


def test_a_variable_that_is_written_on_one_way_keeps_its_value_on_the_other(tmp_path: Path):
    one = app(
        {
            "start": START,
            "loop": loop(variable("word", "string", ["start", "tone"]), ends=[until("word", "is", "b")]),
            "loopstart": ENTER,
            "way": {"type": "if-else", "_in": "loop", "cases": [{"case_id": "true", "logical_operator": "and", "conditions": [{"variable_selector": ["loop", "word"], "comparison_operator": "is", "value": "a"}]}]},
            "write": assign("word", "set", "b"),
            "end": said("word", "loop_round"),
        },
        "start > loop", "loopstart > way", "way:true > write", "loop > end",
    )  # fmt: skip
    assert answer(one, tmp_path, tone="a") == "b 1"
    assert answer(one, tmp_path, tone="c") == "c 5"


@pytest.mark.parametrize(
    ("operation", "value", "begin", "wanted"),
    [
        ("append", "x", '["a"]', ["a", "x"]),
        ("extend", ["x", "y"], '["a"]', ["a", "x", "y"]),
        ("remove-first", None, '["a", "b"]', ["b"]),
        ("remove-last", None, '["a", "b"]', ["a"]),
        ("clear", None, '["a"]', []),
        ("set", ["z"], '["a"]', ["z"]),
    ],
)
def test_what_an_assigner_does_with_a_list(
    tmp_path: Path, operation: str, value: Any, begin: str, wanted: Any
):
    row = {
        "variable_selector": ["loop", "all"],
        "operation": operation,
        "input_type": "constant",
        "value": value,
    }
    one = app(
        {
            "start": START,
            "loop": loop(variable("all", "array[string]", begin), loop_count=1),
            "loopstart": ENTER,
            "write": {"type": "assigner", "items": [row], "_in": "loop"},
            "end": said("all"),
        },
        "start > loop", "loopstart > write", "loop > end",
    )  # fmt: skip
    assert json.loads(answer(one, tmp_path)) == wanted


def test_what_is_said_inside_is_told_as_left_out():
    one = app(
        {
            "start": START,
            "loop": loop(variable("a", "string", "x")),
            "loopstart": ENTER,
            "tell": {"type": "answer", "answer": "{{#loop.a#}}", "_in": "loop"},
            "write": assign("a", "set", "y"),
            "end": said("a"),
        },
        "start > loop", "loopstart > tell", "tell > write", "loop > end",
    )  # fmt: skip
    assert any("says inside" in line for line in statuses(one)["approximated"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"loop_variables": []}, "no variables"),
        ({"loop_variables": 5, "break_conditions": 5}, "no variables"),
        ({"break_conditions": [{"comparison_operator": "smells"}]}, "no equal"),
    ],
)
def test_a_loop_that_cannot_be_said_is_refused(change: dict[str, Any], why: str):
    one = app(
        {"start": START, "loop": {**loop(variable("a", "string", "x")), **change}, "loopstart": ENTER, "write": assign("a", "set", "y"), "end": said("a")},
        "start > loop", "loopstart > write", "loop > end",
    )  # fmt: skip
    assert any(why in line for line in statuses(one)["refused"])


@pytest.mark.parametrize(
    "change",
    [{"iterator_selector": None}, {"output_selector": "x"}, {"output_selector": ["nobody", "x"]}],
)
def test_an_iteration_without_a_list_or_a_result_is_refused(change: dict[str, Any]):
    assert statuses(iterated(**change))["refused"]


def test_an_assigner_that_multiplies_is_refused():
    one = app(
        {"start": START, "loop": loop(variable("n", "number", 2)), "loopstart": ENTER, "write": assign("n", "*=", 3), "end": said("n")},
        "start > loop", "loopstart > write", "loop > end",
    )  # fmt: skip
    assert any(
        "Variable Assigner" in line or "write" in line.lower() for line in statuses(one)["refused"]
    )


# --- what meets again, and memory ----------------------------------------------------------------


WAY = {
    "type": "if-else",
    "cases": [
        {
            "case_id": "true",
            "logical_operator": "and",
            "conditions": [
                {
                    "variable_selector": ["sys", "query"],
                    "comparison_operator": "contains",
                    "value": "refund",
                }
            ],
        }
    ],
}


@pytest.mark.parametrize(("question", "told"), [("a refund", "<R>"), ("a car", "<S>")])
def test_an_aggregator_goes_on_with_the_way_that_was_taken(
    tmp_path: Path, question: str, told: str
):
    """Nothing was wired into it."""
    one = app(
        {
            "start": START, "way": WAY, "r": llm("R"), "s": llm("S"),
            "both": {"type": "variable-aggregator", "variables": [["r", "text"], ["s", "text"]]},
            "end": {"type": "answer", "answer": "{{#both.output#}}"},
        },
        "start > way", "way:true > r", "way:false > s", "r > both", "s > both", "both > end",
        mode="advanced-chat",
    )  # fmt: skip
    assert answer(one, tmp_path, question=question) == told


def test_a_model_that_remembers_does_so_behind_a_condition(tmp_path: Path):
    """It heard the question alone."""
    one = app(
        {
            "start": START, "way": WAY,
            "r": {"type": "llm", "model": MODEL, "memory": {"window": {"enabled": False}}, "prompt_template": [{"role": "system", "text": "Brief."}]},
            "s": llm("S"),
            "end": {"type": "answer", "answer": "{{#r.text#}}{{#s.text#}}"},
        },
        "start > way", "way:true > r", "way:false > s", "r > end", "s > end",
        mode="advanced-chat",
    )  # fmt: skip
    talk = [
        {"role": "user", "content": "I am Ada"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "My refund?"},
    ]
    run(loaded(one, tmp_path), {"question": talk}, environment=environment(catalog=CATALOG))
    heard = [("system", "Brief."), ("human", "I am Ada"), ("ai", "Hello"), ("human", "My refund?")]
    assert Listening.heard == [heard]
    assert not any("not passed on" in line for line in statuses(one).get("approximated", []))


ODD: list[Any] = [
    None, 5, True, "x", "{{#a.b#}}", [], [1], [[]], ["loop", 5], ["loop", "a"], {}, {"a": 1},
    [{}], [{"label": 5}], [{"label": "a", "value_type": "variable"}], [{"variable": "a"}],
    [{"variable_selector": ["loop", "a"]}], {"type": "json", "data": [5, {"value": 5}]},
    {"type": "api-key", "config": {"type": 5, "api_key": 5}}, {"type": "form-data", "data": 5},
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("loop", ["loop_variables", "break_conditions", "loop_count", "logical_operator"]),
        ("iteration", ["iterator_selector", "output_selector", "parallel_nums", "output_type"]),
        ("assigner", ["items", "assigned_variable_selector", "input_variable_selector"]),
        ("variable-aggregator", ["variables"]),
        ("parameter-extractor", ["parameters", "query", "model"]),
        ("http-request", ["headers", "params", "body", "authorization", "timeout", "url"]),
        ("if-else", ["cases", "conditions"]),
        ("start", ["variables"]),
    ],
)
def test_odd_settings_of_dify_open(kind: str, names: list[str]):
    """Nothing that may stand in a file keeps the rest of it from opening."""
    whole = loop(variable("a", "string", "x"))
    for name in names:
        for value in ODD:
            odd = {"type": kind, name: value}
            held = {**whole, **odd} if kind == "loop" else whole
            inside = odd if kind != "loop" else assign("a", "set", "y")
            app(
                {"start": START, "loop": held, "loopstart": ENTER, "it": {**inside, "_in": "loop"}, "also": odd, "end": said("a")},
                "start > loop", "loopstart > it", "loop > also", "also > end",
            )  # fmt: skip

"""Every offered fix is an edit that takes its problem away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows import machine
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.rules import RULES
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.edit import apply
from patchbay.flows.document.model import Edge, Flow, FlowVariable, Group, NodeInstance, Note, Place
from patchbay.flows.document.writing import save_flow
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.inspector.fixes import MAKERS, fixes

CATALOG = load_catalog()
ASK = NodeInstance(id="ask", kind="io.input", params={"name": "question"})
PROMPT = NodeInstance(id="prompt", kind="prompt.template", params={"template": "{question}"})
ANSWER = NodeInstance(id="answer", kind="io.output", params={"name": "answer"})
IN, OUT = (
    Edge(source="ask.value", target="prompt.question"),
    Edge(source="prompt.text", target="answer.value"),
)
GOOD = Flow(nodes=(ASK, PROMPT, ANSWER), edges=(IN, OUT))


def wired(*edges: Edge) -> Flow:
    return GOOD.model_copy(update={"edges": edges})


BROKEN = {
    "wiring/unknown-node": wired(IN, OUT, Edge(source="gone.text", target="prompt.question")),
    "wiring/unknown-port": wired(IN, OUT, Edge(source="ask.value", target="prompt.none")),
    "wiring/duplicate": wired(IN, IN, OUT),
    "wiring/required": wired(OUT),
    "structure/layout": GOOD.model_copy(update={"layout": {"gone": Place(x=0, y=0)}}),
    "structure/cycle": Flow(
        nodes=(
            PROMPT.model_copy(update={"id": "a"}),
            PROMPT.model_copy(update={"id": "b"}),
            ANSWER,
        ),
        edges=(
            Edge(source="a.text", target="b.question"),
            Edge(source="b.text", target="a.question"),
            Edge(source="b.text", target="answer.value"),
        ),
    ),
    "structure/duplicate-id": Flow(nodes=(ASK, PROMPT, ANSWER, ANSWER), edges=(IN, OUT)),
    "structure/duplicate-input": Flow(
        nodes=(ASK, ASK.model_copy(update={"id": "more"}), PROMPT, ANSWER), edges=(IN, OUT)
    ),
    "structure/duplicate-output": Flow(
        nodes=(ASK, PROMPT, ANSWER, ANSWER.model_copy(update={"id": "more"})), edges=(IN, OUT)
    ),
    "structure/no-output": Flow(nodes=(ASK, PROMPT), edges=(IN,)),
    "params/invalid": GOOD.with_params({"answer": {"name": "no name!"}}),
    "params/plain-secret": GOOD.with_params(
        {"prompt": {"template": "{question} sk-proj-" + "a1B2c3D4" * 5}}
    ),
    "params/variable": GOOD.with_params({"prompt": {"template": {"variable": "wording"}}}),
    "node/unknown-kind": Flow(
        nodes=(ASK, PROMPT.model_copy(update={"kind": "prompt.templat"}), ANSWER), edges=(IN, OUT)
    ),
    "node/version": Flow(
        nodes=(ASK, PROMPT.model_copy(update={"version": 7}), ANSWER), edges=(IN, OUT)
    ),
    "structure/unreachable": GOOD.model_copy(
        update={"nodes": (*GOOD.nodes, PROMPT.model_copy(update={"id": "lost"}))}
    ),
}


def test_the_flow_they_break_is_good() -> None:
    assert validate(GOOD, CATALOG) == []


@pytest.mark.parametrize("code", BROKEN)
def test_a_fix_takes_the_problem_away(code: str) -> None:
    flow = BROKEN[code]
    problem = next(p for p in validate(flow, CATALOG) if p.code == code)
    offered = fixes(Facts(resolve_once(flow, CATALOG)), problem)
    assert offered
    mended = apply(flow, offered[0].operation)
    left = {p.code for p in validate(mended, CATALOG) if p.severity == problem.severity}
    assert code not in left


UNKNOWN_TO_US = {"node/doubt": "only the person knows whether it is what was meant"}


def test_every_rule_has_a_button_or_a_reason_for_none() -> None:
    codes = {rule.code for rule in RULES}
    assert UNKNOWN_TO_US.keys() == codes - MAKERS.keys()
    assert MAKERS.keys() <= codes


def offers(flow: Flow, code: str, folder: Path | None = None) -> list[tuple[str, Flow]]:
    """What is offered for the first problem of a code, and the flow after it."""
    problem = next(p for p in validate(flow, CATALOG, folder) if p.code == code)
    found = fixes(Facts(resolve_once(flow, CATALOG), folder), problem)
    return [(fix.label, apply(flow, fix.operation)) for fix in found if fix.operation]


def test_a_wire_goes_where_it_was_meant_to() -> None:
    port = wired(Edge(source="ask.valu", target="prompt.question"), OUT)
    assert offers(port, "wiring/unknown-port")[0] == ("Wire it from ask.value", GOOD)
    end = wired(IN, Edge(source="prompt.text", target="answr.value"))
    assert offers(end, "wiring/unknown-node")[0] == ("Wire it to answer.value", GOOD)


def test_a_param_gets_the_name_or_the_bound_that_is_nearest() -> None:
    model = NodeInstance(id="m", kind="model.gguf", params={"temperatur": 0.3})
    flow = GOOD.model_copy(update={"nodes": (*GOOD.nodes, model)})
    label, mended = offers(flow, "params/invalid")[0]
    assert (label, mended.node("m").params) == ("Call it temperature", {"temperature": 0.3})
    hot = mended.with_params({"m": {"temperature": 90}})
    label, mended = offers(hot, "params/invalid")[0]
    bound = mended.node("m").params["temperature"]
    assert label == f"Set it to {bound:g}"
    assert validate(mended, CATALOG) != []  # it still leads nowhere
    assert "params/invalid" not in {p.code for p in validate(mended, CATALOG)}


def test_a_key_is_named_where_a_name_can_stand() -> None:
    key = "sk-proj-" + "a1B2c3D4" * 5
    model = NodeInstance(id="m", kind="model.provider", params={"model": "x", "api_key": key})
    flow = GOOD.model_copy(update={"nodes": (*GOOD.nodes, model)})
    label, mended = offers(flow, "params/plain-secret")[0]
    assert label == "Name it API_KEY instead"
    assert mended.node("m").params["api_key"] == {"secret": "API_KEY"}


KEY = "sk-proj-" + "a1B2c3D4" * 5
WRITTEN = f"Ask with {KEY}, please."
LEFT = "Ask with [key taken out], please."


@pytest.mark.parametrize(
    ("holds", "left"),
    [
        ({"name": WRITTEN}, {"name": LEFT}),
        ({"description": WRITTEN}, {"description": LEFT}),
        ({"notes": (Note(id="n", text=WRITTEN),)}, {"notes": (Note(id="n", text=LEFT),)}),
        ({"groups": (Group(id="g", title=WRITTEN),)}, {"groups": (Group(id="g", title=LEFT),)}),
        (
            {"variables": (FlowVariable(name="v", value=1, environments={"lab": [WRITTEN]}),)},
            {"variables": (FlowVariable(name="v", value=1, environments={"lab": [LEFT]}),)},
        ),
    ],
)
def test_a_key_that_people_read_is_cut_out_and_the_rest_stays(
    holds: dict[str, Any], left: dict[str, Any]
) -> None:
    flow, expected = GOOD.model_copy(update=holds), GOOD.model_copy(update=left)
    problem = next(p for p in validate(flow, CATALOG) if p.code == "params/plain-secret")
    assert problem.fix.startswith("Take it out")
    assert offers(flow, "params/plain-secret") == [("Take it out", expected)]


def test_a_key_is_cut_out_of_a_title_and_out_of_a_param_that_takes_no_name() -> None:
    titled = PROMPT.model_copy(update={"title": WRITTEN})
    _, mended = offers(
        GOOD.model_copy(update={"nodes": (ASK, titled, ANSWER)}), "params/plain-secret"
    )[0]
    assert mended.node("prompt").title == LEFT
    _, mended = offers(GOOD.with_params({"prompt": {"template": WRITTEN}}), "params/plain-secret")[
        0
    ]
    assert mended.node("prompt").params["template"] == LEFT
    long = "Before.\n-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nAfter."
    _, mended = offers(GOOD.with_params({"prompt": {"template": long}}), "params/plain-secret")[0]
    assert mended.node("prompt").params["template"] == "Before.\n[key taken out]\nAfter."


def test_two_variables_of_one_name_are_told_apart() -> None:
    twice = (FlowVariable(name="mode", value=1), FlowVariable(name="mode", value=2))
    flow = GOOD.model_copy(update={"variables": twice})
    label, mended = offers(flow, "params/variable")[0]
    assert label == "Give each its own name"
    assert [(one.name, one.value) for one in mended.variables] == [("mode", 1), ("mode_2", 2)]


def test_a_node_runs_the_flow_that_was_meant_and_gives_it_what_it_needs(tmp_path: Path) -> None:
    save_flow(GOOD, tmp_path / "inner.json")
    params = {"flow": "iner", "inputs": {"quest": "text"}, "outputs": {"answr": "text"}}
    runs = NodeInstance(id="run", kind="logic.run_flow", params=params)
    flow = Flow(
        nodes=(ASK, runs, ANSWER),
        edges=(Edge(source="ask.value", target="run.quest"),
               Edge(source="run.answr", target="answer.value")),
    )  # fmt: skip
    label, flow = offers(flow, "subflow/missing", tmp_path)[0]
    assert label == "Run “inner”"
    label, flow = offers(flow, "subflow/outputs", tmp_path)[0]
    assert (label, flow.node("run").params["outputs"]) == ("Call it answer", {"answer": "text"})
    label, flow = offers(flow, "subflow/inputs", tmp_path)[0]
    assert flow.node("run").params["inputs"] == {"question": "text"}
    empty = flow.with_params({"run": {"flow": "inner", "inputs": {}}})
    label, flow = offers(empty, "subflow/inputs", tmp_path)[0]
    assert (label, flow.node("run").params["inputs"]) == (
        "Give it question", {"question": "text"},
    )  # fmt: skip


def test_what_is_wrong_in_another_flow_is_a_button_that_opens_it(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text("{", "utf-8")
    runs = NodeInstance(id="run", kind="logic.run_flow", params={"flow": "cut"})
    flow = GOOD.model_copy(update={"nodes": (*GOOD.nodes, runs)})
    problem = next(p for p in validate(flow, CATALOG, tmp_path) if p.code == "subflow/unreadable")
    (fix,) = fixes(Facts(resolve_once(flow, CATALOG), tmp_path), problem)
    assert (fix.label, fix.operation, fix.opens) == ("Open “cut”", None, "cut")


def test_models_that_are_too_large_together_get_a_context_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = {"weights": "smollm2-135m-instruct", "context": 8192}
    model = NodeInstance(id="m", kind="model.gguf", params=params)
    ask = NodeInstance(id="a", kind="model.ask")
    flow = GOOD.model_copy(update={
        "nodes": (*GOOD.nodes, model, ask),
        "edges": (IN, OUT, Edge(source="m.model", target="a.model"),
                  Edge(source="ask.value", target="a.prompt")),
    })  # fmt: skip
    total = Facts(resolve_once(flow, CATALOG)).memory.total
    if not total:
        pytest.skip("the weights are not here, so nothing is known of their size")
    monkeypatch.setattr(machine, "allowed_memory", lambda _gpu: total - 1)
    label, mended = offers(flow, "resources/memory")[0]
    assert label == "A context of 4,096 for “Quantized local model”"
    assert mended.node("m").params["context"] == 4096
    assert "resources/memory" not in {p.code for p in validate(mended, CATALOG)}


READ = NodeInstance(id="read", kind="io.input", params={"name": "paper", "kind": "file"})
FILE_AS_TEXT = Flow(
    nodes=(READ, PROMPT, ANSWER),
    edges=(Edge(source="read.value", target="prompt.question"), OUT),
    layout={"read": Place(x=0, y=0), "prompt": Place(x=400, y=100)},
)


def test_the_node_that_a_problem_names_is_put_between_wired() -> None:
    problems = validate(FILE_AS_TEXT, CATALOG)
    problem = next(p for p in problems if p.code == "wiring/type-mismatch")
    assert problem.fix == 'Put a "Read file" node between them.'
    between, remove = fixes(Facts(resolve_once(FILE_AS_TEXT, CATALOG)), problem)
    assert (between.label, remove.label) == ("Put a 'Read file' between", "Remove the wire")
    mended = apply(FILE_AS_TEXT, between.operation)
    assert validate(mended, CATALOG) == []
    (new,) = mended.by_id().keys() - FILE_AS_TEXT.by_id().keys()
    assert {(e.source, e.target) for e in mended.edges} == {
        ("read.value", f"{new}.file"),
        (f"{new}.text", "prompt.question"),
        ("prompt.text", "answer.value"),
    }
    assert mended.layout[new] == Place(x=200, y=50)

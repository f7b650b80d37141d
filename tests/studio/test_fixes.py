"""Every offered fix is an edit that takes its problem away."""

from __future__ import annotations

import pytest

from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.edit import apply
from patchbay.flows.document.model import Edge, Flow, NodeInstance, Place
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.inspector.fixes import fixes

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
    assert code not in {p.code for p in validate(mended, CATALOG)}


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

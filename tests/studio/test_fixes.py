"""Every offered fix is an edit that takes its problem away."""

from __future__ import annotations

import pytest

from flows.edit import apply
from flows.model import Edge, Flow, NodeInstance, Place
from flows.validate import validate
from nodes.catalog import load_catalog
from studio.fixes import fixes

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
    "structure/no-output": Flow(nodes=(ASK, PROMPT), edges=(IN,)),
    "params/invalid": GOOD.with_params({"answer": {"name": "no name!"}}),
}


def test_the_flow_they_break_is_good() -> None:
    assert validate(GOOD, CATALOG) == []


@pytest.mark.parametrize("code", BROKEN)
def test_a_fix_takes_the_problem_away(code: str) -> None:
    flow = BROKEN[code]
    problem = next(p for p in validate(flow, CATALOG) if p.code == code)
    offered = fixes(flow, problem, CATALOG)
    assert offered
    mended = apply(flow, offered[0].operation)
    assert code not in {p.code for p in validate(mended, CATALOG)}

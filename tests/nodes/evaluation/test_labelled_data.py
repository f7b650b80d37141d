"""Labelled data: from the table or a wire, all or a sample."""

from __future__ import annotations

from patchbay.nodes.evaluation.labelled_data import LabelledData
from patchbay.nodes.testing import run_node

CASES = [{"input": f"case {n}", "label": "even" if n % 2 == 0 else "odd"} for n in range(10)]


def test_inputs_and_labels_stay_together() -> None:
    out = run_node(LabelledData, {"cases": CASES})
    assert out["inputs"] == [case["input"] for case in CASES]
    assert out["labels"] == [case["label"] for case in CASES]
    assert out["table"].rows[3] == ("case 3", "odd")


def test_a_sample_repeats_and_keeps_the_order() -> None:
    drawn = run_node(LabelledData, {"cases": CASES, "sample": 4, "seed": 1})
    assert drawn["inputs"] == sorted(drawn["inputs"])
    assert len(drawn["labels"]) == 4
    assert drawn == run_node(LabelledData, {"cases": CASES, "sample": 4, "seed": 1})
    other = run_node(LabelledData, {"cases": CASES, "sample": 4, "seed": 2})
    assert other["inputs"] != drawn["inputs"]
    assert run_node(LabelledData, {"cases": CASES, "sample": 99})["inputs"] == [
        case["input"] for case in CASES
    ]


def test_from_a_wire() -> None:
    out = run_node(
        LabelledData, {"input_field": "review", "label_field": "mood"},
        {"source": "review,mood\nFine.,good\nPoor.,bad\n"},
    )  # fmt: skip
    assert (out["inputs"], out["labels"]) == (["Fine.", "Poor."], ["good", "bad"])

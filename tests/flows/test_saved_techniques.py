"""The saved flows that teach prompting, each run on the real model.

What a small model says is not checked by word; what the technique does with it is.
"""

from __future__ import annotations

from patchbay.flows import load, run
from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.text import to_text
from patchbay.flows.runs.defaults import default_environment
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.figures import Chart, Table
from tests.flows.test_saved_flows import FILES, SAVED, ran

LABELS = ("positive", "negative")

TOO_SMALL = {
    "agent_asks_flow", "chain_of_thought", "chat", "generated_knowledge", "self_consistency",
}  # fmt: skip
"""Flows whose lesson a model of 135M parameters cannot show; they say so beside the answer."""


def test_what_the_model_is_too_small_for_is_said_beside_the_answer():
    catalog = load_catalog()
    said = {
        path.stem for path in FILES if "135M parameters is too small" in path.read_text("utf-8")
    }
    assert said == TOO_SMALL
    for name in TOO_SMALL:
        shown = to_text(load(SAVED / f"{name}.json").flow, catalog)
        assert "135M parameters is too small" in shown.partition("\nOutputs\n")[2]


def test_zero_shot():
    assert "negative" in ran("zero_shot").outputs["label"]


def test_few_shot_shows_as_many_examples_of_each_label():
    result = ran("few_shot")
    assert result.outputs == {"label": "negative"}
    shown = [example["output"] for example in result.nodes["choose"]["examples"]]
    assert sorted(shown) == ["negative", "negative", "positive", "positive"]


def test_few_shot_by_similarity_shows_the_nearest_last():
    result = ran("few_shot_similar")
    chosen = [row[0] for row in result.outputs["chosen"].rows]
    assert {"The songs are lovely.", "The songs go on for ever."} == set(chosen[-2:])
    assert result.outputs["label"] in LABELS


def test_chain_of_thought_takes_the_number_out_of_the_reasoning():
    outputs = ran("chain_of_thought").outputs
    assert outputs["asked"].lstrip("-").isdigit()
    assert outputs["shown"] in outputs["reasoning"]


def test_self_consistency_votes():
    outputs = ran("self_consistency").outputs
    assert outputs["label"] in LABELS
    assert 0.2 <= outputs["agreement"] <= 1
    assert sum(row["votes"] for row in outputs["votes"].rows) == 5


def test_generated_knowledge_answers_with_each_fact_and_without():
    outputs = ran("generated_knowledge").outputs
    assert outputs["answer"] in ("yes", "no")
    facts = [row[0] for row in outputs["table"].rows]
    assert facts[-1] == "(without)"
    assert len(facts) == len(outputs["table"].rows) > 1
    assert [row[-1] for row in outputs["table"].rows].count("chosen") == 1


def test_paraphrases_are_compared():
    outputs = ran("paraphrases").outputs
    assert len(outputs["table"].rows) == 4
    assert outputs["label"] in LABELS


def test_a_chain_of_prompts_passes_each_answer_on():
    result = ran("prompt_chain")
    assert result.nodes["facts"]["text"] in result.nodes["text_prompt"]["text"]
    assert result.nodes["text"]["text"] in result.nodes["title_prompt"]["text"]
    assert result.outputs["text"].endswith(result.nodes["text"]["text"])


def test_structured_output_has_the_fields_of_the_table():
    offer = ran("structured_output").outputs["offer"]
    assert list(offer) == ["item", "price", "condition"]
    assert offer["price"] == 250
    assert offer["condition"] in ("new", "used")


def test_compare_models_shows_both():
    outputs = ran("compare_models").outputs
    names = ["4 bits, llama.cpp", "32 bits, Transformers"]
    assert [row[0] for row in outputs["table"].rows] == names
    assert [row[-1] for row in outputs["table"].rows] == ["", ""]  # neither failed
    assert len(outputs["speed"].rows) == 2
    small, large = (row["memory (GB)"] for row in outputs["memory"].rows)
    assert small < large


def test_the_quantization_report_of_one_layer():
    flow = with_param(load(SAVED / "quantization_report.json").flow, "report", pattern="layers.0.")
    outputs = run(flow, environment=default_environment(use_cache=False)).outputs
    columns = outputs["table"].columns
    rows = {row[0]: dict(zip(columns, row, strict=True)) for row in outputs["table"].rows}
    found = {name: row["perplexity"] for name, row in rows.items()}
    assert found["float64"] == found["float32"] == found["float16"]  # 16 bits are what is stored
    assert 1 < found["float32"] < 100
    assert found["NF4"] != found["float32"]
    errors = [rows[name]["RMS error"] for name in ("float16", "int8 absmax by row", "NF4", "FP4")]
    assert errors == sorted(errors)
    assert outputs["table"].title.startswith("7 matrices")
    assert outputs["storage"].title == "Storage of 134,515,008 parameters"
    assert len(outputs["perplexity"].rows) == len(rows) == 8
    assert len(outputs["values"].rows) == 9


def test_the_comparison_has_thirty_cases_of_both_labels():
    data = load(SAVED / "compare_techniques.json").flow.node("data")
    labels = [case["label"] for case in data.params["cases"]]
    assert [labels.count(label) for label in LABELS] == [15, 15]
    assert len({case["input"] for case in data.params["cases"]}) == 30
    examples = load(SAVED / "few_shot.json").flow.node("choose")
    shown = {example["input"] for example in examples.params["examples"]}
    assert not shown & {case["input"] for case in data.params["cases"]}


def test_the_comparison_on_a_sample_of_four():
    outputs = run(
        with_param(load(SAVED / "compare_techniques.json").flow, "data", sample=4),
        environment=default_environment(use_cache=False, folder=SAVED),
    ).outputs
    assert isinstance(outputs["accuracy"], Table)
    assert [row[0] for row in outputs["accuracy"].rows] == [
        "zero_shot", "few_shot", "self_consistency",
    ]  # fmt: skip
    assert all(row[2] <= row[1] <= row[3] and row[5] == 4 for row in outputs["accuracy"].rows)
    assert isinstance(outputs["plot"], Chart)
    assert outputs["plot"].low == "low"


def with_param(flow: Flow, node_id: str, **params: object) -> Flow:
    """The flow with other params of one node."""
    nodes = tuple(
        node.model_copy(update={"params": {**node.params, **params}})
        if node.id == node_id
        else node
        for node in flow.nodes
    )
    return flow.model_copy(update={"nodes": nodes})

"""The flows that ship: canonical, valid, tidy, each teaching something, each run on the real model.

The model is the one that people get, at temperature 0. What it says may change with llama.cpp's
kernels and the processor; so the answers are checked for what makes each flow work, not by word.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from patchbay.flows import load, run
from patchbay.flows.checks.resolve import resolve
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.api import RunResult
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.catalog import load_catalog
from tests.flows.thread_counts import every_thread_count, one_or_four_threads, with_threads

SAVED = Path(__file__).parents[2] / "flows" / "saved"
FILES = sorted(SAVED.glob("*.json"))
CATALOG = load_catalog()
every_flow = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)

BOX_W, BOX_H = 240, 120
"""Canvas pixels that a node takes at least, for telling whether two lie on each other."""


def ran(name: str, /, **inputs: object) -> RunResult:
    """Run a saved flow for real: no node's result comes out of the cache."""
    return run(
        load(SAVED / f"{name}.json"), inputs, environment=default_environment(use_cache=False)
    )


@every_flow
def test_the_file_is_canonical(path: Path):
    assert canonical_text(load(path).flow) == path.read_text(encoding="utf-8")


@every_flow
def test_it_validates_without_a_problem(path: Path):
    assert validate(load(path).flow, CATALOG, SAVED) == []


@every_flow
def test_its_description_says_what_it_teaches(path: Path):
    flow = load(path).flow
    assert flow.description.startswith("Teaches ")
    assert flow.description.endswith(".")
    assert flow.name != "Untitled"


@every_flow
def test_it_runs_as_it_is(path: Path):
    """Every input has a default, so that one click shows something."""
    resolved = resolve(load(path).flow, CATALOG)
    assert [field.name for _, field in flow_inputs(resolved) if field.required] == []
    assert flow_outputs(resolved)


@every_flow
def test_it_is_repeatable(path: Path):
    for node in load(path).flow.nodes:
        if node.kind in ("model.gguf", "model.transformers"):
            assert node.params["temperature"] == 0
            assert node.params["weights"] == "smollm2-135m-instruct"
        if node.kind == "model.ask":
            assert node.params["max_tokens"] <= 100


@every_flow
def test_it_lies_tidy_from_left_to_right(path: Path):
    flow = load(path).flow
    assert set(flow.layout) == {node.id for node in flow.nodes}
    for edge in flow.edges:
        begin, end = flow.layout[edge.source_node], flow.layout[edge.target_node]
        next_row = end.y - begin.y >= BOX_H  # long flows go on in a row below, as text does
        assert end.x - begin.x >= BOX_W or next_row, (
            f"{edge.source} runs backwards to {edge.target}"
        )
    places = sorted((place.x, place.y) for place in flow.layout.values())
    for (x1, y1), (x2, y2) in pairwise(places):
        assert x2 - x1 >= BOX_W or y2 - y1 >= BOX_H


NEED_MORE = {
    "retrieval.repository", "haystack.generator",
    "media.transcribe", "media.speak", "media.make_picture", "media.image_service",
    "io.picture", "embeddings.huggingface", "embeddings.ollama",
    "embeddings.openai", "tool.files", "tool.http", "tool.http_get",
    "retrieval.store", "tool.http_request", "tool.mcp", "tool.openapi", "tool.mcp_resource",
    "prompt.mcp", "embeddings.clip", "retrieval.picture_index", "retrieval.found_picture",
    "text.fill_mask", "tool.python_function", "tool.search_web", "tool.sql", "tool.web_search",
    "train.hub_data", "train.push", "model.vllm",
}  # fmt: skip
"""Kinds that need a file, a folder, a server or a network of one's own."""


def test_together_they_show_every_kind_of_node():
    shown = {node.kind for path in FILES for node in load(path).flow.nodes}
    unseen = set(CATALOG.kinds()) - shown - NEED_MORE
    assert not unseen, f"no flow in flows/saved shows {unseen}"


# --- on the real model ---------------------------------------------------------------------------


def test_ask():
    result = ran("ask")
    assert "Copenhagen" in result.outputs["answer"]
    assert result.tokens.completion > 0


@one_or_four_threads
def test_answers_are_kept_in_a_file_that_grows(threads: int, tmp_path: Path):
    there = LoadedFlow(with_threads(load(SAVED / "keep_answers.json").flow, threads), tmp_path)
    env = default_environment(use_cache=False)
    first = run(there, {}, environment=env).outputs
    assert "Copenhagen" in first["answer"]
    assert first["kept"] == f"## What is the capital of Denmark?\n\n{first['answer']}\n\n"
    second = run(there, {"question": "What is the capital of France?"}, environment=env).outputs
    assert second["kept"] == (tmp_path / "notes" / "answers.md").read_text(encoding="utf-8")
    assert second["kept"].startswith(first["kept"] + "## What is the capital of France?")


def test_ask_with_another_question():
    assert "Paris" in ran("ask", question="What is the capital of France?").outputs["answer"]


# --- whatever the number of threads ---------------------------------------------------------------


def ran_with(threads: int, name: str, /, **inputs: object) -> RunResult:
    """Run a saved flow with so many threads for its model."""
    return run(
        with_threads(load(SAVED / f"{name}.json").flow, threads),
        inputs,
        environment=default_environment(use_cache=False, folder=SAVED),
    )


@every_thread_count
@pytest.mark.parametrize(("country", "city"), [("Denmark", "Copenhagen"), ("France", "Paris")])
def test_the_examples_of_the_readme_are_right(threads: int, country: str, city: str):
    result = ran_with(threads, "ask", question=f"What is the capital of {country}?")
    assert city in result.outputs["answer"]
    assert result.outputs["answer"].endswith(".")
    assert result.tokens.completion < 48  # not cut


@every_thread_count
@pytest.mark.parametrize("name", ["Ada", "Bjarne"])
def test_a_chat_says_the_name_it_was_told(threads: int, name: str):
    said = [
        {"role": "user", "content": f"My name is {name}."},
        {"role": "assistant", "content": f"Nice to meet you, {name}."},
        {"role": "user", "content": "What is my name?"},
    ]
    result = ran_with(threads, "chat", conversation=said)
    assert name in result.outputs["answer"]
    assert result.tokens.completion < 96


@every_thread_count
def test_a_folder_is_answered_from_the_right_text(threads: int):
    result = ran_with(threads, "ask_folder")
    assert "twenty minutes" in result.outputs["answer"]
    assert "Spruce is never burned" in result.outputs["answer"]
    assert result.tokens.completion < 96


@cache
def crew(threads: int) -> RunResult:
    """The crew's run, which takes long and is looked at twice."""
    return ran_with(threads, "research_crew")


@every_thread_count
def test_a_crew_names_the_wood(threads: int):
    result = crew(threads)
    for task in result.nodes["crew"]["tasks"]:
        assert "Spruce is never burned" in task["result"]
        assert task["result"].rstrip().endswith(".")  # not cut
    assert result.outputs["answer"] == result.nodes["crew"]["tasks"][-1]["result"]


def test_classify_answers_in_the_words_of_the_examples():
    assert ran("classify").outputs == {"label": "bad"}
    assert ran("classify", review="A wonderful film, I loved it.").outputs == {"label": "good"}


def test_explain_for_asks_for_the_audience_of_its_environment():
    usual = ran("explain_for")
    assert usual.outputs["asked"] == "Explain a lighthouse to a child of ten, in one sentence."
    assert "light" in usual.outputs["answer"].lower()
    there = load(SAVED / "explain_for.json", env="production")
    asked = run(there, environment=default_environment(use_cache=False)).outputs["asked"]
    assert asked == "Explain a lighthouse to an engineer, in one sentence."


def test_shorten_sums_a_long_text_up():
    result = ran("shorten")
    given = result.nodes["text"]["value"]
    assert 0 < len(result.outputs["short"]) < len(given)
    assert result.tokens.completion > 0


def test_shorten_passes_a_short_text_as_it_is():
    result = ran("shorten", text="Short enough.")
    assert result.outputs == {"short": "Short enough."}
    assert result.tokens.total == 0  # no model was asked
    assert "ask" not in result.nodes


def test_extract_gives_json_of_the_schema():
    person = ran("extract").outputs["person"]
    assert person == {"name": "Maria Jensen", "age": 34, "city": "Aarhus"}


def test_perspectives_are_joined_in_the_order_of_the_wires():
    result = ran("perspectives")
    answers = [result.nodes[f"ask_{side}"]["text"] for side in ("for", "against", "advice")]
    assert len(set(answers)) == 3
    assert result.outputs["views"] == "\n\n".join(answers)


def test_classify_lines_gives_one_label_a_line_in_order():
    assert ran("classify_lines").outputs == {"labels": ["good", "bad", "good"]}


def test_classify_lines_of_nothing_is_nothing():
    assert ran("classify_lines", reviews="\n \n").outputs == {"labels": []}


def test_shorten_and_ask_uses_what_the_inner_flow_gave():
    result = ran("shorten_and_ask")
    short = result.nodes["shorten"]["short"]
    assert short in result.nodes["prompt"]["text"]
    assert result.outputs["headline"].strip()
    assert "shorten/ask" in result.nodes  # the inner nodes are seen from outside


def test_fallback_ends_at_the_model_that_is_always_there():
    result = ran("fallback")
    assert "Copenhagen" in result.outputs["answer"]
    assert result.tokens.completion > 0


def test_a_react_agent_really_calculates():
    result = ran("react_calculator")
    assert "6912" in result.outputs["answer"]
    [row] = result.outputs["usage"].rows
    assert dict(zip(result.outputs["usage"].columns, row, strict=True))["tool calls"] == 1


@every_thread_count
def test_a_researcher_really_searches_and_a_writer_writes(threads: int):
    """The call of the tool is valid, and what was found reaches both roles."""
    result = crew(threads)
    rows = {row[0]: row for row in result.outputs["usage"].rows}
    assert list(rows) == ["Researcher", "Writer", "all"]
    assert (rows["Researcher"][2], rows["Writer"][2]) == (1, 0)
    found, written = result.nodes["crew"]["tasks"]
    assert "oven" in found["result"]
    assert written["result"] == result.outputs["answer"] != ""


@every_thread_count
def test_an_agent_asks_another_flow(threads: int):
    result = ran_with(threads, "agent_asks_flow")
    assert "Copenhagen" in result.outputs["answer"]
    assert any(name.endswith("/ask") for name in result.nodes)  # the flow was really asked


def test_a_wrong_input_is_told_before_anything_runs():
    with pytest.raises(FlowError, match='has no input "qestion"'):
        ran("ask", qestion="Why?")


def test_the_files_are_plain_json_of_format_1():
    assert all(json.loads(path.read_text(encoding="utf-8"))["format"] == 1 for path in FILES)


def test_four_bits_still_answer():
    outputs = ran("fewer_bits").outputs
    assert outputs["full"].strip()
    assert outputs["small"].strip()


def test_adapters_answer_each_in_its_own_way():
    outputs = ran("adapters").outputs
    assert outputs["sentiment"].strip() == "negative"
    assert outputs["pirate"].startswith("Arr")
    assert len(outputs["plain"].split()) > 3
    assert not outputs["plain"].startswith("Arr")


def test_an_adapted_model_is_exported_and_answers(tmp_path: Path):
    flow = load(SAVED / "export_adapter.json").flow
    environment = default_environment(use_cache=False, folder=tmp_path)
    outputs = run(flow, environment=environment).outputs
    assert outputs["here"].startswith("Arr")
    assert outputs["there"].startswith("Arr")
    files = dict(outputs["files"].rows)
    assert set(files) == {"Modelfile", "README.md", "model.gguf", "patchbay.json"}
    assert 100_000_000 < files["model.gguf"] < 200_000_000


def test_sentences_that_mean_the_same_lie_together():
    result = ran("meaning_as_vectors")
    pairs = result.outputs["pairs"].rows
    kin = [("cat", "kitten"), ("dog", "puppy"), ("bank", "Savings"), ("rain", "forecast")]
    for one, other in kin:
        rank = next(i for i, p in enumerate(pairs) if one in p[0] and other in p[1])
        assert rank < 6, (one, other)
    assert len(result.outputs["heat_map"].rows) == 64
    assert len(result.outputs["plane"].rows) == 8


def test_a_text_is_classified_without_training():
    assert ran("zero_shot_by_meaning").outputs["label"] == "cooking"
    assert ran("zero_shot_by_meaning", text="It rains all day.").outputs["label"] == "weather"


def test_a_haystack_pipeline_answers_with_our_model():
    result = ran("haystack_pipeline")
    assert "six weeks" in result.outputs["answer"].casefold()
    assert result.tokens.completion > 0


def test_haystack_finds_behind_the_port_of_a_retriever():
    found = ran("haystack_retriever").outputs["found"]
    assert any("minus twenty-nine" in document.text for document in found)


def test_a_prompt_function_of_semantic_kernel_answers_and_its_plugin_reckons():
    result = ran("semantic_kernel_prompt")
    assert "Paris" in result.outputs["answer"]
    assert result.outputs["total"] == "42.0"


def test_agents_of_semantic_kernel_talk():
    said = ran("semantic_kernel_chat").outputs["said"]
    assert [message.content.split(":")[0] for message in said[1:]] == ["Ann", "Bob"]
    assert "Paris" in said[1].content


def test_engines_of_llamaindex_answer_from_the_texts():
    result = ran("llama_index")
    assert "six weeks" in result.outputs["answer"].casefold()
    assert result.outputs["reply"].strip()

# ruff: noqa: E501 - files in the shape that builders write
"""Dify's apps: files in their shape, what reaches the model, and which way is taken."""

from __future__ import annotations

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.exchange.imports.reading import import_bytes, import_data
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import CATALOG, Heard, Listening, heard, listening, opened
from tests.flows.exchange.test_import_flowise import statuses
from tests.flows.runs.harness import environment

DIFY = """
app: {mode: advanced-chat, name: Support, description: Helps}
kind: app
workflow:
  graph:
    nodes:
    - {id: "1", position: {x: 0, y: 0}, data: {type: start, title: Start, variables: [{variable: tone}]}}
    - id: "2"
      position: {x: 300, y: 0}
      data:
        type: llm
        title: First
        model: {provider: langgenius/openai/openai, name: gpt-4o-mini, completion_params: {temperature: 0.1}}
        prompt_template:
        - {role: system, text: "Be {{#1.tone#}}."}
        - {role: user, text: "{{#sys.query#}}"}
    - id: "3"
      data:
        type: llm
        title: Second
        model: {provider: openai, name: gpt-4o-mini}
        prompt_template: [{role: user, text: "Shorten: {{#2.text#}}"}]
    - {id: "4", data: {type: answer, title: Answer, answer: "So: {{#3.text#}}"}}
    - {id: "5", data: {type: code, title: Code, code: "import os", code_language: python3}}
    edges:
    - {source: "1", target: "2", sourceHandle: source}
    - {source: "2", target: "3", sourceHandle: source}
    - {source: "3", target: "4", sourceHandle: source}
    - {source: "4", target: "5", sourceHandle: source}
"""


def test_a_dify_chatflow_follows_its_references():
    one = opened(DIFY)
    assert heard(one, question="Hi", tone="kind") == [
        [("system", "Be kind."), ("human", "Hi")],
        [("human", "Shorten: <Hi>")],
    ]
    assert any("never run" in line for line in statuses(one)["refused"])
    assert one.flow.node("first").title == "First"


DIFY_CHAT = """
app: {mode: advanced-chat, name: Chat}
kind: app
workflow:
  graph:
    nodes:
    - {id: "17", data: {type: start, title: Start, variables: []}}
    - id: "2"
      data:
        type: llm
        title: LLM
        model: {provider: openai, name: m}
        memory: {query_prompt_template: "{{#17.sys.query#}}\n\n{{#sys.files#}}", window: {enabled: false}}
        prompt_template: [{role: system, text: Be brief.}]
    - {id: "3", data: {type: answer, title: Answer, answer: "{{#2.text#}}"}}
    edges:
    - {source: "17", target: "2", sourceHandle: source}
    - {source: "2", target: "3", sourceHandle: source}
"""
TALK = [
    {"role": "user", "content": "I am Ada"},
    {"role": "assistant", "content": "Hello Ada"},
    {"role": "user", "content": "Who am I?"},
]
TOLD = [
    [("system", "Be brief."), ("human", "I am Ada"), ("ai", "Hello Ada"), ("human", "Who am I?")]
]


def test_a_dify_chat_with_memory_hears_the_whole_conversation():
    assert heard(opened(DIFY_CHAT), question=TALK) == TOLD


def test_a_simple_dify_chat_hears_the_whole_conversation():
    simple = opened(
        "app: {mode: chat, name: C}\n"
        "model_config: {pre_prompt: Be brief., model: {provider: openai, name: gpt-4o-mini}}\n"
    )
    assert heard(simple, question=TALK) == TOLD


def test_a_dify_memory_beside_a_text_of_its_own_is_told_as_left_out():
    one = opened(DIFY_CHAT.replace('"{{#17.sys.query#}}', '"Asked: {{#17.sys.query#}}'))
    assert heard(one, question="Hi")[0][1] == ("human", "Asked: Hi")
    assert any("what was said before" in line for line in statuses(one)["approximated"])


def test_a_dify_template_is_filled_with_what_its_variables_refer_to():
    """The text of the reference stood in its place; `sys.query` of the start was an input."""
    template = """
    - id: "4"
      data:
        type: template-transform
        title: T
        template: "It said {{ it }} to {{ q }}"
        variables:
        - {variable: it, value_selector: ["2", text]}
        - {variable: q, value_selector: ["17", sys.query]}
    edges:"""
    one = opened(DIFY_CHAT.replace("\n    edges:", template))
    made = next(node for node in one.flow.nodes if node.title == "T")
    assert made.params["template"] == "It said {it} to {q}"
    ends = {edge.target: edge.source.partition(".")[0] for edge in one.flow.edges}
    assert ends[f"{made.id}.it"] == "llm"
    assert [n.params["name"] for n in one.flow.nodes if n.kind == "io.input"] == ["question"]


def test_a_simple_dify_app_is_one_model():
    one = opened(
        "app: {mode: chat, name: C}\n"
        "model_config: {pre_prompt: Be brief., model: {provider: openai, name: gpt-4o-mini}}\n"
    )
    ask = next(node for node in one.flow.nodes if node.kind == "model.ask")
    assert ask.params["system"] == "Be brief."


DIFY_WAYS = """
app: {mode: advanced-chat, name: Ways}
kind: app
workflow:
  graph:
    nodes:
    - {id: "1", data: {type: start, title: Start, variables: [{variable: plan}]}}
    - id: "2"
      data:
        type: if-else
        title: Which
        cases:
        - case_id: "true"
          logical_operator: or
          conditions:
          - {variable_selector: [sys, query], comparison_operator: contains, value: refund}
          - {variable_selector: ["1", plan], comparison_operator: is, value: gold}
    - {id: "3", data: {type: llm, title: Refunds, model: {provider: openai, name: m}, prompt_template: [{role: system, text: Refunds.}, {role: user, text: "{{#sys.query#}}"}]}}
    - {id: "4", data: {type: llm, title: Sales, model: {provider: openai, name: m}, prompt_template: [{role: user, text: "Sell to {{#1.plan#}}"}]}}
    - {id: "5", data: {type: answer, title: A, answer: "{{#3.text#}}"}}
    - {id: "6", data: {type: answer, title: B, answer: "No refund here."}}
    edges:
    - {source: "1", target: "2", sourceHandle: source}
    - {source: "2", target: "3", sourceHandle: "true"}
    - {source: "2", target: "4", sourceHandle: "false"}
    - {source: "3", target: "5", sourceHandle: source}
    - {source: "4", target: "6", sourceHandle: source}
"""


def test_what_a_request_to_a_fixed_address_gives_goes_on_only_on_its_way():
    """Nothing goes into it that could hold it back, so that it answered on the other way, too."""
    one = opened(
        DIFY_WAYS.replace(
            '{type: answer, title: B, answer: "No refund here."}',
            '{type: answer, title: B, answer: "It says {{#7.body#}}"}',
        )
        .replace(
            "    edges:",
            '    - {id: "7", data: {type: http-request, title: Ask, method: get, '
            "url: https://example.org/a}}\n    edges:",
        )
        .replace('source: "4", target: "6"', 'source: "4", target: "7"')
        + '    - {source: "7", target: "6", sourceHandle: source}\n'
    )
    kinds = {node.id: node.kind for node in one.flow.nodes}
    (after,) = [edge for edge in one.flow.edges if edge.source_node == "ask"]
    assert kinds[after.target_node] == "logic.switch"
    assert any("whichever way" in line for line in statuses(one)["approximated"])


@pytest.mark.parametrize(
    ("question", "plan", "told", "answers"),
    [
        ("a refund", "free", [("system", "Refunds."), ("human", "a refund")], ["<a refund>"]),
        ("a car", "gold", [("system", "Refunds."), ("human", "a car")], ["<a car>"]),
        ("a car", "free", [("human", "Sell to free")], ["No refund here."]),
    ],
)
def test_only_the_way_of_a_dify_condition_runs_and_answers(
    question: str, plan: str, told: Heard, answers: list[str]
):
    """Conditions on two values are two switches; a text that reads nothing waits for its way."""
    one = opened(DIFY_WAYS)
    done = run(
        LoadedFlow(listening(one.flow)),
        {"question": question, "plan": plan},
        environment=environment(catalog=CATALOG),
    )
    assert Listening.heard == [told]
    assert list(done.outputs.values()) == answers
    assert "refused" not in statuses(one)


def test_a_dify_classifier_is_a_switch_by_its_model():
    one = opened(
        DIFY_WAYS.replace("type: if-else", "type: question-classifier").replace(
            "        cases:\n",
            "        model: {provider: openai, name: judge}\n        classes: [{id: 'true', name: Refund}, {id: 'false', name: Other}]\n        cases:\n",
        )
    )
    switch = next(node for node in one.flow.nodes if node.kind == "logic.switch")
    assert switch.params["by"] == "model"
    assert [case["about"] for case in switch.params["cases"]] == ["Refund", "Other"]


@pytest.mark.parametrize(
    ("test", "question", "plan", "way"),
    [
        ("contains, value: refund", "a refund", "gold", "Refunds."),
        ("contains, value: refund", "a Refund", "gold", ""),
        ("contains, value: refund", "a refund", "free", ""),
        ("'>', value: '5', varType: number", "7", "gold", "Refunds."),
        ("'>', value: '5', varType: number", "3", "gold", ""),
        ("is, value: '{{#1.plan#}}'", "gold", "gold", "Refunds."),
    ],
)
def test_several_conditions_at_once(test: str, question: str, plan: str, way: str):
    """They were refused, as was a text that is compared as a number; case counts, as there."""
    one = opened(
        DIFY_WAYS.replace("logical_operator: or", "logical_operator: and").replace(
            "contains, value: refund", test
        )
    )
    told = heard(one, question=question, plan=plan)
    assert (("system", way) in told[0]) is bool(way)
    assert "refused" not in statuses(one)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            ("comparison_operator: contains, value: refund", "comparison_operator: '>', value: x"),
            "no equal",
        ),
        (("comparison_operator: contains", "comparison_operator: smells"), "no equal"),
    ],
)
def test_a_condition_that_no_switch_has_is_refused(change: tuple[str, str], why: str):
    (one,) = import_bytes(DIFY_WAYS.replace(*change).encode(), "case.yaml", CATALOG)
    assert any(why in line for line in statuses(one)["refused"])


@pytest.mark.parametrize(
    ("provider", "kind", "model"),
    [
        ("langgenius/gemini/google", "model.provider", "google_genai:m"),
        ("langgenius/ollama/ollama", "model.ollama", "m"),
        ("langgenius/tongyi/tongyi", "model.provider", None),
    ],
)
def test_a_model_is_asked_at_whoever_runs_it(provider: str, kind: str, model: str | None):
    app = {"name": "A", "mode": "chat"}
    config = {"pre_prompt": "Be brief.", "model": {"provider": provider, "name": "m"}}
    (one,) = import_data({"app": app, "model_config": config}, "app", CATALOG)
    (made,) = [
        node
        for node in one.flow.nodes
        if node.kind.startswith("model.") and node.kind != "model.ask"
    ]
    assert (made.kind, made.params.get("model")) == (kind, model)
    assert any("who runs" in line for line in statuses(one).get("name", [])) is (model is None)
    assert "params/invalid" not in {p.code for p in validate(one.flow, CATALOG)}


SHOTS = """
app: {name: Tidy, mode: workflow}
workflow:
  graph:
    nodes:
    - {id: "1", data: {type: start, title: Start, variables: [{variable: query, type: paragraph}]}}
    - id: "3"
      data:
        type: llm
        title: Ask
        model: {provider: openai, name: m}
        prompt_template:
        - {role: system, text: Tidy up.}
        - {role: user, text: "a  {b}"}
        - {role: assistant, text: "a {b}"}
        - {role: user, text: "{{#1.query#}} FOUND"}
    - {id: "4", data: {type: end, title: End, outputs: [{variable: text, value_selector: ["3", text]}]}}
    edges:
    - {source: "1", target: "3", sourceHandle: source}
    - {source: "3", target: "4", sourceHandle: source}
"""
WIKI = """
    - id: "2"
      data:
        type: tool
        title: Wiki
        provider_id: langgenius/wikipedia/wikipedia
        provider_type: builtin
        tool_name: wikipedia_search
        tool_configurations: {}
        tool_parameters: {query: {type: mixed, value: "about {{#1.query#}}"}}
"""


def test_what_the_assistant_says_among_a_prompts_messages_is_heard_in_its_place():
    """It was left out without a word, and what the person says was put together."""
    assert heard(opened(SHOTS.replace(" FOUND", "")), query="x  y") == [
        [("system", "Tidy up."), ("human", "a  {b}"), ("ai", "a {b}"), ("human", "x  y")]
    ]


def test_a_search_of_the_web_is_a_step():
    text = SHOTS.replace(" FOUND", " {{#2.text#}}").replace("    nodes:\n", f"    nodes:{WIKI}")
    one = opened(text)
    (taken,) = [edge.target_node for edge in one.flow.edges if edge.source == "wiki.documents"]
    assert one.flow.node(taken).kind == "prompt.chat"
    assert one.flow.node("wiki").params == {"service": "wikipedia"}
    template = next(n.params["template"] for n in one.flow.nodes if n.kind == "prompt.template")
    assert template == "about {query}"
    assert "refused" not in statuses(one)


def test_what_a_model_is_set_to_besides_is_told():
    """The report said nothing of them."""
    options = "model: {provider: openai, name: m, completion_params: {top_p: 0.2}}\n        vision: {enabled: true}"
    one = opened(SHOTS.replace("model: {provider: openai, name: m}", options))
    (sampled, pictures) = sorted(statuses(one)["approximated"])[:2]
    assert "top p" in sampled
    assert "pictures" in pictures
    usual = SHOTS.replace(
        "name: m}", "name: m, completion_params: {top_p: 1, frequency_penalty: 0}}"
    )
    assert "approximated" not in statuses(opened(usual))

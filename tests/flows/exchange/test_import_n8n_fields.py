# ruff: noqa: E501 - files in the shape that builders write
"""n8n's items: fields of *Edit Fields*, paths in expressions, conditions on fields.

What reaches the model is compared with what n8n sends by its documentation: an expression is the
value of its field, a text around it stays, a *Set* passes on what it sets.
"""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.flows.exchange.imports.reading import Imported
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import (
    CATALOG,
    Listening,
    clean,
    heard,
    imported,
    listening,
    n8n,
)
from tests.flows.exchange.test_import_flowise import statuses
from tests.flows.runs.harness import environment

CHAT = ("chatTrigger", {})
HOOK = ("webhook", {})


def chain(text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "chainLlm", {"promptType": "define", "text": text, **more}


def fields(*rows: tuple[str, str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    """The third version of *Edit Fields*."""
    listed = [{"name": name, "type": kind, "value": value} for name, kind, value in rows]
    return "set", {"assignments": {"assignments": listed}, "options": {}, **more}


def opened(nodes: dict[str, Any], *wires: str) -> Imported:
    return clean(imported(n8n(nodes, list(wires))))


def answers(one: Imported, **inputs: Any) -> dict[str, Any]:
    env = environment(catalog=CATALOG)
    return dict(run(LoadedFlow(listening(one.flow)), inputs, environment=env).outputs)


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "$json.chatInput",
        '$json["chatInput"]',
        "$('Chat').item.json.chatInput",
        '$("Chat").first().json["chatInput"]',
        "$node['Chat'].json.chatInput",
        "$node.Chat.json.chatInput",
        "$input.item.json.chatInput",
        "$json?.chatInput",
    ],
)
def test_every_way_to_write_a_path_reaches_its_field(said: str):
    one = opened({"Chat": CHAT, "Ask": chain(f"=Say: {{{{ {said} }}}}!")}, "Chat > Ask")
    assert heard(one, question="Hi") == [[("human", "Say: Hi!")]]
    assert "refused" not in statuses(one)


def test_fields_of_a_webhook_are_inputs_of_the_flow():
    """`$('Hook').item.json.body.name` and `.city` were both the question."""
    text = "={{ $json.body.name }} in {{ $('Hook').item.json.body['home city'] }}"
    one = opened({"Hook": HOOK, "Ask": chain(text)}, "Hook > Ask")
    assert heard(one, name="Ada", home_city="Paris") == [[("human", "Ada in Paris")]]


@pytest.mark.parametrize(
    "said",
    [
        "$json.chatInput.toUpperCase()",
        "$json.items.length",
        "$json.a + $json.b",
        "$json[$json.key]",
        "process.exit(1)",
        "$('Nobody').item.json.x",
        "$('Set').item.json.other",
    ],
)
def test_what_is_no_path_or_leads_nowhere_is_told(said: str):
    one = opened(
        {"Chat": CHAT, "Set": fields(("mood", "string", "kind")), "Ask": chain(f"=A {{{{ {said} }}}}")},
        "Chat > Set", "Set > Ask",
    )  # fmt: skip
    assert heard(one)[0] == [("human", "A [an expression stood here]")]
    assert any("left out" in line for line in statuses(one)["approximated"])


def test_words_that_are_written_in_an_expression_are_words():
    one = opened(
        {"Chat": CHAT, "Ask": chain("={{ 'Say' }} {{ 5 }}: {{ $json.chatInput }}")}, "Chat > Ask"
    )
    assert heard(one, question="Hi") == [[("human", "Say 5: Hi")]]


def test_the_system_message_of_a_chain_is_heard():
    """It was left out, and the report did not say so."""
    rows = [
        {"message": "=Be {{ 'brief' }}."},
        {"type": "AIMessagePromptTemplate", "message": "Yes?"},
    ]
    asked = chain("={{ $json.chatInput }}", messages={"messageValues": rows})
    one = opened({"Chat": CHAT, "Ask": asked}, "Chat > Ask")
    assert heard(one, question="Hi") == [[("system", "Be brief."), ("human", "Hi")]]
    assert any("an example" in line for line in statuses(one)["approximated"])


def test_a_field_of_a_parsed_answer_is_picked():
    parser = {"jsonSchemaExample": '{"mood": "good", "tags": ["a"]}'}
    one = opened(
        {
            "Chat": CHAT,
            "Judge": chain("={{ $json.chatInput }}"),
            "Parser": ("outputParserStructured", parser),
            "Ask": chain("=It is {{ $json.output.mood }}, {{ $json.output.tags[0] }}"),
        },
        "Chat > Judge", "Parser > Judge:ai_outputParser", "Judge > Ask",
    )  # fmt: skip
    Listening.script[:] = ['{"mood": "bad", "tags": ["x", "y"]}']
    assert heard(one, question="Hi")[1] == [("human", "It is bad, x")]


# --- Edit Fields ----------------------------------------------------------------------------------


def test_fields_that_are_set_are_read_where_they_are_used():
    """Literal ones, ones that pass a value on, and texts around values; also one inside another."""
    one = opened(
        {
            "Chat": CHAT,
            "Set": fields(
                ("who", "string", "=Dear {{ $json.chatInput }}"),
                ("asked", "string", "={{ $json.chatInput }}"),
                ("about.count", "number", "3"),
                ("about.tags", "array", '["a", "b"]'),
            ),
            "Ask": chain(
                "={{ $json.who }}: {{ $json.asked }} {{ $json.about.count }} {{ $json.about.tags[1] }}"
            ),
        },
        "Chat > Set", "Set > Ask",
    )  # fmt: skip
    assert heard(one, question="Ada") == [[("human", "Dear Ada: Ada 3 b")]]
    assert set(statuses(one)) == {"mapped"}


@pytest.mark.parametrize(("others", "told"), [(True, "kind Hi"), (False, "")])
def test_other_fields_stay_only_where_they_are_kept(others: bool, told: str):
    one = opened(
        {
            "Chat": CHAT,
            "Set": fields(("mood", "string", "kind"), includeOtherFields=others),
            "Ask": chain("={{ $json.mood }} {{ $json.chatInput }}"),
        },
        "Chat > Set", "Set > Ask",
    )  # fmt: skip
    said = heard(one, **({"question": "Hi"} if others else {}))[0][0][1]
    assert said == (told or "kind [an expression stood here]")


@pytest.mark.parametrize(
    ("version", "settings"),
    [
        (1, {"values": {"string": [{"name": "mood", "value": "kind"}]}}),
        (3, {"fields": {"values": [{"name": "mood", "stringValue": "kind"}]}}),
        (3.4, {"mode": "raw", "jsonOutput": '={ "mood": "kind", "n": {{ $json.chatInput }} }'}),
    ],
)
def test_every_version_of_it_sets_its_fields(version: float, settings: dict[str, Any]):
    one = opened(
        {"Chat": CHAT, "Set": ("set", {**settings, "_version": version}), "Ask": chain("={{ $json.mood }}")},
        "Chat > Set", "Set > Ask",
    )  # fmt: skip
    assert heard(one) == [[("human", "kind")]]


def test_json_that_javascript_makes_is_told():
    made = {"mode": "raw", "jsonOutput": "={{ Object.assign({}, $json) }}"}
    one = opened(
        {"Chat": CHAT, "Set": ("set", made), "Ask": chain("={{ $json.chatInput }}")},
        "Chat > Set",
        "Set > Ask",
    )
    assert heard(one, question="Hi") == [[("human", "Hi")]]
    assert any("JavaScript" in line for line in statuses(one)["approximated"])


def test_an_agent_after_it_hears_the_text_that_it_sets():
    one = opened(
        {"Chat": CHAT, "Set": fields(("chatInput", "string", "=Explain {{ $json.chatInput }}")), "Ask": ("agent", {})},
        "Chat > Set", "Set > Ask",
    )  # fmt: skip
    assert heard(one, question="tides")[0][-1] == ("human", "Explain tides")


def test_the_fields_of_the_last_one_are_the_answers():
    one = opened(
        {
            "Hook": HOOK,
            "Ask": chain("={{ $json.body.text }}"),
            "Set": fields(("said", "string", "={{ $json.text }}"), ("by", "string", "us")),
            "End": ("noOp", {}),
        },
        "Hook > Ask", "Ask > Set", "Set > End",
    )  # fmt: skip
    assert answers(one, text="Hi") == {"said": "<Hi>", "by": "us"}


def test_what_no_operation_ends_answers():
    one = opened(
        {"Chat": CHAT, "Ask": chain("={{ $json.chatInput }}"), "End": ("noOp", {})},
        "Chat > Ask",
        "Ask > End",
    )
    assert answers(one, question="Hi") == {"answer": "<Hi>"}


# --- conditions -----------------------------------------------------------------------------------


def condition(left: str, operation: str, right: Any = "", kind: str = "string") -> dict[str, Any]:
    return {
        "leftValue": left,
        "rightValue": right,
        "operator": {"type": kind, "operation": operation},
    }


def when(*rows: dict[str, Any], combinator: str = "and", **more: Any) -> tuple[str, dict[str, Any]]:
    return "if", {
        "conditions": {"combinator": combinator, "conditions": list(rows)},
        "options": {},
        **more,
    }


def taken(test: tuple[str, dict[str, Any]], **inputs: Any) -> str:
    """Which way an If takes behind a webhook."""
    nodes = {"Hook": HOOK, "If": test, "Yes": chain("yes"), "No": chain("no")}
    one = opened(nodes, "Hook > If", "If > Yes", "If:1 > No")
    assert "refused" not in statuses(one)
    return heard(one, **inputs)[0][0][1]


@pytest.mark.parametrize(
    ("test", "inputs", "way"),
    [
        (when(condition("={{ $json.body.plan }}", "equals", "gold")), {"plan": "gold"}, "yes"),
        (when(condition("={{ $json.body.plan }}", "equals", "gold")), {"plan": "Gold"}, "no"),
        (when(condition("={{ $json.body.plan }}", "equals", "gold"), options={"ignoreCase": True}), {"plan": "Gold"}, "yes"),
        (when(condition("={{ $json.body.age }}", "gte", 18, "number")), {"age": "18"}, "yes"),
        (when(condition("={{ $json.body.age }}", "gte", 18, "number")), {"age": "9"}, "no"),
        (when(condition("={{ $json.body.plan }}", "notEmpty")), {"plan": "x"}, "yes"),
        (when(condition("={{ $json.body.a }}", "startsWith", "x"), condition("={{ $json.body.b }}", "contains", "y")), {"a": "xa", "b": "by"}, "yes"),
        (when(condition("={{ $json.body.a }}", "startsWith", "x"), condition("={{ $json.body.b }}", "contains", "y")), {"a": "xa", "b": "b"}, "no"),
        (when(condition("={{ $json.body.a }}", "equals", "x"), condition("={{ $json.body.b }}", "equals", "y"), combinator="or"), {"a": "0", "b": "y"}, "yes"),
        (when(condition("={{ $json.body.a }}", "equals", "={{ $json.body.b }}")), {"a": "same", "b": "same"}, "yes"),
        (when(condition("=<{{ $json.body.a }}>", "equals", "<x>")), {"a": "x"}, "yes"),
        (("if", {"conditions": {"string": [{"value1": "={{ $json.body.a }}", "operation": "contains", "value2": "x"}]}, "_version": 1}), {"a": "axa"}, "yes"),
        (("if", {"conditions": {"number": [{"value1": "={{ $json.body.a }}", "value2": 5}]}, "_version": 1}), {"a": "4"}, "yes"),
    ],
)  # fmt: skip
def test_the_way_of_a_condition_on_fields(test: Any, inputs: dict[str, str], way: str):
    assert taken(test, **inputs) == way


def rules(*groups: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    rows = [{"conditions": {"combinator": "and", "conditions": [group]}} for group in groups]
    return "switch", {"rules": {"values": rows}, **more}


@pytest.mark.parametrize(("mood", "told"), [("happy", "H"), ("sad", "S"), ("other", "E")])
def test_a_switch_of_rules_and_a_fallback(mood: str, told: str):
    test = rules(
        condition('={{ $json["output"]["mood"] }}', "equals", "happy"),
        condition("={{ $json.output.mood }}", "equals", "sad"),
        options={"fallbackOutput": "extra"},
    )
    schema = {"inputSchema": '{"type": "object", "properties": {"mood": {"type": "string"}}}'}
    one = opened(
        {
            "Chat": CHAT,
            "Judge": chain("={{ $json.chatInput }}"),
            "Parser": ("outputParserStructured", schema),
            "Way": test, "H": chain("H"), "S": chain("S"), "E": chain("E"),
        },
        "Chat > Judge", "Parser > Judge:ai_outputParser", "Judge > Way",
        "Way > H", "Way:1 > S", "Way:2 > E",
    )  # fmt: skip
    Listening.script[:] = [f'{{"mood": "{mood}"}}']
    assert heard(one, question="x")[1] == [("human", told)]
    switch = next(node for node in one.flow.nodes if node.kind == "logic.switch")
    assert switch.params["pointer"] == "/mood"


def test_the_first_version_of_a_switch():
    old = {
        "dataType": "string", "value1": "={{ $json.body.kind }}", "fallbackOutput": 2,
        "rules": {"rules": [{"value2": "a", "output": 1}, {"operation": "contains", "value2": "b", "output": 0}]},
        "_version": 1,
    }  # fmt: skip
    for kind, told in (("a", "one"), ("xb", "zero"), ("c", "two")):
        one = opened(
            {"Hook": HOOK, "Way": ("switch", old), "0": chain("zero"), "1": chain("one"), "2": chain("two")},
            "Hook > Way", "Way > 0", "Way:1 > 1", "Way:2 > 2",
        )  # fmt: skip
        Listening.heard.clear()
        assert heard(one, kind=kind) == [[("human", told)]]


@pytest.mark.parametrize(("plan", "told"), [("gold", "Sir, hello"), ("free", "Hey, hello")])
def test_where_ways_meet_the_field_of_the_one_that_was_taken_is_read(plan: str, told: str):
    """The first of them was read, whichever was taken."""
    one = opened(
        {
            "Hook": HOOK,
            "If": when(condition("={{ $json.body.plan }}", "equals", "gold")),
            "Gold": fields(("who", "string", "Sir")),
            "Free": fields(("who", "string", "Hey")),
            "Ask": chain("={{ $json.who }}, hello"),
        },
        "Hook > If", "If > Gold", "If:1 > Free", "Gold > Ask", "Free > Ask",
    )  # fmt: skip
    assert heard(one, plan=plan) == [[("human", told)]]


@pytest.mark.parametrize(("plan", "told"), [("gold", "<yes>"), ("free", "<no>")])
def test_a_webhook_is_answered_on_every_way(plan: str, told: str):
    """Only the first way answered."""
    test = when(condition("={{ $json.body.plan }}", "equals", "gold"))
    one = opened(
        {"Hook": HOOK, "If": test, "Yes": chain("yes"), "No": chain("no"), "Tell": ("respondToWebhook", {})},
        "Hook > If", "If > Yes", "If:1 > No", "Yes > Tell", "No > Tell",
    )  # fmt: skip
    assert answers(one, plan=plan)["answer"] == told


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (when(condition("={{ $now.hour }}", "gt", 5, "number")), "JavaScript"),
        (when(condition("={{ $json.body.at }}", "after", "2026-01-01", "dateTime")), "no equal"),
        (when(condition("={{ $json.body.a }}", "regex", "^x")), "no equal"),
        (when(condition("always", "equals", "always")), "nothing that can change"),
        (when(), "no conditions"),
        (("switch", {"mode": "expression", "output": "={{ 1 }}"}), "JavaScript"),
        (("if", {"conditions": "nonsense"}), "no conditions"),
        (("if", {"conditions": {"conditions": [1, None]}}), "no equal"),
    ],
)
def test_a_condition_that_cannot_be_said_is_refused(test: Any, why: str):
    nodes = {"Hook": HOOK, "If": test, "Yes": chain("yes")}
    one = imported(n8n(nodes, ["Hook > If", "If > Yes"]))
    assert any(why in line for line in statuses(one)["refused"])


def test_a_circle_of_nodes_ends():
    nodes = {
        "A": fields(("x", "string", "={{ $json.x }}")),
        "B": fields(("y", "string", "={{ $('A').item.json.x }}")),
        "Ask": chain("={{ $json.y }} {{ $json.x }}"),
    }
    one = imported(n8n(nodes, ["A > B", "B > A", "A > Ask", "B > Ask"]))
    assert any("not known here" in line for line in statuses(one)["approximated"])


ODD: list[Any] = [
    None, 5, True, "x", "={{", "={{ $json.a }}", [], [1], [[]], {}, {"a": 1},
    {"parameters": 5}, {"parameters": [5, {}, {"name": 5, "value": [1]}]}, {"conditions": [{}]},
    {"assignments": [5, {"name": "a[0].b.c", "value": {}}, {"name": "a", "value": None}]},
    {"values": [5, {"conditions": 5}, {"conditions": {"conditions": [5]}}]}, {"rules": [5, {}]},
    {"response": 5, "redirect": []}, {"response": {"response": {"outputPropertyName": 5}}},
    {"messageValues": [5, {"message": 5}]}, {"string": [5, {"name": 5}], "number": 5},
]  # fmt: skip
NAMES = {
    "set": ["assignments", "fields", "values", "options", "mode", "jsonOutput", "include"],
    "httpRequest": [
        "url", "method", "headerParameters", "queryParameters", "bodyParameters", "jsonBody", "body",
        "contentType", "specifyBody", "options", "authentication", "jsonHeaders", "timeout",
    ],
    "if": ["conditions", "options", "combineOperation"],
    "switch": ["rules", "options", "mode", "value1", "dataType", "fallbackOutput"],
    "chainLlm": ["text", "messages", "prompt"],
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_odd_settings_open(kind: str):
    """Nothing that may stand in a file keeps the rest of it from opening."""
    sends = {"sendBody": True, "sendHeaders": True, "sendQuery": True}
    for more in ({}, {"mode": "raw"}, {"specifyBody": "json", "specifyHeaders": "json"}):
        for version in (1, 3, 4.2):
            for name in NAMES[kind]:
                for value in ODD:
                    given = {
                        **sends,
                        **more,
                        "_version": version,
                        "_credentials": value,
                        name: value,
                    }
                    nodes = {"Hook": HOOK, "It": (kind, given), "Ask": chain("={{ $json.data.b }}")}
                    imported(n8n(nodes, ["Hook > It", "It > Ask"]))


def test_behind_a_merge_each_field_is_that_of_its_way():
    one = opened(
        {
            "Chat": CHAT,
            "Pro": chain("=For: {{ $json.chatInput }}"),
            "Con": chain("=Against: {{ $json.chatInput }}"),
            "P": fields(("pro", "string", "={{ $json.text }}")),
            "C": fields(("con", "string", "={{ $json.text }}")),
            "Both": ("merge", {"mode": "combine", "combineBy": "combineByPosition"}),
            "Judge": chain("=Weigh {{ $json.pro }}, {{ $json.con }}"),
        },
        "Chat > Pro",
        "Chat > Con",
        "Pro > P",
        "Con > C",
        "P > Both",
        "C > Both",
        "Both > Judge",
    )
    assert heard(one, question="Tea")[-1] == [("human", "Weigh <For: Tea>, <Against: Tea>")]
    assert any("Both (merge)" in line for line in statuses(one)["approximated"])

"""Switch: many ways, by conditions and by a model."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.techniques.routes import read
from patchbay.nodes.techniques.switch import Switch
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Document, Message
from tests.nodes.models.conftest import SPEC, SharedContext

KINDS = [
    {"name": "greeting", "test": "starts with", "operand": "hello"},
    {"name": "seven", "test": "equals", "operand": 7},
    {"name": "big", "test": ">", "operand": 100},
    {"name": "ready", "test": "equals", "operand": {"ready": True}},
    {"name": "list_of_three", "test": "contains", "operand": "three"},
    {"name": "empty", "test": "is empty"},
]


def way(decide: Any, ctx: RecordingContext | None = None, **params: Any) -> str:
    given = {"value": "sent on", "decide": decide}
    outputs = run_node(Switch, {"cases": KINDS, **params}, given, ctx)
    route = outputs.pop("route")
    assert outputs == {route: "sent on"}  # one way, and the other value unchanged
    return route


@pytest.mark.parametrize(
    ("decide", "expected"),
    [
        ("Hello there", "greeting"), (7, "seven"), (7.0, "seven"), (101, "big"), (99, "otherwise"),
        ({"ready": True}, "ready"), ({"ready": 1}, "otherwise"), ("  ", "empty"),
        (["one", "three"], "list_of_three"), ([], "empty"), ("7", "otherwise"), (True, "otherwise"),
    ],
)  # fmt: skip
def test_texts_numbers_and_json_side_by_side(decide: Any, expected: str):
    assert way(decide) == expected


def test_the_first_case_that_holds_is_taken():
    cases = [{"name": "a", "test": ">", "operand": 1}, {"name": "b", "test": ">", "operand": 2}]
    assert way(5, cases=cases) == "a"
    assert way(5, cases=cases[::-1]) == "b"


def test_without_another_value_it_decides_by_the_one_that_it_sends_on():
    outputs = run_node(Switch, {"cases": KINDS, "carries": "number"}, {"value": 7})
    assert outputs == {"seven": 7, "route": "seven"}


def test_a_pointer_looks_inside():
    cases = [{"name": "mail", "operand": "mail"}, {"name": "none", "test": "is empty"}]
    assert way({"kind": "mail"}, cases=cases, pointer="/kind") == "mail"
    assert way({"other": 1}, cases=cases, pointer="/kind") == "none"


def test_what_no_case_could_look_at_is_said():
    ctx = RecordingContext()
    assert way("seven", ctx) == "otherwise"
    assert ctx.warnings == [
        'No case holds. "seven", "big" and "ready" could not look at what arrived: seven.'
    ]
    ctx = RecordingContext()
    assert way(8, ctx, cases=[KINDS[1], KINDS[2]]) == "otherwise"
    assert ctx.warnings == []  # numbers were compared with numbers: nothing is odd


def test_documents_and_messages_go_along_whole():
    documents = [Document(text="hello world")]
    outputs = run_node(Switch, {"cases": KINDS, "carries": "documents"}, {"value": documents})
    assert outputs == {"greeting": documents, "route": "greeting"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"cases": [{"name": "a", "operand": 1}, {"name": "a", "operand": 2}]}, "two cases"),
        ({"cases": [{"name": "route", "operand": 1}]}, "a port of every switch"),
        ({"cases": [{"name": "otherwise", "operand": 1}]}, "a port of every switch"),
        ({"cases": [{"name": "a", "test": ">", "operand": "x"}]}, "compares with a number"),
        ({"cases": [{"name": "a b", "operand": 1}]}, "not a plain name"),
        ({"cases": [{"name": "a", "test": "eval", "operand": 1}]}, "Input should be"),
        ({"cases": []}, "at least 1"),
        ({"pointer": "kind"}, "starts with /"),
    ],
)
def test_bad_settings_are_refused_in_words(params: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        Switch.Params.model_validate(params)


# --- a model chooses ------------------------------------------------------------------------------

ROUTES = [
    {"name": "billing", "about": "invoices and payments"},
    {"name": "technical", "about": "something does not work"},
]


def chosen(*answers: str, ctx: RecordingContext | None = None, **params: Any) -> str:
    ScriptedModel.asked.clear()
    lines = [("names and nothing else", answers[-1]), ("", answers[0])]
    model = ScriptedModel(lines=tuple(lines))
    outputs = run_node(
        Switch,
        {"by": "model", "cases": ROUTES, **params},
        {"value": "My printer is on fire", "model": model},
        ctx,
    )
    return str(outputs["route"])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"route": "technical"}', "technical"),
        ('```json\n{"route": "Technical"}\n```', "technical"),
        ("technical", "technical"), ("**Billing**.", "billing"),
        ("This belongs to billing, I think.", "billing"), ('{"route": "otherwise"}', "otherwise"),
    ],
)  # fmt: skip
def test_a_model_chooses_among_labelled_routes(answer: str, expected: str):
    assert chosen(answer) == expected
    [(asked, options)] = ScriptedModel.asked
    assert asked == "My printer is on fire"
    schema = options["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["route"]["enum"] == ["billing", "technical", "otherwise"]
    assert options["temperature"] == 0


def test_a_model_that_may_not_decline_is_not_offered_to():
    chosen("billing", none_fits=False)
    schema = ScriptedModel.asked[0][1]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["route"]["enum"] == ["billing", "technical"]


def test_an_answer_that_names_no_way_is_asked_again_once():
    assert chosen("Well, that depends.", "technical") == "technical"
    with pytest.raises(NodeError) as failure:
        chosen("billing or technical?", "Hm.")
    assert failure.value.code == "switch/no-choice"
    assert "billing, technical, otherwise" in failure.value.message


@pytest.mark.parametrize("text", ["", "billing technical", "billings", '{"way": "x"}', "[1]"])
def test_what_names_none_or_several_is_not_read(text: str):
    assert read(text, ["billing", "technical"]) is None


def test_nothing_to_choose_by():
    with pytest.raises(NodeError, match="nothing for the model to choose by"):
        run_node(
            Switch,
            {"by": "model", "carries": "json", "pointer": "/text"},
            {"value": {}, "model": ScriptedModel(lines=())},
        )


def test_of_a_conversation_the_last_message_is_shown():
    ScriptedModel.asked.clear()
    said = [Message(role="user", content="one"), Message(role="user", content="two")]
    model = ScriptedModel(lines=(("", "billing"),))
    given = {"value": said, "model": model}
    run_node(Switch, {"by": "model", "cases": ROUTES, "carries": "messages"}, given)
    assert ScriptedModel.asked[0][0] == "two"


async def test_the_real_model_can_only_name_a_route(ctx: SharedContext):
    params = Switch.Params.model_validate({"by": "model", "cases": ROUTES})
    inputs = Switch.input_ports(params)(value="I was charged twice this month.", model=SPEC)
    outputs = (await Switch().run(inputs, params, ctx)).as_dict()
    assert outputs["route"] in ("billing", "technical", "otherwise")
    assert outputs[outputs["route"]] == "I was charged twice this month."

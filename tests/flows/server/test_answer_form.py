"""A JSON schema that a client of OpenAI asks for reaches the model of the flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from patchbay.flows.document.writing import canonical_text
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import KEY, Served, serving
from tests.nodes.models.servers.told_server import ToldServer, says, told


class City(BaseModel):
    name: str
    people: int


@pytest.fixture(scope="module")
def model() -> Iterator[ToldServer]:
    with told(says('{"name": "Odense", ', '"people": 180000}')) as server:
        yield server


@pytest.fixture(scope="module")
def formed(tmp_path_factory: pytest.TempPathFactory, model: ToldServer) -> Iterator[Served]:
    folder = write(tmp_path_factory.mktemp("formed") / "flows", "words")
    of_model = ("model.openai_compatible", {"base_url": model.v1, "model": "told"})
    wires = ["q.value > s.prompt", "m.model > s.model"]
    fields = [{"name": "name"}]
    makers: dict[str, tuple[Any, str]] = {
        "fields": (("technique.structured_output", {"fields": fields, "repairs": 0}), "s.json"),
        "text": (("technique.structured_output", {"fields": fields, "repairs": 0}), "s.text"),
        "ask": (("model.ask", {"json_schema": {"type": "object"}}), "s.text"),
        "plain": ("model.ask", "s.text"),
    }
    for name, (maker, source) in makers.items():
        made = flow(
            {"q": asks(), "m": of_model, "s": maker, "out": gives()},
            [*wires, f"{source} > out.value"], name,
        )  # fmt: skip
        (folder / f"{name}.json").write_text(canonical_text(made), encoding="utf-8")
    with serving(folder) as found:
        yield found


def client(served: Served) -> OpenAI:
    return OpenAI(base_url=f"{served.address}/v1", api_key=KEY, max_retries=0)


def schema_of(model: ToldServer) -> Any:
    return model.asked[-1]["response_format"]["json_schema"]["schema"]


SAID: Any = [{"role": "user", "content": "Which?"}]


@pytest.mark.parametrize("name", ["fields", "text", "ask"])
def test_the_clients_schema_is_the_models(formed: Served, model: ToldServer, name: str):
    answer = client(formed).chat.completions.parse(model=name, messages=SAID, response_format=City)
    assert answer.choices[0].message.parsed == City(name="Odense", people=180000)
    assert set(schema_of(model)["properties"]) == {"name", "people"}


def test_responses_too(formed: Served, model: ToldServer):
    answer = client(formed).responses.parse(model="fields", input="Which?", text_format=City)
    assert answer.output_parsed == City(name="Odense", people=180000)


def test_streamed(formed: Served, model: ToldServer):
    with client(formed).chat.completions.stream(
        model="text", messages=SAID, response_format=City
    ) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.parsed == City(name="Odense", people=180000)


def test_the_flows_own_form_stays_for_others(formed: Served, model: ToldServer):
    client(formed).chat.completions.parse(model="ask", messages=SAID, response_format=City)
    client(formed).chat.completions.create(model="ask", messages=SAID)
    assert schema_of(model) == {"type": "object"}
    kinds: Any = [{"type": "text"}, {"type": "json_object"}]
    for kind in kinds:
        client(formed).chat.completions.create(model="ask", messages=SAID, response_format=kind)
        assert schema_of(model) == {"type": "object"}


@pytest.mark.parametrize("name", ["plain", "words"])
def test_a_flow_without_one_answers_as_ever(formed: Served, model: ToldServer, name: str):
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    answer = client(formed).chat.completions.create(
        model=name, messages=SAID, response_format=wanted
    )
    assert answer.choices[0].message.content
    assert "response_format" not in model.asked[-1] or name == "words"


@pytest.mark.parametrize(
    "wanted",
    ["json", 3, {}, {"type": "xml"}, {"type": "json_schema"},
     {"type": "json_schema", "json_schema": {"schema": []}},
     {"type": "json_schema", "json_schema": {"schema": {"type": "thing"}}},
     {"type": "json_schema", "json_schema": {"schema": {"$ref": "http://evil.test/x"}}}],
)  # fmt: skip
def test_what_is_no_form(formed: Served, wanted: Any):
    with pytest.raises(openai.BadRequestError) as caught:
        client(formed).chat.completions.create(
            model="fields", messages=SAID, response_format=wanted
        )
    assert caught.value.body["message"]  # type: ignore[index]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^a$"},
        {"properties": {"name": {"type": "array", "items": {"pattern": "^a$"}}}},
        {"$defs": {"name": {"pattern": "^a$"}}, "properties": {"name": {"$ref": "#/$defs/name"}}},
        {"anyOf": [{"type": "null"}, {"patternProperties": {"^a$": {}}}]},
    ],
)
@pytest.mark.parametrize("name", ["fields", "ask"])
def test_patterns_of_callers_are_refused(formed: Served, model: ToldServer, name: str, schema: Any):
    before = len(model.asked)
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match="pattern") as caught:
        client(formed).chat.completions.create(model=name, messages=SAID, response_format=wanted)
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError, match="pattern"):
        client(formed).responses.create(
            model=name, input="Which?", text={"format": {"type": "json_schema", "name": "x",
                                                         "schema": schema}},
        )  # fmt: skip
    streamed: Any = {"messages": SAID, "response_format": wanted, "stream": True}
    with pytest.raises(openai.BadRequestError, match="pattern"):
        client(formed).chat.completions.create(model=name, **streamed)
    assert len(model.asked) == before


def test_a_property_may_be_called_pattern(formed: Served, model: ToldServer):
    schema = {"type": "object", "properties": {"pattern": {"type": "string"}}}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    client(formed).chat.completions.create(model="ask", messages=SAID, response_format=wanted)
    assert schema_of(model) == schema


def test_patterns_in_params_of_callers_are_refused(formed: Served):
    settings = formed.service.settings
    formed.service.settings = replace(settings, overrides=("ask:s.json_schema",))
    try:
        told = {}
        for schema in ({"pattern": "^a$"}, {"not": {"pattern": "^a$"}}, {"maxLength": 3}):
            params = {"s.json_schema": schema}
            told[str(schema)] = formed.run("ask", {"question": "a", "params": params})
    finally:
        formed.service.settings = settings
    *refused, taken = told.values()
    assert [answer.status_code for answer in refused] == [400, 400]
    assert all("pattern" in answer.json()["error"]["message"] for answer in refused)
    assert "pattern" not in taken.text


def test_an_answer_that_does_not_fit_is_an_error(formed: Served):
    wanted: Any = {"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}
    with pytest.raises(openai.InternalServerError, match="schema"):
        client(formed).chat.completions.create(
            model="fields", messages=SAID, response_format=wanted
        )

"""OpenAI's protocol, by OpenAI's own client; and what the wire holds, for those of others."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai
import pytest

from patchbay.nodes.testing import ScriptedModel
from tests.flows.server.serving import KEY, Served, events_in

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg"
    "=="
)


STEPS = "Ada: thought: I should look.\nAda: tool call search: capital of Denmark\n"
"""What the agent of these tests does before it answers."""


@pytest.fixture(scope="module")
def client(served: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.address}/v1", api_key=KEY, max_retries=0)


def user(text: Any) -> list[Any]:
    return [{"role": "user", "content": text}]


def wire(served: Served, **body: Any) -> list[dict[str, Any]]:
    """The chunks of a stream as they stand on the wire, without the last word."""
    answer = served.http.post("/v1/chat/completions", json={**body, "stream": True})
    found = [data for _, _, data in events_in(answer.text)]
    assert found.pop() == "[DONE]"
    return [json.loads(data) for data in found]


def test_models(client, served):
    names = [model.id for model in client.models.list()]
    assert names == sorted(names)
    assert "chat" in names
    assert client.models.retrieve("chat").object == "model"


def test_a_completion(client):
    answer = client.chat.completions.create(model="words", messages=user("to be or not"))
    assert answer.choices[0].message.content == "to be or not"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 4)
    assert answer.object == "chat.completion"


def test_an_input_of_messages_gets_them_all(client):
    ScriptedModel.asked.clear()
    said = [
        {"role": "developer", "content": "Be short."},
        *user("Hi"),
        {"role": "assistant", "content": "Hello."},
        *user([{"type": "text", "text": "And"}, {"type": "text", "text": "now?"}]),
    ]
    answer = client.chat.completions.create(model="chat", messages=said)
    assert answer.choices[0].message.content == "Paris is the capital."
    assert ScriptedModel.asked[-1][0] == "And\nnow?"


def test_a_stream_by_the_client(client):
    stream = client.chat.completions.create(
        model="words",
        messages=user("to be or not"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "to be or not"
    assert chunks[-1].usage.total_tokens == 7


def test_what_a_stream_holds(served):
    chunks = wire(served, model="words", messages=user("a b"))
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [c["choices"][0]["delta"].get("content") for c in chunks[1:-1]] == ["a", " b"]
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None] * 3 + ["stop"]
    assert {c["object"] for c in chunks} == {"chat.completion.chunk"}
    assert len({c["id"] for c in chunks}) == 1
    assert not any("usage" in c for c in chunks)
    with_usage = wire(
        served, model="words", messages=user("a b"), stream_options={"include_usage": True}
    )
    assert all(c["usage"] is None for c in with_usage[:-1])
    assert with_usage[-1]["choices"] == []


def test_a_flow_that_does_not_stream_sends_one_delta(served):
    chunks = wire(served, model="hidden", messages=user("se cret"))
    said = [c["choices"][0]["delta"].get("content") for c in chunks[1:-1]]
    assert said == ["SE CRET"]


def test_steps_the_rest_and_the_limit(served, client):
    chunks = wire(served, model="agent", messages=user("?"))
    deltas = [c["choices"][0]["delta"] for c in chunks]
    assert "".join(d.get("content", "") for d in deltas) == "Copenhagen"
    thoughts = "".join(d.get("reasoning_content", "") for d in deltas)
    assert thoughts == STEPS
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    whole = client.chat.completions.create(model="agent", messages=user("?"))
    assert whole.choices[0].finish_reason == "length"


def test_unknown_fields_are_ignored(client):
    answer = client.chat.completions.create(
        model="words", messages=user("a"), temperature=0.3, max_tokens=1, n=3, user="ada", seed=1,
        extra_body={"of_somebody": True},
    )  # fmt: skip
    assert answer.choices[0].message.content == "a"


def test_a_picture(client, served):
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    said = user([{"type": "text", "text": "What is this?"}, part])
    answer = client.chat.completions.create(model="sees", messages=said)
    assert answer.choices[0].message.content == str(len(base64.b64decode(PNG)))
    with pytest.raises(openai.BadRequestError, match="it has none"):
        client.chat.completions.create(model="words", messages=said)


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ({"model": "chatt", "messages": user("a")}, openai.NotFoundError, "Did you mean"),
        ({"model": "words", "messages": []}, openai.BadRequestError, "at least one"),
        ({"model": "words", "messages": [3]}, openai.BadRequestError, "messages"),
        ({"model": "words", "messages": [{"role": "x"}]}, openai.BadRequestError, "role"),
        ({"model": "words", "messages": user(3)}, openai.BadRequestError, "content"),
        ({"model": "words", "messages": user([3])}, openai.BadRequestError, "part"),
        (
            {"model": "words", "messages": user([{"type": "input_audio"}])},
            openai.BadRequestError,
            "input_audio",
        ),
        (
            {
                "model": "sees",
                "messages": user([{"type": "image_url", "image_url": "http://127.0.0.1/x.png"}]),
            },
            openai.BadRequestError,
            "not fetched",
        ),
        ({"model": "sees", "messages": user("a")}, openai.BadRequestError, '"file"'),
        ({"model": "fails", "messages": user("a")}, openai.InternalServerError, "bad"),
        ({"model": "calculates", "messages": user("a")}, openai.NotFoundError, "calculates"),
        ({"model": "typed", "messages": user("a")}, openai.BadRequestError, "count"),
    ],
)
def test_errors(client, body, error, says):
    with pytest.raises(error, match=says):
        client.chat.completions.create(**body)


def test_the_shape_of_errors(served):
    answer = served.http.post("/v1/chat/completions", json={"model": "no", "messages": user("a")})
    assert answer.json()["error"]["code"] == "model_not_found"
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["x-should-retry"] == "false"
    bad = openai.OpenAI(base_url=f"{served.address}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        bad.models.list()
    assert raised.value.code == "invalid_api_key"
    assert served.http.get("/v1/nothing").json()["error"]["code"] == "serve/address"
    answer = served.http.post("/v1/chat/completions", content="{")
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_error_in_a_stream(client, served):
    with pytest.raises(openai.APIError, match="bad"):
        list(client.chat.completions.create(model="fails", messages=user("a"), stream=True))
    body = {"model": "fails", "messages": user("a"), "stream": True}
    assert "[DONE]" not in served.http.post("/v1/chat/completions", json=body).text


@pytest.mark.parametrize("stream", [False, True])
def test_a_question_is_the_assistants_and_the_next_message_its_answer(client, stream):
    def say(messages: list[Any]) -> str:
        made = client.chat.completions.create(model="approve", messages=messages, stream=stream)
        if not stream:
            return made.choices[0].message.content
        return "".join(c.choices[0].delta.content or "" for c in made)

    said = user("Dear Ada")
    question = say(said)
    assert question.startswith("Send it?\n\nDear Ada\n\nAnswer yes")
    said += [{"role": "assistant", "content": question}, *user("perhaps")]
    with pytest.raises(openai.BadRequestError, match="not an answer"):
        client.chat.completions.create(model="approve", messages=said)
    said[-1] = user("no, it is too short")[0]
    assert say(said) == "Dear Ada"
    said += [{"role": "assistant", "content": "Dear Ada"}, *user("Dear Bob")]
    assert say(said).startswith("Send it?\n\nDear Bob")


def test_another_flow_is_not_what_a_question_is_answered_by(client, served):
    """Chat programs let people go on with another model in the same conversation."""
    said = user("Dear Ada")
    question = client.chat.completions.create(model="approve", messages=said)
    words = question.choices[0].message.content
    said += [{"role": "assistant", "content": words}, *user("yes")]
    answer = client.chat.completions.create(model="words", messages=said)
    assert answer.choices[0].message.content == "yes"
    run = question.id.removeprefix("chatcmpl-")
    assert served.http.get(f"/runs/{run}").json()["status"] == "waiting"
    gone = served.run("words", {"question": "a"}).json()["run"]  # never recorded
    said[1]["content"] = words.replace(run, gone)
    assert client.chat.completions.create(model="words", messages=said).choices


# --- responses ------------------------------------------------------------------------------------


def test_a_response(client):
    answer = client.responses.create(model="words", input="to be or not", instructions="Short.")
    assert answer.output_text == "to be or not"
    assert answer.status == "completed"
    assert answer.usage.total_tokens == 7


def test_a_response_as_typed_events(client):
    events = list(client.responses.create(model="agent", input=user("?"), stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events] == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done", "response.output_item.done",
        "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.delta",
        "response.output_text.done", "response.content_part.done", "response.output_item.done",
        "response.incomplete",
    ]  # fmt: skip
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text == "Copenhagen"
    assert events[-1].response.incomplete_details.reason == "max_output_tokens"
    thought, message = events[-1].response.output
    assert thought.summary[0].text == STEPS
    assert (thought.type, message.type, message.content[0].text) == ("reasoning", "message", text)
    whole = client.responses.create(model="agent", input=user("?"))
    assert [item.type for item in whole.output] == ["reasoning", "message"]
    assert whole.output[0].summary[0].text == STEPS


@pytest.mark.parametrize("model", ["words", "cites", "hidden"])
def test_a_response_is_put_together_from_its_events_as_clients_do(client, model):
    """OpenAI's own accumulator takes each event by the index of its item."""
    with client.responses.stream(model=model, input="a b") as stream:
        found = stream.get_final_response()
    assert found.output[-1].type == "message"
    assert found.output_text == {"words": "a b", "cites": "It says so.", "hidden": "A B"}[model]


def test_what_was_thought_is_an_item_of_its_own_for_them(client):
    """It ends incomplete, which the library has no last word for."""
    with client.responses.stream(model="agent", input="?") as stream:
        events = list(stream)
    done = [e.item.type for e in events if e.type == "response.output_item.done"]
    assert done == ["reasoning", "message"]


def test_pages_are_cited_in_a_response_as_in_a_completion(client):
    """Documents that are no pages have no room there."""
    cited = {"url": "https://example.org/a", "title": "A", "start_index": 0, "end_index": 11}
    whole = client.responses.create(model="cites", input="a")
    (note,) = whole.output[0].content[0].annotations
    assert note.model_dump() == {"type": "url_citation", **cited}
    events = list(client.responses.create(model="cites", input="a", stream=True))
    (added,) = (e for e in events if e.type == "response.output_text.annotation.added")
    assert added.annotation["url"] == cited["url"]
    assert events[-1].response.output[0].content[0].annotations == [note]
    said = client.chat.completions.create(model="cites", messages=user("a"))
    (note,) = said.choices[0].message.annotations
    assert note.url_citation.model_dump() == cited
    (last,) = (
        c for c in client.chat.completions.create(model="cites", messages=user("a"), stream=True)
        if c.choices and c.choices[0].finish_reason
    )  # fmt: skip
    assert last.choices[0].delta.annotations[0]["url_citation"] == cited


def test_a_failed_response(client):
    events = list(client.responses.create(model="fails", input="a", stream=True))
    assert events[-1].type == "response.failed"
    error = events[-1].response.error
    assert (error.code, error.message[:18]) == ("node/failed", "bad.text: no luck ")
    with pytest.raises(openai.BadRequestError, match="conversation"):
        client.responses.create(model="words", input="a", previous_response_id="resp_1")


def test_responses_in_a_thread(client, served):
    for said in ("Hello", "And then?"):
        client.responses.create(model="chat", input=said, conversation="of-responses")
    turns = served.http.get("/threads/of-responses").json()["turns"]
    assert [turn["asked"] for turn in turns] == ["Hello", "And then?"]


# --- embeddings -----------------------------------------------------------------------------------


def test_embeddings(client):
    found = client.embeddings.create(model="vectors", input=["abc", "aab"])  # in base64
    assert [one.embedding for one in found.data] == [[1, 1, 1], [2, 1, 0]]
    plain = client.embeddings.create(model="vectors", input="b", encoding_format="float")
    assert plain.data[0].embedding == [0, 1, 0]


@pytest.mark.parametrize("model", ["words", "shout", "typed", "approve"])
def test_a_flow_without_embeddings_is_told_so_and_does_not_run(client, served, model):
    """It was told which input is missing; one that needs none ran, and its models were asked."""
    with pytest.raises(openai.BadRequestError, match="does not end in embeddings"):
        client.embeddings.create(model=model, input="a")


@pytest.mark.parametrize("given", [[1, 2], [[1, 2]], [], [None]])
def test_only_texts_are_embedded(client, given):
    with pytest.raises(openai.BadRequestError, match="list of texts") as refused:
        client.embeddings.create(model="vectors", input=given)
    ids = bool(given and given[0])
    assert ("check_embedding_ctx_length" in refused.value.message) == ids

"""A chat generator of Haystack behind our port, asked on a server of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.haystack.generator_node import HaystackGenerator
from patchbay.nodes.haystack.generator_spec import GENERATORS, HaystackModel
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.techniques.structured_output import StructuredOutput
from patchbay.nodes.testing import RecordingContext, run_node
from tests.loopback import served
from tests.needs import needs

pytestmark = needs("haystack")


ENDS = {"cut": "length", "filtered": "content_filter"}


class Server(BaseHTTPRequestHandler):
    """Says what a test wants, and keeps what it is asked."""

    heard: list[Any]
    says: list[Any]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append((self.headers["Authorization"], body))
        said = self.says.pop(0)
        status = 200 if isinstance(said, str) else said
        choice = {"index": 0, "message": {"role": "assistant", "content": said},
                  "finish_reason": ENDS.get(str(said), "stop")}  # fmt: skip
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "m",
                  "choices": [choice], "usage": usage}  # fmt: skip
        data = json.dumps(answer if status == 200 else {"error": {"message": "no such key"}})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data.encode())

    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any], list[Any]]]:
    heard: list[Any] = []
    says: list[Any] = []
    with served(Server, heard=heard, says=says) as url:
        yield f"{url}/v1", heard, says


def described(url: str, **params: Any) -> HaystackModel:
    settings = {"model": "m", "api_base_url": url, "max_retries": 0, **params.pop("settings", {})}
    given = {"settings": settings, "key": {"secret": "K"}, **params}
    checked = HaystackGenerator.Params.model_validate(given)
    return HaystackGenerator.describe(checked, HaystackGenerator.Inputs()).model


def ctx() -> RecordingContext:
    return RecordingContext(secrets={"K": "key-1"})


def test_it_is_asked_like_any_model(server: tuple[str, list[Any], list[Any]]):
    url, heard, says = server
    says.append("Copenhagen.")
    at = ctx()
    model = described(url, temperature=0.5, settings={"generation_kwargs": {"top_p": 0.9}})
    given = {"model": model, "prompt": "The capital of Denmark?"}
    found = run_node(AskModel, {"system": "Be brief.", "max_tokens": 9}, given, at)
    assert found["text"] == "Copenhagen."
    assert (at.prompt_tokens, at.completion_tokens) == (7, 3)
    [(key, body)] = heard
    assert key == "Bearer key-1"
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "The capital of Denmark?"),
    ]
    assert (body["temperature"], body["top_p"]) == (0.5, 0.9)
    assert 9 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_a_cut_answer_is_said(server: tuple[str, list[Any], list[Any]]):
    url, _, says = server
    says.append("cut")
    at = ctx()
    run_node(AskModel, {}, {"model": described(url), "prompt": "Hi"}, at)
    assert any("cut" in warning for warning in at.warnings)


def test_a_filtered_answer_is_none(server: tuple[str, list[Any], list[Any]]):
    url, _, says = server
    says.append("filtered")
    with pytest.raises(NodeError, match="content filter") as caught:
        run_node(AskModel, {}, {"model": described(url), "prompt": "Hi"}, ctx())
    assert caught.value.code == "model/filtered"


def test_no_reply_is_no_empty_answer():
    from patchbay.nodes.haystack.open_generator import _ours  # imports Haystack

    with pytest.raises(NodeError, match="no reply"):
        _ours([])


def test_it_is_held_to_a_schema(server: tuple[str, list[Any], list[Any]]):
    url, heard, says = server
    says.append('{"name": "Ada"}')
    fields = [{"name": "name", "description": "Who."}]
    given = {"model": described(url), "prompt": "Who?"}
    found = run_node(StructuredOutput, {"fields": fields}, given, ctx())
    assert "Ada" in str(found)
    assert heard[0][1]["response_format"]["type"] == "json_schema"


def test_what_the_server_says_is_told(server: tuple[str, list[Any], list[Any]]):
    url, _, says = server
    says.append(401)
    with pytest.raises(NodeError, match=r"OpenAIChatGenerator failed: .*no such key") as error:
        run_node(AskModel, {}, {"model": described(url), "prompt": "Hi"}, ctx())
    assert error.value.code == "haystack/generator"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"settings": {"nonsense": 1}}, "does not take the settings"),
        ({"generator": "MistralChatGenerator"}, "is not installed"),
    ],
)
def test_what_cannot_be_built_is_said(params: dict[str, Any], words: str):
    model = described("http://127.0.0.1:1/v1", **params)
    with pytest.raises(NodeError, match=words) as error:
        run_node(AskModel, {}, {"model": model, "prompt": "a"}, ctx())
    assert error.value.fix


@pytest.mark.parametrize(
    "params",
    [
        {"generator": "os.system"},
        {"settings": {"api_key": "x"}},
        {"settings": {"streaming_callback": "os.system"}},
        {"settings": {"api_base_url": "file:///etc/passwd"}},
    ],
)
def test_settings_that_are_refused(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        HaystackGenerator.Params.model_validate(params)


def test_every_choice_has_its_module():
    from typing import get_args

    from patchbay.nodes.haystack.generator_node import GeneratorName

    assert set(get_args(GeneratorName)) == set(GENERATORS)

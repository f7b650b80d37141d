"""What hosted providers send: Anthropic's thoughts, and everybody's errors, as documented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.asking import Answer, ask, judge
from patchbay.nodes.models.servers.errors import pause_s
from patchbay.nodes.models.servers.provider.names import PROVIDERS
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import Message, SecretRef
from tests.nodes.models.servers.provider import hosted as says
from tests.nodes.models.servers.provider.hosted import Body, Hosted, hosted

ASKED = [Message(role="user", content="What is a?")]
SECRETS = {"MY_KEY": "wrong-key-0123456789"}
MODEL = "told"


def described(provider: str, url: str, **more: Any) -> ProviderModel:
    key = SecretRef(secret="MY_KEY")
    return ProviderModel(model=f"{provider}:{MODEL}", base_url=url, key=key, retries=0, **more)


async def answer(site: Hosted, provider: str = "anthropic", **more: Any) -> Answer:
    with hosted(site):
        spec = described(provider, site.url, **more)
        return await ask(RecordingContext(secrets=SECRETS), spec, ASKED)


# --- Anthropic's thoughts -------------------------------------------------------------------------

BLOCKS: dict[str, list[list[Body]]] = {
    "thought": [says.thinking("It could be ", '{"a": 5}.'), says.text('{"a": ', "6}")],
    "redacted": [says.redacted(), says.text('{"a": 6}')],
    "both": [says.thinking('{"a": 5}'), says.redacted(), says.text('{"a": 6}')],
    "twice": [says.thinking('{"a": 5}'), says.text('{"a":'), says.thinking("Hm."),
              says.text(" 6}")],
}  # fmt: skip


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS.keys())
async def test_a_streamed_thought_is_no_part_of_the_answer(blocks: list[list[Body]]) -> None:
    said = await answer(Hosted(says.streamed(*blocks)), thinking="on")
    assert said.text == '{"a": 6}'
    assert judge(said.text, {"type": "object"}) == ({"a": 6}, "")
    thought = "".join(d.get("thinking", "") for block in blocks for d in block[1:])
    assert said.thought == thought
    assert says.SIGNATURE not in said.text + said.thought
    assert says.REDACTED not in said.text + said.thought
    assert bool(said.thought_tokens) == bool(thought)
    assert said.answer_tokens == 40


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS.keys())
async def test_nor_is_one_that_came_whole(blocks: list[list[Body]]) -> None:
    """`disable_streaming` of LangChain: one request, one answer with all its blocks."""
    content = [_joined(block) for block in blocks]
    body = {"id": "m", "type": "message", "role": "assistant", "model": "told", "content": content,
            "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 40}}  # fmt: skip
    site = Hosted(whole=body)
    with hosted(site):
        spec = described("anthropic", site.url, thinking="on")
        opened = spec.open(RecordingContext(secrets=SECRETS))
        opened._inner.disable_streaming = True
        from langchain_core.messages import HumanMessage

        from patchbay.nodes.models.thinking import thought_of

        said = await opened.ainvoke([HumanMessage("What is a?")], **spec.call_options())
    assert str(said.text) == '{"a": 6}'
    assert thought_of(said) == "".join(d.get("thinking", "") for b in blocks for d in b[1:])


def _joined(block: list[Body]) -> Body:
    begin, *deltas = block
    whole = dict(begin)
    for delta in deltas:
        for name in ("thinking", "text", "signature"):
            if name in delta:
                whole[name] = whole.get(name, "") + delta[name]
    return whole


async def test_a_budget_is_told_and_a_thought_that_took_all_is_said() -> None:
    site = Hosted(says.streamed(says.thinking("Hm, hm."), reason="max_tokens"))
    said = await answer(site, thinking="2000", max_tokens=4000)
    assert site.asked[0]["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert (said.text, said.cut) == ("", True)
    assert "spent all its 40 tokens thinking" in said.shortfall()


async def test_a_stream_that_ends_in_the_middle_is_no_answer() -> None:
    with pytest.raises(NodeError) as caught:
        await answer(Hosted(says.streamed(says.text('{"a": 6'), reason=None)))
    assert caught.value.code == "model/broke-off"


async def test_a_refusal_is_told_as_one() -> None:
    with pytest.raises(NodeError) as caught:
        await answer(Hosted(says.streamed(says.text("I won't."), reason="refusal")))
    assert caught.value.code == "model/refusal"
    assert "I won't." in caught.value.message


# --- a wrong key, an unknown model ----------------------------------------------------------------

_GROQ = ("groq", "", "/openai/v1/models")
_MISTRAL = ("mistralai", "/v1", "/v1/models")
_LIKE_OPENAI = ("openai", "/v1", "/v1/models")
"""DeepSeek's, xAI's and OpenRouter's integrations speak OpenAI's protocol by the same client."""

WRONG_KEY = {
    "anthropic": (("anthropic", "", "/v1/models"), 401, {"type": "error", "error": {
        "type": "authentication_error", "message": "invalid x-api-key"}}),
    "groq": (_GROQ, 401, {"error": {"message": "Invalid API Key",
             "type": "invalid_request_error", "code": "invalid_api_key"}}),
    "mistral": (_MISTRAL, 401, {"detail": "Unauthorized"}),
    "deepseek": (_LIKE_OPENAI, 401, {"error": {
        "message": "Authentication Fails, Your api key: ****6789 is invalid",
        "type": "authentication_error", "param": None, "code": "invalid_request_error"}}),
    "xai": (_LIKE_OPENAI, 400, {"code": "Client specified an invalid argument",
            "error": "Incorrect API key provided: wr***89. You can obtain an API key from "
            "https://console.x.ai."}),
    "openrouter": (_LIKE_OPENAI, 401, {"error": {"message": "No auth credentials found",
                   "code": 401}}),
    "openrouter-user": (_LIKE_OPENAI, 401, {"error": {"message": "User not found.",
                        "code": 401}}),
    "litellm": (_LIKE_OPENAI, 400, {"error": {"message": "Authentication Error, No connected db.",
                "type": "auth_error", "code": "400"}}),
}  # fmt: skip

NO_MODEL = {
    "anthropic": (("anthropic", "", "/v1/models"), 404, {"type": "error", "error": {
        "type": "not_found_error", "message": "model: told"}}),
    "groq": (_GROQ, 404, {"error": {"message": "The model `told` does not exist or you do not have "
             "access to it.", "type": "invalid_request_error", "code": "model_not_found"}}),
    "mistral": (_MISTRAL, 400, {"object": "error", "message": "Invalid model: told",
                "type": "invalid_model", "param": None, "code": "1500"}),
    "deepseek": (_LIKE_OPENAI, 400, {"error": {"message": "Model Not Exist",
                 "type": "invalid_request_error", "param": None,
                 "code": "invalid_request_error"}}),
    "xai": (_LIKE_OPENAI, 404, {"code": "Some requested entity was not found",
            "error": "The model told does not exist or your team 1-2 does not have access to it."}),
    "openrouter": (_LIKE_OPENAI, 400, {"error": {"message": "told is not a valid model ID",
                   "code": 400}}),
}  # fmt: skip


async def failure(case: tuple[tuple[str, str, str], int, Body]) -> NodeError:
    (provider, path, models_at), status, body = case
    site = Hosted(status=status, body=body, models=("big", "small"), models_at=models_at)
    with hosted(site):
        spec = described(provider, site.url + path)
        with pytest.raises(NodeError) as caught:
            await ask(RecordingContext(secrets=SECRETS), spec, ASKED)
    return caught.value


@pytest.mark.parametrize("case", WRONG_KEY.values(), ids=WRONG_KEY.keys())
async def test_a_wrong_key_is_named_as_such(case: Any) -> None:
    error = await failure(case)
    assert error.code == "model/key"
    assert "MY_KEY" in error.message + error.fix
    assert SECRETS["MY_KEY"] not in error.message + error.fix


@pytest.mark.parametrize("case", NO_MODEL.values(), ids=NO_MODEL.keys())
async def test_an_unknown_model_lists_the_known_ones(case: Any) -> None:
    error = await failure(case)
    assert error.code == "model/unknown"
    assert "big, small" in error.message


# --- each says "no" and "not now" by a class of its own -------------------------------------------

_GOOGLE = ("google_genai", "", "/v1beta/models")
_PROVIDERS = {"anthropic": ("anthropic", "", ""), "google": _GOOGLE, "groq": _GROQ,
              "mistral": _MISTRAL, "openai": _LIKE_OPENAI}  # fmt: skip

GOOGLE = [
    (400, "INVALID_ARGUMENT", "contents is not specified", "model/request"),
    (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "model/key"),
    (400, "INVALID_ARGUMENT", "The input token count (9001) exceeds the maximum number of tokens "
     "allowed (4096).", "model/context-overflow"),
    (403, "PERMISSION_DENIED", "The caller does not have permission", "model/key"),
    (404, "NOT_FOUND", "models/told is not found for API version v1beta, or is not supported for "
     "generateContent.", "model/unknown"),
    (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", "model/rate-limit"),
    (500, "INTERNAL", "An internal error has occurred", "model/busy"),
    (503, "UNAVAILABLE", "The model is overloaded.", "model/busy"),
]  # fmt: skip
"""https://ai.google.dev/gemini-api/docs/troubleshooting, and what its server says."""


@pytest.mark.parametrize(("status", "word", "message", "code"), GOOGLE)
async def test_what_google_refuses_is_told_apart(
    status: int, word: str, message: str, code: str
) -> None:
    """LangChain's classes for it say no status; what they were raised from does."""
    body = {"error": {"code": status, "message": message, "status": word}}
    error = await failure((_GOOGLE, status, body))
    assert error.code == code
    assert error.retry == (status >= 429)
    if code != "model/unknown":
        assert message.rstrip(".") in error.message
    assert isinstance(error.__cause__, Exception)
    assert (pause_s(error.__cause__, 2, 2) is not None) == (status in (429, 503))


@pytest.mark.parametrize("place", _PROVIDERS.values(), ids=_PROVIDERS.keys())
@pytest.mark.parametrize(
    ("status", "code"), [(400, "model/request"), (429, "model/rate-limit"), (503, "model/busy")]
)
async def test_a_refusal_is_none_that_passes(place: Any, status: int, code: str) -> None:
    said = {"error": {"code": status, "message": "Such words.", "status": "X", "type": "x"}}
    error = await failure((place, status, said))
    assert (error.code, error.retry) == (code, status != 400)
    assert "Such words" in error.message


async def test_google_gives_up_in_the_middle() -> None:
    piece = {"candidates": [{"content": {"role": "model", "parts": [{"text": "It is"}]}}]}
    broken = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    lines = "".join(f"data: {json.dumps(one)}\r\n\r\n" for one in (piece, broken))
    with pytest.raises(NodeError) as caught:
        await answer(Hosted(whole=lines), "google_genai")
    assert caught.value.code == "model/busy"
    assert "in the middle" in caught.value.message or "5 characters" in caught.value.message


@pytest.mark.parametrize(
    "provider", ["anthropic", "deepseek", "groq", "mistralai", "openai", "openrouter", "xai"]
)
def test_each_has_a_list_and_the_name_of_its_key(provider: str) -> None:
    assert PROVIDERS[provider].lists.startswith("https://")
    assert PROVIDERS[provider].key

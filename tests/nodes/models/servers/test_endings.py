"""Half answers never pass for whole ones: each kind has its own words, and none is used again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.events import NodeWarned, RunFinished
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import Answer, ask
from patchbay.nodes.models.endings import reason_of
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import Message, ModelSpec
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow
from tests.nodes.models.servers.told_server import Reply, delta, line, says, told, usage, whole

HI = [Message(role="user", content="Say hello.")]


def openai(url: str) -> OpenAiModel:
    return OpenAiModel(base_url=url, model="told", retries=0)


def provider(url: str) -> ProviderModel:
    return ProviderModel(model="openai:told", base_url=url, retries=0)


async def asked(spec: ModelSpec, ctx: RecordingContext | None = None) -> Answer:
    return await ask(ctx or RecordingContext(), spec, HI, **spec.call_options())


async def failure(reply: Reply, make: Any = openai) -> NodeError:
    with told(reply) as server, pytest.raises(NodeError) as caught:
        await asked(make(server.v1))
    return caught.value


HALF = "Once upon a"


@pytest.mark.parametrize("make", [openai, provider])
@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (says(HALF, reason=None, end="silence"), "model/broke-off", "without saying that the answ"),
        (says(reason=None, end="silence"), "model/broke-off", "sent nothing of the answer"),
        (Reply(end="silence"), "model/broke-off", "sent nothing of the answer"),
        (says(HALF, reason=None, end="reset"), "model/broke-off", "the connection broke"),
        (Reply(end="reset"), "model/broke-off", "the connection broke"),
        (Reply(end="done"), "model/broke-off", "ended its stream at once: there is no answer"),
        (says(HALF, reason="content_filter"), "model/filtered", "ended the answer after 11 char"),
        (says(reason="content_filter"), "model/filtered", "held back the answer"),
        (says(HALF, reason="error"), "model/broke-off", "'error' for a reason"),
        (says(reason="stop", refusal=["I must", " not."]), "model/refusal", "refused to answer"),
        (Reply((delta(content=HALF), {"error": {"message": "out of power"}})), "model/busy",
         "broke off the answer after 11 characters ('Once upon a'): it sent an error: out of pow"),
        (Reply(({"error": {"message": "no power"}},)), "model/busy", "sent nothing of the answer"),
        (Reply(whole={"error": {"message": "no seats"}}), "model/request", "in place of an answer"),
        (Reply(whole={"error": {"message": "who?", "code": 401}}), "model/key", "(401, who?)"),
        (Reply(whole="<h1>Log in</h1>", kind="text/html"), "model/address", "text/html: Log in"),
        (Reply(whole={"hello": 1}), "model/address", "in place of an answer"),
    ],
)  # fmt: skip
async def test_what_is_no_answer(make: Any, reply: Reply, code: str, words: str) -> None:
    error = await failure(reply, make)
    assert error.code == code
    assert words in error.message
    assert "Nothing answers" not in error.message
    assert error.fix


@pytest.mark.parametrize(
    "reply",
    [
        says(HALF, reason=None),  # some servers give no reason; the mark at the end tells
        says(HALF, reason="stop", end="silence"),  # others no mark; the reason tells
        says(HALF, reason="eos"),
    ],
)
async def test_what_is_whole(reply: Reply) -> None:
    ctx = RecordingContext()
    with told(reply) as server:
        answer = await asked(openai(server.v1), ctx)
    assert (answer.text, answer.cut) == (HALF, False)
    assert (answer.prompt_tokens, answer.answer_tokens) == (10, 5)
    assert not ctx.used_once
    assert ctx.warnings == []


def called(*names: str) -> tuple[dict[str, Any], ...]:
    """Tools that are called, the arguments in pieces."""
    first = [
        {
            "index": n,
            "id": f"c{n}",
            "type": "function",
            "function": {"name": name, "arguments": "{"},
        }
        for n, name in enumerate(names)
    ]
    rest = [{"index": n, "function": {"arguments": "}"}} for n, _ in enumerate(names)]
    return delta(tool_calls=first), delta(tool_calls=rest)


@pytest.mark.parametrize("make", [openai, provider])
@pytest.mark.parametrize(
    ("text", "names", "told_of"),
    [
        ("", ["search"], "'search'"),
        ("Let me look.", ["search"], "'search'"),
        ("", ["search", "add", "search"], "'search', 'add'"),
    ],
)
async def test_a_call_of_a_tool_that_was_not_given_is_told_of(
    make: Any, text: str, names: list[str], told_of: str
) -> None:
    ctx = RecordingContext()
    events = (delta(content=text), *called(*names), delta("tool_calls"), usage())
    with told(Reply(events)) as server:
        answer = await asked(make(server.v1), ctx)
    assert answer.text == text
    [warning] = ctx.warnings
    assert warning.startswith(f"The model called {told_of}, though it was given no tools")


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"])
async def test_a_cut_answer_is_not_used_again(reason: str) -> None:
    ctx = RecordingContext()
    with told(says(HALF, reason=reason)) as server:
        answer = await asked(openai(server.v1), ctx)
    assert answer.cut
    assert ctx.used_once
    assert answer.shortfall().startswith("The answer was cut at the limit of tokens")


@pytest.mark.parametrize("policy", ["auto", "always"])
@pytest.mark.parametrize("inside", [False, True], ids=["node", "flow in a node"])
async def test_half_an_answer_never_comes_from_the_cache(
    tmp_path: Path, policy: str, inside: bool
) -> None:
    """Not from where a person pins the result, nor in a flow inside another."""
    with told(says(HALF, reason="length")) as server:
        nodes = {
            "model": ("model.openai_compatible", {"base_url": server.v1, "model": "told"}),
            "text": ("test.text", {"text": "Go on."}),
            "ask": ("model.ask", {"temperature": 0}, {"cache": policy}),
            "out": ("io.output", {"name": "text"}),
        }
        wires = ["model.model > ask.model", "text.text > ask.prompt", "ask.text > out.value"]
        asked = flow(nodes, wires)
        if inside:
            (tmp_path / "inner.json").write_text(canonical_text(asked))
            run = (
                "logic.run_flow",
                {"flow": "inner", "inputs": {}, "outputs": {"text": "text"}},
                {"cache": policy},
            )
            asked = flow({"run": run, "out": OUT}, ["run.text > out.value"])
        env = environment(cache=FolderCache(tmp_path / "cache", CATALOG.value_types))
        for _ in range(2):
            happened = await events_of(asked, env=env, folder=tmp_path)
            assert isinstance(happened[-1], RunFinished), happened[-1]
            assert any("cut" in e.message for e in happened if isinstance(e, NodeWarned))
        assert len(server.asked) == 2


@pytest.mark.parametrize("make", [openai, provider])
async def test_a_server_that_does_not_stream_is_understood_and_it_is_said(make: Any) -> None:
    ctx = RecordingContext()
    with told(whole("All at once.", reasoning_content="Hm.")) as server:
        answer = await asked(make(server.v1), ctx)
    assert (answer.text, answer.thought) == ("All at once.", "Hm.")
    assert (answer.prompt_tokens, answer.answer_tokens) == (10, 5)
    [warning] = ctx.warnings
    assert "does not stream" in warning


CLOSED = Reply(end="closed")


@pytest.mark.parametrize("make", [openai, provider])
async def test_a_kept_connection_that_was_closed_is_asked_once_more(make: Any) -> None:
    ctx = RecordingContext()
    with told(CLOSED, says("Hello.")) as server:
        spec = make(server.v1).model_copy(update={"retries": 3})
        answer = await asked(spec, ctx)
        assert len(server.asked) == 2
    assert answer.text == "Hello."
    [warning] = ctx.warnings
    assert "Asking again at once." in warning


@pytest.mark.parametrize(
    ("replies", "times"),
    [
        ([CLOSED], 2),  # once more, not as often as it may be
        ([says(HALF, reason=None, end="reset"), says("Hello.")], 1),  # something had come
        ([Reply((delta(),), end="reset"), says("Hello.")], 1),
        ([CLOSED, says(HALF, reason=None, end="reset"), says("Hello.")], 2),
    ],
)
async def test_it_is_asked_once_more_at_most(replies: list[Reply], times: int) -> None:
    with told(*replies) as server:
        spec = openai(server.v1).model_copy(update={"retries": 3})
        with pytest.raises(NodeError) as caught:
            await asked(spec)
        assert len(server.asked) == times
    assert caught.value.code == "model/broke-off"


def test_embeddings_are_asked_for_once_more_too() -> None:
    from patchbay.nodes.models.servers.openai.embeddings import OpenAiEmbeddings

    vectors = {"data": [{"index": 0, "embedding": [3.0, 4.0]}], "model": "told", "usage": {}}
    with told(CLOSED, Reply(whole=vectors)) as server:
        spec = OpenAiEmbeddings(base_url=server.v1, model="told")
        assert spec.open(RecordingContext()).embed_query("a") == pytest.approx([0.6, 0.8])


def test_blocking_calls_say_the_same() -> None:
    for reply, words in [
        (says(HALF, reason=None, end="silence"), "without saying that the answer was over"),
        (Reply(whole={"error": {"message": "no seats"}}), "in place of an answer: no seats"),
    ]:
        with told(reply) as server, pytest.raises(NodeError, match=words):
            openai(server.v1).open(RecordingContext()).invoke("Hi")
    with told(whole("At once.")) as server:
        assert openai(server.v1).open(RecordingContext()).invoke("Hi").text == "At once."


@pytest.mark.parametrize(
    ("events", "end", "code"),
    [
        ((line("Once"), line(" upon")), "silence", "model/broke-off"),
        ((line("Once"),), "reset", "model/broke-off"),
        ((line("Once"), {"error": "out of power"}), "done", "model/busy"),
        (({"error": "out of power"},), "done", "model/busy"),
        (("no object",), "done", "model/request"),
    ],
)
async def test_ollama(events: tuple[Any, ...], end: Any, code: str) -> None:
    with told(Reply(events, end), ollama=True) as server, pytest.raises(NodeError) as caught:
        await asked(OllamaModel(model="told", base_url=server.url, retries=0))
    assert caught.value.code == code
    assert "Nothing answers" not in caught.value.message


@pytest.mark.parametrize("streamed", [True, False])
async def test_ollama_whole(streamed: bool) -> None:
    """An older server gives no reason, and one line is what one that does not stream sends."""
    last = {k: v for k, v in line(done=True).items() if k != "done_reason"}
    events = (line("Once"), last) if streamed else (line("Once", done=True),)
    with told(Reply(events), ollama=True) as server:
        answer = await asked(OllamaModel(model="told", base_url=server.url))
    assert (answer.text, answer.cut) == ("Once", False)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"stop_reason": "max_tokens"}, "length"),
        ({"done_reason": "length"}, "length"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "completed"}, "completed"),
        ({"done": True}, "stop"),
        ({"stop_reason": "end_turn"}, "end_turn"),
        ({}, ""),
    ],
)
def test_the_words_of_different_providers(metadata: dict[str, Any], reason: str) -> None:
    assert reason_of(metadata) == reason

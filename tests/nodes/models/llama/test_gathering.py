"""Answers that nobody reads along: the same as others, in few pieces."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from patchbay.nodes.context import unread
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.answers import ComingAnswer
from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.engine import LlamaEngine
from patchbay.nodes.models.llama.gathering import PIECES, Gathering, said_in
from patchbay.nodes.models.telling import CallSaid
from patchbay.nodes.threads import in_thread

ABOUT = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
THINKS = "{% if enable_thinking %}<think>{% endif %}</think>"
"""Enough of a chat template to say which tags a thought has."""


def delta(**said: Any) -> dict[str, Any]:
    return {**ABOUT, "choices": [{"index": 0, "delta": said, "finish_reason": None}]}


def text(piece: str) -> dict[str, Any]:
    return {**ABOUT, "choices": [{"index": 0, "text": piece, "finish_reason": None}]}


BEGUN = delta(role="assistant", content=None)
STOPPED = {**ABOUT, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def usage(answer: int) -> dict[str, Any]:
    counted = {"prompt_tokens": 9, "completion_tokens": answer, "total_tokens": 9 + answer}
    return {**ABOUT, "choices": [], "usage": counted, "timings": {}}


def words(*pieces: str) -> list[dict[str, Any]]:
    return [delta(content=piece) for piece in pieces]


SCRIPTS = {
    "text": [BEGUN, *words("It", " is", " Co", "penhagen", "."), STOPPED, usage(5)],
    "a thought that llama.cpp tells apart": [
        BEGUN, *(delta(reasoning_content=piece) for piece in ("Let", " me", " see", ".")),
        *words("\n\n", "Copen", "hagen"), STOPPED, usage(7),
    ],
    "a thought in tags": [
        BEGUN, *words("<th", "ink>", "Let", " me see", ".</", "think", ">\n", "Copen", "hagen"),
        STOPPED, usage(9),
    ],
    "a thought in tags that goes on": [BEGUN, *words("<think>", "Let", " me"), STOPPED, usage(3)],
    "completions": [*map(text, ("It", " is", " so")), STOPPED, usage(3)],
    "nothing": [BEGUN, STOPPED, usage(0)],
    "progress between": [
        {**ABOUT, "choices": [], "prompt_progress": {"total": 9, "processed": 4}},
        *words("a", "b"), {**ABOUT, "choices": [], "prompt_progress": {"total": 9}},
        *words("c", "d"), STOPPED, usage(4),
    ],
}  # fmt: skip


class Server:
    """What the wheel's server does: tells a script, one chunk after another."""

    def __init__(self, script: Sequence[dict[str, Any]]) -> None:
        self._script = script

    def handle_chat_completions(
        self, body: dict[str, Any], callback: Callable[[dict[str, Any]], bool]
    ) -> None:
        for chunk in self._script:
            if callback(chunk):
                return

    handle_completions = handle_chat_completions


def over(script: Sequence[dict[str, Any]], context: int = 4096) -> ChatLlama:
    engine = LlamaEngine(Server(script), 1, 4096)
    return ChatLlama.over(engine, name="scripted", context=context, template=THINKS)


def calls() -> list[threading.Thread]:
    """The calls of llama.cpp that are under way."""
    return [one for one in threading.enumerate() if one.name == "llama-call"]


async def answered(model: ChatLlama) -> tuple[tuple[object, ...], int]:
    """What an answer is, and how many pieces of LangChain's it came in."""
    coming, count = ComingAnswer(), 0
    coming.begin()
    async for chunk in model.astream("Hi"):
        coming.add(chunk)
        count += 1
    found = coming.answer(CallSaid(), "it")
    tokens = (found.prompt_tokens, found.answer_tokens, found.thought_tokens)
    return (found.text, found.thought, found.cut, *tokens), count


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_it_is_the_same_answer(script):
    told, pieces = await answered(over(script))
    with unread():
        gathered, few = await answered(over(script))
    assert gathered == told
    assert few <= pieces


async def test_whoever_asks_langchain_for_a_whole_answer_has_it_so(monkeypatch):
    """CrewAI and scripts do: by `invoke`, and by `ainvoke`."""
    seen: list[bool] = []
    real = LlamaEngine.chat

    def chat(self: LlamaEngine, request: Any, emit: Any, stop: Any, gathered: bool = False) -> None:
        seen.append(gathered)
        real(self, request, emit, stop, gathered)

    monkeypatch.setattr(LlamaEngine, "chat", chat)
    model = over(SCRIPTS["text"])
    whole = "It is Copenhagen."
    assert (await model.ainvoke("Hi")).text == model.invoke("Hi").text == whole
    assert "".join([chunk.text for chunk in model.stream("Hi")]) == whole
    assert seen == [True, True, False]


async def test_it_comes_in_few_pieces():
    script = [BEGUN, *words(*(f" {n}" for n in range(500))), STOPPED, usage(500)]
    told, pieces = await answered(over(script))
    with unread():
        gathered, few = await answered(over(script))
    assert gathered == told
    assert pieces > 500
    assert few <= 4


async def test_a_narrower_context_counts_tokens_and_not_pieces():
    """Opened with a longer context than the request may have, it is stopped as llama.cpp would."""
    script = [
        {**ABOUT, "choices": [], "prompt_progress": {"total": 9}},
        *words(*(f" {n}" for n in range(500))), STOPPED, usage(500),
    ]  # fmt: skip
    narrow = over(script).with_context(64)
    with pytest.raises(NodeError) as told:
        await answered(narrow)
    with unread(), pytest.raises(NodeError) as gathered:
        await answered(narrow)
    assert gathered.value.code == told.value.code == "model/context-overflow"


async def test_what_was_said_before_a_failure_comes_before_it():
    broken = {"error": {"message": "the slot broke", "type": "server_error"}}
    model, said = over([BEGUN, *words("a", "b", "c"), broken]), list[str]()

    async def answer() -> None:
        async for chunk in model.astream("Hi"):
            said.extend([chunk.text])

    with unread(), pytest.raises(NodeError, match="the slot broke"):
        await answer()
    assert "".join(said) == "abc"


def test_the_first_piece_goes_on_at_once():
    heard: list[dict[str, Any]] = []
    gathering = Gathering(heard.append)
    for chunk in (BEGUN, *words("a", "b", "c")):
        gathering.take(chunk)
    assert [said_in(chunk)[1] for chunk in heard] == ["", "a"]
    gathering.flush()
    gathering.flush()
    assert said_in(heard[-1]) == ("content", "bc")
    assert heard[-1][PIECES] == ["b", "c"]
    assert len(heard) == 3


def test_nothing_but_text_is_gathered():
    """Calls of tools, ends and figures go through as they are, and in their place."""
    call = delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{"}}])
    both = delta(content="x", reasoning_content="y")
    script = [*words("a", "b"), call, both, *words("c"), STOPPED, usage(4)]
    heard: list[dict[str, Any]] = []
    gathering = Gathering(heard.append)
    for chunk in script:
        gathering.take(chunk)
    assert heard[0] == script[0]
    assert [chunk for chunk in heard if PIECES not in chunk][1:] == [call, both, STOPPED, usage(4)]


async def test_the_real_model_says_the_same(llama: ChatLlama):
    options = {"temperature": 0.0, "max_tokens": 16}
    told = [chunk.text async for chunk in llama.astream("Tell of the sea.", **options)]
    with unread():
        began = time.perf_counter()
        chunks = [
            (time.perf_counter() - began, chunk)
            async for chunk in llama.astream("Tell of the sea.", **options)
        ]
    gathered = [chunk.text for _, chunk in chunks if chunk.text]
    assert "".join(gathered) == "".join(told)
    assert len(gathered) == 2
    (first, _), *_, (last, end) = [(at, chunk) for at, chunk in chunks if chunk.text]
    assert first < last
    assert end.text
    assert chunks[-1][1].usage_metadata["output_tokens"] == 16


async def test_a_call_that_is_left_stops(llama: ChatLlama):
    """Nobody hears of its tokens any more, and it is told all the same."""
    with unread():
        answer = asyncio.create_task(llama.ainvoke("Tell a very long story.", max_tokens=2000))
        await asyncio.sleep(1.0)
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
    assert not calls()


async def test_a_thread_that_waits_for_a_whole_answer_is_let_go(llama: ChatLlama, monkeypatch):
    """Libraries that cannot await ask so, and are stopped by what is raised in their thread."""
    begun, written = threading.Event(), list[int]()
    real = LlamaEngine.chat

    def chat(
        self: LlamaEngine, request: Any, emit: Any, stop: threading.Event, gathered: bool = False
    ) -> None:
        def heard(chunk: dict[str, Any]) -> None:
            emit(chunk)
            if said_in(chunk)[0]:
                written.append(len(chunk.get(PIECES, [chunk])))
                begun.set()

        real(self, request, heard, stop, gathered)

    monkeypatch.setattr(LlamaEngine, "chat", chat)
    question, options = "Tell a very long story of the sea.", {"max_tokens": 250, "temperature": 0}
    llama.invoke(question, **options)
    whole = sum(written)
    begun.clear()
    written.clear()
    asked = asyncio.create_task(in_thread(llama.invoke, question, **options))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # the next piece comes when all is written
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    while calls():
        await asyncio.sleep(0.01)
    assert sum(written) < whole

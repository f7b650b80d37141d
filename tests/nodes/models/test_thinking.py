"""Thoughts: told apart from answers, never parsed, counted, and set where a model has them."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.models.asking import Answer, ask
from patchbay.nodes.models.llama.node import QuantizedModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.servers.ollama.node import Ollama
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.models.thinking import KNOWN, LATE, Splitter, parted, splitter_for, tags_of
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message, ModelSpec
from tests.nodes.models.servers.told_server import Reply, delta, line, says, told, usage, whole

HI = [Message(role="user", content="What is a?")]


def openai(url: str, **fields: Any) -> OpenAiModel:
    return OpenAiModel(base_url=url, model="told", retries=0, **fields)


async def asked(spec: ModelSpec, **call: Any) -> tuple[Answer, RecordingContext]:
    ctx = RecordingContext()
    return await ask(ctx, spec, HI, CallOptions(**call)), ctx


# --- parting --------------------------------------------------------------------------------------


def fed(split: Splitter, text: str, size: int) -> tuple[str, str]:
    pairs = [split.add(text[n : n + size]) for n in range(0, len(text), size)]
    pairs.append(split.finish())
    return "".join(t for t, _ in pairs), "".join(a for _, a in pairs)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\nHm.\n</think>\n\nFive.", "Hm.", "Five."),
        ("  <think>Hm.</think>Five.", "Hm.", "Five."),
        ("[THINK]Hm.[/THINK]Five.", "Hm.", "Five."),
        ("<think>Hm < 5 </thin", "Hm < 5 </thin", ""),
        ("<think></think>Five.", "", "Five."),
        ("Five <think>is</think> it.", "", "Five <think>is</think> it."),
        ("<thin air>", "", "<thin air>"),
        ("  \n", "", "  \n"),
        ("", "", ""),
    ],
)
def test_a_thought_at_the_beginning(text: str, thought: str, answer: str, size: int) -> None:
    found = fed(Splitter(KNOWN), text, size)
    assert (found[0].rstrip("\n"), found[1]) == (thought, answer)


def test_the_template_says_which_tags_count() -> None:
    assert tags_of("{{ x }}") is None
    assert fed(splitter_for("{{ x }}", ""), "<think>Hm.</think>Five.", 3)[0] == ""
    begun = splitter_for("… '</think>' …", "<|assistant|>\n<think>\n")
    assert fed(begun, "Hm.</think>\n\nFive.", 4) == ("Hm.", "Five.")
    assert parted("Hm.</think>Five.", {}) == ("", "Hm.</think>Five.")
    assert parted("Hm.</think>Five.", {LATE: 11}) == ("Hm.", "Five.")


# --- servers --------------------------------------------------------------------------------------

THOUGHT = 'First {"a": 5}, no. '
SAID = ["Fi", "ve."]


@pytest.mark.parametrize(
    "reply",
    [
        says(*SAID, reasoning_content=[THOUGHT[:7], THOUGHT[7:]]),
        says(*SAID, reasoning=[THOUGHT]),
        says("<th", "ink>", THOUGHT, "</think>\n", *SAID),
        says(THOUGHT, "</think>\n\n", *SAID),  # the template began it; only the end is sent
        whole("Five.", reasoning_content=THOUGHT),
    ],
    ids=["field", "other field", "tags", "closing tag", "whole"],
)
async def test_it_is_no_part_of_the_answer(reply: Reply) -> None:
    with told(reply) as server:
        answer, ctx = await asked(openai(server.v1))
    assert answer.text == "Five."
    assert answer.thought.strip() == THOUGHT.strip()
    assert 0 < answer.thought_tokens <= answer.answer_tokens
    assert [(what, text.strip()) for what, text, _ in ctx.steps] == [("thought", THOUGHT.strip())]


async def test_it_is_counted_as_the_server_counts() -> None:
    counts = usage(10, 50, completion_tokens_details={"reasoning_tokens": 42})
    events = (delta(reasoning_content="Hm."), delta(content="Five."), delta("stop"), counts)
    with told(Reply(events)) as server:
        answer, _ = await asked(openai(server.v1))
    assert (answer.answer_tokens, answer.thought_tokens) == (50, 42)


async def test_what_was_spent_thinking_is_no_empty_answer() -> None:
    with told(says(reason="length", reasoning_content=["Hm, "])) as server:
        answer, _ = await asked(openai(server.v1))
    assert "spent all its 5 tokens thinking and came to no answer" in answer.shortfall()


@pytest.mark.parametrize("field", ["reasoning_content", ""])
def test_it_is_never_parsed(field: str) -> None:
    inside = '{"a": 5}'
    reply = says("No idea.", **{field: [inside]}) if field else says(f"<think>{inside}</think>No.")
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    with told(reply) as server, pytest.raises(NodeError) as caught:
        run_node(
            AskModel,
            {"json_schema": schema},
            {"model": openai(server.v1), "prompt": "a?"},
            RecordingContext(),
        )
    assert caught.value.code == "model/not-json"


async def test_ollama_thinks_where_the_model_does() -> None:
    events = (line(thinking="Hm, "), line(thinking="hm."), line("Five."), line(done=True))
    with told(Reply(events), ollama=True) as server:
        answer, _ = await asked(OllamaModel(model="told", base_url=server.url))
        assert (answer.text, answer.thought) == ("Five.", "Hm, hm.")
        assert "think" not in server.asked[-1]
        for thinking, sent in (("off", False), ("on", True), ("low", "low")):
            spec = OllamaModel(model="told", base_url=server.url, thinking=thinking)
            await asked(spec)
            assert server.asked[-1]["think"] == sent


# --- the setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thinking", "body"),
    [
        ("off", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("high", {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "high"},
                  "reasoning_effort": "high"}),
        (64, {"chat_template_kwargs": {"enable_thinking": True}, "thinking_budget_tokens": 64}),
    ],
)  # fmt: skip
async def test_a_server_is_told(thinking: Any, body: dict[str, Any]) -> None:
    with told(says("Five.")) as server:
        await asked(openai(server.v1, thinking=thinking))
        sent = server.asked[-1]
    assert {key: sent[key] for key in body} == body


def test_providers_are_told_in_their_words() -> None:
    def words(model: str, thinking: Any) -> Any:
        return ProviderModel(model=model, thinking=thinking).call_options()

    assert words("openai:gpt-5-mini", "off") == {"reasoning_effort": "none"}
    assert words("openai:gpt-5-mini", "low") == {"reasoning_effort": "low"}
    enabled = {"type": "enabled", "budget_tokens": 2000}
    assert words("anthropic:claude-haiku-4-5", 2000) == {"thinking": enabled}
    assert words("anthropic:claude-haiku-4-5", "off") == {"thinking": {"type": "disabled"}}
    for model, thinking in (("openai:gpt-5-mini", 2000), ("groq:x", "on")):
        with pytest.raises(NodeError) as caught:
            words(model, thinking)
        assert caught.value.code == "model/thinking"


def test_what_cannot_be_set_is_a_problem_before_anything_runs() -> None:
    with pytest.raises(NodeError, match="Ollama knows no limit of tokens"):
        run_node(Ollama, {"thinking": 64})
    with pytest.raises(ValueError, match="thinking"):
        Ollama.Params(thinking="a lot")
    assert QuantizedModel.Params(thinking=64).thinking == "64"


# --- on the real model ----------------------------------------------------------------------------

TEMPLATE = (
    "{%- for m in messages -%}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and '</think>' in m.content %}"
    "{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n"
    "{% endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant\n{%- endif -%}"
)
BEGUN = TEMPLATE.removesuffix("{%- endif -%}") + "<think>\n{%- endif -%}"
"""As DeepSeek-R1's: the prompt begins the thought."""


@pytest.mark.parametrize("backend", [GgufModel, TransformersModel])
async def test_a_thought_that_the_template_begins(backend: Any) -> None:
    spec = backend(chat_template=BEGUN, context=512, parallel=1, max_tokens=6, temperature=0)
    answer, ctx = await asked(spec)
    assert (answer.text, answer.cut) == ("", True)
    assert answer.thought
    assert answer.thought_tokens == answer.answer_tokens == 6
    assert "6 tokens thinking" in answer.shortfall()
    [(what, _, _)] = ctx.steps
    assert what == "thought"
    off, _ = await asked(spec.model_copy(update={"thinking": "off"}))
    assert (off.thought, off.thought_tokens) == ("", 0)
    assert off.text.strip()
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
              "additionalProperties": False}  # fmt: skip
    held, _ = await asked(spec, json_schema=schema, max_tokens=40)
    assert held.thought == ""
    assert held.text.lstrip().startswith("{")


async def test_llama_limits_a_thought() -> None:
    spec = GgufModel(chat_template=BEGUN, context=512, parallel=1, thinking="3", temperature=0)
    answer, _ = await asked(spec, max_tokens=12)
    assert 0 < answer.thought_tokens <= 4
    assert answer.text.strip()


@pytest.mark.parametrize("backend", [GgufModel, TransformersModel])
async def test_a_model_that_does_not_think_cannot_be_told_to(backend: Any) -> None:
    with pytest.raises(NodeError) as caught:
        await asked(backend(context=512, parallel=1, thinking="on"), max_tokens=2)
    assert caught.value.code == "model/thinking"

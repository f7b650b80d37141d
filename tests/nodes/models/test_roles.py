"""Who may say what: system messages in a row, and templates that take only turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext
from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.messages import JOINED, alternating, one_system, to_langchain
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.values import Message, ModelSpec

MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}"
    "{% set told = messages[0]['content'] + ' ' %}{% else %}{% set rest = messages %}"
    "{% set told = '' %}{% endif %}{% for m in rest %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/...') }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\\n' + (told if loop.first else '') + m['content'] + "
    "'<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}"
)
GEMMA = (
    "{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}" + MISTRAL
)


def said(*turns: str) -> list[Message]:
    roles: Any = {"s": "system", "u": "user", "a": "assistant"}
    return [Message(role=roles[turn[0]], content=turn[2:]) for turn in turns]


def chat(*turns: str) -> list[dict[str, Any]]:
    return [message.model_dump() for message in said(*turns)]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["s:a", "s:b", "u:c"], ["s:a\n\nb", "u:c"]),
        (["s:a", "s:b", "s:c"], ["s:a\n\nb\n\nc"]),
        (["s:a", "u:b", "s:c", "s:d", "u:e"], ["s:a", "u:b", "s:c\n\nd", "u:e"]),
        (["u:a", "u:b", "a:c", "a:d"], ["u:a", "u:b", "a:c", "a:d"]),
        ([], []),
    ],
)
def test_of_system_messages_in_a_row_one_is_made(given: list[str], made: list[str]) -> None:
    found = [(message.type, message.content) for message in to_langchain(said(*given))]
    names = {"system": "system", "user": "human", "assistant": "ai"}
    assert found == [(names[m.role], m.content) for m in said(*made)]


def test_parts_that_are_no_text_are_left_alone() -> None:
    from langchain_core.messages import SystemMessage

    parts = [SystemMessage([{"type": "text", "text": "a"}]), SystemMessage("b")]
    assert one_system(parts) == parts


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (["s:a", "u:b"], ["u:a\n\nb"]),
        (["u:a", "u:b", "a:c"], ["u:a\n\nb", "a:c"]),
        (["u:a", "a:b", "s:c", "u:d"], ["u:a", "a:b", "u:c\n\nd"]),
        (["u:a", "s:b", "a:c", "u:d"], ["u:a", "a:c", "u:b\n\nd"]),
        (["u:a", "a:b", "a:c", "u:d"], ["u:a", "a:b\n\nc", "u:d"]),
        (["s:a"], ["u:a"]),
        (["u:a", "a:b", "u:c"], ["u:a", "a:b", "u:c"]),
    ],
)
def test_turns(given: list[str], made: list[str]) -> None:
    assert alternating(chat(*given)) == chat(*made)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


@pytest.mark.parametrize("cls", [GgufModel, TransformersModel])
@pytest.mark.parametrize("template", [MISTRAL, GEMMA], ids=["mistral", "gemma"])
async def test_a_template_that_takes_only_turns(cls: Any, template: str, pool: Pool) -> None:
    """On both engines what two systems, two users and a late system say reaches the model."""
    spec: ModelSpec = cls(weights="smollm2-135m-instruct", chat_template=template, context=512)

    async def asked(*turns: str) -> tuple[int, list[str]]:
        ctx = PooledContext()
        ctx.pool = pool
        call = CallOptions(temperature=0, max_tokens=2)
        answer = await ask(ctx, spec, said(*turns), call)
        return answer.prompt_tokens, ctx.warnings

    whole, silent = await asked("u:Be short.\n\nBe kind.\n\nHi")
    assert not any("takes only" in warning for warning in silent)
    two, _ = await asked("s:Be short.", "s:Be kind.", "u:Hi")
    assert abs(two - whole) <= 2  # what stands between them is the template's
    assert await asked("u:Be short.", "u:Be kind.", "u:Hi") == (whole, [JOINED, *silent])
    late = "u:Hi", "a:Yes", "s:Be kind.", "u:Now"
    turns, _ = await asked("u:Hi", "a:Yes", "u:Be kind.\n\nNow")
    assert await asked(*late) == (turns, [JOINED, *silent])
    # A control word in a text is put together here, by another way than the rest.
    marked, _ = await asked("u:Be <|im_end|>.\n\nHi")
    assert (await asked("u:Be <|im_end|>.", "u:Hi"))[0] == marked
    with pytest.raises(NodeError, match="roles must alternate") as caught:
        await asked("a:Yes", "u:Hi")
    assert caught.value.code == "model/chat-template"

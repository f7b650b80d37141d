"""What a model thinks before it answers: told apart from the answer, never mixed with it.

Backends name it differently: a field of its own (`reasoning_content`, `reasoning`, `thinking`), a
block of the content, or a stretch of text between tags that the model's chat template knows. Here
it always travels as `additional_kwargs["reasoning_content"]` of LangChain's messages, the name that
DeepSeek, llama.cpp and LangChain's own integrations use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from patchbay.nodes.errors import NodeError

THOUGHT = "reasoning_content"
"""The key in `additional_kwargs` under which a chunk's part of the thought stands."""


class Tags(NamedTuple):
    """What a model writes around its thought."""

    opening: str
    closing: str


KNOWN = (
    Tags("<think>", "</think>"),
    Tags("<thinking>", "</thinking>"),
    Tags("[THINK]", "[/THINK]"),
    Tags("<seed:think>", "</seed:think>"),
    Tags("<reasoning>", "</reasoning>"),
)
"""Of Qwen, DeepSeek, SmolLM3 and most others; of Mistral's Magistral; of ByteDance's Seed-OSS."""


def tags_of(template: str) -> Tags | None:
    """The tags that a chat template knows: the model was trained to write its thoughts in them."""
    return next((t for t in KNOWN if t.opening in template or t.closing in template), None)


def thought_of(message: Any) -> str:
    """The part of a thought that a message, or a chunk of one, carries."""
    found = message.additional_kwargs.get(THOUGHT)
    if isinstance(found, str) and found:
        return found
    blocks = message.content if isinstance(message.content, list) else ()
    return "".join(_of_block(block) for block in blocks if isinstance(block, Mapping))


def _of_block(block: Mapping[str, Any]) -> str:
    """Anthropic's `thinking`, and what LangChain calls `reasoning`."""
    if block.get("type") not in ("thinking", "reasoning"):
        return ""
    parts = [block.get("thinking"), block.get("reasoning")]
    parts += [part.get("text") for part in block.get("summary") or () if isinstance(part, Mapping)]
    return "".join(part for part in parts if isinstance(part, str))


def splitter_for(template: str, prompt: str) -> Splitter:
    """What parts the answers of a model with this template, to a prompt that ends like this."""
    tags = tags_of(template)
    if tags is None:
        return Splitter(())
    return Splitter((tags,), tags if opened(tags, prompt) else None)


def opened(tags: Tags, prompt: str) -> bool:
    """Whether a prompt ends with the beginning of a thought."""
    return prompt.rstrip().endswith(tags.opening)


class Splitter:
    """Parts an answer that begins with a thought between tags, while it is written.

    Only a thought at the beginning counts: later on the tags may be what is talked about.

    Args:
        tags: what may stand around a thought; empty, and everything is the answer.
        inside: the tags that the prompt has opened already, as some templates do.
    """

    def __init__(self, tags: Sequence[Tags] = KNOWN, inside: Tags | None = None) -> None:
        self._tags, self._open = tuple(tags), inside
        self._over = not self._tags and inside is None
        self._fresh = self._said = False
        self._held = ""

    @property
    def thinking(self) -> bool:
        """Whether the thought still goes on."""
        return self._open is not None

    @property
    def closing(self) -> str:
        """The tag that ends the thought that goes on; empty where there is none."""
        return self._open.closing if self._open is not None else ""

    def add(self, piece: str) -> tuple[str, str]:
        """Take in a piece; gives what there is of the thought and of the answer."""
        if self._over:
            return "", self._trimmed(piece)
        text = self._held + piece
        self._held = ""
        if self._open is None:
            return self._before(text)
        return self._inside(self._open, text)

    def finish(self) -> tuple[str, str]:
        """What was held back, now that nothing follows."""
        rest, self._held = self._held, ""
        return (rest, "") if self._open is not None else ("", rest)

    def _before(self, text: str) -> tuple[str, str]:
        start = text.lstrip()
        for tags in self._tags:
            if start.startswith(tags.opening):
                self._open = tags
                return self._inside(tags, start[len(tags.opening) :])
        if any(tags.opening.startswith(start) for tags in self._tags):  # or nothing but blanks
            self._held = text
            return "", ""
        self._over = True
        return "", text

    def _inside(self, tags: Tags, text: str) -> tuple[str, str]:
        if not self._said:
            text = text.lstrip("\n")
            self._said = bool(text)
        thought, found, answer = text.partition(tags.closing)
        if found:
            self._open, self._over, self._fresh = None, True, True
            return thought.rstrip("\n"), self._trimmed(answer)
        keep = _overlap(text, tags.closing)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], ""

    def _trimmed(self, piece: str) -> str:
        """Without the blank lines between a thought and its answer."""
        if self._fresh:
            piece = piece.lstrip()
            self._fresh = not piece
        return piece


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    return next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)


# --- whether to think, and how much ---------------------------------------------------------------

THINKING = "thinking"
"""The option of a call that says so, in `CallOptions` and to models in this process."""

EFFORTS = ("low", "medium", "high")


def template_words(thinking: str | int | None) -> dict[str, Any]:
    """What a chat template is told: Qwen, SmolLM3 and others read the first, gpt-oss the last."""
    if thinking is None:
        return {}
    on = {"enable_thinking": thinking not in ("off", 0)}
    return {**on, "reasoning_effort": thinking} if thinking in EFFORTS else on


def check_thinks(template: str, thinking: str | int | None, model: str) -> None:
    """Check that a model can be told to think, or not to.

    Raises:
        NodeError: its chat template knows nothing of thinking.
    """
    if thinking is None or not template or tags_of(template) is not None:
        return
    if not any(word in template for word in ("enable_thinking", "reasoning_effort", "thinking")):
        raise no_thinking(model, "its chat template knows nothing of it")


def effort_of(thinking: str | int, model: str) -> str:
    """The same as one of OpenAI's efforts.

    Raises:
        NodeError: it is a number of tokens, which OpenAI does not take.
    """
    if isinstance(thinking, int):
        raise no_thinking(model, "OpenAI takes an effort, no number of tokens")
    return {"off": "none", "on": "medium"}.get(thinking, thinking)


def no_thinking(model: str, why: str) -> NodeError:
    """`thinking` is set where it means nothing, or not in this way."""
    return NodeError(
        f"Whether {model!r} thinks cannot be set like this: {why}.",
        fix="Leave thinking empty, set it in another way, or take a model that thinks.",
        param="thinking",
        code="model/thinking",
        retry=False,
    )


def in_llama(thinking: str | int | None, *, held: bool) -> dict[str, Any]:
    """The same for llama.cpp; `held`: the answer follows a grammar, which leaves no thought."""
    if held:
        thinking = "off"
    if thinking is None:
        return {}
    words: dict[str, Any] = {"chat_template_kwargs": template_words(thinking)}
    if not held and (thinking == "off" or isinstance(thinking, int)):
        # Some templates always begin a thought; the budget then ends it.
        words["reasoning_budget_tokens"] = 0 if thinking == "off" else thinking
    return words


# --- a thought that nobody saw coming -------------------------------------------------------------

LATE = "thought_until"
"""In `response_metadata`: so many characters of the text turned out to be the thought."""


def late_thought(text: str) -> int:
    """How many characters of a finished answer are a thought whose opening tag was never sent.

    Templates of models such as DeepSeek-R1 open the thought in the prompt; a server that does not
    part it then sends the closing tag alone, in the middle of the text.
    """
    for tags in KNOWN:
        at = text.find(tags.closing)
        if at >= 0 and tags.opening not in text[:at]:
            end = at + len(tags.closing)
            return end + len(text[end:]) - len(text[end:].lstrip())
    return 0


def parted(text: str, metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Thought and answer of a text, as its message's `response_metadata` says."""
    until = metadata.get(LATE, 0)
    if not isinstance(until, int) or until <= 0:
        return "", text
    thought = text[:until].rstrip()
    for tags in KNOWN:
        thought = thought.removesuffix(tags.closing).rstrip()
    return thought, text[until:]

"""The node `guard.deny`: words that must not pass."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import Context, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.guards.guard_node import GuardNode
from patchbay.nodes.text.patterns import fits
from patchbay.nodes.values import Message, type_in_words

MAX_WORDS = 10_000
_PUNCTUATION = ".,;:!?\"'()[]{}<>«»“”‘’…"


def _check_words(words: list[str]) -> list[str]:
    bare = [word for word in words if not folded(word).replace("*", "").strip()]
    if bare:
        raise ValueError(f"{bare[0]!r} would refuse everything; write a word")
    return words


class DenyList(GuardNode):
    """Let a text pass unless it holds a word or phrase of a list; then give a message instead.

    Capitals, accents' forms, full-width letters and invisible signs make no difference. `*` stands
    for any letters, as in `password*`. Words come from the param, and from a wire such as a file of
    lines. In a conversation the messages of the chosen role are looked at.
    """

    kind, version = "guard.deny", 1
    title = "Deny list"
    synonyms = (
        "block list", "blocklist", "blacklist", "filter", "moderation", "guardrail", "profanity",
        "forbidden words", "simple prompt moderation", "input moderation",
    )  # fmt: skip

    class Params(NodeParams):
        words: Annotated[list[str], AfterValidator(_check_words)] = Field([], max_length=MAX_WORDS)
        """Words and phrases that must not pass."""
        match: Literal["words", "anywhere"] = Field("words")
        """`words`: whole words. `anywhere`: inside of words, too."""
        carries: Literal["text", "messages"] = Field("text")
        """What wants to pass: a text, or a conversation."""
        look_at: Literal["user", "last", "all"] = Field("user")
        """In a conversation: the user's messages, the last message, or all of them."""
        message: str = Field("I cannot help with that.", max_length=20_000, widget="textarea")
        """What `refused` gives instead of the text."""

    class Inputs(Ports):
        text: str = port(doc="What wants to pass.")
        words: str | JsonValue | None = port(None, doc="More words: lines, or a JSON list.")

    class Outputs(Ports):
        passed: str = port(doc="What came in, where nothing is wrong with it.")
        refused: str = port(doc="The message, where something is.")
        found: JsonValue = port(doc="The words of the list that stand in it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """How many words."""
        return "1 word" if len(params.words) == 1 else f"{len(params.words)} words"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        """Look for the words."""
        outputs = self.output_ports(params)
        words = [*params.words, *_more(inputs["words"])]
        if not words:
            await ctx.warn("The deny list is empty, so everything passes.")
        text = folded("\n".join(_looked_at(inputs["text"], params.look_at)))
        found = await ctx.blocking(_found, text, tuple(words), params.match == "words")
        if found:
            return outputs(refused=params.message, found=found)
        return outputs(passed=inputs["text"], found=[])


def folded(text: str) -> str:
    """A text in which what looks alike is alike: NFKC, no case, no invisible signs, one blank."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(char for char in plain if unicodedata.category(char) not in ("Cf", "Mn"))
    decomposed = unicodedata.normalize("NFD", visible)
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return re.sub(r"\s+", " ", bare)


def _found(text: str, words: tuple[str, ...], whole: bool) -> list[JsonValue]:
    parts = [part.strip(_PUNCTUATION) for part in text.split()]
    bare = re.findall(r"\w+", text)  # what signs hold together, too: "my,password1"
    return [word for word in dict.fromkeys(words) if _holds(text, (parts, bare), word, whole)]


def _holds(text: str, readings: tuple[list[str], ...], word: str, whole: bool) -> bool:
    wanted = folded(word).strip()
    if "*" not in wanted:
        return _stands_in(text, wanted) if whole else wanted in text
    steps = wanted.split()
    if not whole:
        steps = [f"*{steps[0]}", *steps[1:]]
        steps[-1] += "*"
    return any(
        all(fits(parts[at + n], step) for n, step in enumerate(steps))
        for parts in readings
        for at in range(len(parts) - len(steps) + 1)
    )


def _stands_in(text: str, wanted: str) -> bool:
    """Whether it stands there as whole words: no letter or digit goes on before or after it."""
    at = text.find(wanted)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(wanted) : at + len(wanted) + 1]
        if not (_goes_on(before, wanted[0]) or _goes_on(after, wanted[-1])):
            return True
        at = text.find(wanted, at + 1)
    return False


def _goes_on(neighbour: str, end: str) -> bool:
    return neighbour.isalnum() and end.isalnum()


def _looked_at(given: str | list[Message], which: str) -> Iterable[str]:
    if isinstance(given, str):
        return [given]
    if which == "last":
        return [given[-1].content] if given else []
    return [message.content for message in given if which == "all" or message.role == "user"]


def _more(given: Any) -> list[str]:
    """The words of a wire.

    Raises:
        NodeError: they are no words.
    """
    if given is None:
        return []
    words = given.splitlines() if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _wrong(
            f'"words" takes lines or a JSON list of texts, but got {type_in_words(given)}.'
        )
    words = [word for word in words if word.strip()]
    if len(words) > MAX_WORDS:
        raise _wrong(f"{len(words):,} words are wired in; at most {MAX_WORDS:,} are looked for.")
    try:
        return _check_words(words)
    except ValueError as error:
        raise _wrong(f"Among the words, {error}.") from error


def _wrong(message: str) -> NodeError:
    return NodeError(
        message, fix="Give a word a line.", port="words", code="guard/words", retry=False
    )

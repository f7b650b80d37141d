"""The node `memory.conversation`: what of a long conversation a model gets to read."""

from __future__ import annotations

from typing import Any, Literal

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.embedded import embedded, embedded_query
from patchbay.nodes.memory.summary import summarized
from patchbay.nodes.memory.turns import Conversation, conversation_of
from patchbay.nodes.models.counting import Counter, named
from patchbay.nodes.prompts.selection import cosine
from patchbay.nodes.values import EmbeddingsSpec, Message, ModelSpec, content_hash

ABOUT = "Summary of what was said before:\n{summary}"
RECALLED = "Earlier in this conversation:\n{lines}"


class ConversationMemory(Node):
    """Choose what of a long conversation goes to a model, which cannot read everything for ever.

    *Last turns* keeps the newest. *Token budget* keeps the newest that fit, counted by the
    tokenizer of the model that is wired; where the backend shows none, it is estimated and said.
    *Summary* keeps the newest and has the model fold all others into a running summary, each once:
    a thread keeps it. *Recall* keeps the newest and those older turns that are nearest in meaning
    to what is asked, by embeddings. Turns stay whole, and what is asked now always goes along.
    """

    kind, version = "memory.conversation", 1
    title, family, icon = "Memory", "Memory", "layers"
    front = ("strategy", "turns")
    synonyms = (
        "history",
        "chat memory",
        "context window",
        "buffer",
        "summary memory",
        "trim messages",
    )
    deterministic = False

    class Params(NodeParams):
        strategy: Literal["last turns", "token budget", "summary", "recall"] = Field("last turns")
        """How it is chosen what stays."""
        turns: int = Field(6, ge=0, le=10_000)
        """The newest turns that stay whole. For a token budget: at most so many."""
        tokens: int = Field(1024, ge=16, le=10_000_000)
        """For a token budget: tokens that all messages may have together."""
        summary_tokens: int = Field(128, ge=16, le=100_000)
        """For a summary: tokens that it may have."""
        recalled: int = Field(3, ge=1, le=1000)
        """For recall: older turns that are looked up."""

    class Inputs(Ports):
        messages: list[Message] = port(doc="The conversation; the last message is what is asked.")

    class Outputs(Ports):
        messages: list[Message] = port(doc="What the model gets to read.")
        about: str = port(doc="What was kept and left out, and how tokens were counted.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The conversation, and what the strategy needs."""
        ports: dict[str, Any] = {}
        if params.strategy == "token budget":
            about = port(None, doc="The model that will read it; its tokenizer counts.")
            ports["model"] = (ModelSpec | None, about)
        elif params.strategy == "summary":
            ports["model"] = (ModelSpec, port(doc="The model that writes the summary."))
        elif params.strategy == "recall":
            ports["embeddings"] = (EmbeddingsSpec, port(doc="By which meanings are compared."))
        return cls.Inputs.plus(ports)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same comes again: for a summary, where the model repeats itself."""
        if params.strategy == "summary":
            return bool(inputs["model"].repeats())
        return True

    @classmethod
    def summary(cls, params: Params) -> str:
        """The strategy, and its measure."""
        if params.strategy == "token budget":
            return f"at most {params.tokens:,} tokens"
        return f"{params.strategy} · {params.turns} turns"

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        """Choose."""
        said = conversation_of(inputs["messages"])
        if not any(message.content.strip() for message in said.now):
            raise NodeError(
                "Nothing is asked: the conversation is empty.",
                fix='Wire a Flow input of the kind "messages" into it.',
                port="messages",
                code="memory/empty",
                retry=False,
            )
        match params.strategy:
            case "last turns":
                kept = _newest(said, params.turns)
                messages, more = said.with_past(kept), ""
            case "token budget":
                messages, kept, more = await _within(said, params, inputs["model"], ctx)
            case "summary":
                messages, kept, more = await _with_summary(said, params, inputs["model"], ctx)
            case _:
                messages, kept, more = await _with_recall(said, params, inputs["embeddings"], ctx)
        about = f"{len(kept)} of {len(said.past)} past turns kept{more}."
        return self.Outputs(messages=messages, about=about)


Kept = tuple[list[Message], "list[tuple[Message, ...]]", str]
"""The messages, the turns among them that are whole, and more words about them."""


def _newest(said: Conversation, turns: int) -> list[tuple[Message, ...]]:
    return list(said.past[-turns:]) if turns else []


async def _within(
    said: Conversation, params: ConversationMemory.Params, model: ModelSpec | None, ctx: Context
) -> Kept:
    if model is None:
        return await _counted(said, params, Counter(None, named(None)), ctx)
    async with ctx.use(model) as opened:
        return await _counted(said, params, Counter(opened, named(model)), ctx)


async def _counted(
    said: Conversation, params: ConversationMemory.Params, counter: Counter, ctx: Context
) -> Kept:
    if not counter.exact:
        whose = "no model is wired" if counter.model is None else f"{counter.name} shows none"
        await ctx.warn(f"The tokens are {counter.how}: the tokenizer is unknown, since {whose}.")
    total = await counter.of([*said.head, *said.now], ctx)
    if total > params.tokens:
        await ctx.warn(
            f"What is asked has {total:,} tokens by itself, {counter.how}; the budget is "
            f"{params.tokens:,}. Nothing that was said before goes along."
        )
    kept: list[tuple[Message, ...]] = []
    for turn in reversed(_newest(said, params.turns)):
        more = await counter.of(turn, ctx)
        if total + more > params.tokens:
            break
        kept.insert(0, turn)
        total += more
    return said.with_past(kept), kept, f", {total:,} tokens {counter.how}"


async def _with_summary(
    said: Conversation, params: ConversationMemory.Params, model: ModelSpec, ctx: Context
) -> Kept:
    kept = _newest(said, params.turns)
    left = said.past[: len(said.past) - len(kept)]
    if not left:
        return said.with_past(kept), kept, ""
    key = content_hash([params.turns, params.summary_tokens, model])
    text = await summarized(left, model, key, params.summary_tokens, ctx)
    told = [Message(role="system", content=ABOUT.format(summary=text))]
    return _told(said, kept, told), kept, f", {len(left)} in the summary"


async def _with_recall(
    said: Conversation, params: ConversationMemory.Params, embeddings: EmbeddingsSpec, ctx: Context
) -> Kept:
    kept = _newest(said, params.turns)
    left = said.past[: len(said.past) - len(kept)]
    if not left:
        return said.with_past(kept), kept, ""
    lines = ["\n".join(f"{m.role}: {m.content}" for m in turn) for turn in left]
    asked = "\n".join(message.content for message in said.now)
    async with ctx.use(embeddings) as model:
        vectors = (await ctx.blocking(embedded, model, lines)).tolist()
        query = (await ctx.blocking(embedded_query, model, asked, len(vectors[0]))).tolist()
    best = sorted(range(len(left)), key=lambda i: -cosine(query, vectors[i]))[: params.recalled]
    found = "\n".join(lines[i] for i in sorted(best))
    told = [Message(role="system", content=RECALLED.format(lines=found))]
    return _told(said, kept, told), kept, f", {len(best)} recalled"


def _told(
    said: Conversation, kept: list[tuple[Message, ...]], told: list[Message]
) -> list[Message]:
    """With what is told joined to the system message: many templates take one, at the head."""
    text = "\n\n".join(message.content for message in (*said.head, *told))
    head = Message(role="system", content=text)
    return Conversation((head,), said.past, said.now).with_past(kept)

"""The node `chat.turn`: the last question apart from what was said before."""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.values import Message

_NAMES = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}


class LastTurn(Node):
    """Take a conversation apart: what was said last, and what was said before it.

    For a search by the last question alone, for an answer that also knows what came before, or for
    a model that words the question anew. What follows the last message of the chosen role is left
    out with a warning.
    """

    kind, version = "chat.turn", 1
    title, family, icon = "Last turn", "Prompts", "quote"
    front = "role"
    only_tells = True
    synonyms = (
        "last message", "question", "chat history", "history", "memory", "window",
        "condense question", "conversation", "buffer",
    )  # fmt: skip

    class Params(NodeParams):
        role: Literal["user", "assistant", "any"] = Field("user")
        """Whose last message is taken."""
        keep: int | None = Field(None, ge=0, le=100_000)
        """How many of the earlier messages are kept, the latest of them. Empty: all."""

    class Inputs(Ports):
        messages: list[Message] = port(doc="A conversation.")

    class Outputs(Ports):
        text: str = port(doc="What was said last.")
        earlier: list[Message] = port(doc="What was said before it.")
        transcript: str = port(doc="The same as text, a line for each message: `User: …`.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Whose message, and how much is kept."""
        kept = "" if params.keep is None else f", {params.keep} before it"
        return f"the last message{kept}" if params.role == "any" else f"the {params.role}'s{kept}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Find it."""
        messages = inputs.messages
        at = next(
            (
                index
                for index in reversed(range(len(messages)))
                if params.role in ("any", messages[index].role)
            ),
            None,
        )
        if at is None:
            whose = "" if params.role == "any" else f" of the {params.role}"
            raise NodeError(
                f"The conversation has no message{whose}.",
                fix="Wire a conversation in which there is one, or choose another role.",
                port="messages",
                code="chat/no-turn",
                retry=False,
            )
        if (left := len(messages) - at - 1) > 0:
            one = "1 message follows" if left == 1 else f"{left} messages follow"
            await ctx.warn(f"{one} the last one of the {params.role}, and is left out.")
        earlier = messages[:at]
        if params.keep is not None:
            earlier = earlier[len(earlier) - min(params.keep, len(earlier)) :]
        transcript = "\n".join(f"{_NAMES[m.role]}: {m.content}" for m in earlier)
        return self.Outputs(text=messages[at].content, earlier=earlier, transcript=transcript)

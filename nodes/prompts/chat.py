"""The node `prompt.chat`: a conversation out of texts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from pydantic import Field as Bounded

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.pictures import with_pictures
from patchbay.nodes.prompts.braces import check, fill, variables
from patchbay.nodes.values import Message, Picture, Promptable, as_text

HISTORY = "history"
PICTURES = "pictures"


class ChatTurn(BaseModel):
    """One message of the conversation, or the place where the earlier ones go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant", "history"] = "user"
    """Who says it; `history` puts the messages there that are wired into `history`."""
    text: str = Bounded("", max_length=1_000_000)
    """What is said, with {variables}."""

    @field_validator("text")
    @classmethod
    def _is_template(cls, text: str) -> str:
        return check(text)


class BuildMessages(Node):
    """Build a conversation: what the system says, what was said before, what the user asks.

    Every `{name}` in a turn becomes an input; `{{` writes a brace. Turns with nothing in them are
    left out. System messages of the history are left out where the conversation has one of its
    own, since most models take only one. Pictures go with the last turn of the user.
    """

    kind, version = "prompt.chat", 1
    title, family, icon = "Messages", "Prompts", "chat"
    variables_of = "turns"
    synonyms = (
        "chat prompt", "chat prompt template", "conversation", "system prompt", "history",
        "few shot", "memory", "roles", "vision", "multimodal", "picture", "image",
    )  # fmt: skip

    class Params(NodeParams):
        turns: list[ChatTurn] = Field(
            [
                ChatTurn(role="system", text="You are a helpful assistant."),
                ChatTurn(role="history"),
                ChatTurn(role="user", text="{question}"),
            ],
            min_length=1,
            max_length=200,
        )
        """The messages in order; a turn of the role `history` is where earlier ones go."""
        needs_history: bool = Field(False)
        """Whether the earlier messages must be there. Where they come by one way of a *Switch*,
        this node is then skipped with that way."""

        @model_validator(mode="after")
        def _makes_sense(self) -> BuildMessages.Params:
            places = [turn for turn in self.turns if turn.role == HISTORY]
            if len(places) > 1:
                raise ValueError("there can be one turn of the role history only")
            if places and places[0].text.strip():
                raise ValueError("the turn of the role history has no text of its own")
            if HISTORY in self.names():
                raise ValueError("{history} is the name of a port; call the variable otherwise")
            return self

        def names(self) -> list[str]:
            """The variables of all turns, each once."""
            return list(dict.fromkeys(n for turn in self.turns for n in variables(turn.text)))

    class Outputs(Ports):
        messages: list[Message] = port(doc="The conversation.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """A port for each variable, and one for what was said before."""
        ports: dict[str, Any] = {
            name: (Promptable, port(doc=f"What {{{name}}} stands for.")) for name in params.names()
        }
        if any(turn.role == HISTORY for turn in params.turns):
            needed = "What was said before."
            about = "What was said before; nothing where nothing is wired."
            filled = port(doc=needed) if params.needs_history else port([], doc=about)
            ports[HISTORY] = (list[Message], filled)
        if PICTURES not in ports:  # a variable of that name is older
            about = "What goes with the last turn of the user, for a model that sees."
            ports[PICTURES] = (list[Picture], port([], doc=about))
        return Ports.of(ports)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The roles, in order."""
        return " · ".join(turn.role for turn in params.turns)

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Fill the turns."""
        values = inputs.as_dict()
        own_system = any(turn.role == "system" for turn in params.turns)
        messages: list[Message] = []
        for turn in params.turns:
            if turn.role == HISTORY:
                earlier = values.get(HISTORY) or []
                messages += [m for m in earlier if not (own_system and m.role == "system")]
                continue
            text = fill(turn.text, lambda name: as_text(values[name]))
            if text.strip():
                messages.append(Message(role=turn.role, content=text))
        if not messages:
            raise NodeError(
                "All turns are empty, so there is no conversation.",
                fix="Write something into a turn, or wire a text that says something.",
                code="prompt/no-messages",
                retry=False,
            )
        if PICTURES not in params.names():
            messages = with_pictures(messages, values.get(PICTURES) or [])
        return self.Outputs(messages=messages)

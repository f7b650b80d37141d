"""Pictures in conversations: how they go along, and who cannot see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from patchbay.nodes.contract import UNSET
from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import Message, ModelSpec, Picture


def with_pictures(
    messages: Sequence[Message], pictures: Sequence[Picture], port: str = "pictures"
) -> list[Message]:
    """The messages, with pictures added to the last one that the user says.

    Raises:
        NodeError: the user says nothing that they could go with.
    """
    if not pictures:
        return list(messages)
    users = [at for at, message in enumerate(messages) if message.role == "user"]
    if not users:
        raise NodeError(
            "There is no message of the user that the pictures could go with.",
            fix="Add a turn of the role user, or take the wire off the pictures.",
            port=port,
            code="model/pictures",
            retry=False,
        )
    made = list(messages)
    last = made[users[-1]]
    made[users[-1]] = last.model_copy(update={"pictures": (*last.pictures, *pictures)})
    return made


def picture_doubts(model: Any, pictures: Any) -> None:
    """Before a run: whether pictures are wired to a model that is known not to see.

    Args:
        model: a description; anything else is not known yet.
        pictures: what is wired; `UNSET` where something is that is not known yet.

    Raises:
        NodeError: the model reads text only.
    """
    wired = pictures is UNSET or bool(pictures)
    if wired and isinstance(model, ModelSpec) and model.sees is False:
        raise blind(model, "pictures")


def check_sees(model: ModelSpec, messages: Iterable[Message]) -> None:
    """Refuse a conversation with pictures for a model that is known not to see.

    Raises:
        NodeError: the model reads text only.
    """
    if model.sees is False and any(message.pictures for message in messages):
        raise blind(model, "model")


def blind(model: ModelSpec, port: str) -> NodeError:
    """A model that reads text only was to see a picture."""
    name = next(
        (n for f in ("weights", "model") if isinstance(n := getattr(model, f, None), str) and n), ""
    )
    return NodeError(
        f"{name!r} ({model.type_id()}) reads text only, and pictures are wired to it."
        if name
        else f"A {model.type_id()} reads text only, and pictures are wired to it.",
        fix="Wire a model that sees (a vision-language model of Transformers, of Ollama, of an "
        "OpenAI-compatible server or of a provider), or take the pictures off.",
        port=port,
        code="model/no-pictures",
        retry=False,
    )


def user_content(message: Message) -> str | list[str | dict[Any, Any]]:
    """What a user's message says in LangChain's form: its text, or parts where it has pictures.

    A picture is an `image_url` with a data address. LangChain's newer block (`image` with `base64`)
    means the same, but langchain-groq 1.1 and langchain-mistralai 1.1 send it as it stands, which
    their services refuse; the older form is taken by every integration.
    """
    if not message.pictures:
        return message.content
    shown: list[str | dict[Any, Any]] = [
        {"type": "image_url", "image_url": {"url": f"data:{one.media};base64,{one.data}"}}
        for one in message.pictures
    ]
    return [*shown, {"type": "text", "text": message.content}]

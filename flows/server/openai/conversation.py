"""Between messages as OpenAI's clients send them, and the inputs of a flow."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.thread_runs import talked_to
from patchbay.flows.server.core.asked import RunRequest
from patchbay.flows.server.core.refusals import of_flow, refused
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.core.uploads import Uploads
from patchbay.nodes.values import Message, Picture

_ROLES = {"developer": "system", "function": "tool"}
_KNOWN = ("system", "user", "assistant", "tool")


@dataclass
class ChatSoFar:
    """What was said, as role and text, and the pictures of the last message of the user."""

    messages: list[Message] = field(default_factory=list)

    @property
    def last(self) -> str:
        """The last text of the user."""
        said = (m.content for m in reversed(self.messages) if m.role == "user")
        return next(said, "")

    def add(self, role: Any, content: Any, place: str) -> None:
        """Take in a message.

        Raises:
            RefusedError: it is none.
        """
        role = _ROLES.get(role, role) if isinstance(role, str) else None
        if role not in _KNOWN:
            raise wrong(f'"{place}.role" is none of {", ".join(_KNOWN)}.', place)
        text, pictures = _read(content, place)
        if pictures and role != "user":
            raise wrong(f'"{place}" has a picture, which only what a user says may have.', place)
        self.messages.append(Message(role=role, content=text, pictures=tuple(pictures)))


def _read(content: Any, place: str) -> tuple[str, list[Picture]]:
    """The text and the pictures of a message."""
    if content is None or isinstance(content, str):
        return content or "", []
    if not isinstance(content, list):
        raise wrong(f'"{place}.content" is a text or a list of parts.', place)
    texts, pictures = [], []
    for number, part in enumerate(content):
        where = f"{place}.content[{number}]"
        match part.get("type") if isinstance(part, dict) else None:
            case "text" | "input_text" | "output_text":
                texts.append(_text(part, "text", where))
            case "refusal":
                texts.append(_text(part, "refusal", where))
            case "image_url" | "input_image":
                pictures.append(_picture(part.get("image_url"), where))
            case None:
                raise wrong(f'"{where}" is a part: an object with a type.', place)
            case kind:
                message = f'"{where}" is of the type "{kind}"; texts and pictures are read.'
                raise wrong(message, place)
    return "\n".join(texts), pictures


def _text(part: dict[str, Any], name: str, where: str) -> str:
    found = part.get(name)
    if not isinstance(found, str):
        raise wrong(f'"{where}.{name}" is a text.', where)
    return found


def of_messages(messages: Any) -> ChatSoFar:
    """The conversation of a chat completion.

    Raises:
        RefusedError: there are no messages, or one is none.
    """
    if not isinstance(messages, list) or not messages:
        raise wrong('"messages" is a list of at least one message.', "messages")
    found = ChatSoFar()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if not isinstance(message, dict):
            raise wrong(f'"{place}" is an object with role and content.', place)
        if message.get("role") == "user" and message.get("content") is None:
            raise wrong(f'"{place}.content" is missing: a text or a list of parts.', place)
        found.add(message.get("role"), message.get("content"), place)
    return found


async def request_of(talk: ChatSoFar, flow: ServedFlow, run: str) -> RunRequest:
    """The inputs of a flow for what was said: all messages for an input of that kind, else the
    last text of the user. Where nothing was said, none.

    Raises:
        RefusedError: the flow cannot be talked to, or takes no pictures.
    """
    if not talk.messages:
        return RunRequest()
    try:
        asks = talked_to(flow.prepared.resolved)
    except FlowError as error:
        raise refused(
            400, "input/invalid", of_flow(error).problem.message, "Call it at its own address."
        ) from None
    if asks.kind == "messages":
        return RunRequest({asks.name: talk.messages})
    last = next((m for m in reversed(talk.messages) if m.role == "user"), None)
    if last is None:
        raise wrong(f'"{flow.name}" gets what the user says, and no message is of that role.', "")
    asked = RunRequest({asks.name: last.content})
    if last.pictures:
        asked.uploads = Uploads(run)
        try:
            asked.inputs |= _file(last.pictures, flow, asked.uploads)
        except BaseException:
            asked.forget()
            raise
    return asked


def _file(pictures: tuple[Picture, ...], flow: ServedFlow, uploads: Uploads) -> dict[str, Any]:
    """The picture for the one input that takes a file."""
    takes = [asks for asks in flow.inputs.values() if asks.kind == "file"]
    if len(takes) != 1 or len(pictures) != 1:
        message = f'"{flow.name}" takes one picture, in an input of the kind file: '
        if len(takes) == 1:
            message += f"{len(pictures)} were sent."
        else:
            message += f"it has {', '.join(asks.name for asks in takes) or 'none'}."
        raise wrong(message, "messages")
    path = uploads.folder / f"picture.{pictures[0].media.removeprefix('image/')}"
    path.write_bytes(base64.b64decode(pictures[0].data))
    return {takes[0].name: takes[0].parse(path)}


def _picture(given: Any, where: str) -> Picture:
    url = given.get("url") if isinstance(given, dict) else given
    if not isinstance(url, str) or not url.startswith("data:"):
        message = f'"{where}": a picture is sent as a data: URL; other addresses are not fetched.'
        raise wrong(message, where)
    head, _, data = url.removeprefix("data:").partition(",")
    media, *options = head.split(";")
    try:
        if "base64" not in options:
            raise ValueError
        base64.b64decode(data, validate=True)
        return Picture.model_validate({"media": media, "data": data})
    except ValueError:
        message = f'"{where}" is no PNG, JPEG, WebP or GIF in base64.'
        raise wrong(message, where) from None


def wrong(message: str, param: str) -> Exception:
    """A field that is not as it should be."""
    where = param.partition("[")[0]
    return refused(400, "input/invalid", message, f"Look at {where}." if where else "")

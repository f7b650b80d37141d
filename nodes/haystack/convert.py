"""Our values as Haystack's, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbay.nodes.contract import JsonValue, NodeError
from patchbay.nodes.haystack.kinds import SocketType
from patchbay.nodes.values import Document, Message, Table, as_text, is_json


def to_haystack(value: Any, kind: SocketType) -> Any:
    """A value of a port as a socket takes it."""
    from haystack.dataclasses import ChatMessage
    from haystack.dataclasses import Document as TheirDocument

    if isinstance(value, Document):
        meta = dict(value.metadata)
        return TheirDocument(content=value.text, meta=meta, score=value.score)
    if isinstance(value, Message):
        made = {
            "system": ChatMessage.from_system, "assistant": ChatMessage.from_assistant,
        }.get(value.role, ChatMessage.from_user)  # fmt: skip
        return made(value.content)
    if isinstance(value, Table):
        return as_text(value)
    if isinstance(value, float) and kind == ("int",):
        return round(value)
    if isinstance(value, list):
        return [to_haystack(item, ("any",)) for item in value]
    if isinstance(value, dict):
        return {key: to_haystack(item, ("any",)) for key, item in value.items()}
    return value


def from_haystack(value: Any, where: str) -> Any:
    """What a socket gave, as the value of a port.

    Raises:
        NodeError: it cannot travel on a wire.
    """
    from haystack.dataclasses import ChatMessage
    from haystack.dataclasses import Document as TheirDocument

    if isinstance(value, list) and value and all(isinstance(v, TheirDocument) for v in value):
        return [document_of(one) for one in value]
    if isinstance(value, list) and value and all(isinstance(v, ChatMessage) for v in value):
        return [message_of(one) for one in value]
    found = plain(value)
    if not is_json(found):
        raise NodeError(
            f"{where} gave a {type(value).__name__}, which cannot travel on a wire.",
            fix="Put an OutputAdapter behind it that makes text or JSON of it.",
            code="haystack/value",
            retry=False,
        )
    return found


def document_of(document: Any) -> Document:
    """A document of Haystack as one of ours."""
    score = None if document.score is None else float(document.score)
    text = document.content or ""
    return Document(text=text, metadata=_meta(document.meta), score=score)


def message_of(message: Any) -> Message:
    """A message of Haystack as one of ours."""
    role = str(getattr(message.role, "value", message.role))
    known = role if role in ("system", "user", "assistant", "tool") else "user"
    return Message.model_validate({"role": known, "content": message.text or ""})


def _meta(meta: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {str(key): value if is_json(value) else str(value) for key, value in meta.items()}


def plain(value: Any) -> Any:
    """A value as JSON, as far as it is made of what Haystack's own components give."""
    from haystack.dataclasses import ChatMessage, GeneratedAnswer
    from haystack.dataclasses import Document as TheirDocument

    if isinstance(value, GeneratedAnswer):
        documents = [plain(document) for document in value.documents]
        return {"answer": value.data, "query": value.query, "documents": documents}
    if isinstance(value, TheirDocument):
        return {"text": value.content, "metadata": _meta(value.meta), "score": value.score}
    if isinstance(value, ChatMessage):
        return message_of(value).model_dump()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value

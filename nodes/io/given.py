"""What a caller gives for a flow input → the value on the wire.

A caller may be a command line (everything is text), a page, a Python program, or a node that runs
this flow as a sub-flow; so each kind takes text as well as the value itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from patchbay.nodes.data import is_number
from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.files import as_utf8, file_ref, quoted, read_bytes
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Document, FileRef, Message, as_text, is_json, type_in_words

InputKind = Literal["text", "number", "choice", "json", "messages", "file", "documents"]
"""What a flow may ask its caller for."""

DOCUMENT_LIMIT = 20 * MEGABYTE
"""Bytes that one text file given as a document may have."""


def parse(kind: InputKind, name: str, choices: Sequence[str], given: Any) -> Any:
    """The value on the wire for what a caller gave.

    Raises:
        NodeError: it does not fit, in words that name the input.
    """
    if kind == "choice":
        return _choice(name, choices, given)
    return _PARSERS[kind](name, given)


def _text(name: str, given: Any) -> str:
    if given is None or isinstance(given, bytes | FileRef | Path):
        raise _wrong(name, "text", given)
    if isinstance(given, str | int | float | Document) or _is_value_list(given):
        return as_text(given)
    raise _wrong(name, "text", given)


def _number(name: str, given: Any) -> float:
    from patchbay.nodes.numbers import number_in  # a run without numbers needs none of it

    value = number_in(given) if isinstance(given, str) else given
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, "a number", given, "Give a number such as 3 or 2.5.")
    if not math.isfinite(value):
        raise _wrong(name, "a finite number", given, "Give a number such as 3 or 2.5.")
    return value


def _choice(name: str, choices: Sequence[str], given: Any) -> str:
    text = given if isinstance(given, str) else as_text(given) if is_number(given) else None
    if text is None or text not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise _wrong(name, f"one of {listed}", given, f"Give one of {listed}.")
    return text


def _json(name: str, given: Any) -> Any:
    if isinstance(given, str):
        return _from_json_text(name, given)
    if isinstance(given, Document):
        return given.model_dump(mode="json")
    if _is_value_list(given):
        return [item.model_dump(mode="json") for item in given]
    if isinstance(given, tuple):
        given = list(given)
    if not is_json(given):
        raise _wrong(name, "JSON", given)
    return given


def _from_json_text(name: str, text: str) -> Any:
    from patchbay.nodes.strict_json import parse_once_each  # most inputs are no JSON

    try:
        value = parse_once_each(text)
    except (ValueError, RecursionError) as error:
        where = f" ({error})" if isinstance(error, ValueError) else " (nested too deep)"
        raise _wrong(
            name,
            "JSON",
            text,
            'Give JSON such as {"a": 1}, [1, 2] or, for a text, "in double quotes".',
            where,
        ) from None
    if not is_json(value):
        raise _wrong(name, "JSON", text, "Leave out NaN and infinities, and nest less deeply.")
    return value


def _messages(name: str, given: Any) -> list[Message]:
    if isinstance(given, str):
        if given.lstrip()[:1] not in ("[", "{"):  # what a person would say
            return [Message(role="user", content=given)]
        given = _from_json_text(name, given)
    items = list(given) if isinstance(given, list | tuple) else [given]
    return [_message(name, item) for item in items]


def _message(name: str, item: Any) -> Message:
    if isinstance(item, Message):
        return item
    if isinstance(item, str):
        return Message(role="user", content=item)
    try:
        return Message.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        why = f" ({at}: {first['msg']})" if at else ""
        raise _wrong(
            name, "messages", item, 'Give a text, or [{"role": "user", "content": …}, …].', why
        ) from None


def _file(name: str, given: Any) -> FileRef:
    if isinstance(given, FileRef):
        return given
    if isinstance(given, str | Path) and str(given).strip():
        return file_ref(_path(given), f'Input "{name}"')
    raise _wrong(name, "the path of a file", given)


def _documents(name: str, given: Any) -> list[Document]:
    items = list(given) if isinstance(given, list | tuple) else [given]
    return [_document(name, item) for item in items]


def _document(name: str, item: Any) -> Document:
    if isinstance(item, Document):
        return item
    if isinstance(item, Mapping):
        try:
            return Document.model_validate(dict(item))
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(str(part) for part in first["loc"])
            raise _wrong(
                name,
                "documents",
                item,
                'Give {"text": …, "metadata": {…}}.',
                f" ({at}: {first['msg']})",
            ) from None
    if isinstance(item, str) and "\n" in item:  # no path: the text itself
        return Document(text=item)
    path = Path(item.path) if isinstance(item, FileRef) else None
    if isinstance(item, str | Path) and str(item).strip():
        path = _path(item)
    if path is None:
        raise _wrong(name, "documents", item, 'Give paths of text files, or {"text": …}.')
    place = f'Input "{name}"'
    text = as_utf8(read_bytes(path, place, DOCUMENT_LIMIT), path, place)
    return Document(text=text, metadata={"source": str(path)})


def _path(given: str | Path) -> Path:
    return given if isinstance(given, Path) else Path(given.strip())


def _is_value_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(i, Document | Message) for i in value)


def _wrong(name: str, wanted: str, given: Any, fix: str = "", why: str = "") -> NodeError:
    shown = type_in_words(given)
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        shown = quoted(given, 60)
    return NodeError(
        f'Input "{name}" takes {wanted}, but got {shown}{why}.',
        fix=fix or f"Give {wanted}.",
        code="input/invalid",
        retry=False,
    )


_PARSERS: Mapping[str, Callable[[str, Any], Any]] = {
    "text": _text,
    "number": _number,
    "json": _json,
    "messages": _messages,
    "file": _file,
    "documents": _documents,
}

"""A flow from text. Whatever the text is, the answer is a flow or every problem that it has."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from patchbay.flows.document.explain import explain, json_place
from patchbay.flows.document.migrate import UPGRADES, MigrationError, Upgrade, upgrade_document
from patchbay.flows.document.model import FORMAT, Flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.secret_shapes import JsonPath
from patchbay.flows.wording import printable, quoted
from patchbay.nodes.units import size_in_words

MAX_BYTES = 16 * 1024 * 1024
"""The largest flow file that is read, in bytes."""
MAX_DEPTH = 100
"""How many levels deep the values of a flow may nest."""
SENT = "PATCHBAY_SENT"
"""The variable that a job of a queue has: it names what was sent. See `sent.py`."""

TOO_DEEP = f"Values are nested more than {MAX_DEPTH} levels deep."


def read_flow(path: str | os.PathLike[str]) -> Flow:
    """The flow in a file; in a job, as it was when the job was sent.

    Raises:
        FlowError: there is no such file, it cannot be read, or it holds no flow; all findings.
    """
    text = sent_text(path)
    return read_text(read_bytes(path) if text is None else text)


def sent_text(path: str | os.PathLike[str]) -> str | None:
    """The text of a flow file as it was when this job was sent; None where this is no job, or the
    file was not sent.

    Raises:
        FlowError: this is a job, and what was sent cannot be read.
    """
    if not os.environ.get(SENT):
        return None
    from patchbay.flows.document.sent import text_then

    return text_then(path)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a flow file, at most `MAX_BYTES`.

    Raises:
        FlowError: there is no such file, it is not a plain file, too large, or not readable.
    """
    name = quoted(os.fspath(path), 200)
    try:
        info = Path(path).stat()
        if stat.S_ISDIR(info.st_mode):
            raise _refused("file/not-a-file", f"{name} is a folder.", "Name a flow file in it.")
        if not stat.S_ISREG(info.st_mode):
            raise _refused("file/not-a-file", f"{name} is not a plain file.", "Name a flow file.")
        if info.st_size > MAX_BYTES:
            raise _too_large(info.st_size)
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        fix = "Check the name, and the folder that you are in."
        raise _refused("file/missing", f"There is no file {name}.", fix) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        fix = "Check its name and its permissions."
        raise _refused("file/unreadable", f"{name} cannot be read: {reason}.", fix) from error
    if len(data) > MAX_BYTES:
        raise _too_large(len(data))
    return data


def read_text(text: str | bytes, upgrades: Mapping[int, Upgrade] = UPGRADES) -> Flow:
    """The flow that a text says.

    Args:
        text: JSON; bytes are UTF-8, with or without a byte order mark.
        upgrades: the upgrades of older formats.

    Raises:
        FlowError: the text is no flow; all findings.
    """
    data = parse_json(text)
    if not isinstance(data, dict):
        message = f"The file holds {_shape(data)}, but a flow is a JSON object."
        raise _refused("file/shape", message, 'Start with {"format": 1, "nodes": []}.')
    _check_format(data)
    try:
        data = upgrade_document(data, upgrades)
    except MigrationError as error:
        raise _refused(
            "file/format", str(error), "Open it with the version that wrote it."
        ) from error
    problems = list(_duplicate_ids(data))
    try:
        # Strict: what the JSON Schema refuses, such as "yes" for true, is refused here too.
        flow = Flow.model_validate_json(json.dumps(data), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        problems.extend(_shape_problems(error, data))
        raise FlowError(problems) from None
    if problems:
        raise FlowError(problems)
    return flow


# --- JSON ---------------------------------------------------------------------------------------


def parse_json(text: str | bytes) -> Any:
    """Plain data from strict JSON: no doubled keys, no NaN, bounded size and depth.

    Raises:
        FlowError: it is not that; all findings.
    """
    text = _decoded(text)
    doubled: list[tuple[dict[str, Any], str]] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            doubled.extend((made, key) for key, count in counts.items() if count > 1)
        return made

    odd: list[str] = []

    def number(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            odd.append(digits)
        return value

    def constant(word: str) -> float:  # NaN, Infinity
        odd.append(word)
        return float(word)

    try:
        data = json.loads(
            text, object_pairs_hook=unique, parse_float=number, parse_constant=constant
        )
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    except RecursionError:
        raise _refused("file/too-deep", TOO_DEEP, "Flatten the value.") from None
    except ValueError:  # Python refuses whole numbers of more than 4,300 digits
        message = "It holds a number of thousands of digits."
        raise _refused("file/number", message, "Write it as text, or shorten it.") from None
    doubtful = doubled or odd or _may_be_half(text) or _deeper_than(data, MAX_DEPTH)
    problems = list(_data_problems(data, doubled)) if doubtful else ()
    if problems:
        raise FlowError(problems)
    return data


_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""What half of a character looks like in a file."""


def _may_be_half(text: str) -> bool:
    """Whether a text may hold half a character; looked for where it holds more than plain ASCII."""
    return (not text.isascii() or "\\u" in text) and _HALF.search(text) is not None


def _deeper_than(data: Any, depth: int) -> bool:
    """Whether lists and objects may lie in each other deeper than that: cheap, never too low."""
    level = [data] if type(data) in _NESTED else []
    for _ in range(depth - 1):
        level = [
            inner
            for value in level
            for inner in (value.values() if type(value) is dict else value)
            if type(inner) in _NESTED
        ]
        if not level:
            return False
    return True


_NESTED = (dict, list)
"""What JSON nests with; their own types, as every value of a file is looked at."""


def _decoded(text: str | bytes) -> str:
    size = len(text)
    if size > MAX_BYTES:
        raise _too_large(size)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = f"The file is not UTF-8 text (byte {error.start + 1})."
            fix = "Save it as UTF-8, or check that it is a flow file at all."
            raise _refused("file/not-utf8", message, fix) from None
    if not text.strip():
        raise _refused("file/not-json", "The file is empty.", "Open another file.")
    return text


def _not_json(text: str, error: json.JSONDecodeError) -> FlowError:
    if text[error.pos : error.pos + 1] in tuple("]}"):
        before = text[: error.pos].rstrip()
        if before.endswith(","):  # Python 3.13 says so by itself, and means the comma
            error = json.JSONDecodeError("Illegal trailing comma", text, len(before) - 1)
    at = text[error.pos : error.pos + 1]
    message = f"Not JSON at line {error.lineno}, column {error.colno}: {_reason(error, at)}."
    fixes = {"'": "Use double quotes.", "/": "Remove the comment.", "#": "Remove the comment."}
    fix = fixes.get(at, "Fix the file there.")
    if not at or error.msg.startswith("Unterminated"):
        fix = "The file seems cut short: add what is missing, or take an older version of it."
    elif error.msg.startswith("Illegal trailing comma"):
        fix = "Remove it."
    return _refused("file/not-json", message, fix)


def _reason(error: json.JSONDecodeError, at: str) -> str:
    """What the parser misses, in words that go on a sentence."""
    said = error.msg[:1].lower() + error.msg[1:]
    if said.startswith("unterminated string"):
        return "the text that begins here has no closing quote"
    if said.startswith("invalid control character"):
        return f"a text holds {quoted(at)} as it is; write it with a backslash"
    if said.startswith("invalid \\"):
        return f"{quoted(at)} begins no escape that JSON knows"
    if said.startswith("illegal trailing comma"):
        return "nothing follows this comma"
    if said.startswith("extra data"):
        return f"the value has ended, and {quoted(at)} follows"
    wanted = said.removeprefix("expecting ")
    wanted = {
        "value": "a value",
        "property name enclosed in double quotes": "a name in double quotes",
    }.get(wanted, wanted.removesuffix(" delimiter"))
    seen = f"found {quoted(at)}" if at else "the text ends"
    return f"expected {wanted}, {seen}"


def _data_problems(data: Any, doubled: list[tuple[dict[str, Any], str]]) -> Iterator[Problem]:
    keys: dict[int, list[str]] = {}
    for owner, key in doubled:
        keys.setdefault(id(owner), []).append(key)
    for where, value in _walk(data):
        if value is _TOO_DEEP:
            yield Problem("file/too-deep", f"{TOO_DEEP} See {_start(where)}.", "Flatten the value.")
        elif isinstance(value, dict):
            for key in keys.get(id(value), ()):
                message = f"{json_place(where)} holds the key {quoted(key)} more than once."
                yield Problem("file/duplicate-key", message, "Keep one of them.")
            for key in value:
                if not is_whole(key):
                    yield _half(where)
        elif isinstance(value, float) and not math.isfinite(value):
            message = f"{json_place(where)} is not a finite number."
            yield Problem("file/number", message, "Write a finite number.")
        elif isinstance(value, str) and not is_whole(value):
            yield _half(where)


_TOO_DEEP = object()


def _walk(data: Any) -> Iterator[tuple[JsonPath, Any]]:
    """Every value with its place, parents first; without recursion, so of any depth."""
    stack: list[tuple[JsonPath, Any]] = [((), data)]
    while stack:
        where, value = stack.pop()
        if len(where) > MAX_DEPTH:
            yield where, _TOO_DEEP
            return
        yield where, value
        if isinstance(value, dict):
            stack.extend(((*where, key), value[key]) for key in reversed(value))
        elif isinstance(value, list):
            stack.extend(((*where, i), value[i]) for i in reversed(range(len(value))))


def is_whole(text: str) -> bool:
    """Whether a text has no half of a character (a lone surrogate)."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _half(where: JsonPath) -> Problem:
    message = f"{json_place(where)} holds half a character (a lone surrogate)."
    return Problem("file/not-utf8", message, "Remove it.")


def _start(where: JsonPath) -> str:
    return json_place(where[:6])


# --- shape --------------------------------------------------------------------------------------


def _check_format(data: dict[str, Any]) -> None:
    number = data.get("format")
    if "format" not in data:
        message = 'The file has no "format" number, so it is not a Patchbay flow.'
        fix = f'Add "format": {FORMAT} if you wrote it by hand; import it if another tool wrote it.'
        raise _refused("file/no-format", message, fix)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        message = f'"format" must be a whole number such as {FORMAT}, not {_shape(number)}.'
        raise _refused("file/format", message, f'Write "format": {FORMAT}.')
    if number > FORMAT:
        message = (
            f"The flow is of format {printable(str(number), 20)}, written by a newer Patchbay; "
            f"this one reads formats up to {FORMAT}."
        )
        fix = "Upgrade: pip install --upgrade patchbay-studio"
        raise _refused("file/future-format", message, fix)


def _shape_problems(error: ValidationError, data: dict[str, Any]) -> Iterator[Problem]:
    for where, phrase in explain(error, data):
        node = _node_at(where, data)
        yield Problem("file/shape", f"{json_place(where)} {phrase}.", _shape_fix(phrase), node=node)


def _shape_fix(phrase: str) -> str:
    if "not known here" in phrase:
        return "Remove it, or upgrade Patchbay if a newer one wrote it."
    return "Add it." if phrase == "is missing" else "Change it in the file."


def _node_at(where: JsonPath, data: dict[str, Any]) -> str | None:
    if len(where) < 2 or where[0] != "nodes" or not isinstance(where[1], int):
        return None
    node = data["nodes"][where[1]]
    name = node.get("id") if isinstance(node, dict) else None
    return name if isinstance(name, str) and where[2:3] != ("id",) and name.isidentifier() else None


def _duplicate_ids(data: dict[str, Any]) -> Iterator[Problem]:
    places: dict[str, list[str]] = {}
    for part in ("nodes", "notes", "groups"):
        entries = data.get(part)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            name = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(name, str):
                places.setdefault(name, []).append(f"{part}[{index}]")
    for name, where in places.items():
        if len(where) > 1:
            message = f"The id {quoted(name)} stands at {', '.join(where[:8])}."
            yield Problem("structure/duplicate-id", message, "Give each its own id.")


def _shape(value: Any) -> str:
    from patchbay.flows.document.explain import given

    return given(value)


def _too_large(size: int) -> FlowError:
    limit = size_in_words(MAX_BYTES)
    message = f"The file is {size_in_words(size)}; a flow file may have {limit}."
    return _refused("file/too-large", message, "Move data out of the flow, into files it reads.")


def _refused(code: str, message: str, fix: str) -> FlowError:
    return FlowError([Problem(code, message, fix)])

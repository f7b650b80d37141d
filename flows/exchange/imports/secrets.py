"""Literal secrets of a file: each becomes a reference by name; the text itself goes nowhere."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from patchbay.flows.secret_shapes import LEAST, secret_kind

HIDDEN = "[a key stood here]"
_KEYED = re.compile(r"(?i)(api_?key|_token|access_?token|secret|password|passwd|credential)s?$")
_NOT_KEYED = re.compile(r"(?i)(max|min|num|count|_|^)tokens$|(max|min|num|count)_?token$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


def secret_name(field: str) -> str:
    """The name of a variable for a secret: `openAIApiKey` → `OPENAI_API_KEY`."""
    words = [word for word in _WORDS.split(field) if word]
    name = "_".join(words).upper().replace("OPEN_AI", "OPENAI")[:60] or "SECRET"
    return name if name[0].isalpha() else f"S_{name}"


def without_secrets(value: Any) -> tuple[Any, set[str]]:
    """A value with its literal secrets replaced, and the names that now refer to them.

    A value that is a secret as a whole becomes `{"secret": NAME}`; one inside a longer text is
    replaced there.
    """
    names: set[str] = set()
    return _without(value, "", 0, names), names


def _without(value: Any, field: str, depth: int, names: set[str]) -> Any:
    if isinstance(value, str):
        return value if len(value) < LEAST else _text_without(value, field, names)
    if depth > 60:
        return None
    if isinstance(value, dict):
        made = {}
        pair = value.get("name") or value.get("key")
        for key, inner in value.items():
            name = str(key)
            shown = HIDDEN if secret_kind(name) else name
            # In a row of name and value the name says what the value is: a header, say.
            told = pair if name == "value" and isinstance(pair, str) and is_for_keys(pair) else name
            made[shown] = _without(inner, told, depth + 1, names)
        return made
    if isinstance(value, list):
        return [_without(inner, field, depth + 1, names) for inner in value]
    return value


def _text_without(value: str, field: str, names: set[str]) -> Any:
    shaped = secret_kind(value)
    alone = shaped and "\n" not in value and " " not in value.strip() and len(value) < 400
    if shaped and not alone:
        return _masked(value)
    if alone or (_for_keys(field) and _opaque(value)):
        name = secret_name(field)
        names.add(name)
        return {"secret": name}
    return value


@lru_cache(maxsize=1024)
def _for_keys(field: str) -> bool:
    """Whether a field is for keys, by its name; the names come again in every node."""
    keyed = _KEYED.search(field) or _KEYED_HEADER.search(field)
    return bool(keyed) and not _NOT_KEYED.search(field)


_KEYED_HEADER = re.compile(r"(?i)(^|[-_])(authorization|api[-_]?key|token|secret|password|cookie)$")


@lru_cache(maxsize=1024)
def is_for_keys(name: str) -> bool:
    """Whether a header, or a part of a query, is for a key, by its name."""
    return bool(_KEYED_HEADER.search(name) or _for_keys(name))


def _opaque(value: str) -> bool:
    """Whether a text in a field for keys is a key, and not a reference, a name or a word."""
    return (
        len(value) >= 12
        and not value.startswith(("{{", "={{", "$", "http://", "https://"))
        and not re.fullmatch(r"[A-Z][A-Z0-9_]*", value)
        and not re.search(r"\s", value)
    )


def _masked(text: str) -> str:
    """The text without its words that look like keys; whole where that does not help."""
    words = re.split(r"(\s+)", text)
    shown = "".join(HIDDEN if secret_kind(word) else word for word in words)
    return HIDDEN if secret_kind(shown) else shown

"""Literal secrets of a file: each becomes a reference by name; the text itself goes nowhere."""

from __future__ import annotations

import re
from typing import Any

from patchbay.flows.secret_shapes import secret_kind

HIDDEN = "[a key stood here]"
_KEYED = re.compile(r"(?i)(api_?key|_token|access_?token|secret|password|passwd|credential)s?$")
_NOT_KEYED = re.compile(r"(?i)(max|min|num|count|_|^)tokens?$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


def secret_name(field: str, owner: str = "") -> str:
    """The name of a variable for a secret: `openAIApiKey` → `OPENAI_API_KEY`."""
    words = [word for word in _WORDS.split(f"{owner} {field}") if word]
    name = "_".join(words).upper().replace("OPEN_AI", "OPENAI")[:60] or "SECRET"
    return name if name[0].isalpha() else f"S_{name}"


def without_secrets(
    value: Any, owner: str = "", field: str = "", depth: int = 0
) -> tuple[Any, set[str]]:
    """A value with its literal secrets replaced, and the names that now refer to them.

    A value that is a secret as a whole becomes `{"secret": NAME}`; one inside a longer text is
    replaced there.
    """
    if isinstance(value, str):
        return _text_without(value, owner, field)
    names: set[str] = set()
    if depth > 60:
        return None, names
    if isinstance(value, dict):
        made = {}
        for key, inner in value.items():
            new, found = without_secrets(inner, owner, str(key), depth + 1)
            made[HIDDEN if secret_kind(str(key)) else str(key)] = new
            names |= found
        return made, names
    if isinstance(value, list):
        rows = [without_secrets(inner, owner, field, depth + 1) for inner in value]
        for _, found in rows:
            names |= found
        return [new for new, _ in rows], names
    return value, names


def _text_without(value: str, owner: str, field: str) -> tuple[Any, set[str]]:
    shaped = secret_kind(value)
    if shaped and "\n" not in value and " " not in value.strip() and len(value) < 400:
        name = secret_name(field, owner)
        return {"secret": name}, {name}
    if shaped:
        return _masked(value), set()
    if _opaque(value) and _KEYED.search(field) and not _NOT_KEYED.search(field):
        name = secret_name(field, owner)
        return {"secret": name}, {name}
    return value, set()


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

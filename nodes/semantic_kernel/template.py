"""Semantic Kernel's template syntax, read without importing it: what a template asks for.

`{{$name}}` is a variable, `{{plugin.function $name key='text'}}` the call of a function, and
`<message role="system">…</message>` a message of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

_BLOCK = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\$([0-9A-Za-z_]+)")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_CALL = re.compile(r"([0-9A-Za-z_]+)\.([0-9A-Za-z_]+)")
_MESSAGE_TAG = re.compile(
    r"<message(?:\s+(?:role|name)\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*>|</message>"
)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_ROLES = ("system", "user", "assistant", "tool", "developer")


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a template asks for: variables, and functions as (plugin, function)."""

    variables: tuple[str, ...]
    functions: tuple[tuple[str, str], ...]


def asked_for(template: str) -> AskedFor:
    """The variables and functions of a template, in their order."""
    names: dict[str, None] = {}
    calls: dict[tuple[str, str], None] = {}
    for block in _BLOCK.findall(template):
        bare = _QUOTED.sub(" ", block)
        names.update(dict.fromkeys(_VARIABLE.findall(bare)))
        if (call := _CALL.match(bare.strip())) is not None:
            calls[call[1], call[2]] = None
    return AskedFor(tuple(names), tuple(calls))


def protected(template: str) -> str:
    """The template with every `<` and `&` of its own text written as text.

    Only `<message role="…">` and `</message>` stay tags. Semantic Kernel parses what it rendered
    as XML; where that fails, at a bare `<` say, it makes one message of the user out of all of it,
    tags included, and says nothing.
    """
    pieces = []
    at = 0
    for block in _BLOCK.finditer(template):
        pieces += [_escaped(template[at : block.start()]), block[0]]
        at = block.end()
    return "".join([*pieces, _escaped(template[at:])])


def _escaped(text: str) -> str:
    return "".join(
        piece if is_tag else _ENTITY.sub("&amp;", piece).replace("<", "&lt;")
        for piece, is_tag in _with_tags(text)
    )


def _with_tags(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for tag in _MESSAGE_TAG.finditer(text):
        yield text[at : tag.start()], False
        yield tag[0], True
        at = tag.end()
    yield text[at:], False


def check_template(template: str) -> str:
    """A template that makes the messages that it says, for use as a validator.

    Raises:
        ValueError: a block or a message is not closed, or a message has an unknown role.
    """
    if template.count("{{") != len(_BLOCK.findall(template)):
        raise ValueError("a block begins with {{ and is not closed by }}")
    for block in _BLOCK.findall(template):
        inside = block.strip()
        if not inside.startswith(("$", "'", '"')) and _CALL.match(inside) is None:
            raise ValueError(
                f"{{{{{inside[:60]}}}}} is no {{{{$variable}}}} and no {{{{plugin.function}}}}"
            )
    body = _BLOCK.sub("x", protected(template))
    try:
        tree = ElementTree.fromstring(f"<root>{body}</root>")  # noqa: S314 - only our tags are left
    except ElementTree.ParseError:
        raise ValueError("its <message> tags do not close each other") from None
    for message in tree:
        role = message.get("role", "")
        if role not in _ROLES and role != "x":
            raise ValueError(f"a <message> has the role {role!r}; there are {', '.join(_ROLES)}")
        if len(message):
            raise ValueError("a <message> stands inside another")
    return template

"""Texts with variables, as builders write them, read once into pieces and never evaluated.

Reading once matters: in a text with both `{{NAME}}` and `{NAME}` a second pass of replacing would
read what the first has written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Syntax = Literal["braces", "double", "dify", "none"]


@dataclass(frozen=True, slots=True)
class Var:
    """A variable or a reference in a text, as it was written between the braces."""

    name: str
    double: bool = False
    """Whether it stood in two braces, where that means a reference and not a literal."""


TextPiece = str | Var

_BRACES = re.compile(
    r"(?P<ref>\{\{\s*(?P<double>[A-Za-z_$][^{}\n]{0,200}?)\s*\}\})|(?P<open>\{\{)|(?P<close>\}\})"
    r"|\{(?P<single>[A-Za-z_][A-Za-z0-9_ -]{0,63})\}"
)
_DOUBLE = re.compile(r"\{\{\s*(?P<double>[A-Za-z_$#][^{}\n]{0,200}?)\s*\}\}")
_DIFY = re.compile(r"\{\{#(?P<double>[^{}#\n]{1,200})#\}\}|\{\{(?P<plain>[A-Za-z_]\w{0,63})\}\}")
_PATTERNS = {"braces": _BRACES, "double": _DOUBLE, "dify": _DIFY}

IsReference = Callable[[str], bool]


def pieces(
    text: str, syntax: Syntax, is_reference: IsReference = lambda name: True
) -> list[TextPiece]:
    """A text taken apart.

    Args:
        text: the text.
        syntax: `braces`: {name}, with {{ }} for literal braces or, where `is_reference` says so, a
            reference; `double`: {{name}} alone; `dify`: {{#node.field#}}; `none`: all is literal.
        is_reference: whether what stands in two braces is a reference.
    """
    if syntax == "none" or not ("{" in text or "}" in text):
        return [text] if text else []
    pattern = _PATTERNS[syntax]
    found: list[TextPiece] = []
    at = 0
    for match in pattern.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        found.extend(_match(match, syntax, is_reference))
    found.append(text[at:])
    return _joined(found)


def _match(match: re.Match[str], syntax: Syntax, is_reference: IsReference) -> Iterable[TextPiece]:
    if syntax == "braces":
        if match["ref"]:
            name = match["double"]
            # Not a reference: literal braces around a literal word, as LangChain has it.
            return [Var(name, double=True)] if is_reference(name) else ["{" + name + "}"]
        if match["open"] or match["close"]:
            return ["{" if match["open"] else "}"]
        return [Var(match["single"])]
    name = match["double"] or (syntax == "dify" and match["plain"]) or ""
    return [Var(name, double=True)] if is_reference(name) else [match[0]]


def _joined(found: Iterable[TextPiece]) -> list[TextPiece]:
    made: list[TextPiece] = []
    for piece in found:
        if isinstance(piece, str):
            if not piece:
                continue
            if made and isinstance(made[-1], str):
                made[-1] += piece
                continue
        made.append(piece)
    return made


_NAME = re.compile(r"[^A-Za-z0-9_]+")


def variable(name: str, taken: Iterable[str] = ()) -> str:
    """A name that a template of ours may have between its braces."""
    base = _variable(name)
    known, number, candidate = set(taken), 1, base
    while candidate in known:
        number += 1
        candidate = f"{base}_{number}"
    return candidate


@lru_cache(maxsize=4096)
def _variable(name: str) -> str:
    base = _NAME.sub("_", name).strip("_")[:48] or "value"
    return base if base[0].isalpha() or base[0] == "_" else f"v_{base}"


def literal(text: str) -> str:
    """A text as it stands in a template of ours."""
    return text.replace("{", "{{").replace("}", "}}")


_BLOCK = re.compile(r"^\s*<(p|h[1-6]|ul|ol|pre|blockquote|div)\b", re.IGNORECASE)
_MENTION = re.compile(
    r"<span\b[^>]{0,400}\bclass=\"variable\"[^>]{0,400}>(.{0,300}?)</span>", re.DOTALL
)
_BREAK = re.compile(r"(?i)<br\s*/?>|</(?:p|h[1-6]|li|pre|blockquote|div|ul|ol)>")
_ITEM = re.compile(r"(?i)<li\b[^>]{0,200}>")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,400}>")


def from_html(text: str) -> str:
    """The text of a rich-text field. Only what begins with a block tag is taken for HTML."""
    if "<" not in text or not _BLOCK.match(text):
        return text
    text = _MENTION.sub(lambda match: match[1], text)
    text = _ITEM.sub("- ", text)
    text = _BREAK.sub("\n", text)
    text = html.unescape(_TAG.sub("", text)).replace("\xa0", " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip()

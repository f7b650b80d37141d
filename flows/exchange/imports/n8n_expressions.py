"""n8n's expressions: the few whose form says where a value comes from. JavaScript is never run.

`={{ $json.user.name }}` becomes `{{text:/user/name of NODE}}`: a place in what a node gives, or in
what comes in where no node is named. `value:` in place of `text:` keeps a number or a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from patchbay.flows.exchange.imports.graph import texts_in
from patchbay.flows.exchange.imports.json_text import json_with

LEFT_OUT = "[an expression stood here]"
"""In place of JavaScript, in a text."""
EXPRESSION = re.compile(r"\{\{(.{0,2000}?)\}\}", re.DOTALL)
_NAME = r"""(?P<quote>['"])(?P<node>[^'"{}\n]{1,120})(?P=quote)"""
_PICKED = r"(?:item|first\(\)|last\(\))"
_HEADS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\$json",
        rf"\$input\.{_PICKED}\.json",
        rf"\$\({_NAME}\)\.{_PICKED}\.json",
        rf"\$node\[{_NAME}\]\.json",
        r"\$node\.(?P<node>[A-Za-z_]\w{0,119})\.json",
    )
)
_STEP = re.compile(
    r"""\??\.(?P<key>[A-Za-z_$][\w$]{0,119})"""
    r"""|(?:\?\.)?\[\s*(?:(?P<index>\d{1,6})|(?P<quote>['"])(?P<name>[^'"\n]{1,120})(?P=quote))\s*\]"""
)
_STRINGIFIED = re.compile(r"^JSON\.stringify\(\s*([^,()]*(?:\([^()]*\)[^,()]*)*)\)$")
_WRITTEN = re.compile(
    r"""^(?:(?P<quote>['"])(?P<text>[^'"\\\n]*)(?P=quote)|-?\d+(?:\.\d+)?|true|false)$"""
)
_ENVIRONMENT = re.compile(r"^\$env\.([A-Za-z_]\w{0,80})$|^\$env\[['\"]([A-Za-z_]\w{0,80})['\"]\]$")
_REFERENCE = re.compile(r"^(text|value):((?:/[^\s/]*)*)(?: of (.+))?$")


class FieldOf(NamedTuple):
    """A place in what a node gives."""

    node: str
    """The node; "" for what comes into the node that reads it."""
    keys: tuple[str, ...]
    typed: bool = False
    """Whether a number or a list stays one; else it is written out as text."""

    def written(self) -> str:
        """As a variable of a text."""
        place = "".join(f"/{quote(key, safe='')}" for key in self.keys)
        return (
            f"{'value' if self.typed else 'text'}:{place}{' of ' if self.node else ''}{self.node}"
        )

    def in_words(self) -> str:
        """As the report calls it."""
        of = f" of {self.node!r}" if self.node else ""
        return f"the field {'.'.join(self.keys)!r}{of}" if self.keys else f"all that{of} gives"


def field_of(name: str) -> FieldOf | None:
    """What a variable of a text stands for; None where it is none of these."""
    match = _REFERENCE.match(name)
    if match is None:
        return None
    keys = tuple(unquote(key) for key in match[2].split("/")[1:])
    return FieldOf(match[3] or "", keys, match[1] == "value")


def read_path(said: str) -> FieldOf | None:
    """`$json.a[0]["b"]` and its like as a place; None for all other JavaScript."""
    for head in _HEADS:
        match = head.match(said)
        if match is None:
            continue
        at, keys = match.end(), []
        while at < len(said):
            step = _STEP.match(said, at)
            if step is None:
                return None
            keys.append(step["key"] or step["index"] or step["name"])
            at = step.end()
        if keys and keys[-1] == "length":  # of a list or a text: computed
            return None
        return FieldOf(match.groupdict().get("node") or "", tuple(keys))
    return None


def environment_name(said: str) -> str:
    """The variable of the environment that an expression names; "" where it names none."""
    match = _ENVIRONMENT.match(said.strip())
    return (match[1] or match[2]) if match else ""


Unread = Callable[[str], str]
"""Told of JavaScript; gives what stands in its place."""


class ExpressionReader:
    """Reads the values of one node's settings."""

    def __init__(self, speaker: str, unread: Unread) -> None:
        self.speaker, self.unread = speaker, unread
        self.bare: list[str] = []
        """What stands in JSON as a value of its own, and not in quotes."""

    def named(self, field: FieldOf) -> FieldOf:
        """The same with the name of the node that it comes from, where one alone can be."""
        return field if field.node else field._replace(node=self.speaker)

    def text(self, value: str) -> str:
        """A text with its expressions as variables; a fixed text as it is."""
        if not value.startswith("="):
            return value
        return EXPRESSION.sub(lambda match: self._in_text(match[1].strip()), value[1:])

    def _in_text(self, said: str) -> str:
        if match := _WRITTEN.match(said):
            return match["text"] if match["quote"] else said
        if field := read_path(said):
            return "{{" + self.named(field).written() + "}}"
        return self.unread(said)

    def value(self, value: Any) -> Any:
        """A setting of any type: an expression alone keeps the type of what it names."""
        if not isinstance(value, str) or not value.startswith("="):
            return value
        match = EXPRESSION.fullmatch(value[1:].strip())
        return self._alone(match[1].strip()) if match else self.text(value)

    def _alone(self, said: str) -> Any:
        if match := _WRITTEN.match(said):
            return match["text"] if match["quote"] else _plain(said)
        told = _STRINGIFIED.match(said.removesuffix(".toJsonString()"))
        if field := read_path(told[1].strip() if told else said.removesuffix(".toJsonString()")):
            return "{{" + self.named(field)._replace(typed=True).written() + "}}"
        return self.unread(said)

    def json(self, value: Any) -> Any:
        """JSON that is written as a text, with expressions in it.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(value, str):
            return self.everything(value)
        if not value.startswith("="):
            return json_with(value, None, str, str)
        alone = EXPRESSION.fullmatch(value[1:].strip())
        if alone:
            return self._alone(alone[1].strip())
        return json_with(value[1:], EXPRESSION, self._in_text, self._bare)

    def _bare(self, said: str) -> Any:
        made = self._alone(said)
        if isinstance(made, str) and not _STRINGIFIED.match(said):
            self.bare.append(made)
        return made

    def everything(self, value: Any, depth: int = 0) -> Any:
        """Settings with all expressions in them read."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict) and depth < 20:
            return {str(key): self.everything(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list) and depth < 20:
            return [self.everything(inner, depth + 1) for inner in value]
        return value


def _plain(said: str) -> Any:
    if said in ("true", "false"):
        return said == "true"
    return float(said) if "." in said else int(said)


def references_in(value: Any) -> Iterator[tuple[str, FieldOf]]:
    """The places that a value names, each with how it is written."""
    for text in texts_in(value):
        for match in EXPRESSION.finditer(text):
            if field := field_of(match[1]):
                yield match[0], field

"""A JSON schema from zod source text: a closed subset, read as data and never evaluated."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"\s+|//[^\n]*|/\*.*?\*/|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`$]*`)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_$][\w$]*)|(?P<mark>[{}()\[\],.:?;])",
    re.DOTALL,
)
_SIMPLE = {
    "string": {"type": "string"}, "number": {"type": "number"}, "boolean": {"type": "boolean"},
    "any": {}, "unknown": {}, "date": {"type": "string"}, "bigint": {"type": "integer"},
}  # fmt: skip
MAX_DEPTH = 30
MAX_LENGTH = 100_000


class ZodError(ValueError):
    """The text is not of the subset that is read."""


def schema_of_zod(source: str) -> dict[str, Any]:
    """The JSON schema of `z.object({...})` and the like.

    Reads z.object, array, string, number, boolean, enum, literal, union, record, with optional,
    nullable, describe, int, min and max; line comments become descriptions.

    Raises:
        ZodError: something else stands in it.
    """
    if len(source) > MAX_LENGTH:
        raise ZodError("The schema is too long.")
    parser = _Parser(source)
    schema, _ = parser.value(0)
    parser.skip(";")
    if parser.tokens:
        raise ZodError(f"Unexpected {parser.tokens[0][1]!r}.")
    return schema


class _Parser:
    def __init__(self, source: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(source):
            match = _TOKEN.match(source, at)
            if not match:
                raise ZodError(f"Unexpected {source[at]!r}.")
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match[0]))
            at = match.end()

    def skip(self, mark: str) -> bool:
        if self.tokens and self.tokens[0][1] == mark:
            self.tokens.pop(0)
            return True
        return False

    def take(self, expected: str) -> None:
        if not self.skip(expected):
            seen = self.tokens[0][1] if self.tokens else "the end"
            raise ZodError(f"Expected {expected!r}, found {seen!r}.")

    def next(self, group: str) -> str:
        if not self.tokens or self.tokens[0][0] != group:
            raise ZodError(f"Expected a {group}.")
        return self.tokens.pop(0)[1]

    def text(self) -> str:
        quoted = self.next("text")
        return re.sub(r"\\(.)", r"\1", quoted[1:-1])

    def value(self, depth: int) -> tuple[dict[str, Any], bool]:
        """A schema, and whether it may be left out."""
        if depth > MAX_DEPTH:
            raise ZodError("The schema is nested too deep.")
        self.take("z")
        self.take(".")
        name = self.next("word")
        self.take("(")
        schema = self._made(name, depth)
        self.take(")")
        optional = False
        while self.skip("."):
            optional |= self._change(self.next("word"), schema)
        return schema, optional

    def _made(self, name: str, depth: int) -> dict[str, Any]:
        if name in _SIMPLE:
            return dict(_SIMPLE[name])
        if name == "object":
            return self._object(depth)
        if name == "array":
            return {"type": "array", "items": self.value(depth + 1)[0]}
        if name == "enum":
            self.take("[")
            words = [self.text()]
            while self.skip(",") and self.tokens and self.tokens[0][0] == "text":
                words.append(self.text())
            self.take("]")
            return {"type": "string", "enum": words}
        if name == "literal":
            return {"const": self.text()}
        if name == "record":
            return {"type": "object", "additionalProperties": self.value(depth + 1)[0]}
        if name == "union":
            self.take("[")
            ways = [self.value(depth + 1)[0]]
            while self.skip(",") and self.tokens and self.tokens[0][1] == "z":
                ways.append(self.value(depth + 1)[0])
            self.take("]")
            return {"anyOf": ways}
        raise ZodError(f"z.{name} is not read.")

    def _object(self, depth: int) -> dict[str, Any]:
        self.take("{")
        properties: dict[str, Any] = {}
        required: list[str] = []
        while not self.skip("}"):
            key = self.text() if self.tokens[:1] and self.tokens[0][0] == "text" else ""
            key = key or self.next("word")
            self.take(":")
            properties[key], optional = self.value(depth + 1)
            if not optional:
                required.append(key)
            if not self.skip(","):
                self.take("}")
                break
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        return schema | ({"required": required} if required else {})

    def _change(self, name: str, schema: dict[str, Any]) -> bool:
        self.take("(")
        if name == "array":
            inner = dict(schema)
            schema.clear()
            schema.update(type="array", items=inner)
        elif name == "describe":
            schema["description"] = self.text()
        elif name == "int":
            schema["type"] = "integer"
        elif name in ("min", "max"):
            self.next("number")
        elif name not in ("optional", "nullable", "nullish", "url", "email", "strict", "default"):
            raise ZodError(f".{name}() is not read.")
        elif name == "default" and self.tokens and self.tokens[0][0] in ("text", "number", "word"):
            self.tokens.pop(0)
        self.take(")")
        return name in ("optional", "nullish", "default")

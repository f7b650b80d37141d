"""Templates with `{variables}`: a parser that knows plain names and nothing else.

`str.format` is not used: it would evaluate `{x.__class__}` and `{x[0]}`, and a template may come
from a stranger's flow file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from patchbay.nodes.names import is_name, is_taken


@dataclass(frozen=True, slots=True)
class Variable:
    """A place to be filled."""

    name: str


Piece = str | Variable
"""A literal text, or a place to be filled."""


@lru_cache(maxsize=1024)
def parse(template: str) -> tuple[Piece, ...]:
    """The pieces of a template. `{{` and `}}` stand for literal braces.

    Raises:
        ValueError: a brace without its partner, or something in braces that is not a plain name;
            in words, with line and column.
    """
    return tuple(_pieces(template))


def variables(template: str) -> list[str]:
    """The names in a template, each once, in the order they first appear."""
    found = [piece.name for piece in parse(template) if isinstance(piece, Variable)]
    return list(dict.fromkeys(found))


def fill(template: str, value_of: Callable[[str], str]) -> str:
    """The template with every variable replaced by its text."""
    return "".join(
        value_of(piece.name) if isinstance(piece, Variable) else piece for piece in parse(template)
    )


def check(template: str) -> str:
    """The template itself, for use as a validator. Raises what `parse` raises."""
    parse(template)
    return template


def _pieces(template: str) -> Iterator[Piece]:
    literal: list[str] = []
    at = 0
    while at < len(template):
        char = template[at]
        if char not in "{}":
            end = _next_brace(template, at)
            literal.append(template[at:end])
            at = end
        elif template[at : at + 2] == char * 2:
            literal.append(char)
            at += 2
        elif char == "}":
            raise ValueError(
                f"the }} at {_place(template, at)} closes nothing; write }}}} for a literal brace"
            )
        else:
            if literal:
                yield "".join(literal)
                literal = []
            end = _closing(template, at)
            yield Variable(_name(template, at, end))
            at = end + 1
    if literal:
        yield "".join(literal)


def _next_brace(template: str, at: int) -> int:
    found = [index for brace in "{}" if (index := template.find(brace, at)) >= 0]
    return min(found, default=len(template))


def _closing(template: str, at: int) -> int:
    end = template.find("}", at)
    opened_again = template.find("{", at + 1)
    if end < 0 or 0 <= opened_again < end:
        raise ValueError(
            f"the {{ at {_place(template, at)} is never closed; write {{{{ for a literal brace"
        )
    return end


def _name(template: str, at: int, end: int) -> str:
    inner = template[at + 1 : end]
    if is_name(inner):
        return inner
    shown = inner if len(inner) <= 60 else inner[:60] + "…"
    what = f"{{{shown}}} at {_place(template, at)}"
    if not inner.strip():
        raise ValueError(f"{what} has no name; write a name in the braces, such as {{question}}")
    if is_taken(inner):
        raise ValueError(f"{what} uses a name that is taken; choose another")
    if is_name(inner.strip()):
        raise ValueError(f"{what} has spaces; write {{{inner.strip()}}}")
    if inner[0].isdigit():
        raise ValueError(f"{what} is not a plain name; a name starts with a letter")
    raise ValueError(
        f"{what} is not a plain name; only a name such as {{question}} may stand in braces, "
        "and {{ and }} give literal braces"
    )


def _place(template: str, at: int) -> str:
    line = template.count("\n", 0, at) + 1
    column = at - template.rfind("\n", 0, at)
    return f"line {line}, column {column}"

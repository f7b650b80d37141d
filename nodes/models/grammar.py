"""Check a grammar in llama.cpp's notation (GBNF) before a model is asked with it.

Notation: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from __future__ import annotations

import re

MAX_LENGTH = 100_000
"""Characters of a grammar at most."""

_SKIP = re.compile(r"(?:[ \t]|#[^\n]*)*")
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_ATOM = re.compile(
    r'"(?:\\.|[^"\\\n])*"'  # a text
    r"|\[\^?(?:\\.|[^\]\\\n])+\]"  # one character out of a set
    r"|!?<[^<>\n]+>"  # a token of the model
    r"|\."
)
_TIMES = re.compile(r"[*+?]|\{\s*\d+\s*(?:,\s*\d*\s*)?\}")


def check_grammar(text: str) -> None:
    """Check a grammar.

    Raises:
        ValueError: it is not one, and where.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a grammar must not be longer than {MAX_LENGTH:,} characters")
    defined, used = _Reader(text).rules()
    if "root" not in defined:
        raise ValueError('a grammar needs a rule "root", from which an answer begins')
    if unknown := sorted(used - defined):
        raise ValueError(f"the grammar uses rules that it does not define: {', '.join(unknown)}")


class _Reader:
    """Reads rules: `name ::= alternatives`, one after the other."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._used: set[str] = set()

    def rules(self) -> tuple[set[str], set[str]]:
        defined: set[str] = set()
        while self._take(_SPACE) and self._at < len(self._text):
            name = self._take(_NAME)
            self._take(_SKIP)
            if not name or not self._take_text("::="):
                raise self._wrong("a rule begins with its name and ::=")
            defined.add(name)
            self._take(_SPACE)
            self._alternatives(depth=0)
        return defined, self._used

    def _alternatives(self, depth: int) -> None:
        if depth > 50:
            raise self._wrong("groups are nested too deep")
        skip = _SPACE if depth else _SKIP
        while True:
            while self._item(depth):
                self._take(_TIMES)
                self._take(skip)
            before = self._at
            self._take(_SPACE)
            if not self._take_text("|"):
                self._at = before
                return
            self._take(_SPACE)

    def _item(self, depth: int) -> bool:
        if self._take_text("("):
            self._take(_SPACE)
            self._alternatives(depth + 1)
            self._take(_SPACE)
            if not self._take_text(")"):
                raise self._wrong("a group is not closed here")
            return True
        if self._take(_ATOM):
            return True
        before = self._at
        if name := self._take(_NAME):
            self._take(_SKIP)
            if self._text.startswith("::=", self._at):
                self._at = before  # the next rule; only between groups may lines be broken
                return False
            self._used.add(name)
            return True
        if self._at < len(self._text) and self._text[self._at] not in "|)\n":
            raise self._wrong("this is neither a text, a set, a group nor the name of a rule")
        if depth == 0 and self._text.startswith(")", self._at):
            raise self._wrong("this closes nothing")
        return False

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0] or " "

    def _take_text(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _wrong(self, what: str) -> ValueError:
        line = self._text.count("\n", 0, self._at) + 1
        near = self._text[self._at : self._at + 20].split("\n")[0]
        return ValueError(f"line {line} of the grammar, at {near!r}: {what}")

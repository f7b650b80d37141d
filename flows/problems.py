"""Something wrong with a flow: a code, a place, a sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `code` is stable; `message` names both ends; `fix` is an imperative sentence."""

    code: str
    message: str
    fix: str = ""
    node: str | None = None
    port: str | None = None
    param: str | None = None
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """Where it is: `node.port`, `node`, or nothing for the flow as a whole."""
        inner = self.port or self.param
        return f"{self.node}.{inner}" if self.node and inner else self.node or ""

    def __str__(self) -> str:
        where = f" {self.place}:" if self.place else ""
        fix = f" {self.fix}" if self.fix else ""
        return f"{self.severity} {self.code}{where} {self.message}{fix}"

    def in_words(self) -> str:
        """What is wrong and what helps, for people who are shown neither code nor severity."""
        return f"{self.message} {self.fix}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without what is not known."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}


class FlowError(Exception):
    """A flow that cannot be read or run. `problems` holds every finding."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def in_words(self) -> str:
        """All findings as sentences; see `Problem.in_words`."""
        return " ".join(problem.in_words() for problem in self.problems)


def errors(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Only the findings that keep a flow from running."""
    return (problem for problem in problems if problem.severity == "error")

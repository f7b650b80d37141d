"""Secrets by name: found when a node asks, never stored, blacked out wherever they would show."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from patchbay.flows.blackout import BLACKED, EVERYWHERE, Blackout
from patchbay.flows.problems import Problem
from patchbay.nodes.contract import NodeError
from patchbay.nodes.values import SecretRef, Value

if TYPE_CHECKING:
    from patchbay.flows.runs.events import Event

E = TypeVar("E", bound="Event")
PROBLEM = tuple(field for field in fields(Problem) if field.name != "node")

__all__ = ["BLACKED", "Secrets", "secret_files", "secret_names"]

UNTOUCHED = {"type", "node", "run", "key", "source", "what", "at"}
"""Fields of an event that name things of the flow; nothing from outside gets into them."""


def secret_files() -> tuple[Path, ...]:
    """Where Streamlit keeps secrets: of the folder at hand, then of the user."""
    return (Path(".streamlit/secrets.toml"), Path.home() / ".streamlit" / "secrets.toml")


class Secrets:
    """Looks secrets up in the environment, then in `.streamlit/secrets.toml`.

    Remembers what it gave out, so that `redact` can remove it from text and values.
    """

    def __init__(
        self, env: Mapping[str, str] | None = None, files: tuple[Path, ...] | None = None
    ) -> None:
        self._env = os.environ if env is None else env
        self._files = secret_files() if files is None else files
        self._blackout = Blackout()

    def find(self, name: str) -> str | None:
        """The value, or None. Does not count as given out."""
        if value := self._env.get(name):
            return value
        for path in self._files:
            value = _read(path).get(name)
            if isinstance(value, str) and value:
                return value
        return None

    def get(self, ref: SecretRef) -> str:
        """The value of a secret.

        Raises:
            NodeError: it is not set anywhere.
        """
        value = self.find(ref.secret)
        if value is None:
            raise NodeError(
                f"The secret {ref.secret} is not set.",
                fix=f"Set the environment variable {ref.secret}, or add it to "
                f"{self._files[0] if self._files else 'secrets.toml'}.",
                code="secret/missing",
                retry=False,
            )
        self._add(value)
        return value

    def know(self, names: Iterable[str]) -> None:
        """Black these secrets out from now on, where they are set, whoever asks for them."""
        for name in names:
            if value := self.find(name):
                self._add(value)

    def _add(self, value: str) -> None:
        self._blackout.add(value)
        EVERYWHERE.add(value)

    def redact_text(self, text: str) -> str:
        """The text without any secret that was given out, in whatever form."""
        return self._blackout.text(text)

    def redact_event(self, event: E) -> E:
        """The event without any secret that was given out: the one way out of a run."""
        if not self._blackout:
            return event
        changes = {
            field.name: self._walk(getattr(event, field.name))
            for field in fields(event)
            if field.name not in UNTOUCHED
        }
        return replace(event, **changes)

    def redact(self, value: Any) -> Any:
        """The value without any secret that was given out."""
        return self._walk(value) if self._blackout else value

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self._walk(item) for item in value)
        if isinstance(value, dict):
            return {self._walk(k): self._walk(v) for k, v in value.items()}
        if isinstance(value, Problem):
            return replace(value, **{f.name: self._walk(getattr(value, f.name)) for f in PROBLEM})
        if isinstance(value, Value):
            return value.model_copy(update={k: self._walk(v) for k, v in value})
        return value

    def held_back(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret."""
        return self._blackout.held_back(text)

    @property
    def any_given(self) -> bool:
        """Whether anything needs blacking out at all."""
        return bool(self._blackout)


def secret_names(value: Any) -> Iterator[str]:
    """The names of the secrets that params refer to, at any depth."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, SecretRef):
            yield item.secret
        elif isinstance(item, BaseModel):
            stack.extend(dict(item).values())
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}

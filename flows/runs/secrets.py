"""Secrets by name: found when a node asks, never stored, blacked out wherever they would show."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.values import SecretRef, Value

BLACKED = "••••"
"""What stands where a secret's value would."""

SHORTEST = 4
"""Values shorter than this many characters are not blacked out: they would hit ordinary words."""


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
        self._given: set[str] = set()

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
        if len(value) >= SHORTEST:
            self._given.add(value)
        return value

    def redact_text(self, text: str) -> str:
        """The text without any secret that was given out."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, BLACKED)
        return text

    def redact(self, value: Any) -> Any:
        """The value without any secret that was given out."""
        return self._walk(value) if self._given else value

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self._walk(item) for item in value)
        if isinstance(value, dict):
            return {self._walk(k): self._walk(v) for k, v in value.items()}
        if isinstance(value, Value):
            return value.model_copy(update={k: self._walk(v) for k, v in value})
        return value

    def held_back(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret."""
        longest = 0
        for value in self._given:
            for size in range(min(len(value) - 1, len(text)), longest, -1):
                if text.endswith(value[:size]):
                    longest = size
                    break
        return longest

    @property
    def any_given(self) -> bool:
        """Whether anything needs blacking out at all."""
        return bool(self._given)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}

"""Who opens models where nobody watches: see `patchbay.flows.runs.resources.Watcher`."""

from __future__ import annotations

from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.values import SecretRef


class Unwatched:
    """Hears what the pool says while it opens something; nobody is told.

    Args:
        secrets: where the secrets are that it names.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def secret(self, ref: SecretRef) -> str:
        """The value of a secret."""
        return self._secrets.get(ref)

    def opening(self, label: str, done: float, total: float | None) -> None:
        """Progress."""

    def waiting(self, resource: str, position: int) -> None:
        """All slots are taken."""

    def warning(self, message: str) -> None:
        """Something the person should know."""

"""What a person chose on the pages, beyond one visit: how flows are sorted, what was put away."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder


class Choices:
    """Choices by name, in a file below the home folder; one that cannot be read counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, name: str, otherwise: str = "") -> str:
        """What was chosen last."""
        return self._read().get(name, otherwise)

    def put(self, name: str, value: str) -> None:
        """Remember a choice. A disk that refuses forgets it, and nothing else is lost."""
        with self._lock:
            known = {**self._read(), name: value}
            try:
                private_folder(self._path.parent)
                write_atomic(self._path, json.dumps(known, ensure_ascii=False), durable=False)
            except OSError:
                return

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        known = kept if isinstance(kept, dict) else {}
        return {str(name): value for name, value in known.items() if isinstance(value, str)}

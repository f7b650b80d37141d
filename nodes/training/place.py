"""Where a training lies under the home: by its content, so that none is done twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from patchbay.nodes.atomic import put_folder, write_atomic
from patchbay.nodes.contract import NodeError
from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder
from patchbay.nodes.training.settings import TrainingSettings
from patchbay.nodes.values import canonical

FORMAT = 1
"""Raised when equal base, rows and settings would give another result than before."""
UNSEEN = ("keep_every",)
"""Settings that the numbers do not depend on."""
ADDED = {"virtual_tokens": 16, "prompt_start": ""}
"""Settings that came later; left out where they are as before, for older trainings to be found."""


@dataclass(frozen=True)
class TrainingPlace:
    """A training's folder: `result` when it is over, `checkpoints` on the way, and its record."""

    key: str

    @cached_property
    def folder(self) -> Path:
        """All of it."""
        return home() / "trainings" / self.key

    @property
    def result(self) -> Path:
        """The adapter or the model, once it is whole."""
        return self.folder / "result"

    @property
    def checkpoints(self) -> Path:
        """Where the trainer leaves its states."""
        return self.folder / "checkpoints"

    @property
    def _record(self) -> Path:
        return self.folder / "training.json"

    def record(self) -> dict[str, Any] | None:
        """What is known of a training that is over; None where it is not."""
        try:
            held = json.loads(self._record.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return held if self.result.is_dir() and isinstance(held, dict) else None

    def last_checkpoint(self) -> Path | None:
        """The latest state that is whole; one that was cut off while it was written is none.

        The trainer writes `trainer_state.json` last.
        """
        states = self.checkpoints.glob("checkpoint-*/trainer_state.json")
        whole = [path.parent for path in states if _reads(path)]
        return max(whole, key=step_of, default=None)

    def begin(self) -> None:
        """Make the folder, and forget states that were cut off.

        Raises:
            NodeError: it cannot be made.
        """
        try:
            private_folder(self.folder)
            for folder in self.checkpoints.glob("checkpoint-*"):
                if not _reads(folder / "trainer_state.json"):
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def end(self, made: Path, record: Mapping[str, Any]) -> None:
        """Keep what was made, with its record, and forget the states on the way.

        Raises:
            OSError: the disk refuses.
        """
        put_folder(made, self.result)
        write_atomic(self._record, json.dumps(record, indent=1) + "\n")
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def step_of(checkpoint: Path) -> int:
    """The step after which a state was left, by the name of its folder."""
    return int(checkpoint.name.rsplit("-", 1)[1])


def place_of(base: str, data: str, settings: TrainingSettings) -> TrainingPlace:
    """The place of a training.

    Args:
        base: hash of the weights.
        data: hash of the rows.
        settings: all else that the numbers depend on.
    """
    said = settings.model_dump(mode="json")
    said["params"] = {
        name: value
        for name, value in said["params"].items()
        if name not in UNSEEN and not (name in ADDED and value == ADDED[name])
    }
    whole = canonical({"format": FORMAT, "base": base, "data": data, "settings": said})
    return TrainingPlace(hashlib.sha256(whole.encode()).hexdigest()[:24])


def unwritable(folder: Path, error: OSError) -> NodeError:
    """The disk refuses to keep a state."""
    return NodeError(
        f"The training cannot be kept in {folder}: {error.strerror or error}. Its last whole "
        "checkpoint is still there.",
        fix="Make room, or set PATCHBAY_HOME to a folder on another disk; run it again to go on.",
        code="training/unwritable",
        retry=False,
    )


def _reads(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text("utf-8")), dict)
    except (OSError, ValueError):
        return False

"""A part that has ended: sent again, it is what is asked for, or it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.batch.databases import without_password
from patchbay.flows.batch.manifest import refuse_others

if TYPE_CHECKING:
    from patchbay.flows.batch.api import BatchResult


def finished(
    output: str, beside: Path, failures: Path, now: Mapping[str, Any]
) -> BatchResult | None:
    """What a batch gave that has ended already; None where none has.

    Args:
        output: the file that it wrote.
        beside: its manifest.
        failures: where it wrote what failed.
        now: what is asked for, as a manifest.

    Raises:
        FlowError: what stands there is of other rows, another flow or other settings.
    """
    from patchbay.flows.batch.api import BatchResult
    from patchbay.flows.runs.events import Tokens

    if "://" in output or not Path(output).exists():
        return None
    try:
        then = json.loads(beside.read_text(encoding="utf-8"))
        done = then["output"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not ours: the batch that begins says that something stands there
    fix = f"Remove {output} and what stands beside it, or the whole folder, and begin anew."
    refuse_others(then, now, fix)
    return BatchResult(
        without_password(output), done["rows"], done["failed"],
        failures if done["failed"] else None, done["seconds"],
        Tokens(done["tokens"]["prompt"], done["tokens"]["completion"]), done["cost"],
    )  # fmt: skip

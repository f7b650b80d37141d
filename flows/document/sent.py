"""Flows as they were when the job that this process is was sent.

A job may wait in a queue for hours while people go on editing. What was sent is what runs: the
variable `PATCHBAY_SENT` names a file that holds the texts of the job's flows as they were, and who
reads one of these flows gets that text. `flows/batch/sent.py` writes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.flows.document.reading import SENT
from patchbay.flows.problems import FlowError, Problem


def text_then(path: str | os.PathLike[str]) -> str | None:
    """The text of a flow file when this job was sent; None of a file that was not sent.

    Raises:
        FlowError: what was sent cannot be read.
    """
    flows: dict[str, str] = read_sent(os.environ[SENT])["flows"]
    whole = os.path.abspath(path)  # noqa: PTH100 - it may be gone, or a link
    return flows.get(whole, flows.get(os.path.realpath(whole)))


@lru_cache(maxsize=1)
def read_sent(file: str) -> Mapping[str, Any]:
    """What a file of what was sent holds.

    Raises:
        FlowError: it cannot be read, or is none.
    """
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
        if isinstance(found["flows"], dict):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    message = f"What was sent with this job, {file}, cannot be read here."
    fix = "Its folder must be one that the machine (and the container, by binds) of the job sees."
    raise FlowError([Problem("slurm/sent", message, fix)])

"""A button of a problem: what it says, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fix:
    """A button: what it says, and the edit that it makes.

    Attributes:
        opens: instead of an edit, the name of a flow that is opened: the problem is in there.
    """

    label: str
    operation: Any = None
    opens: str = ""

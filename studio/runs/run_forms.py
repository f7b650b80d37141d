"""What a person typed for runs of an open flow: kept by flow and browser, for Run and Chat alike.

Kept here and not with a page, so that the routes that start runs find it, and a reload keeps it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from patchbay.flows.problems import Problem

KEPT = 500
"""How many forms are remembered; the one that was used longest ago goes first."""


@dataclass
class RunForm:
    """What was typed. `values` are the inputs that were touched, by name; the rest has defaults.

    `environment` is the one whose values the flow's variables have; None where nobody chose one.
    """

    values: dict[str, Any] = field(default_factory=dict)
    environment: str | None = None
    refused: tuple[int, tuple[Problem, ...]] = (-1, ())
    """The revision of the flow that was not started when somebody tried, and why."""


class RunForms:
    """The forms of this process."""

    def __init__(self, kept: int = KEPT) -> None:
        self._forms: OrderedDict[tuple[str, str], RunForm] = OrderedDict()
        self._kept, self._lock = kept, threading.Lock()

    def of(self, document: str, browser: str) -> RunForm:
        """The form of a flow, by the id of its document, for this browser."""
        key = (document, browser)
        with self._lock:
            form = self._forms.setdefault(key, RunForm())
            self._forms.move_to_end(key)
            while len(self._forms) > self._kept:
                self._forms.popitem(last=False)
        return form

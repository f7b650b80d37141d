"""Edits from Python: the inspector, fix buttons, the toolbar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchbay.flows.document.edit import EditError
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server import session

Refresh = Callable[[], None]
"""Reruns what depends on the flow. For callbacks; does not return."""


def edit(document: FlowDocument, operation: Any, refresh: Refresh, merge: str = "") -> None:
    """Apply an edit and refresh. What cannot be done is told."""
    try:
        document.apply(operation, client=session.client(), merge=merge)
    except EditError as error:
        session.remember("notice", str(error))
    refresh()

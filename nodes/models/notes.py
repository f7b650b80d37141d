"""What a model has to say besides its answer: that it waited, or that another one stood in.

It travels with the answer, in the `response_metadata` of LangChain's messages, because an opened
model outlives the run that opened it and knows nobody whom it could tell.
"""

from __future__ import annotations

from typing import Any

NOTES = "notes"
"""The key under which sentences for the person stand."""


def notes_in(message: Any) -> list[str]:
    """The notes that a message, or a chunk of one, carries."""
    found = message.response_metadata.get(NOTES, ())
    return [str(text) for text in found] if isinstance(found, (list, tuple)) else []

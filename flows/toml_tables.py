"""Files of ours in TOML that people write in, too: changed as text, so that their comments stay."""

from __future__ import annotations

import re


def without_table(text: str, name: str) -> str:
    """A text of TOML without one of its tables, up to the next; the rest stays as it is."""
    return re.sub(rf"(?ms)^\[{re.escape(name)}\][^\n]*(?:\n|\Z).*?(?=^\[|\Z)", "", text)

"""Names of Python for the nodes and ports of a flow."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

RESERVED = frozenset({
    "SKIPPED", "ask", "asking", "main", "node", "show", "take",  # of ours
    "create_agent", "init_chat_model", "os", "pipeline", "sys",  # imported from others
    "builder", "graph", "state",  # of a graph of LangGraph
    "dict", "float", "list", "next", "object", "print", "str",
})  # fmt: skip
"""Names that a script uses itself. A node of that name would take their place within `main`."""


def python_name(text: str, taken: Iterable[str] = ()) -> str:
    """A name that Python takes, and nobody has."""
    base = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "value"
    if base[0].isdigit():
        base = f"n_{base}"
    if keyword.iskeyword(base) or base in RESERVED:
        base += "_"
    known, number, made = set(taken), 1, base
    while made in known:
        number += 1
        made = f"{base}_{number}"
    return made

"""Stubs: a switched-off node in place of one that has no equal here. Wires and inputs stay."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

MAX_TEXT = 6000
_CODE = re.compile(r"(?i)(code|function|javascript|script|customreadcsv|zod|schema)")


def stub_port(name: str) -> str:
    """The name of a port of a stub."""
    made = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")[:60] or "value"
    return made if made[0].isalpha() or made[0] == "_" else f"p_{made}"


def put_stub(lowering: Lowering, mapped: Mapped, reason: str) -> str:
    """Add the stub of a node, a note with its settings, and the line in the report; its id."""
    node = mapped.node
    kind = f"{lowering.graph.builder}:{node.type}"[:100]
    title = node.title or mapped.spec.title or node.type
    made = lowering.draft.add(
        title, kind, {"settings": _bounded(mapped.settings)}, node.at, title=title, disabled=True
    )
    lowering.report.add("refused", mapped.what, reason, made)
    text = _note(mapped, reason)
    at = (node.at[0], node.at[1] + 180) if node.at else None
    lowering.draft.note(text, at, (320, 200), "gray")
    return made


def _note(mapped: Mapped, reason: str) -> str:
    lines = [f"{mapped.what}: {reason}", ""]
    for key, value in mapped.settings.items():
        if value in (None, "", [], {}):
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(f"{key}: {text[:MAX_TEXT]}")
    return "\n".join(lines)


def _bounded(value: Any, depth: int = 0) -> Any:
    """Settings as data of bounded depth and size."""
    if depth > 12:
        return None
    if isinstance(value, dict):
        return {str(key)[:200]: _bounded(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bounded(inner, depth + 1) for inner in value[:500]]
    return value[:20_000] if isinstance(value, str) else value

"""An answer in JSON, as every route beside the page gives it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.responses import Response


def as_json(found: Any, status: int = 200) -> Response:
    """An answer that nobody keeps and nobody takes for something else than JSON."""
    from starlette.responses import Response as Plain

    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Plain(_json(found), status, headers=headers, media_type="application/json")


def _json(found: Any) -> bytes:
    """As a browser reads it: JSON has no NaN and no infinity (null stands for them), and UTF-8 no
    half of a character."""
    try:
        text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(found), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value

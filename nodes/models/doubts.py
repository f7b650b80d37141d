"""What is said of a JSON schema before a model is asked with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.forced import forced
from patchbay.nodes.values import ModelSpec


def schema_doubts(model: Any, schema: Mapping[str, JsonValue] | None) -> Sequence[str]:
    """What of a schema a model cannot be held to while it writes, as sentences.

    Args:
        model: a description; anything else is not known yet.
        schema: what is asked for; None where nothing is.

    Raises:
        NodeError: no answer could ever follow the schema.
    """
    if schema is None or not isinstance(model, ModelSpec):
        return ()
    left_out = model.unforced(schema)
    if not left_out:
        return ()
    listed = ", ".join(left_out)
    return (
        f"While the model writes, a grammar cannot hold it to this of the JSON schema: {listed}. "
        "Its answer is checked against the whole schema afterwards, and may fail.",
    )


def unforced(schema: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """What of a schema a grammar cannot force.

    Raises:
        NodeError: no grammar can be made of it.
    """
    made = forced(schema)
    if made.impossible:
        raise impossible(made.impossible)
    return made.left_out


def impossible(why: str) -> NodeError:
    """No model can follow such a schema."""
    return NodeError(
        f"No model can be held to this JSON schema: {why}.",
        fix="Correct the schema, or take a simpler one.",
        code="model/json-schema",
        retry=False,
    )

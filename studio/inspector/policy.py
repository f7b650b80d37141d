"""How the engine treats a node, as fields: the settings that every kind has."""

from __future__ import annotations

from functools import cache
from typing import Any

from patchbay.flows.document.model import RunPolicy
from patchbay.studio.inspector.declared import described, fields_of

LABELS = {
    "retries": "Retries",
    "backoff_s": "Seconds before the first retry",
    "timeout_s": "Time limit (seconds)",
    "on_error": "When it fails",
    "cache": "Known results",
}
DOCS = {
    "retries": "How often to try again after a failure.",
    "backoff_s": "Doubles with each further try.",
    "timeout_s": "Seconds that one try may take. Empty: as long as it needs.",
    "on_error": "Whether a failure ends the run, or only what depends on the node.",
    "cache": "Whether a result that is known already is taken instead of running the node.",
}
WORDS = {
    "on_error": {"fail": "The run ends", "continue": "The rest goes on"},
    "cache": {
        "auto": "Use them where repeatable",
        "always": "Always use them",
        "never": "Run every time",
    },
}
"""What the choices of a setting are called."""


@cache
def policy_fields() -> list[dict[str, Any]]:
    """A field for each setting of `RunPolicy`, as the browser gets it; `words` for its choices."""
    schema = RunPolicy.model_json_schema()
    declared = {"params": schema["properties"], "definitions": schema.get("$defs", {})}
    return [
        {
            **described(spec),
            "label": LABELS[spec.name],
            "doc": DOCS[spec.name],
            **({"words": WORDS[spec.name]} if spec.name in WORDS else {}),
        }
        for spec in fields_of(declared)
    ]

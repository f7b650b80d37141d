"""The JSON Schema of the flow format, from the model.

`python -m patchbay.flows.document.schema --write` writes it anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import FORMAT, Flow, Part
from patchbay.nodes.docstrings import attribute_docs
from patchbay.nodes.generated import main

SCHEMA_FILE = Path(__file__).parents[1] / "flow.schema.json"


def flow_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the current format."""
    schema = Flow.model_json_schema(by_alias=True)
    for cls in Part.__subclasses__():
        if cls.__module__ != Flow.__module__:  # an operation
            continue
        body = schema if cls is Flow else schema["$defs"][cls.__name__]
        docs = attribute_docs(cls)
        for name, field in cls.model_fields.items():
            if name in docs:
                place = field.alias or name
                described = {**body["properties"][place], "description": docs[name]}
                body["properties"][place] = dict(sorted(described.items()))
    schema["required"] = ["format"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Patchbay flow, format {FORMAT}",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(flow_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(SCHEMA_FILE, schema_text, "patchbay.flows.document.schema"))

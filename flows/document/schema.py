"""The JSON Schema of the flow format, from the model.

`python -m patchbay.flows.document.schema --write` writes it anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import FORMAT, Flow

SCHEMA_FILE = Path(__file__).parents[1] / "flow.schema.json"


def flow_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the current format."""
    schema = Flow.model_json_schema(by_alias=True)
    schema["required"] = ["format"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Patchbay flow, format {FORMAT}",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(flow_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Check the committed schema, or write it."""
    parser = argparse.ArgumentParser(
        prog="python -m patchbay.flows.document.schema", description=__doc__
    )
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--check", action="store_true", help="exit 1 if the file has drifted")
    group.add_argument("--write", action="store_true", help="write the file")
    if parser.parse_args(arguments).write:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
        return 0
    if SCHEMA_FILE.is_file() and SCHEMA_FILE.read_text(encoding="utf-8") == schema_text():
        return 0
    sys.stderr.write(
        f"{SCHEMA_FILE.name} has drifted. Run: python -m patchbay.flows.document.schema --write\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# Guess: a tool whose schema forbids arguments that it does not have refuses them, however many it has.
# What happens: one with an argument refuses others with a ValidationError; one without any is called, and what the model gave
# is dropped before the schema is looked at.
# Seen with langchain-core 1.8.3 on 2026-11-30.
# Why it matters: a clock that takes nothing is asked for the time in Tokyo; it tells that of its own zone, and the model reads it
# as Tokyo's. With an error it could say better what it wants.
source "$(dirname "$0")/_env.sh"
packages 'langchain-core==1.8.3'
"$PY" - <<'PY'
from importlib.metadata import version

from langchain_core.tools import StructuredTool
from pydantic import ConfigDict, ValidationError, create_model


def called(**fields):
    schema = create_model("Given", __config__=ConfigDict(extra="forbid"), **fields)
    tool = StructuredTool.from_function(
        name="t", description="A tool.", args_schema=schema, func=lambda **given: str(given)
    )
    try:
        return tool.invoke({**dict.fromkeys(fields, "x"), "zone": "Asia/Tokyo"})
    except ValidationError as problem:
        return f"ValidationError: {problem.errors()[0]['msg']}"


with_one, with_none = called(place=(str, ...)), called()
print("langchain-core", version("langchain-core"))
print(f"  a tool with one argument, given another: {with_one}")
print(f"  a tool without arguments, given one: {with_none}")
raise SystemExit(0 if with_one.startswith("ValidationError") and with_none == "{}" else 1)
PY

#!/usr/bin/env bash
# Guess: a tool's function is called with the arguments that the model gives, whatever an interface or a server of tools calls them.
# What happens: `StructuredTool` takes `config` and `run_manager` for its own, so an argument of that name is lost without a word,
# and the function runs without it; one that is called `self` raises a TypeError. Others (`callbacks`, `args`, `input`) arrive.
# Seen with langchain-core 1.8.3 on 2026-11-29.
# Why it matters: tools made from OpenAPI documents and from servers of the Model Context Protocol have parameters of these names;
# the model gives them, the log shows them, and the server never sees them.
source "$(dirname "$0")/_env.sh"
packages 'langchain-core==1.8.3'
"$PY" - <<'PY'
import asyncio
from importlib.metadata import version

from langchain_core.tools import StructuredTool


async def use(**given):
    return str(given)


def called(name):
    schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    tool = StructuredTool(name="t", description="A tool.", args_schema=schema, coroutine=use)
    try:
        return asyncio.run(tool.ainvoke({name: "x"}))
    except TypeError as problem:
        return f"TypeError: {problem}"


found = {name: called(name) for name in ("config", "run_manager", "self", "callbacks", "input")}
print("langchain-core", version("langchain-core"))
for name, said in found.items():
    print(f"  an argument named {name}: {said}")
lost = found["config"] == found["run_manager"] == "{}" and found["self"].startswith("TypeError")
arrived = found["input"] == "{'input': 'x'}" and found["callbacks"] == "{'callbacks': 'x'}"
raise SystemExit(0 if lost and arrived else 1)
PY

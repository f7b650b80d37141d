#!/usr/bin/env bash
# Guess: a model with `defer_build=True` is built when it is first used; two threads that use it first at the same time both get it.
# What happens: while one thread builds it, another sees no schema on it and takes that of the class above: `model_json_schema` gives
# the parent's properties, none here, and no error. Others raise an AttributeError or an AssertionError.
# Seen with pydantic 2.12.5 on Python 3.11.7 on 2026-11-30.
# Why it matters: catalogs of hundreds of nodes, tools and messages are declared so, so as not to build all of them at the start, and a server then
# uses each for the first time in whatever threads ask first. A form or a tool without fields is the result, once, for good where kept.
source "$(dirname "$0")/_env.sh"
packages 'pydantic==2.12.5'
"$PY" - <<'PY'
import sys
import threading
from collections import Counter

import pydantic
from pydantic import BaseModel, ConfigDict, create_model

sys.setswitchinterval(1e-5)


class Params(BaseModel):
    model_config = ConfigDict(defer_build=True)


Params()
kinds = [
    create_model(f"Kind{n}", __base__=Params, **{f"field{m}": (list[dict[str, int]], []) for m in range(12)})
    for n in range(60)
]
begin, seen = threading.Barrier(4), Counter()


def use():
    begin.wait()
    for kind in kinds:
        try:
            fields = len(kind.model_json_schema().get("properties", {}))
            seen[f"{fields} fields"] += 1
        except (AttributeError, AssertionError, KeyError) as problem:
            seen[type(problem).__name__] += 1


threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("pydantic", pydantic.VERSION, "Python", sys.version.split()[0])
print(f"  schemas of {len(kinds)} models with 12 fields, asked for by 4 threads: {dict(seen)}")
raise SystemExit(0 if seen["0 fields"] else 1)
PY

"""How much memory an opened model really takes: that by which a fresh process grows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from patchbay.nodes.values import ModelSpec

_SCRIPT = """
import importlib, json, sys, psutil
module, name, fields, imported, prompt = json.loads(sys.argv[1])
from tests.nodes.models.conftest import Quiet
spec = getattr(importlib.import_module(module), name).model_validate_json(fields)
for library in imported:
    importlib.import_module(library)
process = psutil.Process()
before = process.memory_info().rss
model = spec.open(Quiet())
options = spec.call_options(temperature=0, max_tokens=4)
if prompt:
    model.invoke(prompt, **options)
print(json.dumps(process.memory_info().rss - before))
"""


def resident(spec: ModelSpec, prompt: str = "", imported: Sequence[str] = ()) -> int:
    """Bytes by which a process grows when it opens a model and asks it `prompt`.

    `imported` are libraries that it needs whatever the model; they do not count.
    """
    cls = type(spec)
    given = [cls.__module__, cls.__name__, spec.model_dump_json(), list(imported), prompt]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout.splitlines()[-1]))

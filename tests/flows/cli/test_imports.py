"""What a run of a small flow imports: the modules of its own kinds, whether cached or not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.nodes.builtin import BUILTIN
from tests.flows.runs.harness import OUT, flow

SMALL = flow(
    {
        "q": ("io.input", {"name": "question", "default": "hello"}),
        "t": ("prompt.template", {"template": "<{question}>"}),
        "o": OUT,
    },
    ["q.value > t.question", "t.text > o.value"],
)
SCRIPT = """
import json, sys
sys.argv[0] = "patchbay"
from patchbay.flows.cli.app import app
try:
    app()
finally:
    sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("way", [["--no-cache"], [], ["--record"]], ids=["run", "cached", "kept"])
def test_no_module_of_another_kind(
    way: list[str], environ: dict[str, str], save: Callable[[Flow], Path]
) -> None:
    path, used = save(SMALL), {node.kind for node in SMALL.nodes}
    for _ in range(2):  # the second finds the results of the first
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "run", str(path), *way],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "<hello>\n"
        modules = set(json.loads(done.stderr.splitlines()[-1]))
        others = {place.partition(":")[0] for kind, place in BUILTIN.items() if kind not in used}
        assert modules & others == set()
        assert "tests.flows.runs.nodes" not in modules, (
            "an installed package that the flow needs not"
        )

"""What the README says of plugins: when one is imported, and when none is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT, python_path

OPENED = (
    "from patchbay.flows.document.reading import read_flow; "
    "flow = read_flow('flows/saved/ask.json')"
)
COMPARED = f"{OPENED}; from patchbay.flows.document.diff import changes; changes(flow, flow)"
CHECKED = (
    "from patchbay.flows.checks.validate import validate; from patchbay.nodes.catalog import *; "
    "validate(flow, load_catalog(), None)"
)
STRANGE = (
    "from patchbay.flows.document.model import Flow, NodeInstance; "
    "flow = Flow(nodes=(NodeInstance(id='a', kind='strangers.kind'),))"
)


@pytest.mark.parametrize(
    ("code", "imported"),
    [
        (OPENED, False),
        (COMPARED, False),
        (f"{OPENED}; {CHECKED}", False),
        (f"{STRANGE}; {CHECKED}", True),
    ],
    ids=["opening", "comparing", "checking what ships", "checking another kind"],
)
def test_when_a_plugin_is_imported(tmp_path: Path, code: str, imported: bool) -> None:
    info = tmp_path / "patchbay_told-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patchbay-told\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[patchbay.nodes]\ntold = told:NODES\n")
    (tmp_path / "told.py").write_text("print('imported')\nNODES = []\n")
    env = {**os.environ, "PYTHONPATH": python_path(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert ("imported" in done.stdout) == imported

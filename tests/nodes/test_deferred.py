"""Params and values are built when they are first used: by one thread at a time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.paths import ROOT

FIRST_USE = """
import sys, threading
from patchbay.flows.document.model import NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.nodes.declaration import default_params, node_declaration

sys.setswitchinterval(1e-5)
kinds = list(default_catalog())[:40]
begin, wrong = threading.Barrier(4), []

def use(first):
    begin.wait()
    for kind in kinds:
        try:
            uses[first](kind)
        except Exception as error:
            wrong.append(f"{kind.kind}: {error!r}")

uses = {uses}
threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*wrong[:5], sep="\\n")
"""
USES = {
    "shown": "[node_declaration] * 4",
    "made": "[default_params] * 4",
    "both": "[node_declaration, default_params] * 2",
    "read": "[lambda kind: NodeInstance(id='a', kind=kind.kind)] * 4",
}


@pytest.mark.parametrize("uses", USES)
def test_threads_that_use_classes_for_the_first_time_do_not_meet(uses: str):
    """Four at once, in a process of their own: the first use is the only one that builds."""
    script = FIRST_USE.replace("{uses}", USES[uses])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr[-2000:]

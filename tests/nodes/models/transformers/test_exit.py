"""A process that ends while a network computes ends with its own exit status."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import contextlib, threading
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.values import Opening

class Quiet(Opening):
    def report(self, label, done, total): pass
    def secret(self, ref): raise NotImplementedError
    def open(self, spec): return spec.open(self)

model = TransformersModel(context=512, parallel=1).open(Quiet())
begun = threading.Event()

def talk():
    with contextlib.suppress(NodeError):  # the model is closed under it
        for chunk in model.stream("Tell a very long story.", temperature=0, max_tokens=400):
            begun.set()

threading.Thread(target=talk, daemon=True).start()
assert begun.wait(240)
"""


def test_an_answer_in_the_making_does_not_abort_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")

"""`python -m tests.cluster.ray_training`: trainings on Ray, each in an actor of its own.

A run whose training is killed goes on from its last checkpoint in another process; an experiment
with two variants of a training runs both and compares them, and so does one without a model.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from patchbay.nodes.home import weights_dir
from tests.cluster.watching import actors, noted
from tests.paths import ROOT, python_path

FLOW = "train_adapter.json"
STEPS = 16


def main() -> int:
    """Train, and say how it went."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        document = json.loads((ROOT / "flows" / "saved" / FLOW).read_text("utf-8"))
        for node in document["nodes"]:
            if node["id"] == "train":
                node["params"] |= {"steps": STEPS, "keep_every": 4}
        (folder / FLOW).write_text(json.dumps(document), encoding="utf-8")
        env = {
            **os.environ,
            "PYTHONPATH": python_path(ROOT),
            "PATCHBAY_HOME": str(folder / "home"),
            "PATCHBAY_WEIGHTS": str(weights_dir()),
        }
        found = [_killed(folder, env), _variants(folder, env)]
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 0 if all(found) else 1


def _words(*words: str) -> list[str]:
    return [sys.executable, "-m", "patchbay.flows", *words]


def _killed(folder: Path, env: dict[str, str]) -> bool:
    """A training whose process is killed after its first checkpoint goes on from there."""
    words = _words("run", str(folder / FLOW), "--on", "ray", "--workers", "1", "--events")
    process = subprocess.Popen(words, env=env, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)  # fmt: skip
    assert process.stdout is not None
    killed, labels, last = False, [], {}
    for line in process.stdout:
        last = json.loads(line)
        if last["type"] == "node_progress" and last["node"] == "train":
            labels.append(last["label"])
            if not killed and last["done"] >= 5 and last["total"]:
                for actor in actors(process.pid, "WorkActor"):
                    os.kill(actor.pid, signal.SIGKILL)
                killed = True
    _, said = process.communicate(timeout=60)
    again = any("going on from checkpoint-4" in label for label in labels)
    right = killed and again and process.returncode == 0 and last["outputs"]["after"].strip() != ""
    more = f"{process.returncode} {labels} {said[-1500:]} {str(last)[:500]}\n"
    return noted("a training that was killed goes on from its checkpoint", right, more)


def _variants(folder: Path, env: dict[str, str]) -> bool:
    """Two ranks, each trained in an actor of its own, over two cases."""
    cases = folder / "cases.jsonl"
    rows = [("The food was cold.", "negative"), ("What a lovely day.", "positive")]
    cases.write_text(
        "".join(json.dumps({"remark": r, "expected": e}) + "\n" for r, e in rows), encoding="utf-8"
    )
    words = _words("experiment", str(folder / FLOW), "--cases", str(cases), "--vary",
                   "train.rank=2,4", "--output-name", "after", "--on", "ray", "--workers", "2",
                   "--report", "json")  # fmt: skip
    ran = subprocess.run(words, env=env, text=True, capture_output=True, check=False, timeout=900)
    made: Any = json.loads(ran.stdout) if ran.returncode == 0 else {}
    trained = list((folder / "home" / "trainings").glob("*/training.json"))
    right = len(trained) == 3 and len(made.get("variants", ())) == 2
    return noted("an experiment trains its variants", right, f"{ran.stdout[:800]}\n{ran.stderr}\n")


if __name__ == "__main__":
    sys.exit(main())

"""How much a trivial run imports: `python tests/startup.py`. Fails when it grows past `MOST`.

Every module costs each start of `patchbay run` time and memory. Those of Python itself do not
count, since they differ between its versions.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.paths import ROOT, python_path

MOST = 168
"""Modules of ours and of libraries; lower it when you can, and say why when you raise it."""

SCRIPT = """
import json, sys
sys.argv = ["patchbay", "run", {flow!r}, "--quiet", "--no-cache"]
from patchbay.flows.cli import main
try:
    main()
finally:
    found = [name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names]
    sys.stderr.write("\\n" + json.dumps(found))
"""


def imported() -> list[str]:
    """The modules that a run of a flow without a model imports."""
    flow = str(ROOT / "bench" / "flows" / "plain.json")
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(flow=flow)],
            env={"PYTHONPATH": python_path(ROOT), "PATCHBAY_HOME": home, "PATH": "/usr/bin:/bin"},
            cwd=Path(home),
            capture_output=True,
            text=True,
            check=True,
        )
    return list(json.loads(done.stderr.splitlines()[-1]))


def main() -> int:
    """1 where there are more than `MOST`."""
    found = imported()
    print(f"A trivial run imports {len(found)} modules of ours and of libraries; at most {MOST}.")
    if len(found) <= MOST:
        return 0
    print("What is imported on loading can often be imported where it is used:")
    print("\n".join(sorted(name for name in found if name.startswith("patchbay"))))
    return 1


if __name__ == "__main__":
    sys.exit(main())

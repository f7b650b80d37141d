"""Check the types of what is published as `patchbay.*`: `python tests/typed.py [options of mypy]`.

mypy looks for a package `patchbay` with our folders inside; in a checkout they stand at the top.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ROOT / ".mypy_cache" / "rooms" / "patchbay"


def main() -> int:
    """mypy's exit status."""
    ROOMS.mkdir(parents=True, exist_ok=True)
    for layer in ("nodes", "flows", "studio"):
        link = ROOMS / layer
        if not link.is_symlink():
            link.symlink_to(ROOT / layer, target_is_directory=True)
    command = [sys.executable, "-m", "mypy", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

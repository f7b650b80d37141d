"""One go at a batch, in a process that may be killed: `python -m` this, ROWS, OUT."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.flows.batch.kit import over, shouting


def main() -> int:
    """Go on with the batch, or begin it."""
    rows, out = sys.argv[1:]
    resume = Path(f"{out}.batch", "manifest.json").exists()
    wait_s = 0.001
    asyncio.run(over(shouting(wait_s=wait_s), rows, out, slots=6, resume=resume, keep=("n",)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

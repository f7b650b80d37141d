"""`python -m bench [--quick] [--only NAME]`: measure, print one table, exit 1 on a miss."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from dataclasses import asdict

from bench.peers import ROOT
from bench.table import Row, render

MEASURES = (
    "process", "studio", "engine", "again", "journal", "validation", "models", "lora", "retrieval",
    "agents", "canvas", "streams", "newcomer", "studio_memory", "logic", "exchange", "serving",
    "batch", "cluster", "experiments", "training",
)  # fmt: skip
"""Modules with a `measure(quick)` that yields rows. Whole processes come first, while this one is
small and the machine quiet."""


def main() -> int:
    """Run the chosen measures, print them, and keep them in bench/results/."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--only", action="append", choices=MEASURES, help="just this; repeatable")
    chosen = parser.parse_args()
    rows: list[Row] = []
    for name in chosen.only or MEASURES:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        rows.extend(importlib.import_module(f"bench.{name}").measure(chosen.quick))
    print(render(rows))
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    saved = [{**asdict(row), "ratio": row.ratio, "ok": row.ok} for row in rows]
    path = results / time.strftime("%Y%m%d-%H%M%S.json")
    path.write_text(json.dumps(saved, indent=1), encoding="utf-8")
    return 1 if any(row.ok is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

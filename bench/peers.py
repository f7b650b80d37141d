"""The peers that we compare with, in an environment of their own: `.venv-peers`."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv-peers"
PINS = ("lfx==1.13.0", "langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2")


def command(name: str) -> str | None:
    """A program of the peers' environment, or None where it is not installed."""
    path = PEERS / "bin" / name
    return str(path) if path.exists() else None


def has_langgraph() -> bool:
    """Whether LangGraph is installed there."""
    return any(PEERS.glob("lib/python3*/site-packages/langgraph/graph"))


def install() -> None:
    """Create the environment; about half a gigabyte."""
    if not (PEERS / "bin" / "python").exists():
        venv.create(PEERS, with_pip=True)
    pip = [
        str(PEERS / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
    ]
    print(f"Installing {' and '.join(PINS)} into {PEERS.name}: about half a gigabyte.")
    subprocess.run([*pip, *PINS], check=True)


if __name__ == "__main__":
    install()

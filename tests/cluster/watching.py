"""What the proofs over a real Ray look at, and how they say what they saw."""

from __future__ import annotations

import sys

import psutil


def noted(what: str, right: bool, more: str = "") -> bool:
    """Say whether something was right, and `more` where it was not."""
    sys.stdout.write(f"{what}: {'right' if right else 'WRONG'}\n{'' if right else more}")
    sys.stdout.flush()
    return right


def actors(head: int, name: str) -> list[psutil.Process]:
    """The actors of a kind below a process: Ray names their processes so."""
    found = []
    for child in psutil.Process(head).children(recursive=True):
        try:
            if f"ray::{name}" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found

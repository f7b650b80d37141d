"""Flows: read them, check them, run them.

from flows import load, run, stream
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.api import RunResult, arun, load, run, stream
    from flows.failures import RunError
    from flows.problems import FlowError, Problem
    from flows.running import LoadedFlow, Run

_HOME = {
    **dict.fromkeys(("RunResult", "arun", "load", "run", "stream"), "api"),
    **dict.fromkeys(("LoadedFlow", "Run"), "running"),
    "RunError": "failures",
    "FlowError": "problems",
    "Problem": "problems",
}

__all__ = [
    "FlowError",
    "LoadedFlow",
    "Problem",
    "Run",
    "RunError",
    "RunResult",
    "arun",
    "load",
    "run",
    "stream",
]


def __getattr__(name: str) -> Any:
    """Import on first use, so that reading a flow does not load the engine."""
    if name not in _HOME:
        raise AttributeError(f"module 'flows' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"flows.{_HOME[name]}"), name)

"""Flows: read them, check them, run them.

from flows import load, run, stream
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchbay.flows.problems import FlowError, Problem
    from patchbay.flows.runs.api import RunResult, aanswer, answer, arun, load, run, stop, stream
    from patchbay.flows.runs.failures import RunError
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.running import LoadedFlow, Run
    from patchbay.flows.runs.thread_runs import InThread
    from patchbay.flows.runs.threads import Threads

_HOME = {
    **dict.fromkeys(
        ("RunResult", "aanswer", "answer", "arun", "load", "run", "stop", "stream"), "runs.api"
    ),
    **dict.fromkeys(("LoadedFlow", "Run"), "runs.running"),
    "History": "runs.history",
    "InThread": "runs.thread_runs",
    "RunError": "runs.failures",
    "Threads": "runs.threads",
    "FlowError": "problems",
    "Problem": "problems",
}

__all__ = [
    "FlowError",
    "History",
    "InThread",
    "LoadedFlow",
    "Problem",
    "Run",
    "RunError",
    "RunResult",
    "Threads",
    "aanswer",
    "answer",
    "arun",
    "load",
    "run",
    "stop",
    "stream",
]


def __getattr__(name: str) -> Any:
    """Import on first use, so that reading a flow does not load the engine."""
    if name not in _HOME:
        raise AttributeError(f"module 'patchbay.flows' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"patchbay.flows.{_HOME[name]}"), name)


if __name__ == "flows":  # its former name, found as a folder of a checkout
    import runpy

    runpy.run_path(f"{__path__[0]}/../nodes/checkout.py")["become"]("flows")

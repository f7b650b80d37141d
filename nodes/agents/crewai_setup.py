"""CrewAI 1.15 kept quiet and at home. Everything that depends on its version stands here.

By itself CrewAI sends telemetry, asks on the terminal whether it may trace, looks for newer
versions of itself, and writes to the user's configuration folder, data folder and temporary folder,
some of that while it is imported. None of it happens after `prepare`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder
from patchbay.nodes.units import duration

if TYPE_CHECKING:
    from crewai.memory.unified_memory import Memory

_ENVIRONMENT = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TESTING": "true",  # no question about the first run, no note of the last one
}
"""Read by CrewAI when it is imported, and again while it runs."""

_lock = threading.Lock()
_file_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


def folder() -> Path:
    """Where CrewAI keeps what it keeps: in our home folder."""
    return home() / "crewai"


def prepare() -> None:
    """Import CrewAI with its habits off. Takes seconds the first time; call it in a thread.

    Raises:
        ImportError: CrewAI is not installed.
    """
    with _lock:
        os.environ.update(_ENVIRONMENT)
        # Joined to the user's data folder by CrewAI: an absolute path takes its place.
        os.environ["CREWAI_STORAGE_DIR"] = str(folder().absolute())
        _stay_home()
        import crewai  # noqa: F401

        _no_console()


def _stay_home() -> None:
    """Settings and keys belong in our folder, and locks of files nowhere."""
    from crewai_core import lock_store, settings, token_manager

    def keys() -> Path:
        place = folder() / "credentials"
        return private_folder(place)

    settings.DEFAULT_CONFIG_PATH = folder() / "settings.json"
    token_manager.TokenManager._get_secure_storage_path = staticmethod(keys)  # type: ignore[method-assign]
    lock_store.set_lock_backend(_in_process_lock)


def _no_console() -> None:
    """Its executor has a console of its own for some remarks, and failures are logged to stderr.

    Whoever wants to read CrewAI's log adds a handler to the logger `crewai`.
    """
    import io
    import logging

    from crewai.agents.agent_executor import AgentExecutor
    from rich.console import Console

    attribute = AgentExecutor.__private_attributes__["_console"]
    attribute.default_factory = lambda: Console(file=io.StringIO())
    log = logging.getLogger("crewai")
    log.propagate = False
    log.addHandler(logging.NullHandler())


@contextlib.contextmanager
def _in_process_lock(name: str, *, timeout: float) -> Iterator[None]:
    """Between the threads of this process; between processes SQLite has locks of its own."""
    if not _file_locks[name].acquire(timeout=timeout):
        raise TimeoutError(f"CrewAI waited more than {duration(timeout)} for {name}.")
    try:
        yield
    finally:
        _file_locks[name].release()


def silence() -> None:
    """No word on the terminal from what runs in this thread and the threads it starts."""
    from crewai.events.listeners.tracing.utils import set_suppress_tracing_messages
    from crewai_core.printer import set_suppress_console_output

    set_suppress_console_output(True)
    set_suppress_tracing_messages(True)


def stop_error(reason: str) -> Exception:
    """The exception that ends a crew at once. CrewAI retries, or shows to the model, any other."""
    from crewai.hooks.dispatch import HookAborted

    stop: Exception = HookAborted(reason, source="patchbay")
    return stop


def is_stop(error: BaseException) -> bool:
    """Whether an exception is what `stop_error` gives."""
    from crewai.hooks.dispatch import HookAborted

    return isinstance(error, HookAborted)


class _NoStore:
    """In place of CrewAI's store of results, which only its command line reads."""

    def reset(self) -> None:
        """Nothing is kept."""

    def update(self, task_index: int, log: dict[str, Any]) -> None:
        """Nothing is kept."""

    def load(self) -> None:
        """Nothing is kept."""


def store_nothing(crew: Any) -> None:
    """Keep a crew from writing every result into an SQLite file; runs have a history of ours."""
    crew._task_output_handler = _NoStore()


AGENT_OPTIONS: dict[str, Any] = {
    "verbose": False,
    # What fails is reported as it is, once; a retry is the flow's decision.
    "max_retry_limit": 0,
    # Large results of tools would go into files in the temporary folder.
    "use_better_compaction": False,
}
CREW_OPTIONS: dict[str, Any] = {"verbose": False, "tracing": False, "share_crew": False,
                                "cache": False}  # fmt: skip


def local_memory(name: str, llm: Any, embed: Callable[[list[str]], list[list[float]]]) -> Memory:
    """CrewAI's memory on this machine: kept in our folder, searched by the given embeddings.

    CrewAI asks the model to cut results into memories and to rate them, and to rewrite what is
    looked for: several calls a task. Here a result is remembered as it is and found by likeness.
    """
    from crewai.memory.unified_memory import Memory

    class LocalMemory(Memory):
        def extract_memories(self, content: str) -> list[str]:
            return [content]

        def remember_many(self, contents: list[str], **given: Any) -> list[Any]:
            rated = {"scope": "/", "categories": [], "importance": 0.5, "metadata": {}}
            kept: list[Any] = super().remember_many(contents, **{**rated, **given})
            return kept

        def recall(self, query: str, **given: Any) -> list[Any]:
            found: list[Any] = super().recall(query, **{**given, "depth": "shallow"})
            return found

    place = folder() / "memory" / name
    private_folder(place)
    return LocalMemory(
        llm=llm, storage=str(place), embedder=embed, root_scope="/crew", consolidation_threshold=1.0
    )

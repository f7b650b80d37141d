"""Who blocks an event loop: files, databases and sockets that nodes open on it, as Python reports.

While a node waits for a disk or a server on the loop, no other node, no stream and no Stop gets its
turn. Audit hooks (PEP 578) see every such call, whatever library makes it.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from patchbay import flows, nodes

HOME = f"{Path(nodes.__file__).parent}/"
ENGINE = f"{Path(flows.__file__).parent}/"
TESTS = f"{Path(__file__).parents[1]}/"
AWAITED = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
BLOCKING = {
    "open", "sqlite3.connect", "socket.connect", "socket.getaddrinfo", "subprocess.Popen",
    "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod",
    "shutil.rmtree", "shutil.copyfile", "time.sleep",
}  # fmt: skip
NO_DISK = ("/dev/", "/proc/", "/sys/", "/usr/share/zoneinfo/")
"""What opens at once: the system's own, and time zones, which Python keeps."""
LIBRARIES = ("/importlib/", "/asyncio/", "/anyio/", "<frozen ")
"""What blocks below these is theirs: imports, and loops that start a process."""
ALLOWED = {
    ("nodes/retrieval/index_node.py", "repeatable"),  # one small file, before the node runs
    ("nodes/weights/download.py", "_tries"),  # on a loop that it makes for itself, in a thread
}

found: list[str] = []
"""What blocked since it was cleared: the event, what it was about, and where."""


def watch() -> None:
    """Look on from now on. A hook cannot be taken away again."""
    if not getattr(sys, "_patchbay_watched", False):
        sys._patchbay_watched = True  # type: ignore[attr-defined]
        sys.addaudithook(_heard)


def check() -> None:
    """Fail if anything blocked since `found` was cleared, and clear it."""
    blocked, found[:] = list(found), []
    assert not blocked, "On the event loop, where ctx.blocking belongs: " + "; ".join(blocked)


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if event not in BLOCKING or asyncio._get_running_loop() is None:
        return
    about = str(args[0]) if args else ""
    if about.startswith(NO_DISK):
        return
    if where := _in_nodes(sys._getframe(1)):
        found.append(f"{event}({about[-80:]}) in {where}")


def _in_nodes(frame: FrameType | None) -> str:
    """The function of a node that the loop is in; empty where it is none, or allowed.

    Nor is it where a test calls a plain function of ours itself, to write a file for instance: only
    what it awaits is a node at work. What the engine does for a node counts as the engine's: it
    commits a question on the loop, before anybody sees it.
    """
    where, called = "", 0
    while frame is not None:
        file = frame.f_code.co_filename
        if any(part in file for part in LIBRARIES):
            return where  # what the loop itself is at, or what it took up: whoever called waits
        if file.startswith(ENGINE) and not where:
            return ""
        if file.startswith(TESTS):
            return where if called & AWAITED else ""
        if file.startswith(HOME):
            name = "nodes/" + file.removeprefix(HOME)
            if (name, frame.f_code.co_name) in ALLOWED:
                return ""
            if name.count("/") > 1:  # a file beside the rooms is a tool of who calls it
                where = where or f"{name}:{frame.f_lineno} ({frame.f_code.co_name})"
        if file.startswith((HOME, ENGINE)):
            called = frame.f_code.co_flags
        frame = frame.f_back
    return where

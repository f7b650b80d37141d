"""An event that nobody handles: the type checker names who forgot it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from patchbay.flows.runs.events import Event
from tests.paths import ROOT

CONSUMERS = (
    "flows/cli/watch.py", "flows/runs/recording.py", "flows/traces/run_trace.py",
    "studio/runs/progress.py",
)  # fmt: skip
"""Who follows a run to its end; each must know every event."""

EVENT = """@dataclass(frozen=True, slots=True, kw_only=True)
class {name}:
    \"\"\"Nobody handles it.\"\"\"

    type: Literal["{word}"] = "{word}"
    at: float
    {field}: str
{more}

"""
END = "    seconds: float\n    tokens: Tokens\n"


ADDED = {
    "NodeEvent": EVENT.format(name="NodeDreamed", word="node_dreamed", field="node", more=""),
    "Event": EVENT.format(name="RunDreamed", word="run_dreamed", field="run", more=""),
    "RunEnd": EVENT.format(name="RunVanished", word="run_vanished", field="run", more=END),
}
"""An event for each union."""


def checked(folder: Path, added: Mapping[str, str]) -> str:
    """What mypy says of the consumers, with events added to unions of `flows/runs/events.py`."""
    package = folder / "patchbay"
    package.mkdir()
    for layer in ("nodes", "studio"):
        (package / layer).symlink_to(ROOT / layer, target_is_directory=True)
    shutil.copytree(ROOT / "flows", package / "flows", ignore=shutil.ignore_patterns("saved"))
    events = package / "flows" / "runs" / "events.py"
    source = events.read_text(encoding="utf-8")
    for union, event in added.items():
        name = re.findall(r"class (\w+)", event)[0]
        source, count = re.subn(rf"^{union} = ", f"{union} = {name} | ", source, flags=re.M)
        assert count == 1
    place = "\n".join(line for line in source.splitlines() if line.startswith("NodeEvent = "))
    events.write_text(source.replace(place, "".join(added.values()) + place), encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", folder)
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-error-summary",
            "--follow-imports", "silent", "--cache-dir", str(ROOT / ".mypy_cache" / "exhaustive"),
            *(option for name in CONSUMERS for option in ("-m", module_of(name))),
        ],
        cwd=folder,
        # mypy looks along PYTHONPATH as well, where another copy of `patchbay` may lie.
        env={**os.environ, "MYPYPATH": str(folder), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def module_of(file: str) -> str:
    """The name that a file is imported by."""
    return "patchbay." + file.removesuffix(".py").replace("/", ".")


def test_events_that_nobody_handles_are_found(tmp_path: Path) -> None:
    (tmp_path / "today").mkdir()
    assert checked(tmp_path / "today", {}) == ""
    said = checked(tmp_path, ADDED)
    forgot = {
        (file, name)
        for file in CONSUMERS
        for name in ("NodeDreamed", "RunDreamed", "RunVanished")
        if any(file in line and name in line for line in said.splitlines())
    }
    watch, history, trace, progress = CONSUMERS
    assert forgot == {
        *((file, name) for file in (watch, trace, progress)
          for name in ("NodeDreamed", "RunDreamed", "RunVanished")),
        (history, "RunVanished"),
    }, said  # fmt: skip


def test_the_chat_knows_every_event() -> None:
    """Its `Steps.take` does not compile where it forgets one of `EventType`."""
    chat = ROOT / "studio" / "canvas" / "frontend" / "src" / "chat"
    text = (chat / "events.ts").read_text("utf-8")
    known = re.findall(r'"(\w+)"', text.partition("export type EventType =")[2].partition(";")[0])
    events = {cls.__dataclass_fields__["type"].default for cls in get_args(Event)}
    assert set(known) == events, "EventType of frontend/src/chat/events.ts has others"
    assert "event.type satisfies never" in (chat / "steps.ts").read_text("utf-8")


def test_the_page_on_the_life_of_a_run_names_every_event() -> None:
    page = (ROOT / "docs" / "runs.md").read_text("utf-8")
    step = page.partition("7. **Tell.**")[2].partition("8. **Keep.**")[0]
    events = [cls.__dataclass_fields__["type"].default for cls in get_args(Event)]
    assert [e for e in events if not re.search(rf"\b{e.partition('_')[2]}\b", step)] == []

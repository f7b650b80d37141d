"""The code in a Markdown page, so that tests can run what people will copy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w./-]+\.(?:py|toml|json|md|txt))`")


@dataclass(frozen=True)
class Block:
    """One fenced block and the paragraph above it."""

    language: str
    code: str
    line: int
    above: str

    @property
    def file(self) -> str:
        """The last file that the paragraph above names: what the block is the content of."""
        names: list[str] = _FILE.findall(self.above)
        return names[-1]

    def __str__(self) -> str:
        return f"line {self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        above = text[: match.start()].rstrip()
        yield Block(
            match["language"],
            match["code"],
            text.count("\n", 0, match.start()) + 1,
            above.rpartition("\n\n")[2],
        )


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment with the commands of its venv first, and a home of its own."""
    commands = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": commands + os.pathsep + os.environ["PATH"],
        "PATCHBAY_HOME": str(home),
        "NO_COLOR": "1",
        **more,
    }


def shell(code: str, folder: Path, env: Mapping[str, str]) -> str:
    """Run a block as a person would, and return what it printed.

    Raises:
        AssertionError: a command failed; with everything that was printed.
    """
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{code}\nended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout

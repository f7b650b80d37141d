"""Files that are generated from code and committed: written anew, or checked for having drifted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def main(
    page: Path, text: Callable[[], str], module: str, arguments: Sequence[str] | None = None
) -> int:
    """The command `python -m module --check` or `--write`.

    Args:
        page: the committed file.
        text: gives what should be in it.
        module: what to run, for the message.
        arguments: the command line; that of the process when left out.

    Returns:
        the exit status: 1 where the file has drifted.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help=f"fail when {page.name} has drifted")
    mode.add_argument("--write", action="store_true", help=f"write {page.name}")
    if parser.parse_args(arguments).write:
        page.parent.mkdir(exist_ok=True)
        page.write_text(text(), encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text():
        return 0
    sys.stderr.write(f"{page.name} has drifted. Run: python -m {module} --write\n")
    return 1

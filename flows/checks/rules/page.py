"""docs/problems.md, from the rules: `python -m patchbay.flows.checks.rules.page --write`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from patchbay.flows.checks.rules import RULES

PAGE = Path(__file__).parents[3] / "docs" / "problems.md"

HEAD = """# Problems

Everything that can be wrong with a flow, by code. `patchbay validate FLOW` and the studio tell all
of it at once, each with its place and what to do. An error keeps the flow from running, a warning
does not. What is wrong only inside a disabled node is a warning.

This page is generated from the rules in `flows/checks/rules/`
(`python -m patchbay.flows.checks.rules.page --write`).
"""

FILES_HEAD = "## Files\n\nErrors of a file that cannot be opened or written as a flow.\n"

FILE_CODES: Mapping[str, str] = {
    "file/missing": "There is no such file.",
    "file/not-a-file": "The path names a folder, a device or a pipe.",
    "file/unreadable": "The system refuses to read the file.",
    "file/unwritable": "The system refuses to write the file, or the disk is full. The old file "
    "stays as it was.",
    "file/too-large": "The file is larger than 16 MB. Data belongs into files that a flow reads.",
    "file/not-utf8": "The file is not UTF-8 text, or a text in it holds half a character.",
    "file/not-json": "The file is not JSON; line and column are named. Or a flow made in Python "
    "holds what JSON cannot say.",
    "file/too-deep": "Values are nested more than 100 levels deep.",
    "file/duplicate-key": "A JSON object holds a key twice, so one of the two would be lost.",
    "file/number": "A number is not finite (NaN, Infinity, 1e999) or has thousands of digits.",
    "file/no-format": 'The file has no `"format"` number, so it is not a Patchbay flow.',
    "file/format": "The format number is no format, or the file cannot be upgraded from it.",
    "file/future-format": "A newer Patchbay wrote the file. Nothing is guessed; upgrade.",
    "file/shape": "Something is missing, unknown, or of another type than the format says. The "
    "place is named, as in `nodes[3].run.retries`. The format is in `flows/flow.schema.json`.",
}
"""What can be wrong with a file before there is a flow to look at."""


def page_text() -> str:
    """The page as it is committed."""
    rules = (f"## {rule.code}\n\n*{rule.severity}*\n\n{rule.doc}\n" for rule in RULES)
    files = (f"### {code}\n\n{text}\n" for code, text in FILE_CODES.items())
    return "\n".join([HEAD, *rules, FILES_HEAD, *files])


def main(arguments: list[str] | None = None) -> int:
    """Check the committed page, or write it."""
    parser = argparse.ArgumentParser(
        prog="python -m patchbay.flows.checks.rules.page", description=__doc__
    )
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--check", action="store_true", help="exit 1 if the page has drifted")
    group.add_argument("--write", action="store_true", help="write the page")
    if parser.parse_args(arguments).write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page_text(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page_text():
        return 0
    sys.stderr.write(
        f"{PAGE.name} has drifted. Run: python -m patchbay.flows.checks.rules.page --write\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

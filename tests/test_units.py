"""Bytes, seconds and dates are worded in one place, so that one file reads the same everywhere."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from patchbay.nodes.units import ago, clock, date, duration, pace, size_in_words, timestamp
from tests.paths import ROOT

HAND_MADE = {
    "bytes": re.compile(
        r"(?<!_ns )/ *(1e[369]|1_?000(_000)*|2 ?\*\* ?[123]0|1024)\b"  # a division into units
        r"|\b1024 ?\*\* ?[1234]"
        r"|\} ?([kKMG]i?B)\b"  # f"{…} MB"
    ),
    "seconds": re.compile(r":[,.0-9]*[fg]\} (s|sec|seconds|min|h)\b"),
    "dates": re.compile(r"\b(strftime|ctime|asctime|isoformat)\("),
}
"""What a rendering made by hand looks like in the source."""

IN_THE_BROWSER = {
    "bytes": re.compile(r"""["'`]kB["'`]|\} ?([kMG]B)\b|\b1e[369]\b|\b1024\b"""),
    "seconds": re.compile(r"\} (s|sec|seconds|min|h)(?=[`. ,;)])"),
    "dates": re.compile(r"\bnew Date\(|toLocale(Date|Time)String|toLocaleString\(\[|DateTimeF"),
}
"""Likewise in the TypeScript of the canvas."""
RENDERERS = ("size.ts", "duration.ts", "ago.ts")
"""The files there that word them, as `nodes/units.py` does here."""

MAY: dict[tuple[str, str], str] = {
    ("nodes/models/llama/facts.py", "header.parameters / 1e6"): "a number of parameters, no bytes",
    ("nodes/models/picture_files.py", "million pixels"): "a number of pixels, no bytes",
    ("nodes/models/template.py", "strftime_now"): "a function that chat templates call",
    ("nodes/models/training/__main__.py", ":.0f} s"): "the log of a script that we run",
    ("nodes/cells.py", "cell.isoformat()"): "a date in a table, as SQL writes it",
    ("flows/batch/plain_cells.py", "value.isoformat()"): "a date in a row, as JSON has it",
    ("nodes/training/parquet_records.py", "isoformat()"): "a date in a record, as JSON has it",
    ("nodes/tools/clock.py", "strftime("): "the date that a model is told",
    ("flows/runs/running.py", "strftime("): "the id of a run",
    ("flows/server/openai/models.py", "/ 1e9)"): "seconds of nanoseconds, no bytes",
    ("flows/server/compat/langflow.py", "strftime("): "a time as that protocol writes it",
    ("flows/runs/threads.py", "strftime("): "the id of a thread",
    ("flows/triggers/claims.py", "strftime("): "the key of a claim",
    ("flows/triggers/triggers.py", "isoformat()"): "a time in JSON",
}
"""What may look like it, by file and words, and why."""


def found_in_the_browser() -> Iterator[str]:
    """What of the canvas words bytes, seconds or dates beside those files."""
    sources = ROOT / "studio" / "canvas" / "frontend" / "src"
    for path in sorted(sources.rglob("*.ts*")):
        if path.name in RENDERERS or path.name.endswith(".test.ts"):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            name = path.relative_to(sources).as_posix()
            yield from (f"{name} words {what} by hand: {line.strip()}"
                        for what, sign in IN_THE_BROWSER.items() if sign.search(line))  # fmt: skip


def found() -> Iterator[tuple[str, str, str]]:
    """What, file and line of all that looks made by hand."""
    for layer in ("nodes", "flows", "studio"):
        for path in sorted((ROOT / layer).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name == "nodes/units.py" or "node_modules" in path.parts:
                continue
            for line in path.read_text(encoding="utf-8").splitlines():
                yield from (
                    (what, name, line) for what, sign in HAND_MADE.items() if sign.search(line)
                )


def test_nothing_else_words_bytes_seconds_or_dates() -> None:
    unexplained = [
        f"{name} words {what} by hand; use patchbay.nodes.units: {line.strip()}"
        for what, name, line in found()
        if not any(name == file and words in line for file, words in MAY)
    ]
    assert unexplained == []


def test_nor_does_anything_else_of_the_canvas() -> None:
    assert list(found_in_the_browser()) == [], f"use what {', '.join(RENDERERS)} give"


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("bytes", 'const units = ["B", "kB", "MB"];'),
        ("bytes", "`${LIMIT / 1_000_000} MB`"),
        ("bytes", "const LIMIT = 5 * 1024 * 1024;"),
        ("seconds", "`${took.toFixed(1)} s`"),
        ("dates", "new Date(at * 1000).toISOString()"),
        ("dates", 'at.toLocaleString([], { dateStyle: "medium" })'),
    ],
)
def test_what_is_made_by_hand_in_the_browser_is_found(what: str, line: str) -> None:
    assert what in [name for name, sign in IN_THE_BROWSER.items() if sign.search(line)]


def test_what_may_look_like_it_still_does() -> None:
    lines = [(name, line) for _, name, line in found()]
    gone = [m for m in MAY if not any(name == m[0] and m[1] in line for name, line in lines)]
    assert gone == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("bytes", 'f"{size / 1e6:.1f} MB"'),
        ("bytes", "size // 1024 // 1024"),
        ("bytes", "size / 2**20"),
        ("bytes", "shown = count / 1_000_000"),
        ("bytes", 'f"{told} GiB"'),
        ("seconds", 'f"{passed:.2f} s"'),
        ("seconds", 'f"at most {limit:g} s"'),
        ("dates", 'time.strftime("%d")'),
    ],
)
def test_what_is_made_by_hand_is_found(what: str, line: str) -> None:
    assert [name for name, sign in HAND_MADE.items() if sign.search(line)] == [what]


@pytest.mark.parametrize(
    "line", ["status.st_mtime_ns / 1e9", "limit_mb * MEGABYTE", 'f"{speed:.0f} tokens/s"']
)
def test_what_is_no_rendering_is_not(line: str) -> None:
    assert not any(sign.search(line) for sign in HAND_MADE.values())


SIZES = json.loads((ROOT / "tests/fixtures/sizes.json").read_text("utf-8"))


@pytest.mark.parametrize(("count", "words"), SIZES)
def test_bytes_are_decimal_as_in_the_browser(count: float, words: str) -> None:
    """`size.test.ts` of the canvas reads the same table."""
    assert size_in_words(count) == words


DURATIONS = json.loads((ROOT / "tests/fixtures/durations.json").read_text("utf-8"))


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_seconds_are_worded_as_the_browser_does(seconds: float, words: str) -> None:
    """`duration.test.ts` of the canvas reads the same table."""
    assert duration(seconds) == words


def test_no_seconds_are_no_words() -> None:
    assert duration(None) == ""


def test_how_many_of_something_go_by() -> None:
    told = {0: "0 an hour", 0.0012: "4.3 an hour", 0.2: "12 a minute", 1: "1 a second"}
    told |= {2.54: "2.5 a second", 9.96: "10 a second", 1234.5: "1,234 a second"}
    assert {rate: pace(rate) for rate in told} == told


def test_dates_are_written_the_same_on_every_system() -> None:
    third = time.mktime((2026, 11, 3, 9, 5, 7, 0, 0, -1))
    assert date(third) == f"3 {time.strftime('%b', time.localtime(third))} 2026"
    assert date(third, clock=True).endswith(" 2026, 09:05:07")
    assert date(third, year=False, clock=True).endswith(", 09:05:07")
    assert (timestamp(third), clock(third)) == ("2026-11-03 09:05", "09:05:07")
    assert ago(third, third + 86400 * 3) == date(third)
    assert [ago(100, now) for now in (110, 400, 9000)] == ["just now", "5 min ago", "2 h ago"]

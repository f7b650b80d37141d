"""When a schedule is due: the five fields of cron, in a time zone.

Where clocks go forward, a time that is skipped is due when they have. Where they go back, a fixed
time ("30 2 * * *") is due once, the first time round; what goes by the hour ("*/30 * * * *") goes
on by it. So does Vixie's cron (Debian's, since 1999); croniter 7 gives a fixed time twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from patchbay.flows.problems import FlowError, Problem

WORDS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_HOW = 'Five fields: minute, hour, day, month, weekday, as in "0 8 * * 1-5"; or @hourly, @daily, …'
_FAR_YEARS = 8
"""Leap days come every eight years at the latest."""
MOST = 10_000
"""Times that are told ahead at most."""


@dataclass(frozen=True)
class Schedule:
    """Cron words in a time zone.

    Raises:
        FlowError: they are no cron words, never come due, or there is no such zone.
    """

    words: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.zone)
        given = self.words.split()
        fields = given[0] in WORDS if len(given) == 1 else len(given) == 5
        if not fields or not _croniter().is_valid(self.words) or _random(self.words):
            raise _wrong(f'"{self.words[:100]}" is no schedule.', _HOW)
        if next(iter(self.after(datetime.now(UTC), 1)), None) is None:
            raise _wrong(f'"{self.words}" never comes.', "Choose a day that there is.")

    def after(self, moment: datetime, most: int = MOST) -> list[datetime]:
        """The next times after a moment, in UTC; fewer where there are no more."""
        return list(self._times(moment, None, most))

    def between(self, moment: datetime, until: datetime) -> Iterator[datetime]:
        """The times after a moment, up to another one and with it, in UTC: all of them, however
        many (half a million minutes in a year, so that they are given one by one)."""
        return self._times(moment, until, None)

    def _times(
        self, moment: datetime, until: datetime | None, most: int | None
    ) -> Iterator[datetime]:
        from croniter import CroniterBadDateError

        zone = _zone(self.zone)
        coming = _croniter()(
            self.words, moment.astimezone(zone), max_years_between_matches=_FAR_YEARS
        )
        given = 0
        while most is None or given < most:
            try:
                local: datetime = coming.get_next(datetime)
            except CroniterBadDateError:
                return
            found = local.astimezone(UTC)
            if until is not None and found > until:
                return
            if self._again(found, zone):
                continue
            given += 1
            yield found

    def _again(self, found: datetime, zone: ZoneInfo) -> bool:
        """Whether a fixed time comes a second time, since the clock went back."""
        hours = self.words.split()[1] if " " in self.words.strip() else self.words.strip()
        by_the_hour = hours.startswith("*") or hours == "@hourly"
        return not by_the_hour and found.astimezone(zone).fold == 1


def local_zone() -> str:
    """The time zone of this machine, by its name; UTC where that is not known."""
    import os

    given = os.environ.get("TZ", "").lstrip(":")
    if given and _is_zone(given):
        return given
    path = str(Path("/etc/localtime").resolve())
    name = path.partition("zoneinfo/")[2]
    return name if name and _is_zone(name) else "UTC"


def _is_zone(name: str) -> bool:
    try:
        _zone(name)
    except FlowError:
        return False
    return True


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (
        KeyError,
        OSError,
        ValueError,
    ):  # a name may also lead out of the folder of zones, or be one
        fix = "Write one such as Europe/Copenhagen, or UTC."
        raise _wrong(f'There is no time zone "{name[:100]}".', fix) from None


def _random(words: str) -> bool:
    """Whether croniter would draw lots for a field."""
    return any(field[:1] in "RrHh" for field in words.split() if not field.startswith("@"))


def _croniter() -> Any:
    import importlib.util

    if importlib.util.find_spec("croniter") is None:
        fix = "Install it with: pip install 'patchbay-studio[serving]'"
        raise FlowError([Problem("serve/missing", "croniter is not installed here.", fix)])
    from croniter import croniter

    return croniter


def _wrong(message: str, fix: str) -> FlowError:
    return FlowError([Problem("trigger/schedule", message, fix)])

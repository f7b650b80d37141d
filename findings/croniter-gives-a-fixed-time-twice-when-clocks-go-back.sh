#!/usr/bin/env bash
# Guess: "30 2 * * *" comes once a day, as cron has it: since Debian's cron of 1999 (and in cronie) a job at a fixed
# time runs once when clocks go back, and only jobs by the hour (* in the field of hours) go on by it.
# What happens: croniter gives 02:30 twice in the night when clocks go back, once before and once after; a report that is
# sent every night is sent twice then. The other way it does what cron does: a time that is skipped comes at 03:00.
# Seen with croniter 7.0.0 and Python 3.11 on 2026-11-29.
# Why it matters: it concerns whoever starts flows by a schedule: the second one has to be left out (Patchbay does).
source "$(dirname "$0")/_env.sh"
packages 'croniter==7.0.0' 'tzdata==2026.6'
"$PY" - <<'PYTHON'
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

from croniter import croniter

print("croniter", version("croniter"))
zone = ZoneInfo("Europe/Copenhagen")


def times(start: datetime) -> list[str]:
    coming = croniter("30 2 * * *", start)
    found = [coming.get_next(datetime) for _ in range(3)]
    for moment in found:
        print("  ", moment.isoformat(), "=", moment.astimezone(UTC).isoformat())
    return [moment.astimezone(UTC).strftime("%d %H:%M") for moment in found]


print("30 2 * * *, over the night when clocks go back:")
back = times(datetime(2026, 10, 24, 12, tzinfo=zone))
print("and when they go forward:")
forward = times(datetime(2026, 3, 28, 12, tzinfo=zone))
assert back == ["25 00:30", "25 01:30", "26 01:30"], back
assert forward == ["29 01:00", "30 00:30", "31 00:30"], forward
PYTHON

"""When schedules are due, in time zones and over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.triggers.schedule import Schedule, local_zone

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def local(*at: int) -> datetime:
    return datetime(*at, tzinfo=COPENHAGEN)  # type: ignore[misc]


def due(words: str, start: datetime, end: datetime, zone: str = "Europe/Copenhagen") -> list[str]:
    found = list(Schedule(words, zone).between(start, end))
    return [moment.strftime("%d %H:%M") for moment in found]


def test_a_time_that_is_skipped_is_due_when_the_clock_has_moved():
    """On 29 March 2026 there is no 02:30; 03:00 there is 01:00 in UTC."""
    spring = (local(2026, 3, 28, 12), local(2026, 3, 30, 12))
    assert due("30 2 * * *", *spring) == ["29 01:00", "30 00:30"]


def test_a_fixed_time_is_due_once_though_the_clock_shows_it_twice():
    autumn = (local(2026, 10, 24, 12), local(2026, 10, 26, 12))
    assert due("30 2 * * *", *autumn) == ["25 00:30", "26 01:30"]
    assert due("0 1-3 * * *", local(2026, 10, 25), local(2026, 10, 25, 12)) == [
        "24 23:00", "25 00:00", "25 02:00"
    ]  # fmt: skip


def test_what_goes_by_the_hour_goes_on_by_it():
    night = (local(2026, 10, 25, 1, 45), local(2026, 10, 25, 3, 15))
    assert due("*/30 * * * *", *night) == [
        "25 00:00", "25 00:30", "25 01:00", "25 01:30", "25 02:00"
    ]  # fmt: skip
    assert due("@hourly", *night) == ["25 00:00", "25 01:00", "25 02:00"]
    spring = (local(2026, 3, 29, 0, 45), local(2026, 3, 29, 4, 15))
    assert due("0 * * * *", *spring) == ["29 00:00", "29 01:00", "29 02:00"]


def test_days_keep_their_hour_over_the_change():
    march = due("0 8 * * *", local(2026, 3, 28, 0), local(2026, 3, 30, 12))
    assert march == ["28 07:00", "29 06:00", "30 06:00"]


def test_the_other_half_of_the_world():
    start, end = datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 4, 5, 23, tzinfo=UTC)
    assert due("30 2 * * *", start, end, "Australia/Sydney") == ["04 15:30", "05 16:30"]


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("0 9 * * 1-5", ["30 08:00", "01 08:00"]),
        ("@daily", ["27 23:00", "28 23:00"]),
        ("0 0 1 */3 *", ["31 23:00", "31 22:00"]),
        ("0 0 29 2 *", ["28 23:00", "28 23:00"]),
        ("0 8 * * sun", ["29 07:00", "06 07:00"]),
    ],
)
def test_words(words: str, times: list[str]):
    found = Schedule(words, "Europe/Copenhagen").after(local(2026, 11, 27, 12), 2)
    assert [moment.strftime("%d %H:%M") for moment in found] == times


@pytest.mark.parametrize(
    "words",
    ["", "* * * *", "61 * * * *", "* * * * * *", "@reboot", "a b c d e", "R * * * *", "H H * * *",
     "0 0 31 2 *", "0 0 * * 9", "*/0 * * * *"],
)  # fmt: skip
def test_what_is_no_schedule(words: str):
    with pytest.raises(FlowError) as caught:
        Schedule(words)
    assert caught.value.problems[0].code == "trigger/schedule"
    assert caught.value.problems[0].fix


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "x" * 300]
)
def test_what_is_no_zone(zone: str):
    with pytest.raises(FlowError, match="no time zone"):
        Schedule("@daily", zone)


def test_this_machines_zone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert local_zone() == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "nowhere")
    assert Schedule("@daily", local_zone())

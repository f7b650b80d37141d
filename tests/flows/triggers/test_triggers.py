"""The file of triggers, signatures of webhooks, and claims: each time is one process's."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import History
from patchbay.flows.triggers.claims import Claims
from patchbay.flows.triggers.signature import (
    AT,
    ID,
    SIGNATURE,
    WINDOW_S,
    headers_for,
    new_secret,
    signed,
    wrong_with,
)
from patchbay.flows.triggers.triggers import add_trigger, read_triggers, remove_trigger
from tests.stores import url_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "triggers.toml"


def test_added_read_and_removed(file: Path):
    file.write_text("# mine\n", encoding="utf-8")
    odd = {"topic": 'a "quoted" \\ text\nof two lines', "n": 3, "deep": {"a b": [1, True]}}
    made = add_trigger("morning", "/f/report.json", schedule="0 8 * * 1-5",
                       zone="Europe/Copenhagen", inputs=odd, file=file)  # fmt: skip
    add_trigger("tickets", "tickets", input="event", file=file)
    assert file.stat().st_mode & 0o077 == 0, "it holds secrets"
    found = read_triggers(file)
    assert found["morning"] == made
    assert found["morning"].inputs == odd
    assert found["tickets"].secret.startswith("whsec_")
    remove_trigger("morning", file)
    assert list(read_triggers(file)) == ["tickets"]
    assert file.read_text(encoding="utf-8").startswith("# mine\n")


def test_a_secret_may_be_named(file: Path):
    file.write_text('[a]\nflow = "f"\nsecret = { secret = "HOOK" }\n', encoding="utf-8")
    assert read_triggers(file)["a"].secret_name == "HOOK"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[a", "cannot be read"),
        ("a = 1", "no trigger"),
        ('["a b"]\nflow = "f"\nschedule = "@daily"', "no trigger"),
        ('[a]\nflow = "f"', "neither schedule nor secret"),
        ('[a]\nschedule = "@daily"', '"flow" is a text|flow'),
        ('[a]\nflow = 3\nschedule = "@daily"', '"flow" is a text'),
        ('[a]\nflow = "f"\nschedule = "@daily"\nsecret = "x"', "a schedule has no secret"),
        ('[a]\nflow = "f"\nschedule = "never"', "no schedule"),
        ('[a]\nflow = "f"\nschedule = "@daily"\nzone = "x"', "no time zone"),
        ('[a]\nflow = "f"\nschedule = "@daily"\nmissed = "cry"', "say.*run"),
        ('[a]\nflow = "f"\nschedule = "@daily"\ninputs = 3', "inputs are a table"),
        ('[a]\nflow = "f"\nsecret = "short"', "its secret is none"),
        ('[a]\nflow = "f"\nsecret = 3', "its secret is none"),
        ('[a]\nflow = "f"\nsecret = "whsec_!!"', "its secret is none"),
    ],
)
def test_a_file_that_is_none(file: Path, text: str, says: str):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FlowError, match=says) as caught:
        read_triggers(file)
    assert caught.value.problems[0].fix is not None


def test_one_name_one_trigger(file: Path):
    add_trigger("a", "f", schedule="@daily", file=file)
    with pytest.raises(FlowError, match="already"):
        add_trigger("a", "f", file=file)
    with pytest.raises(FlowError, match="no name"):
        add_trigger("a b", "f", file=file)
    with pytest.raises(FlowError, match="no trigger"):
        remove_trigger("b", file)


# --- signatures -----------------------------------------------------------------------------------

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = b'{"test": 2432232314}'


def test_it_is_signed_as_standard_webhooks_says():
    """Computed by the specification's own words, apart from our code."""
    import hashlib
    import hmac

    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = hmac.new(key, b"msg_1.1614265330." + BODY, hashlib.sha256).digest()
    assert signed(SECRET, "msg_1", 1614265330, BODY) == "v1," + base64.b64encode(mac).decode()


def test_a_fresh_message_is_taken():
    headers = headers_for(SECRET, BODY, "msg_1", 1000)
    for now in (1000, 1000 + WINDOW_S, 1000 - WINDOW_S):
        assert wrong_with(SECRET, headers, BODY, now) == ""
    rotated = {**headers, SIGNATURE: f"v1,b3RoZXI= {headers[SIGNATURE]}"}
    assert wrong_with(SECRET, rotated, BODY, 1000) == ""


@pytest.mark.parametrize(
    "change",
    [{ID: "msg_2"}, {AT: "1001"}, {SIGNATURE: "v1,"}, {SIGNATURE: ""}, {ID: ""}, {AT: ""},
     {AT: "١"}, {AT: "-5"}, {AT: "9" * 30}, {AT: "1e3"}, {SIGNATURE: "\udc80"}, {ID: "x" * 300}],
)  # fmt: skip
def test_a_message_that_was_changed_is_not(change: dict[str, str]):
    headers = headers_for(SECRET, BODY, "msg_1", 1000)
    assert wrong_with(SECRET, {**headers, **change}, BODY, 1000)


def test_nor_another_body_secret_or_time():
    headers = headers_for(SECRET, BODY, "msg_1", 1000)
    assert "signature" in wrong_with(SECRET, headers, BODY + b" ", 1000)
    assert "signature" in wrong_with(new_secret(), headers, BODY, 1000)
    assert "minutes" in wrong_with(SECRET, headers, BODY, 1001 + WINDOW_S)
    assert "minutes" in wrong_with(SECRET, headers, BODY, 999 - WINDOW_S)


# --- claims ---------------------------------------------------------------------------------------


def test_a_moment_is_claimed_once_by_however_many(tmp_path: Path):
    url = url_of(tmp_path / "history.sqlite")
    histories = [History(url) for _ in range(4)]
    got: list[str] = []

    def claim(number: int) -> None:
        claims = Claims(histories[number])
        moments = (f"2026-11-29T0{hour}:00:00Z" for hour in range(10))
        got.extend(moment for moment in moments if claims.take("t", moment, f"run-{number}"))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [f"2026-11-29T0{hour}:00:00Z" for hour in range(10)]
    last = Claims(histories[0]).last("t")
    assert last is not None
    assert last.moment == "2026-11-29T09:00:00Z"
    for history in histories:
        history.close()


def test_old_claims_are_forgotten_but_for_the_last(tmp_path: Path):
    claims = Claims(History(url_of(tmp_path / "history.sqlite")))
    for day in (1, 2, 3):
        claims.take("t", f"2026-11-0{day}T00:00:00Z", "")
    claims.tidy("t", before=float("inf"))
    last = claims.last("t")
    assert last is not None
    assert last.moment.startswith("2026-11-03")
    assert claims.get("t", "2026-11-01T00:00:00Z") is None
    claims.forget("t")
    assert claims.last("t") is None

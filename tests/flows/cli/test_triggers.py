"""`patchbay triggers` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from patchbay.flows.document.writing import canonical_text
from tests.flows.server.flows import FLOWS


def test_added_listed_tried_and_removed(patchbay: Any, tmp_path: Path) -> None:
    (tmp_path / "shout.json").write_text(canonical_text(FLOWS["shout"]), encoding="utf-8")
    when = ("--schedule", "0 8 * * 1-5", "--zone", "Europe/Copenhagen")
    added = patchbay("triggers", "add", "morning", "shout.json", *when, "--input", "text=up")
    assert added.returncode == 0, added.stderr
    assert added.stdout.count("next: ") == 3
    assert "08:00 CE" in added.stdout
    hook = patchbay("triggers", "add", "tickets", "shout.json", "--body-input", "text")
    assert hook.stdout.startswith("whsec_")
    listed = patchbay("triggers").stdout
    assert "0 8 * * 1-5 (Europe/Copenhagen)" in listed
    assert "POST /triggers/tickets" in listed
    assert "whsec_" not in listed
    assert patchbay("triggers", "try", "tickets", "--body", "a b").stdout == "A B\n"
    assert patchbay("triggers", "remove", "tickets").returncode == 0
    (told,) = json.loads(patchbay("triggers", "--json").stdout)
    assert (told["name"], told["schedule"], told["missed"]) == ("morning", "0 8 * * 1-5", 0)


def test_what_is_wrong_is_said(patchbay: Any, tmp_path: Path) -> None:
    (tmp_path / "shout.json").write_text(canonical_text(FLOWS["shout"]), encoding="utf-8")
    for words, says in (
        (("add", "a", "shout.json", "-i", "text=x", "--schedule", "often"), "is no schedule"),
        (
            ("add", "a", "shout.json", "-i", "text=x", "--schedule", "@daily", "--zone", "Mars"),
            "no time zone",
        ),
        (("add", "a", "shout.json", "--schedule", "@daily", "--missed", "cry"), "--missed"),
        (("add", "a", "none.json", "--schedule", "@daily"), "none.json"),
        (("add", "a", "shout.json", "--schedule", "@daily", "-i", "txt=x"), 'mean "text"'),
        (("add", "a", "shout.json", "--schedule", "@daily"), '"text" has no value'),
        (("add", "a", "shout.json", "--body-input", "body"), 'no input "body"'),
        (("add", "a", "shout.json", "-i", "txt=x"), 'mean "text"'),
        (("add", "a", "shout.json", "--schedule", "@daily", "--body-input", "text"), "no message"),
        (("add", "a", "shout.json", "--zone", "UTC"), "--zone is for a schedule"),
        (("add", "a", "shout.json", "--missed", "run"), "--missed is for a schedule"),
        (("remove", "a"), 'no trigger "a"'),
        (("try", "a"), 'no trigger "a"'),
    ):
        done = patchbay("triggers", *words)
        assert done.returncode != 0
        assert says in done.stderr
    assert json.loads(patchbay("triggers", "--json").stdout) == []


def test_a_message_brings_what_is_not_given_before(patchbay: Any, tmp_path: Path) -> None:
    (tmp_path / "typed.json").write_text(canonical_text(FLOWS["typed"]), encoding="utf-8")
    assert patchbay("triggers", "add", "a", "typed.json").returncode == 0
    assert patchbay("triggers", "add", "b", "typed.json", "--body-input", "count").returncode == 0
    wrong = patchbay("triggers", "add", "c", "typed.json", "-i", "colour=green")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert 'Input "colour"' in wrong.stderr

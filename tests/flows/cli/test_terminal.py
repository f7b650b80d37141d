"""On a real terminal: the answer streams, and nothing writes over it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.cli.conftest import SAVED
from tests.flows.runs.harness import OUT, flow

pty = pytest.importorskip("pty", reason="needs a terminal, which Windows opens in other ways")

ERASE = "\r\x1b[2K"


def on_terminal(environ: dict[str, str], *arguments: object) -> str:
    """What a terminal is sent by `patchbay run`."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "patchbay.flows", "run", *map(str, arguments)],
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent = b""
    try:
        while piece := os.read(ours, 4096):
            sent += piece
    except OSError:  # how Linux says that the other side has closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=240) == 0
    return sent.decode("utf-8").replace("\r\n", "\n")


def screen(sent: str) -> list[str]:
    """The lines that stay when the erased ones are gone."""
    return [line.rpartition(ERASE)[2] for line in sent.split("\n")]


def test_a_streamed_answer_stays_and_is_shown_once(environ: dict[str, str]) -> None:
    sent = on_terminal(environ, SAVED / "ask.json", "--no-cache", "--verbose")
    lines = screen(sent)
    assert [line for line in lines if "Copenhagen" in line] == ["Denmark's capital is Copenhagen."]
    assert "Loading" in sent
    assert not any("Loading" in line for line in lines)
    assert any(line.startswith("ask: ") for line in lines)


def test_control_characters_do_not_reach_the_terminal(
    environ: dict[str, str], tmp_path: Path
) -> None:
    from patchbay.flows.document.writing import canonical_text

    evil = flow({"a": ("test.text", {"text": "\x1b[2Jgone\x07"}), "o": OUT}, ["a.text > o.value"])
    path = tmp_path / "evil.json"
    path.write_text(canonical_text(evil), encoding="utf-8")
    sent = on_terminal(environ, path)
    assert "\x1b[2J" not in sent
    assert "\x07" not in sent
    assert "[2Jgone" in sent

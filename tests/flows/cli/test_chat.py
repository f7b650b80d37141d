"""`patchbay chat` and `patchbay threads`, as a person and as a script use them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows.cli.conftest import SAVED, Patchbay
from tests.flows.cli.forked import comes
from tests.flows.runs.harness import flow
from tests.flows.runs.test_threads import TALK

Save = Callable[..., Path]

SLOW = flow(
    {
        "q": ("io.input", {"name": "said"}),
        "u": ("test.upper", {"wait_s": 0.0}),
        "o": ("io.output", {"name": "out"}),
    },
    ["q.value > u.text", "u.text > o.value"],
    name="Shout",
)


def test_lines_of_a_pipe_are_turns_that_are_kept(
    environ: dict[str, str], patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    path = save(TALK)
    command = [sys.executable, "-m", "patchbay.flows", "chat", str(path), "--thread", "ada"]
    piped = subprocess.run(
        [*command, "--json"], env=environ, cwd=tmp_path, capture_output=True, text=True,
        input='Hi\n"two\\nlines"\n\n', timeout=240, check=True,
    )  # fmt: skip
    first, second = [json.loads(line) for line in piped.stdout.splitlines()]
    assert (first["thread"], first["status"], first["answer"]) == ("ada", "finished", "user: Hi")
    assert second["answer"].endswith("assistant: user: Hi\n\nuser: two\nlines")
    assert piped.stderr == ""
    more = patchbay("chat", "-t", "ada", "-m", "More", "-q")
    assert (more.returncode, more.stdout.splitlines()[-1]) == (0, "user: More"), more.stderr
    again = patchbay("chat", "-t", "ada", "--again", "-q")
    assert again.stdout == more.stdout
    listed = json.loads(patchbay("threads", "--json").stdout)
    assert [(row["id"], row["turns"], row["title"]) for row in listed] == [("ada", 3, "Hi")]


def test_threads_are_shown_renamed_branched_exported_and_deleted(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    path = save(TALK)
    assert "There are no threads yet" in patchbay("threads").stderr
    patchbay("chat", path, "-t", "ada", "-m", "Hi", "-m", "More", "--person", "Ada")
    assert "## 2" in patchbay("threads", "show", "ada").stdout
    assert "../up" in patchbay("threads", "rename", "ada", "../up").stderr
    assert patchbay("threads", "branch", "ada", 1, "--as", "other").stdout == "other\n"
    assert "other" in patchbay("threads", "--search", "hi").stdout
    out = tmp_path / "ada.json"
    assert patchbay("threads", "export", "ada", "-o", out, "--as", "json").returncode == 0
    assert json.loads(out.read_text())["turns"][0]["answer"] == "user: Hi"
    refused = patchbay("threads", "export", "ada", "-o", tmp_path / "none" / "x.md")
    assert refused.returncode == 1
    assert "thread/unwritable" in refused.stderr
    unsure = patchbay("threads", "delete", "ada")
    assert (unsure.returncode, "--yes" in unsure.stderr) == (1, True)
    assert "Deleted 2 threads" in patchbay("threads", "delete", "--person", "Ada", "-y").stderr
    assert json.loads(patchbay("threads", "--json").stdout) == []
    assert patchbay("runs", "--json").stdout == "[]\n"


def test_a_thread_of_an_unknown_name_or_flow_is_refused(patchbay: Patchbay, save: Save) -> None:
    for arguments, code in (
        (("chat", "-t", "nobody", "-m", "x"), "thread/unknown"),
        (("chat", save(TALK), "-t", "../x", "-m", "x"), "thread/id"),
        (("chat", "-m", "x"), "usage"),
        (("threads", "delete", "-y"), "usage"),
    ):
        done = patchbay(*arguments)
        assert (done.returncode, code in done.stderr) == (1, True), done.stderr


def test_a_conversation_on_the_real_model(patchbay: Patchbay) -> None:
    first = patchbay("chat", SAVED / "chat.json", "-t", "ada", "-m", "My name is Ada.", "--json")
    assert first.returncode == 0, first.stderr
    second = patchbay("chat", "-t", "ada", "-m", "Say hello.", "--json")
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert one["answer"].strip()
    assert two["answer"].strip()
    assert two["tokens"]["prompt"] > one["tokens"]["prompt"], "it has read what was said before"


# --- on a terminal ------------------------------------------------------------------------------

pty = pytest.importorskip("pty", reason="needs a terminal, which Windows opens in other ways")


class Terminal:
    """`patchbay chat` on a terminal of its own."""

    def __init__(
        self, environ: dict[str, str], *arguments: object, ctrl_c: signal.Handlers = signal.SIG_DFL
    ) -> None:
        def own() -> None:
            # Not as these tests were started: in the background of a script it is ignored.
            signal.signal(signal.SIGINT, ctrl_c)
            _own_terminal()

        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "patchbay.flows", "chat", *map(str, arguments)],
            env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=own,
        )  # fmt: skip
        os.close(theirs)
        self._unread = ""

    def until(self, text: str) -> str:
        """What comes up to the end of a text."""
        while text not in self._unread:
            if not comes(self._ours, 240):
                raise AssertionError(f"{text!r} does not come; there is {self._unread!r}")
            self._unread += self._read()
        seen, _, self._unread = self._unread.partition(text)
        return seen + text

    def _read(self) -> str:
        return os.read(self._ours, 4096).decode("utf-8", "replace")

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self, until: str) -> str:
        """Ctrl+C, and what comes of it up to the end of a text.

        Pressed while the prompt is being drawn, sooner than a hand can, Python notes it with the
        next key: so once more where nothing comes of it, and not within the two seconds in which
        a second one ends the conversation.
        """
        for _ in range(20):
            self.type("\x03")
            while until not in self._unread and comes(self._ours, 10):
                self._unread += self._read()  # the terminal's own ^C comes in any case
            if until in self._unread:
                break
        return self.until(until)

    def ended(self) -> int:
        """The exit code."""
        with contextlib.suppress(OSError):  # how Linux says that the other side has closed
            while os.read(self._ours, 4096):
                pass
        return self._process.wait(timeout=240)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def _own_terminal() -> None:
    """Make the terminal the one whose keys send signals to this process."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(environ: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_(*arguments: object, ctrl_c: signal.Handlers = signal.SIG_DFL) -> Terminal:
        opened.append(Terminal(environ, *arguments, ctrl_c=ctrl_c))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def test_a_person_stops_an_answer_and_goes_on(
    terminal: Callable[..., Terminal], patchbay: Patchbay, save: Save
) -> None:
    slow = SLOW.with_params({"u": {"wait_s": 30.0}})
    talk = terminal(save(slow), "-t", "ada")
    talk.until("> ")
    talk.type("hello\r")
    talk.until("u …")
    talk.type("\x03")
    assert "Stopped after" in talk.until("> ")
    talk.type("/help\r")
    assert "Ctrl+D ends" in talk.until("> ")
    talk.interrupt(until="Ctrl+C again")
    talk.until("> ")
    talk.type("\x04")
    assert talk.ended() == 0
    (thread,) = json.loads(patchbay("threads", "--json").stdout)
    assert (thread["turns"], thread["run"]) == (0, ""), "what was stopped is no turn"


def test_ctrl_c_is_heard_where_it_was_ignored_when_this_began(
    terminal: Callable[..., Terminal], save: Save
) -> None:
    talk = terminal(save(SLOW), "-t", "ada", ctrl_c=signal.SIG_IGN)
    talk.until("> ")
    talk.interrupt(until="Ctrl+C again")
    talk.until("> ")
    talk.type("\x04")
    assert talk.ended() == 0


def test_a_terminal_that_goes_on_shows_the_last_turn(
    terminal: Callable[..., Terminal], patchbay: Patchbay, save: Save
) -> None:
    path = save(SLOW)
    patchbay("chat", path, "-t", "ada", "-m", "first words")
    talk = terminal("-t", "ada")
    assert "FIRST WORDS" in talk.until("WORDS\r\n")
    talk.until("> ")
    talk.type("second\r")
    talk.until("SECOND")
    talk.until("> ")
    talk.type("\x04")
    assert talk.ended() == 0
    assert json.loads(patchbay("threads", "--json").stdout)[0]["turns"] == 2


# --- a turn that asks -----------------------------------------------------------------------------

ASKS = flow(
    {
        "q": ("io.input", {"name": "said"}),
        "may": ("people.approve", {"question": "May this be said?"}),
        "o": ("io.output", {"name": "out"}),
        "no": ("io.output", {"name": "kept"}),
    },
    ["q.value > may.value", "may.approved > o.value", "may.rejected > no.value"],
    name="Asks",
)


def test_a_turn_that_asks_is_answered_where_its_answer_would_stand(
    terminal: Callable[..., Terminal], patchbay: Patchbay, save: Save
) -> None:
    path = save(ASKS)
    talk = terminal(path, "-t", "ada")
    talk.until("> ")
    talk.type("hello\r")
    assert talk.until("yes or no? ").count("May this be said?") == 1
    talk.type("perhaps\r")
    assert "Answer yes or no" in talk.until("yes or no? ")
    talk.type("yes\r")
    assert "hello" in talk.until("\n> ")
    talk.type("more\r")
    talk.until("yes or no? ")
    talk.interrupt(until="/answer asks again")  # it stays open
    talk.until("\n> ")
    talk.type("another\r")
    assert 'waits for an answer: "May this be said?"' in talk.until("\n> ")
    talk.type("/answer\r")
    talk.until("yes or no? ")
    talk.type("\x04")
    talk.until("\n> ")
    talk.type("\x04")
    assert talk.ended() == 0
    piped = patchbay("chat", "-t", "ada", "-m", "at once")
    assert (piped.returncode, "thread/busy" in piped.stderr) == (1, True), piped.stderr
    later = terminal("-t", "ada")  # the conversation is opened again: it asks by itself
    later.until("yes or no? ")
    later.type("no Too long.\r")
    assert "more" in later.until("\n> ")
    later.type("/answer\r")
    assert "Nothing is asked" in later.until("> ")
    later.type("\x04")
    assert later.ended() == 0
    listed = json.loads(patchbay("threads", "show", "ada", "--json").stdout)
    assert [turn["answer"] for turn in listed["turns"]] == ["hello", "more"]


def test_a_message_whose_answer_waits_ends_with_75_and_goes_on_elsewhere(
    patchbay: Patchbay, save: Save
) -> None:
    waits = patchbay("chat", save(ASKS), "-t", "bob", "-m", "hello", "-m", "never said")
    assert (waits.returncode, waits.stdout) == (75, ""), waits.stderr
    run = json.loads(patchbay("inbox", "--json").stdout)[0]["run"]
    assert f"patchbay answer {run} --approve" in waits.stderr
    assert "never said" not in waits.stderr
    answered = patchbay("answer", run, "--approve", "-q")
    assert (answered.returncode, answered.stdout.strip()) == (0, "hello"), answered.stderr
    shown = patchbay("threads", "show", "bob")
    assert "hello" in shown.stdout
    assert patchbay("chat", "-t", "bob", "--again", "-q").returncode == 75, "it is asked anew"

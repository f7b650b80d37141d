"""`patchbay studio` as a process: how it ends, and that nothing of it is left."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.ports import free_ports

ROOT = Path(__file__).parents[3]
ENDS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")
PATIENCE_S = 240  # a busy machine takes its time

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def started(home: Path, port: int) -> subprocess.Popen[bytes]:
    home.mkdir()
    given = {**os.environ, "PATCHBAY_HOME": str(home)}
    given.pop("PATCHBAY_TOKEN", None)
    command = [sys.executable, "-m", "patchbay.flows", "studio", "--headless", "--port", str(port)]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=ROOT, env=given, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=hear_signals,
        )  # fmt: skip


def hear_signals() -> None:
    """In a new process: what `nohup make test &` ignores is not ignored there."""
    for name in ("SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def await_health(process: subprocess.Popen[bytes], port: int, home: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, (home / "log").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError((home / "log").read_text())


def of_home(home: Path) -> list[psutil.Process]:
    """The processes that work for this home folder, whoever their parent is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PATCHBAY_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_however_it_is_ended_nothing_is_left(tmp_path: Path) -> None:
    ports = dict(zip(ENDS, free_ports(len(ENDS)), strict=True))
    homes = {name: tmp_path / name for name in ENDS}
    running = {name: started(homes[name], ports[name]) for name in ENDS}
    try:
        for name, process in running.items():
            await_health(process, ports[name], homes[name])
        for name, process in running.items():
            assert [p.pid for p in of_home(homes[name])] == [process.pid], "one process"
            process.send_signal(getattr(signal, name))
        for name, process in running.items():
            process.wait(PATIENCE_S)
            assert of_home(homes[name]) == [], f"left after {name}"
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", ports[name])) != 0, f"listens after {name}"
    finally:
        for home in homes.values():
            for process in of_home(home):
                process.kill()
    assert (running["SIGINT"].returncode, running["SIGTERM"].returncode) == (130, -signal.SIGTERM)
    logs = {name: (homes[name] / "log").read_text() for name in ENDS}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        assert "Traceback" not in logs[name]
        assert "Aborted" not in logs[name]  # nothing went wrong
    address = re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32,}", logs["SIGTERM"])
    assert address, logs["SIGTERM"]
    kept = (homes["SIGTERM"] / "studio-token").read_text().strip()
    assert address[0].endswith(kept)


def test_plain_streamlit_asks_for_the_token_too(tmp_path: Path) -> None:
    """And a token that was set is not written into anybody's log."""
    [port] = free_ports(1)
    home = tmp_path / "home"
    home.mkdir()
    given = {**os.environ, "PATCHBAY_HOME": str(home), "PATCHBAY_TOKEN": "chosen-0123456789"}
    command = [
        sys.executable, "-m", "streamlit", "run", "studio/app.py", "--server.headless", "true",
        "--server.port", str(port),
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=log)
    try:
        await_health(process, port, home)
        site = f"http://127.0.0.1:{port}"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(site, timeout=30)
        assert refused.value.code == 403
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(f"{site}/?token=chosen-0123456789", timeout=30) as page:
            assert b"<title>Patchbay</title>" in page.read()
            assert "token" not in page.url
        assert [p.pid for p in of_home(home)] == [process.pid], "one process"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    assert of_home(home) == [], "nothing of it is left"
    log_text = (home / "log").read_text()
    assert f":{port}/?token=…" in log_text
    assert "chosen-0123456789" not in log_text


@pytest.mark.skipif(sys.platform != "linux", reason="a browser is opened in another way there")
def test_the_browser_is_opened_with_a_code_that_works_once(tmp_path: Path) -> None:
    """Every account can read how a browser was started, so the token must not stand there."""
    [port] = free_ports(1)
    home, told = tmp_path / "home", tmp_path / "told"
    home.mkdir()
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > {told}.part && mv {told}.part {told}\n')
    opener.chmod(0o755)
    given = {
        **os.environ, "PATCHBAY_HOME": str(home), "DISPLAY": ":99", "BROWSER": str(opener),
        "PATH": f"{opener.parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    given.pop("PATCHBAY_TOKEN", None)
    command = [sys.executable, "-m", "patchbay.flows", "studio", "--port", str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=log)
    try:
        await_health(process, port, home)
        until = time.monotonic() + PATIENCE_S
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.1)
        address = told.read_text().strip()
        assert (home / "studio-token").read_text().strip() not in address
        inside = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with inside.open(address, timeout=30) as page:
            assert b"<title>Patchbay</title>" in page.read()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=30)
        assert refused.value.code == 403
    finally:
        process.terminate()
        process.wait(PATIENCE_S)

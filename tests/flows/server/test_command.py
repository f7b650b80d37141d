"""`patchbay serve` as a person starts it: a process of its own, killed and started again."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from patchbay.nodes.home import weights_dir
from tests.flows.server.flows import write
from tests.paths import ROOT, python_path

QUESTION = " ".join("abc" * 10)
"""Takes the flow `slow` a second and a half."""


def plugin_environ(folder: Path) -> dict[str, str]:
    """The environment of a process with a home in this folder, which has the nodes of the tests."""
    plugin = folder / "plugin" / "patchbay_test_serving-1.0.dist-info"
    plugin.mkdir(parents=True)
    name = "Metadata-Version: 2.1\nName: patchbay-test-serving\nVersion: 1.0\n"
    (plugin / "METADATA").write_text(name)
    entry = "[patchbay.nodes]\nserving = tests.flows.server.nodes:NODES\n"
    (plugin / "entry_points.txt").write_text(entry)
    return {
        **os.environ,
        "PYTHONPATH": python_path(ROOT, plugin.parent),
        "PATCHBAY_HOME": str(folder / "home"),
        "PATCHBAY_WEIGHTS": str(weights_dir()),
    }


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return plugin_environ(tmp_path)


@contextlib.contextmanager
def started(environ: dict[str, str], *given: str) -> Iterator[tuple[Any, str, str]]:
    """The process, its address, and what it said until it listened."""
    words = [sys.executable, "-m", "patchbay.flows", "serve", "--port", "0", *given]
    process = subprocess.Popen(words, env=environ, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    said = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if "print(answer" in line:
                break
        found = re.search(r"at (http://\S+);", said)
        assert found is not None, said
        yield process, found[1], said
    finally:
        process.kill()
        process.communicate()


def test_what_it_prints_works(environ, tmp_path):
    folder = write(tmp_path / "flows", "shout")
    with started(environ, str(folder / "shout.json")) as (process, address, said):
        line = next(line for line in said.splitlines() if line.strip().startswith("curl "))
        curl = subprocess.run(["sh", "-c", f"{line} -s"], capture_output=True, text=True)
        assert '"answer":"HELLO"' in curl.stdout, curl
        lines = said[said.index("import httpx") :].splitlines()
        code = "\n".join(line.strip() for line in lines if line.strip())
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert ran.stdout.strip() == "{'answer': 'HELLO'}", ran.stderr
        key = (tmp_path / "home" / "serve-key").read_text().strip()
        assert key not in said
        refused = httpx.post(f"{address}/flows/shout/run", json={"text": "a"}, timeout=120)
        assert refused.status_code == 401
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=240)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "flow=shout caller=owner status=finished" in rest
        assert "Traceback" not in rest


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_ends_with_its_terminal_as_at_any_signal(environ, tmp_path, workers):
    folder = write(tmp_path / "flows", "slow")
    with started(environ, str(folder), "--workers", workers) as (process, address, _):
        key = (tmp_path / "home" / "serve-key").read_text().strip()
        headers, where = {"authorization": f"Bearer {key}"}, f"{address}/flows/slow/run"
        body = {"question": "a b c d e f g h", "background": True}
        run = httpx.post(where, json=body, headers=headers, timeout=120).json()["run"]
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=240)
    with started(environ, str(folder)) as (_, address, _):
        told = httpx.get(f"{address}/runs/{run}", headers=headers, timeout=120).json()
    assert told["status"] == "finished"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_key_that_names_no_flow_is_said_once_at_the_start(environ, tmp_path, workers):
    folder = write(tmp_path / "flows", "shout", "slow")
    (folder / "torn.json").write_text("{")
    keys = tmp_path / "keys.toml"
    table = '[{}]\nsha256 = "{}"\nflows = {}\n'
    keys.write_text(
        table.format("ada", "a" * 64, '["shoot", "slow"]')
        + table.format("bob", "b" * 64, '["shout", "torn"]')
        + table.format("eve", "c" * 64, '["later/on"]')
    )
    given = ("--key-from", str(keys), "--workers", workers, str(folder))
    with started(environ, *given) as (_, _, said):
        warned = [line for line in said.splitlines() if line.startswith("warning The key")]
        assert warned == [
            'warning The key of ada names the flow "shoot", which is not served. '
            'Did you mean "shout"?',
            'warning The key of eve names the flow "later/on", which is not served. '
            'Choose "shout" or "slow".',
        ]


def test_killed_under_load_every_run_is_there(environ, tmp_path):
    folder = write(tmp_path / "flows", "slow")
    limits = ("--at-once", "2", "--queue", "50", "--quiet")
    with started(environ, str(folder), *limits) as (process, address, _):
        key = (tmp_path / "home" / "serve-key").read_text().strip()
        headers = {"authorization": f"Bearer {key}"}
        body = {"question": QUESTION, "background": True}
        with httpx.Client(base_url=address, headers=headers, timeout=120) as http:
            runs = [http.post("/flows/slow/run", json=body).json()["run"] for _ in range(8)]
        process.kill()
    with (
        started(environ, str(folder), "--quiet") as (_, address, _),
        httpx.Client(base_url=address, headers=headers, timeout=120) as http,
    ):
        before = [http.get(f"/runs/{run}").json()["status"] for run in runs]
        assert set(before) <= {"finished", "interrupted"}
        assert "interrupted" in before
        for run, status in zip(runs, before, strict=True):
            if status == "interrupted":
                again = http.post(f"/runs/{run}/resume")
                assert again.status_code == 202, again.text
        end = time.monotonic() + 120
        for run in runs:
            while http.get(f"/runs/{run}").json()["status"] != "finished":
                assert time.monotonic() < end
                time.sleep(0.05)
            told = http.get(f"/runs/{run}").json()
            assert told["outputs"] == {"answer": QUESTION}

"""The unit and the container file of the docs, as far as a test can go: nothing is built."""

from __future__ import annotations

import email
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.flows.server.flows import write
from tests.flows.server.serving import serving
from tests.flows.server.test_command import plugin_environ, started
from tests.paths import ROOT

DEPLOY = ROOT / "docs" / "deploy"
unix = pytest.mark.skipif(sys.platform == "win32", reason="needs sh and links")


def unit_command() -> list[str]:
    text = (DEPLOY / "patchbay.service").read_text("utf-8")
    found = re.search(r"^ExecStart=(.+)$", text, re.M)
    assert found is not None
    return shlex.split(found[1])


def container_command() -> list[str]:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    parts = [re.search(rf"^{word} (\[.+\])$", text, re.M) for word in ("ENTRYPOINT", "CMD")]
    return [word for found in parts if found for word in json.loads(found[1])]


def container_lines(word: str) -> list[str]:
    """What stands behind a word of the container file, with lines that go on put together."""
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", "")
    return re.findall(rf"^{word} (.+)$", text, re.M)


@unix
def test_what_the_container_is_made_of_is_there_and_enough(tmp_path: Path):
    copied = [line.split() for line in container_lines("COPY") if not line.startswith("--from")]
    for *names, into in copied:
        for name in names:
            place = tmp_path / (name if into == "./" else into)
            place.symlink_to(ROOT / name)
    ask = "import build_backend; build_backend.prepare_metadata_for_build_wheel('told')"
    (tmp_path / "told").mkdir()
    env = {**os.environ, "PYTHONPATH": ".ci"}
    subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, env=env, check=True)
    (found,) = (tmp_path / "told").glob("*.dist-info")
    (extras,) = [line.removeprefix("EXTRAS=") for line in container_lines("ARG")]
    meta = email.message_from_string((found / "METADATA").read_text("utf-8"))
    assert {*extras.split(",")} <= {*meta.get_all("Provides-Extra", [])}


@unix
def test_the_container_gets_the_versions_that_are_tested(tmp_path: Path):
    (run, _) = container_lines("RUN")
    command = run.partition("&&")[0]
    assert command.startswith("sed ")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    lines = (tmp_path / "versions.txt").read_text("utf-8").splitlines()
    told = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert all(re.fullmatch(r"[\w.\-]+==\S+( ; .+)?", line) for line in told)
    assert {"starlette", "uvicorn", "mcp", "pydantic"} <= {line.partition("==")[0] for line in told}


def test_the_container_writes_where_its_user_may():
    (user,), (volume,) = container_lines("USER"), container_lines("VOLUME")
    (_, made) = container_lines("RUN")
    assert f"useradd --uid 10001 --create-home {user}" in made
    assert f"chown {user} {volume}" in made
    (env,) = container_lines("ENV")
    assert f"PATCHBAY_HOME={volume} " in env
    assert f"PATCHBAY_WEIGHTS={volume}/" in env
    command = container_command()
    assert command[command.index("--port") + 1] == container_lines("EXPOSE")[0]


def test_its_health_is_that_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    (line,) = container_lines("HEALTHCHECK")
    _, *check = json.loads(line.partition(" CMD ")[2])

    def healthy(port: int) -> bool:
        words = [word.replace(":8080/", f":{port}/") for word in check]
        return subprocess.run([sys.executable, *words], capture_output=True).returncode == 0

    with serving(write(tmp_path / "flows", "shout")) as served:
        assert healthy(served.port)
        served.service.slots.closed = True
        assert not healthy(served.port)
    assert not healthy(served.port)


def test_their_commands_serve(tmp_path: Path):
    for name, command in (("unit", unit_command()), ("container", container_command())):
        assert command[1] == "serve"
        folder = tmp_path / name
        folder.mkdir()
        flows = write(folder / "flows", "shout")
        given = [str(flows), *command[3:]]
        given[given.index("--port") + 1] = "0"
        with started(plugin_environ(folder), *given) as (_, address, _):
            key = (folder / "home" / "serve-key").read_text().strip()
            headers = {"authorization": f"Bearer {key}"}
            where = f"{address}/flows/shout/run"
            answer = httpx.post(where, json={"text": "hi"}, headers=headers, timeout=120)
            assert answer.json()["outputs"] == {"answer": "HI"}
            assert httpx.get(f"{address}/health", timeout=120).status_code == 200


def test_systemd_takes_the_unit(tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        return  # nothing to ask; the command of the unit is run above
    program = tmp_path / "patchbay"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "patchbay.service"
    text = (DEPLOY / "patchbay.service").read_text("utf-8")
    unit.write_text(text.replace(unit_command()[0], str(program)), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    about_us = [line for line in done.stderr.splitlines() if "patchbay" in line]
    assert about_us == [], done.stderr

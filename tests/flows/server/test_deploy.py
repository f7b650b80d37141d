"""The unit and the container file of the docs, as far as a test can go: no daemon is needed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import httpx

from tests.flows.server.flows import write
from tests.flows.server.test_command import plugin_environ, started
from tests.paths import ROOT

DEPLOY = ROOT / "docs" / "deploy"


def unit_command() -> list[str]:
    text = (DEPLOY / "patchbay.service").read_text("utf-8")
    found = re.search(r"^ExecStart=(.+)$", text, re.M)
    assert found is not None
    return shlex.split(found[1])


def container_command() -> list[str]:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    parts = [re.search(rf"^{word} (\[.+\])$", text, re.M) for word in ("ENTRYPOINT", "CMD")]
    return [word for found in parts if found for word in json.loads(found[1])]


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

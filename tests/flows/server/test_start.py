"""A server that has just been started answers calls of flows before it has imported the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from patchbay.flows.server import app
from tests.flows.server.flows import write
from tests.flows.server.serving import serving
from tests.paths import ROOT, python_path

SCRIPT = """
import json, sys
sys.argv = ["patchbay", "serve", {flow!r}, "--port", "0", "--quiet"]
from patchbay.flows.cli import main
try:
    main()
except BaseException:
    pass
import os, gc
print(json.dumps([sorted(sys.modules), gc.isenabled(), os.environ.get("PYDANTIC_DISABLE_PLUGINS")]))
"""
ASKED_FOR = (
    "patchbay.flows.server.openai", "patchbay.flows.server.compat", "patchbay.flows.server.workers",
    "patchbay.flows.server.http.addresses", "patchbay.flows.server.http.openapi",
    "patchbay.flows.runs.history", "sqlalchemy", "httpx", "mcp", "networkx", "langchain_core",
)  # fmt: skip
"""What an instant flow needs nothing of."""


@pytest.mark.skipif(sys.platform == "win32", reason="it is ended by Ctrl+C, which is another there")
def test_a_flow_is_answered_before_the_rest_is_imported(tmp_path: Path) -> None:
    flow = str(ROOT / "bench" / "flows" / "plain.json")
    env = {"PYTHONPATH": python_path(ROOT), "PATCHBAY_HOME": str(tmp_path), "PATH": os.defpath}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(flow=flow)], env=env, cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        address = said.split(" at ")[1].partition(";")[0]
        key = (tmp_path / "serve-key").read_text(encoding="utf-8").strip()
        answer = httpx.post(
            f"{address}/flows/plain/run", json={"name": "Ada"},
            headers={"authorization": f"Bearer {key}"}, timeout=120,
        )  # fmt: skip
        assert answer.json()["outputs"] == {"greeting": "Hello, Ada!"}
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=240)
    finally:
        process.kill()
    modules, collects, plugins = json.loads(told.splitlines()[-1])
    assert [name for name in modules if name.startswith(ASKED_FOR)] == []
    assert collects
    assert plugins is None


def test_whoever_asks_first_finds_the_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where their import failed for want of something, the next one does."""
    tries = []
    every_address = app._every_address

    def short_of_files(mcp: object) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(24, "Too many open files")
        return every_address(mcp)  # type: ignore[arg-type]

    monkeypatch.setattr(app, "_every_address", short_of_files)
    with serving(write(tmp_path / "flows", "words")) as served:
        assert served.http.get("/flows").status_code == 500
        for path in ("/flows", "/health", "/openapi.json", "/v1/models", "/chat/words"):
            assert served.http.get(path).status_code == 200, path
        assert len(tries) == 2

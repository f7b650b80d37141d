"""`--env NAME`: whose values the variables of a flow have."""

from __future__ import annotations

from pathlib import Path

from tests.flows.cli.conftest import Patchbay
from tests.flows.runs.test_variables import LANGUAGE, flow_of, save_flow


def test_a_run_is_for_an_environment(tmp_path: Path, patchbay: Patchbay) -> None:
    path = tmp_path / "flow.json"
    save_flow(flow_of(LANGUAGE), path)
    assert patchbay("run", str(path), "--quiet").stdout.strip() == "Danish"
    done = patchbay("run", str(path), "--env", "production", "--quiet")
    assert done.stdout.strip() == "German"
    refused = patchbay("run", str(path), "--env", "staging")
    assert refused.returncode == 1
    assert 'no values for the environment "staging"' in refused.stderr

"""Wheels for another machine's Python: what is asked for, and a registry that is not reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.batch.wheels import OtherPython, fetch_wheels, required
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.subflows import prepare
from tests.flows.batch.kit import shouting
from tests.flows.runs.harness import CATALOG, OUT, flow


def test_versions_are_those_of_here_with_their_extras() -> None:
    asked = required(prepare(shouting(), CATALOG, None))
    names = {line.partition("==")[0] for line in asked}
    assert {"pydantic", "typer", "xllamacpp", "markdown-it-py[linkify]"} <= names
    assert all("+" not in line for line in asked), "no registry knows a local version"
    assert not any(line.startswith("torch") for line in asked)


def test_what_nodes_need_goes_along() -> None:
    document = flow({"d": ("retrieval.load", {"path": "a.txt"}), "o": OUT})
    assert set(required(prepare(shouting(), CATALOG, None))) <= set(
        required(prepare(document, CATALOG, None, ("d",)))
    )


def test_a_platform_is_told_to_pip() -> None:
    assert list(OtherPython("3.12", "manylinux_2_28_aarch64").options()) == [
        "--python-version", "3.12", "--implementation", "cp",
        "--platform", "manylinux_2_28_aarch64",
    ]  # fmt: skip
    assert "manylinux_2_28_arm64" in list(OtherPython("3.12", machine="arm64").options())


def test_a_registry_that_is_not_reached_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_RETRIES": "0", "PIP_TIMEOUT": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    ready = prepare(shouting(), CATALOG, None)
    with pytest.raises(FlowError) as refused:
        fetch_wheels(ready, OtherPython("3.12"), tmp_path / "wheels")
    (problem,) = refused.value.problems
    assert problem.code == "bundle/wheels"
    assert "registry of packages" in problem.fix

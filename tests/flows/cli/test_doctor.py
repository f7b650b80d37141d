"""`patchbay doctor`, `validate --offline` and `bundle` as a person runs them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.flows.cli import doctor
from patchbay.flows.cli.doctor import findings
from tests.flows.batch.test_bundle import modelled
from tests.flows.cli.conftest import Patchbay

Save = Callable[..., Path]


def test_what_is_here_and_what_is_not(patchbay: Patchbay, tmp_path: Path) -> None:
    done = patchbay("doctor", "--json")
    found = {one["what"]: one for one in json.loads(done.stdout)}
    assert found["Memory"]["state"] == "here"
    assert found["Home"]["said"].startswith(str(tmp_path / "home"))
    assert {"Processor", "Weights", "Slurm", "Containers", "Ray", "Ollama"} <= set(found)


def test_a_server_is_seen_by_its_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        before = dict(doctor.SERVERS)
        doctor.SERVERS["Ours"] = listener.getsockname()[1]
        try:
            found = {one.what: one for one in findings()}
        finally:
            doctor.SERVERS.clear()
            doctor.SERVERS.update(before)
    assert found["Ours"].state == "here"


@pytest.mark.parametrize(
    ("settings", "what", "state", "said"),
    [
        ("x = [", "Settings", "wrong", "settings.toml"),
        ('[clusters.lab]\non = "rya://head"', "Settings", "wrong", "does not say where it is"),
        ('[clusters.lab]\non = "ray://127.0.0.1:9"', "Cluster lab", "not here", "is not reached"),
        ('[clusters.lab]\non = "ray://head:x"', "Cluster lab", "wrong", "is no address"),
        ('[clusters.lab]\non = "ray://127.0.0.1:{port}"', "Cluster lab", "here", "listens at"),
        ('[clusters.lab]\non = "slurm"', "Cluster lab", None, "sbatch"),
        ('[clusters.lab]\non = "slurm"\nprofile = "far"', "Cluster lab", None, "by ssh at ada@far"),
        ('[clusters.lab]\non = "slurm"\nprofile = "no"', "Cluster lab", "wrong", 'no profile "no"'),
        ('[clusters.lab]\non = "ray"', "Cluster lab", "here", "this machine"),
        ("", "Profile far", "here", "far.toml"),
        ("", "Profile bad", "wrong", 'knows no "partion"'),
    ],
)
def test_the_clusters_that_the_settings_name_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, what: str, state: str | None,
    said: str,
) -> None:  # fmt: skip
    """All was well, whatever the settings said."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters" / "far.toml").write_text('ssh = "ada@far"\n', encoding="utf-8")
    (tmp_path / "clusters" / "bad.toml").write_text('partion = "gpu"\n', encoding="utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        text = settings.replace("{port}", str(listener.getsockname()[1]))
        (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
        found = {one.what: one for one in doctor._named_clusters()}
    assert said in found[what].said
    assert state in (None, found[what].state)


def test_offline_names_weights_and_the_archive_is_refused(patchbay: Patchbay, save: Save) -> None:
    save(modelled(weights="hf:some/where/model.gguf"))
    assert patchbay("validate", "case.json").returncode == 0
    done = patchbay("validate", "--offline", "case.json")
    assert done.returncode == 1
    assert "error [offline/weights] m: hf:some/where/model.gguf is not here." in done.stderr
    nowhere = patchbay("bundle", "case.json", "-o", "no/b.tar")
    assert nowhere.returncode == 1
    assert "There is no folder no." in nowhere.stderr
    done = patchbay("bundle", "case.json", "-o", "b.tar")
    assert (done.returncode, "offline/weights" in done.stderr) == (1, True)


@pytest.mark.skipif(os.name == "nt", reason="a tool of a shell stands in for the driver's")
@pytest.mark.parametrize("for_gpus", [True, False])
def test_a_gpu_is_named_and_what_leaves_it_idle(
    for_gpus: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho NVIDIA H200, 143771 MiB, 143000 MiB, 580.159.04\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("patchbay.nodes.gpus.torch_for_gpus", lambda: for_gpus)
    monkeypatch.setattr("patchbay.nodes.gpus.llama_for_gpus", lambda: for_gpus)
    found = {one.what: one for one in doctor._gpus()}
    assert found["GPU 0"].said == "NVIDIA H200, 143000 MiB of 143771 MiB free, driver 580.159.04"
    idle = {"torch for GPUs", "llama.cpp for GPUs"}
    assert set(found) - {"GPU 0"} == (set() if for_gpus else idle)
    assert all(found[what].fix for what in idle & set(found))

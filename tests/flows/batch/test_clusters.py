"""Places where rows run, by name: those that every machine has, and those of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.batch.clusters import Cluster, find_cluster, named_clusters
from patchbay.flows.batch.sent import JobReads
from patchbay.flows.batch.slurm_batch import SlurmBatch, order_of
from patchbay.flows.problems import FlowError


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    return tmp_path / "settings.toml"


def test_what_every_machine_has(settings: Path) -> None:
    assert find_cluster("here").is_here
    assert find_cluster("ray") == Cluster("ray")
    assert find_cluster("ray://head:10001").address == "ray://head:10001"
    assert find_cluster("slurm").is_slurm


def test_clusters_of_the_settings(settings: Path) -> None:
    settings.write_text(
        '[clusters.lab]\non = "ray://head:10001"\nworkers = 4\ngpus = 0.5\n'
        '[clusters.hpc]\non = "slurm"\nprofile = "ai-lab"\nnodes = 3\ntime = "2:00:00"\n'
    )
    assert find_cluster("lab") == Cluster("ray://head:10001", 4, 0.5)
    order = order_of(find_cluster("hpc"))
    assert (order.nodes, order.time, order.profile.memory) == (3, "2:00:00", "24G")
    with pytest.raises(FlowError, match='Did you mean "lab"'):
        find_cluster("labb")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clusters = 3", "is no table"),
        ("[clusters]\nlab = 3", "is no table"),
        ("[clusters.lab]\nworkers = 2", "does not say where"),
        ('[clusters.lab]\non = "moon"', "does not say where"),
        ('[clusters.lab]\non = "ray"\nworker = 2', 'knows no "worker"'),
        ('[clusters.lab]\non = "ray"\nworkers = "two"', "is not a number"),
        ('[clusters.lab]\non = "ray"\nworkers = true', "is not a number"),
        ('[clusters.lab]\non = "ray"\nworkers = -1', "is below 0"),
        ('[clusters.lab]\non = "slurm"\ntime = 2', "is not a text"),
        ("[clusters.lab", "cannot be read"),
    ],
)
def test_what_is_no_cluster_is_said(settings: Path, text: str, said: str) -> None:
    settings.write_text(text)
    with pytest.raises(FlowError) as refused:
        named_clusters()
    assert [problem.code for problem in refused.value.problems] == ["settings/clusters"]
    assert said in str(refused.value)


def test_jobs_of_slurm_have_no_database_and_no_password(settings: Path, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="into a file"):
        SlurmBatch(Cluster("slurm"), [], "sqlite:///a.db#t", JobReads())
    words = ["--rows", "postgresql://a:b@host/x"]
    with pytest.raises(FlowError, match="password"):
        SlurmBatch(Cluster("slurm"), words, str(tmp_path / "o.csv"), JobReads())
    jobs = SlurmBatch(Cluster("slurm", nodes=2), ["f.json"], str(tmp_path / "o.csv"), JobReads())
    assert "--array=0-1" in jobs.scripts[0]
    jobs.cancel()  # nothing was sent

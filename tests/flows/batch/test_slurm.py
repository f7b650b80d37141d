"""A batch as jobs of Slurm: the scripts, the profiles, and the parts put together.

A real Slurm runs them in `python -m tests.cluster.slurm`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from patchbay.flows.batch.api import collect
from patchbay.flows.batch.on_slurm import SlurmOrder, read_profile, scripts, submit
from patchbay.flows.cli.slurm import part_words
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import json_table, lines_of, over, picky


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


async def test_parts_are_put_together_in_order_failures_too(tmp_path: Path) -> None:
    words = ["good", "bad", "no", "good", "no", "bad", "good", "no"]
    rows = json_table(tmp_path / "a.jsonl", [{"n": n, "review": w} for n, w in enumerate(words)])
    for part in (2, 0, 1):
        await over(picky(), rows, tmp_path / f"part-{part}.jsonl", keep=("n",), shard=(part, 3))
    result = collect(tmp_path, str(tmp_path / "all.jsonl"))
    assert (result.rows, result.failed) == (5, 3)
    whole = [(row["n"], row["label"]) for row in lines_of(tmp_path / "all.jsonl")]
    assert whole == [(n, w) for n, w in enumerate(words) if w != "no"]
    assert [row["row"] for row in lines_of(tmp_path / "all.failed.jsonl")] == [2, 4, 7]


async def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"review": "good"}] * 4)
    for part in (0, 2):
        await over(picky(), rows, tmp_path / f"part-{part}.jsonl", keep=(), shard=(part, 4))
    with pytest.raises(FlowError, match=r"Parts are missing in .*: 1, 3"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))


def test_a_script_is_what_bash_reads(tmp_path: Path) -> None:
    order = SlurmOrder(4, 2, "2:00:00", "/images/a b.sif", read_profile("ai-lab"))
    words = ["/flows/it's.json", "--rows", "/data/rows.csv"]
    array, last = scripts(order, words, "/data/out.parquet", Path("/data/out.parquet.slurm"))
    assert "#SBATCH --array=0-3" in array
    assert "#SBATCH --gres=gpu:2" in array
    assert "#SBATCH --time=2:00:00" in array
    assert "singularity exec --nv '/images/a b.sif' patchbay batch" in array
    assert "NOT VERIFIED" in array
    assert "--collect /data/out.parquet.slurm -o /data/out.parquet" in last
    for script in (array, last):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_profile_of_ones_own(home: Path) -> None:
    (home / "clusters").mkdir(parents=True)
    (home / "clusters" / "mine.toml").write_text(
        'like = "ai-lab"\npartition = "long"\nmodules = ["cuda/12"]\nlines = ["--qos=low"]\n',
        encoding="utf-8",
    )
    array, _ = scripts(SlurmOrder(profile=read_profile("mine")), [], "o", Path("/x"))
    for line in ("--partition=long", "--qos=low", "--mem=24G"):
        assert f"#SBATCH {line}\n" in array
    assert "module load cuda/12\n" in array


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "there are: ai-lab"), ("partition = ", "Invalid"), ('queue = "x"', "queue")],
)
def test_profiles_that_are_none(home: Path, text: str | None, words: str) -> None:
    if text is not None:
        (home / "clusters").mkdir(parents=True)
        (home / "clusters" / "bad.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FlowError, match=words):
        read_profile("bad")


def test_without_slurm_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlowError, match="There is no sbatch here"):
        submit("", "", tmp_path / "parts")


def test_parts_get_all_but_where_they_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.json").write_text("{}", encoding="utf-8")
    given = "batch flow.json --rows a.csv --map x=y --on slurm --nodes=4 -o out.csv -q --retries 2"
    assert part_words(given.split()) == [
        str(tmp_path / "flow.json"), "--rows", "a.csv", "--map", "x=y", "--retries", "2",
    ]  # fmt: skip

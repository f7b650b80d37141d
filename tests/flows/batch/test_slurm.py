"""A batch as jobs of Slurm: the scripts and the profiles.

A real Slurm runs them in `python -m tests.cluster.slurm`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchbay.flows.batch import slurm_job
from patchbay.flows.batch.cluster_profile import read_profile
from patchbay.flows.batch.clusters import Cluster
from patchbay.flows.batch.command_words import command_words
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.on_slurm import (
    ClusterProfile,
    SlurmOrder,
    refuse_passwords,
    scripts,
    submit,
)
from patchbay.flows.batch.sent import JobReads
from patchbay.flows.batch.slurm_batch import SlurmBatch
from patchbay.flows.problems import FlowError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(("status", "whole"), [(0, 0), (3, 0), (1, 1), (2, 2), (130, 130)])
def test_only_rows_that_failed_hold_nothing_back(tmp_path: Path, status: int, whole: int) -> None:
    profile = ClusterProfile(command=f"exit_with() {{ return {status}; }}; exit_with")
    array, last = scripts(SlurmOrder(2, profile=profile), [], "o.jsonl", tmp_path)
    for script in (array, last):
        env = {"SLURM_ARRAY_TASK_ID": "0"}
        done = subprocess.run(["bash"], input=script, text=True, env=env, check=False)
        assert (done.returncode != 0) == (whole != 0)


@pytest.mark.parametrize("name", ["it's", "a b", "5% $HOME", 'a "b" `date`', "a#b", "plain"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    """With a space in its path Slurm refused the script; a `$` led to another folder."""
    folder = tmp_path / name / "out.jsonl.slurm"
    folder.mkdir(parents=True)
    show = tmp_path / "show"
    show.write_text('#!/bin/sh\nfor word do echo "$word"; done\n', encoding="utf-8")
    show.chmod(0o700)
    output = str(folder.parent / "out.jsonl")
    profile = ClusterProfile(command=str(show))
    array, last = scripts(SlurmOrder(2, profile=profile), ["--rows", output], output, folder)
    env = {"SLURM_ARRAY_TASK_ID": "1"}
    said = [
        subprocess.run(["bash"], input=script, text=True, env=env, check=True, capture_output=True)
        .stdout.strip().split("\n")
        for script in (array, last)
    ]  # fmt: skip
    assert said[0] == [
        "batch", "--rows", output, "--go-on", "--quiet", "--part", "1/2", "-o",
        f"{folder}/part-1.jsonl",
    ]  # fmt: skip
    assert said[1] == ["batch", "--collect", str(folder), "-o", output]
    (line,) = (line for line in array.splitlines() if "--output" in line)
    quoted = line.removeprefix("#SBATCH --output=").replace("%%", "%")
    assert quoted.strip('"') == f"{folder}/part-%a.log"
    assert quoted.startswith('"') == (name not in ("plain",) and set(name) & set(" #'\"") != set())


def test_both_ways_to_slurm_share_a_budget(tmp_path: Path) -> None:
    words = command_words(Path("f.json"), BatchSettings("a.csv"), max_tokens=1000)
    jobs = SlurmBatch(Cluster("slurm", nodes=4), words, str(tmp_path / "o.jsonl"), JobReads())
    assert "--max-tokens 250" in jobs.scripts[0]


@pytest.mark.parametrize(
    "word",
    [
        "postgresql://ann:s3cret@host/db#t", "--rows=mysql+pymysql://ann:s3/cr?t@host:3306/db",
        "db=postgresql://host/db?user=ann&password=s3cret", "postgresql://:s3cret@host/db",
        "postgresql://host/db?sslpassword=s3cret",
    ],
)  # fmt: skip
def test_a_password_stands_in_no_script(word: str) -> None:
    with pytest.raises(FlowError, match="A password in an address") as caught:
        refuse_passwords(["flow.json", "--rows", word])
    said = " ".join(f"{p.message} {p.fix}" for p in caught.value.problems)
    assert "PATCHBAY_DATABASE_PASSWORD" in said
    assert "s3" not in said


def test_addresses_without_a_password_pass() -> None:
    refuse_passwords(
        ["postgresql://ann:***@host/db", "postgresql://ann@host:5432/db", "sqlite:///a:b.db#t",
         "http://host:80/a", "db?password=***", "--map", "a=b@c"]
    )  # fmt: skip


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
    [
        (None, "there are: ai-lab"),
        ("partition = ", "Invalid"),
        ('queue = "x"', 'knows no "queue"'),
        ('partiton = "x"', 'Did you mean "partition"'),
        ('like = "ai-labs"', 'Did you mean "ai-lab"'),
        ('modules = "cuda/12"', '"modules" is no list of texts'),
        ("lines = [1]", '"lines" is no list of texts'),
        ('cores = "15"', '"cores" is not a whole number'),
        ("memory = 24", '"memory" is not a text'),
        ('gpu_option = "--gpus={n}"', "A name in braces is not known: 'n'"),
        ('ssh = "-oProxyCommand=x"', "no place for ssh"),
        ('ssh = "ada@login -v"', "no place for ssh"),
    ],
)
def test_profiles_that_are_none(home: Path, text: str | None, words: str) -> None:
    if text is not None:
        (home / "clusters").mkdir(parents=True)
        (home / "clusters" / "bad.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FlowError, match=words):
        read_profile("bad")


SSH = """#!/bin/sh
echo "$1" >> "{here}/asked"
test "$1" = ada@login || exit 255
sh -c "$2"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Slurm")
@pytest.mark.parametrize(("where", "ends"), [("ada@login", (3, "An answer\n")), ("bob@off", None)])
def test_slurm_is_asked_over_ones_own_ssh(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, ends: object
) -> None:
    here, far = tmp_path / "a job", tmp_path / "far"
    far.mkdir()
    programs = {"sbatch": SBATCH, "squeue": SQUEUE.format(here=here), "scancel": "#!/bin/sh\n"}
    for name, text in {**programs, "ssh": SSH.format(here=tmp_path)}.items():
        place = tmp_path if name == "ssh" else far
        (place / name).write_text(text.replace("#!/bin/sh\n", f"#!/bin/sh\nPATH={far}:$PATH\n"))
        (place / name).chmod(0o755)
    ours = (tmp_path / "ssh").read_text()
    (tmp_path / "ssh").write_text(ours.replace('sh -c "$2"', f'PATH="{far}:$PATH" sh -c "$2"'))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_job, "LOOK_S", 0.0)
    (home / "clusters").mkdir(parents=True)
    (home / "clusters" / "far.toml").write_text(f'ssh = "{where}"\n', encoding="utf-8")
    job = slurm_job.SlurmJob(Cluster("slurm", profile="far"), "run", ["f.json"], here)
    assert "patchbay run f.json" in job.script, "the Python of here need not be there"
    if ends is None:
        with pytest.raises(FlowError, match="bob@off is not reached"):
            job.run(lambda _: None)
        return
    assert job.run(lambda _: None) == ends
    job.cancel()
    asked = (tmp_path / "asked").read_text().split()
    assert len(asked) >= 5  # sent, asked three times, ended
    assert set(asked) == {where}


def test_without_slurm_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlowError, match="There is no sbatch here"):
        submit("", "", tmp_path / "parts")


SBATCH = "#!/bin/sh\necho 7\n"


SQUEUE = """#!/bin/sh
count=$(cat "{here}/count" 2>/dev/null || echo 0)
echo $((count + 1)) > "{here}/count"
case $count in
  0) echo RUNNING;;
  1) echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1;;
  *) echo 3 > "{here}/status"; echo An answer > "{here}/answer.txt"
     echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1;;
esac
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Slurm")
def test_a_head_that_does_not_answer_is_no_end_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "a job"
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE.format(here=here))):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_job, "LOOK_S", 0.0)
    told: list[str] = []
    job = slurm_job.SlurmJob(Cluster("slurm"), "run", ["f.json"], here)
    assert f"> '{here}'/answer.txt" in job.script
    assert job.run(told.append) == (3, "An answer\n")
    assert told[1:] == ["job running", "Slurm does not answer; it is asked again"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Slurm")
def test_jobs_that_are_cancelled_while_they_are_sent_do_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("sbatch", SBATCH), ("scancel", f'#!/bin/sh\necho "$@" > "{tmp_path}/end"')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    jobs = SlurmBatch(Cluster("slurm"), ["f.json"], str(tmp_path / "out.csv"), JobReads())
    jobs.cancel()  # nothing is known of the jobs yet
    jobs.run(lambda _: None)
    assert (tmp_path / "end").read_text().split() == ["7", "7"]

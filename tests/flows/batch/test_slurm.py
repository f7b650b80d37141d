"""A batch as jobs of Slurm: the scripts, the profiles, and the parts put together.

A real Slurm runs them in `python -m tests.cluster.slurm`.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
from typer.main import get_command

from patchbay.flows.batch import slurm_job
from patchbay.flows.batch.api import BatchResult, collect
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
from patchbay.flows.batch.slurm_batch import SlurmBatch, shared_budgets
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.cli.app import loaded
from patchbay.flows.cli.arguments import read_inputs
from patchbay.flows.cli.slurm import (
    INPUTS,
    NOT_FOR_JOBS,
    NOT_FOR_PARTS,
    WORDS_OR_PATHS,
    Takes,
    options_of,
    part_words,
)
from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.defaults import default_catalog
from tests.flows.batch.kit import json_table, lines_of, over, picky, shouting


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


ROWS = [{"n": n, "review": w} for n, w in enumerate(["good", "bad", "no", "good", "no", "bad"])]


async def parts(folder: Path, *, count: int = 2, **more: Any) -> None:
    rows = json_table(folder / "a.jsonl", ROWS)
    for part in range(count):
        await over(
            picky(), rows, folder / f"part-{part}.jsonl", keep=("n",), shard=(part, count), **more
        )


async def again(folder: Path, document: Flow, rows: list[Any] = ROWS, **more: Any) -> BatchResult:
    """The first part, asked for once more."""
    settings = {"keep": ("n",), "shard": (0, 2), **more}
    table = json_table(folder / "a.jsonl", rows)
    return await over(document, table, folder / "part-0.jsonl", go_on=True, **settings)


async def test_a_part_that_has_ended_is_taken_as_it_is(tmp_path: Path) -> None:
    await parts(tmp_path)
    before = (tmp_path / "part-0.jsonl").stat()
    done = await again(tmp_path, picky())
    assert (done.rows, done.failed) == (1, 2)
    assert done.failures == tmp_path / "part-0.failed.jsonl"
    assert (tmp_path / "part-0.jsonl").stat() == before
    assert not list(tmp_path.glob("*.batch"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": [*ROWS[1:], ROWS[0]]}, "the rows of .* are others"),
        ({"document": shouting()}, "the flow: "),
        ({"keep": ()}, "the setting keep"),
        ({"shared": {"review": "good"}}, "the setting input"),
        ({"shard": (0, 3)}, "the setting shard"),
    ],
    ids=["rows", "flow", "columns", "inputs", "nodes"],
)
async def test_a_part_of_another_batch_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    await parts(tmp_path)
    held = (tmp_path / "part-0.jsonl").read_bytes()
    with pytest.raises(FlowError, match=f"not the batch that it was: {said}"):
        await again(tmp_path, **{"document": picky(), **change})
    assert (tmp_path / "part-0.jsonl").read_bytes() == held


async def test_a_file_that_is_no_part_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "part-0.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(FlowError, match="is there already"):
        await again(tmp_path, picky())


def said_of(folder: Path, part: int, *path: str, value: Any) -> None:
    """Change what the manifest of a part says."""
    file = folder / f"part-{part}.manifest.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    place = said
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    file.write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("rows", "sha256"), "0" * 64, "the rows of .* are others"),
        (("settings", "keep"), [], "the setting keep"),
        (("settings", "shard"), [1, 3], "Parts are missing|the setting parts"),
        (("weights",), {"m.model": "other"}, "the weights at m.model"),
        (("versions",), {"pydantic": "1"}, "the version of pydantic"),
        (("output", "rows"), 7, "rows, and .* are its share"),
        (("output", "sha256"), "0" * 64, "is not as it was written"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
async def test_parts_that_do_not_belong_together(
    tmp_path: Path, path: tuple[str, ...], value: Any, words: str
) -> None:
    await parts(tmp_path)
    said_of(tmp_path, 1, *path, value=value)
    with pytest.raises(FlowError, match=words):
        collect(tmp_path, str(tmp_path / "all.jsonl"))
    assert not (tmp_path / "all.jsonl").exists()
    assert not list((tmp_path / "all.jsonl.batch").glob("manifest.json"))


async def test_parts_of_more_nodes_are_left_of_before(tmp_path: Path) -> None:
    await parts(tmp_path, count=3)
    for file in tmp_path.glob("part-[01].*"):
        file.unlink()
    await parts(tmp_path)
    with pytest.raises(FlowError, match="parts of different batches: 3 of 2"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))


async def test_parts_cut_short_and_out_of_order_are_refused(tmp_path: Path) -> None:
    await parts(tmp_path)
    failed = tmp_path / "part-0.failed.jsonl"
    lines = failed.read_text(encoding="utf-8").splitlines(keepends=True)
    failed.write_text(lines[0], encoding="utf-8")
    with pytest.raises(FlowError, match="is not as it was written"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))
    failed.write_text("".join(reversed(lines)), encoding="utf-8")
    with pytest.raises(FlowError, match="out of order"):
        collect(tmp_path, str(tmp_path / "all.jsonl"))
    assert not (tmp_path / "all.jsonl").exists()
    other = tmp_path / "unordered"
    other.mkdir()
    await parts(other, ordered=False)
    with pytest.raises(FlowError, match="out of order"):
        collect(other, str(other / "all.jsonl"))


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


@pytest.mark.parametrize(
    ("words", "nodes", "wanted"),
    [
        ("--max-tokens 1000 --keep n", 4, "--max-tokens 250 --keep n"),
        ("--max-tokens=1000 --max-cost=2", 4, "--max-tokens=250 --max-cost=0.5"),
        ("--max-cost 0.3", 3, "--max-cost 0.09999999999999999"),
        ("--max-tokens 3", 4, "--max-tokens 1"),
        ("--rows a.csv --max-tokens 9", 1, "--rows a.csv --max-tokens 9"),
    ],
)
def test_a_budget_is_shared_by_the_jobs(words: str, nodes: int, wanted: str) -> None:
    """Each of four jobs could use all of it."""
    assert shared_budgets(words.split(), nodes) == wanted.split()


def test_both_ways_to_slurm_share_a_budget(tmp_path: Path) -> None:
    words = command_words(Path("f.json"), BatchSettings("a.csv"), max_tokens=1000)
    jobs = SlurmBatch(Cluster("slurm", nodes=4), words, str(tmp_path / "o.jsonl"))
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


def test_parts_get_all_but_where_they_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.json").write_text("{}", encoding="utf-8")
    given = "batch flow.json --rows a.csv --map x=y --on slurm --nodes=4 -o out.csv -q --retries 2"
    assert part_words(given.split()) == [
        str(tmp_path / "flow.json"), "--rows", "a.csv", "--map", "x=y", "--retries", "2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("--keep text --rows text", "--keep text --rows {here}/text"),
        ("--env text --max-tokens 5 text", "--env text --max-tokens 5 {here}/text"),
        ("--set t=text --input a=@text -i b=text", "--set t=text --input a=@{here}/text -i b=text"),
        ("--rows=text --map=t=text", "--rows={here}/text --map=t=text"),
        ("--unordered text", "--unordered {here}/text"),
        ("-i a=@@text --rows sqlite:///text#t", "-i a=@@text --rows sqlite:///{here}/text#t"),
        ("--rows=sqlite:////data/b.db#t", "--rows=sqlite:////data/b.db#t"),
        ("--rows postgresql://host/text#t", "--rows postgresql://host/text#t"),
        ("--workers=2 --print --gpus 1 --keep", "--keep"),
    ],
)  # fmt: skip
def test_only_paths_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, wanted: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("", encoding="utf-8")
    found = part_words(["batch", *given.split()])
    assert found == wanted.format(here=tmp_path).split()


def test_paths_in_the_words_of_an_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of checks lie beside the flow, and `LAST` is a word even where a file is called so."""
    monkeypatch.chdir(tmp_path)
    for name in ("flow.json", "LAST", "judge.json", "cases"):
        (tmp_path / name).write_text("", encoding="utf-8")
    given = (
        "experiment flow.json --cases cases --check flow:judge.json --check exact --name cases "
        "--no-worse-than LAST --preferences new.jsonl -oreport.md"
    )
    assert part_words(given.split(), "experiment", NOT_FOR_JOBS) == [
        f"{tmp_path}/flow.json", "--cases", f"{tmp_path}/cases",
        "--check", "flow:judge.json", "--check", "exact", "--name", "cases",
        "--no-worse-than", "LAST", "--preferences", f"{tmp_path}/new.jsonl",
        "-o", f"{tmp_path}/report.md",
    ]  # fmt: skip


def test_short_options_that_stand_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("", encoding="utf-8")
    assert part_words(["batch", "f.json", "-qoout.csv", "-ia=@text"]) == [
        "f.json", "-i", f"a=@{tmp_path}/text",
    ]  # fmt: skip
    given = ["run", "-qv", "f.json", "--only", "-oout"]
    assert part_words(given, "run", NOT_FOR_JOBS) == ["-q", "-v", "f.json", "--only", "-oout"]


NO_PATHS = {
    "--check", "--env", "--expected", "--keep", "--map", "--name", "--only", "--output-name",
    "--part", "--query", "--report", "--resume", "--set", "--trace", "--vary",
}  # fmt: skip
"""Options of commands that become jobs which take a text that is no path."""


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("batch", NOT_FOR_PARTS), ("experiment", NOT_FOR_JOBS), ("run", NOT_FOR_JOBS)],
)
def test_of_each_option_that_a_job_gets_it_is_known_whether_it_names_a_file(
    name: str, left_out: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose type is a path becomes absolute by that; one that takes any text has to be listed,
    here as no path or in `WORDS_OR_PATHS`."""
    monkeypatch.chdir(tmp_path)
    for option, (takes, named) in declared(name).items():
        if option in left_out:
            continue
        if Path in named:
            (tmp_path / "there").write_text("", encoding="utf-8")
            words = part_words([name, option, "there"], name, left_out)
            assert words == [option, f"{tmp_path}/there"], option
        elif str in named and takes is not Takes.nothing:
            known = (option in NO_PATHS) + (option in INPUTS) + (option in WORDS_OR_PATHS)
            assert known == 1, f"{option} of {name}: does it name a file?"


def declared(name: str) -> dict[str, tuple[Takes, tuple[Any, ...]]]:
    """What each option takes, as `part_words` sees it and as its command declares it."""
    function = loaded(name)
    types = get_type_hints(function)
    app = typer.Typer(add_completion=False)
    app.command()(function)
    found: dict[str, tuple[Takes, tuple[Any, ...]]] = {}
    for param in get_command(app).params:
        named = types[str(param.name)]
        inner = [part for one in get_args(named) for part in (one, *get_args(one))]
        for option in param.opts:
            if option.startswith("-"):
                found[option] = options_of(name)[option], (named, *inner)
    return found


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
    jobs = SlurmBatch(Cluster("slurm"), ["f.json"], str(tmp_path / "out.csv"))
    jobs.cancel()  # nothing is known of the jobs yet
    jobs.run(lambda _: None)
    assert (tmp_path / "end").read_text().split() == ["7", "7"]


def test_a_text_that_begins_with_a_sign_of_files_stays_a_text(tmp_path: Path) -> None:
    settings = BatchSettings(rows="a.jsonl", columns={}, shared={"text": "@home", "n": 3})
    words = command_words(tmp_path / "f.json", settings)
    given = [word for before, word in itertools.pairwise(words) if before == "--input"]
    assert given == ["text=@@home", "n=3"]
    read = read_inputs(given, resolve_once(shouting(), default_catalog()))
    assert read["text"] == "@home"

"""The words of a command, as jobs of Slurm get them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
from typer.main import get_command

from patchbay.flows.batch.command_words import command_words
from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.slurm_batch import shared_budgets
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
from patchbay.flows.runs.defaults import default_catalog
from tests.flows.batch.kit import shouting


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


def test_a_text_that_begins_with_a_sign_of_files_stays_a_text(tmp_path: Path) -> None:
    settings = BatchSettings(rows="a.jsonl", columns={}, shared={"text": "@home", "n": 3})
    words = command_words(tmp_path / "f.json", settings)
    given = [word for before, word in itertools.pairwise(words) if before == "--input"]
    assert given == ["text=@@home", "n=3"]
    read = read_inputs(given, resolve_once(shouting(), default_catalog()))
    assert read["text"] == "@home"

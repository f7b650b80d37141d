"""What a run of a small flow imports: the modules of its own kinds, whether cached or not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from patchbay.flows.cli.app import COMMANDS, loaded
from patchbay.flows.document.model import Flow
from patchbay.nodes.builtin import BUILTIN
from tests import startup
from tests.flows.runs.harness import OUT, flow

SMALL = flow(
    {
        "q": ("io.input", {"name": "question", "default": "hello"}),
        "t": ("prompt.template", {"template": "<{question}>"}),
        "o": OUT,
    },
    ["q.value > t.question", "t.text > o.value"],
)
SCRIPT = """
import json, sys
sys.argv[0] = "patchbay"
from patchbay.flows.cli import main
try:
    main()
finally:
    sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("way", [["--no-cache"], [], ["--record"]], ids=["run", "cached", "kept"])
def test_no_module_of_another_kind(
    way: list[str], environ: dict[str, str], save: Callable[[Flow], Path]
) -> None:
    path, used = save(SMALL), {node.kind for node in SMALL.nodes}
    for _ in range(2):  # the second finds the results of the first
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "run", str(path), *way],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "<hello>\n"
        modules = set(json.loads(done.stderr.splitlines()[-1]))
        others = {place.partition(":")[0] for kind, place in BUILTIN.items() if kind not in used}
        assert modules & others == set()
        assert "tests.flows.runs.nodes" not in modules, (
            "an installed package that the flow needs not"
        )


def test_every_command_says_in_the_list_what_its_own_help_says() -> None:
    for name, (_, text) in COMMANDS.items():
        command = loaded(name)
        own = command.info.help if isinstance(command, typer.Typer) else command.__doc__
        assert own is not None
        assert own.split("\n\n")[0] == text, name


def test_help_imports_no_command(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--help"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in done.stdout for name in COMMANDS)
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    commands = {f"patchbay.flows.cli.{place.partition(':')[0]}" for place, _ in COMMANDS.values()}
    assert modules & commands == set()


def test_a_trivial_run_imports_no_more_than_is_written_down() -> None:
    assert len(startup.imported()) <= startup.MOST

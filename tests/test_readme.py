"""What the README tells people to type works, as it stands there."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, Block, blocks, environment, shell

PAGE = ROOT / "README.md"
BLOCKS = list(blocks(PAGE))
PAGES = [
    PAGE,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "nodes" / "CATALOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the saved flows where they lie in a checkout, and nothing else."""
    work = tmp_path / "work"
    shutil.copytree(ROOT / "flows" / "saved", work / "flows" / "saved")
    return work


def of(language: str) -> list[Block]:
    found = [block for block in BLOCKS if block.language == language]
    assert found, f"the README has no {language} block"
    return found


def test_every_block_is_of_a_language_that_is_checked() -> None:
    assert {block.language for block in BLOCKS} <= {"bash", "python", "json", "sh", "bat"}


@pytest.mark.parametrize("block", of("bash"), ids=str)
def test_commands_run(block: Block, checkout: Path, tmp_path: Path) -> None:
    printed = shell(block.code, checkout, environment(tmp_path / "home"))

    assert printed.strip()


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_runs(block: Block, checkout: Path, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(block.code, encoding="utf-8")
    printed = shell(f"{sys.executable} {script}", checkout, environment(tmp_path / "home"))

    assert printed.strip()


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_flows_in_the_text_run(block: Block, checkout: Path, tmp_path: Path) -> None:
    (checkout / "flow.json").write_text(block.code, encoding="utf-8")
    command = "patchbay validate flow.json && patchbay run flow.json --json"
    printed = shell(command, checkout, environment(tmp_path / "home"))

    assert json.loads(printed)["outputs"] == {"greeting": "Hello, World!"}


def test_make_targets_exist() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {
        name
        for page in PAGES[:2]
        for name in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", page.read_text(), re.MULTILINE)
        for name in name
        if name
    }

    assert {"studio", "run", "test", "check", "bench"} <= told
    assert told <= made


def test_the_plain_commands_are_the_same_on_every_system() -> None:
    unix = next(b.code for b in of("sh") if "venv" in b.code)
    (windows,) = (b.code for b in of("bat"))

    as_unix = windows.replace("\\", "/").replace("Scripts", "bin").replace("py -3", "python3")
    assert as_unix == unix


def test_every_saved_flow_is_in_the_table() -> None:
    saved = {path.stem for path in (ROOT / "flows" / "saved").glob("*.json")}

    assert set(re.findall(r"\[`(\w+)`\]\(flows/saved/", PAGE.read_text())) == saved


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text(encoding="utf-8"))  # code holds no links
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"

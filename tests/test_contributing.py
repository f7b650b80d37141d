"""The walk through "write a node in ten minutes", done for real: package, install, run, test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, environment, shell
from tests.paths import python_path

PAGE = ROOT / "CONTRIBUTING.md"


def followed(tmp_path: Path, former: bool = False) -> list[str]:
    """What the page's commands print, with the imports of before `patchbay.*` if asked for."""
    work, installed = tmp_path / "work", tmp_path / "installed"
    # Into a folder of its own, from this machine alone: the page's commands stay as they are.
    env = environment(
        tmp_path / "home",
        PIP_TARGET=str(installed),
        PIP_NO_DEPS="1",
        PIP_NO_INDEX="1",
        PIP_NO_BUILD_ISOLATION="0",  # pip reads 0 as "no isolation"
        PYTHONPATH=python_path(installed),
    )
    printed = []
    for block in blocks(PAGE):
        if block.language == "bash":
            printed.append(shell(block.code, work, env))
        elif block.language in ("python", "toml", "json"):
            path = work / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            code = block.code
            if former and block.language == "python":
                assert "from patchbay." in code
                code = code.replace("from patchbay.", "from ")
            path.write_text(code, encoding="utf-8")
    return printed


@pytest.mark.parametrize("former", [False, True], ids=["as it stands", "with the former names"])
def test_a_stranger_can_write_a_node_by_following_the_page(tmp_path: Path, former: bool) -> None:
    described, answered, tested = followed(tmp_path, former)

    assert "demo.shout" in described
    assert "marks" in described
    assert "GOOD MORNING!!!" in answered
    assert "2 passed" in tested
    assert ("is patchbay." in tested) is former  # pytest lists the warnings

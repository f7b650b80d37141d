"""The committed bundle is what the sources build, byte for byte; nothing in it calls home."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from patchbay.flows.server.http.pages import ASSETS
from patchbay.studio.server.frontend import STATIC, script_file

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "studio" / "canvas" / "frontend"
TABLES = [ROOT / "tests" / "fixtures" / name for name in ("durations.json", "sizes.json")]
"""What the canvas's own tests read from outside of its folder: their types are checked, too."""


def test_there_is_one_bundle_of_each():
    scripts = sorted(file.name for file in STATIC.glob("*.js"))
    assert [name for name in scripts if not name.startswith("part-")] == [
        script_file("canvas"),
        script_file("live"),
    ]


def packed(path: Path) -> int:
    """Bytes that go over the wire."""
    return len(gzip.compress(path.read_bytes(), 9))


def test_what_is_fetched_first_is_small_and_so_is_all_of_it():
    canvas, parts = STATIC / script_file("canvas"), sorted(STATIC.glob("part-*.js"))
    assert packed(canvas) <= 280_000
    assert packed(canvas) + sum(map(packed, parts)) <= 700_000


def test_each_part_is_fetched_by_somebody():
    parts = sorted(STATIC.glob("part-*.js"))
    sources = [STATIC / script_file("canvas"), STATIC / script_file("live"), *parts]
    for part in parts:
        assert any(part.name in source.read_text() for source in sources), part.name


def test_building_again_gives_the_same_bytes(tmp_path: Path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no Node.js here")
    copy, out = tmp_path / FRONTEND.relative_to(ROOT), tmp_path / "static"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules"))
    for table in TABLES:
        read = tmp_path / table.relative_to(ROOT)
        read.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(table, read)
    out.mkdir()
    installed = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode != 0:
        pytest.skip(f"npm ci does not work here: {installed.stderr[-300:]}")
    environment = {"PATH": str(Path(npm).parent) + ":/usr/bin:/bin", "PATCHBAY_OUT": str(out)}
    subprocess.run([npm, "run", "build"], cwd=copy, env=environment, check=True, timeout=800)
    parts = [file.name for file in STATIC.glob("part-*.js")]
    kept = [*parts, *(script_file(name) for name in ("canvas", "live"))]
    kept += ["canvas-licenses.txt", "live-licenses.txt"]
    assert sorted(file.name for file in out.glob("*.*")) == sorted(
        kept
    )  # by what a hash begins with
    for file in out.glob("*.*"):
        assert file.read_bytes() == (STATIC / file.name).read_bytes()
    for file in (out / "chat").iterdir():
        assert file.read_bytes() == (ASSETS / file.name).read_bytes()


def test_the_licenses_of_what_is_inside_are_passed_on():
    text = (STATIC / "canvas-licenses.txt").read_text()
    for name in (
        "react ",
        "react-dom ",
        "@xyflow/react ",
        "@dagrejs/dagre ",
        "zustand ",
        "d3-zoom ",
    ):
        assert f"\n{name}" in f"\n{text}"
    assert text.count("opyright") > 10


def test_the_lock_file_names_no_registry():
    lock = json.loads((FRONTEND / "package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    assert "registry" not in (FRONTEND / "package-lock.json").read_text()


def test_nothing_writes_markup_or_code_from_text():
    for source in (FRONTEND / "src").rglob("*.ts*"):
        if source.name.endswith(".test.ts"):
            continue  # not in the bundle: one runs a script of a page with hands on its clock
        text = source.read_text()
        for way in ("innerHTML", "dangerouslySetInnerHTML", "eval(", "new Function", "outerHTML"):
            assert way not in text, f"{source.name} uses {way}"


def test_the_bundles_name_no_other_server():
    text = "".join(script.read_text() for script in sorted(STATIC.glob("*.js")))
    found = set(re.findall(r"https?://([\w.-]+)", text))
    # Names of XML vocabularies and of pages that messages point to; none of them is fetched.
    assert found <= {"www.w3.org", "react.dev", "reactflow.dev", "react.new", "fb.me"}, found

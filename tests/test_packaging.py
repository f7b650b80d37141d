"""What is shipped: the metadata, and the wheel, alone in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.ports import free_ports

FRONTEND = "studio/canvas/frontend/"


def tracked() -> list[str]:
    """What git would hand out, uncommitted files included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_nothing_that_git_ignores_is_in_the_repository() -> None:
    """What is fetched for a test is others' code: a copy was added by force once."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert listed.stdout.split("\n")[:-1] == []


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a clean copy of the source."""
    folder = tmp_path_factory.mktemp("wheel")
    return built(clean_copy(folder / "source"), folder)


def clean_copy(source: Path) -> Path:
    """What git would hand out, in a folder of its own."""
    for name in tracked():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    return source


def built(source: Path, folder: Path) -> Path:
    """The wheel of this source, made into the folder."""
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "-w", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("patchbay_studio-*.whl")
    return wheel


@pytest.fixture(scope="session")
def shipped(wheel: Path) -> set[str]:
    """The names of the files in the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_everything_of_the_three_packages(shipped: set[str]) -> None:
    wanted = {
        name
        for name in tracked()
        if name.startswith(("nodes/", "flows/", "studio/")) and not name.startswith(FRONTEND)
    }

    assert {f"patchbay/{name}" for name in wanted} - shipped == set()


@pytest.mark.parametrize(
    "pattern",
    [
        "patchbay/flows/saved/ask.json",
        "patchbay/flows/*schema*.json",
        "patchbay/studio/app.py",
        "patchbay/studio/static/*.js",
        "patchbay_studio-*.dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_carries(pattern: str, shipped: set[str]) -> None:
    assert [name for name in shipped if Path(name).match(pattern)], f"no {pattern} in the wheel"


def test_nothing_of_ours_stands_at_the_top(shipped: set[str]) -> None:
    """Other programs have a top-level `nodes` too."""
    tops = {name.partition("/")[0] for name in shipped}
    assert {top for top in tops if not top.endswith((".dist-info", ".pth"))} == {"patchbay"}


@pytest.mark.parametrize("folder", ["tests/", "bench/", "docs/", FRONTEND])
def test_the_wheel_leaves_out(folder: str, shipped: set[str]) -> None:
    assert not [name for name in shipped if name.removeprefix("patchbay/").startswith(folder)]


def test_the_command_is_patchbay() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert table["name"] == "patchbay-studio"
    assert table["scripts"] == {"patchbay": "patchbay.flows.cli:main"}
    assert table["license"] == "Apache-2.0"


@pytest.fixture(scope="session")
def apart(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment that has the wheel, and the packages it needs, only."""
    commands = environment(tmp_path_factory.mktemp("apart") / "environment")
    python = str(commands / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps"]
    subprocess.run([*pip, "--no-index", str(wheel)], check=True, env=alone())
    return commands


def environment(folder: Path) -> Path:
    """The commands of a new environment with the packages that Patchbay needs, and not Patchbay.

    The packages are the ones here: their folder is on its path, but its `.pth` files, such as the
    one by which this checkout is installed, are not read.
    """
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    ask = [
        str(commands / "python"),
        "-c",
        "import sysconfig; print(sysconfig.get_paths()['purelib'])",
    ]
    packages = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    (Path(packages) / "packages.pth").write_text(
        sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8"
    )
    return commands


def alone(**more: str) -> dict[str, str]:
    """This process's environment without what leads to this checkout."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**environ, **more}


def there(apart: Path, folder: Path, *command: str) -> str:
    """What a command of that environment prints in this folder."""
    environ = alone(PATCHBAY_HOME=str(folder / "home"), PATCHBAY_CACHE=str(folder / "cache"))
    done = subprocess.run(
        [str(apart / command[0]), *command[1:]],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_alone_runs_a_flow(apart: Path, tmp_path: Path) -> None:
    script = (
        "from importlib.resources import files\n"
        "import patchbay.flows as flows\n"
        "flow = flows.load(str(files('patchbay.flows') / 'saved' / 'shorten.json'))\n"
        "print(flows.run(flow, text='Few words.').outputs)\n"
        "print(flows.__file__)\n"
    )
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    given, where = there(apart, tmp_path, "python", "script.py").splitlines()
    saved = str(Path(where).parent / "saved" / "shorten.json")
    answered = json.loads(
        there(apart, tmp_path, "patchbay", "run", saved, "--input", "text=Few words.", "--json")
    )

    assert Path(where).is_relative_to(apart.parent)
    assert "Few words." in given
    assert list(answered["outputs"].values()) == ["Few words."]


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "flows", "validate", "flows/saved/shorten.json"],
        ["-W", "ignore", "-c", "import studio.server.access as a; assert a.Guard"],
        ["-c", "import runpy; assert runpy.run_path('studio/app.py')['app']"],
    ],
    ids=["a flow", "a former name", "the studio"],
)
def test_a_plain_checkout_needs_no_installation(command: list[str], tmp_path: Path) -> None:
    commands = environment(tmp_path / "environment")

    environ = alone(PATCHBAY_HOME=str(tmp_path / "home"))
    done = subprocess.run(
        [str(commands / "python"), *command], cwd=ROOT, env=environ, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


def test_a_source_archive_builds_the_same_wheel(shipped: set[str], tmp_path: Path) -> None:
    source = clean_copy(tmp_path / "source")
    make = "import sys; sys.path.insert(0, '.ci'); import build_backend as b; b.build_sdist('..')"
    subprocess.run([sys.executable, "-c", make], cwd=source, check=True, capture_output=True)
    (archive,) = tmp_path.glob("patchbay_studio-*.tar.gz")

    wheel = built(archive, tmp_path)

    assert set(zipfile.ZipFile(wheel).namelist()) == shipped


def test_the_wheel_knows_its_version(apart: Path, tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert there(apart, tmp_path, "patchbay", "--version").split()[:2] == ["patchbay", version]


def test_another_program_keeps_its_own_nodes(apart: Path, tmp_path: Path) -> None:
    """As ComfyUI has a `nodes.py` at its top: it is found, and Patchbay works beside it."""
    (tmp_path / "nodes.py").write_text("THEIRS = True\n", encoding="utf-8")
    (tmp_path / "script.py").write_text(
        "import nodes, patchbay.nodes.catalog\n"
        "assert nodes.THEIRS\n"
        "assert patchbay.nodes.catalog.load_catalog().get('prompt.template')\n"
        "try:\n    import nodes.contract\nexcept ImportError:\n    print('theirs')\n",
        encoding="utf-8",
    )

    assert there(apart, tmp_path, "python", "-W", "error", "script.py") == "theirs\n"


@contextmanager
def listening(apart: Path, folder: Path) -> Iterator[int]:
    """`patchbay studio` from the wheel; gives its port."""
    [port] = free_ports(1)
    command = [str(apart / "patchbay"), "studio", "--headless", "--port", str(port)]
    environ = alone(PATCHBAY_HOME=str(folder / "home"))
    process = subprocess.Popen(command, cwd=folder, env=environ)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(240)


def fetched(address: str) -> str:
    """A page, waited for until its server is up, four minutes at most."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read().decode("utf-8"))
        except OSError:
            time.sleep(0.25)
    raise AssertionError(f"nothing answers at {address}")


def test_the_studio_of_the_wheel_opens(apart: Path, tmp_path: Path) -> None:
    with listening(apart, tmp_path) as port:
        assert fetched(f"http://127.0.0.1:{port}/_stcore/health") == "ok"


def test_the_page_of_the_wheel_shows_the_templates(apart: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "from importlib.resources import files\n"
        "from streamlit.testing.v1 import AppTest\n"
        "page = AppTest.from_file(str(files('patchbay.studio') / 'main.py'), default_timeout=240)\n"
        "page.run()\n"
        "assert not page.exception, page.exception\n"
        "print(*(mark.value for mark in page.markdown))\n",
        encoding="utf-8",
    )

    assert "### Templates" in there(apart, tmp_path, "python", "script.py")

"""`python -m tests.exchange_peers FOLDER`: the flows that Flowise and Langflow ship.

They come from npm and PyPI by the ordinary clients, pinned, and are only read. CI does without.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

FLOWISE = "flowise@3.1.4"
LANGFLOW = "langflow-base==1.13.0"


def fetch(folder: Path) -> int:
    """Write the flows below `folder`; how many there are."""
    with tempfile.TemporaryDirectory() as temporary:
        there = Path(temporary)
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is needed to fetch Flowise's flows: install Node.js.")
        _run([npm, "pack", "--silent", FLOWISE], there)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", ".", LANGFLOW]
        _run(pip, there)
        for archive in there.glob("*.tgz"):
            _flowise(archive, folder / "flowise")
        for wheel in there.glob("*.whl"):
            _langflow(wheel, folder / "langflow")
    return sum(1 for _ in folder.rglob("*.json"))


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:])} failed; is the registry reachable?")


def _flowise(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            parts = Path(member.name).parts
            flows = ("chatflows", "agentflows", "agentflowsv2")
            if (
                member.isfile()
                and len(parts) == 4
                and parts[2] in flows
                and parts[1] == "marketplaces"
            ):
                data = tar.extractfile(member)
                if data is not None and parts[3].endswith(".json"):
                    _write(folder / parts[2] / parts[3], data.read())


def _langflow(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            if "/starter_projects/" in name and name.endswith(".json"):
                _write(folder / Path(name).name, opened.read(name))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    found = fetch(Path(sys.argv[1]))
    sys.stdout.write(f"{found} flows in {sys.argv[1]}\n")

"""`make pins`: resolve pyproject.toml anew and write requirements.txt, with hashes.

uv resolves for all systems and Python versions at once; pip would only see this machine.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pins.lines import PINS, ROOT, Pin, parse

# What torch's CUDA build brings, and only that: torch pins each at one version, so it comes by
# itself where pip takes that build, and is not wanted where pip takes the build for the processor.
CUDA = ("nvidia-", "cuda-", "triton")
BUILDS = Path(__file__).parent / "builds.tsv"

HEADER = """\
# Every package at one version, for Python 3.11 and newer on Linux, macOS and Windows.
# Generated from pyproject.toml by `make pins`; do not edit. `make setup` installs from it.
# With pip alone: first `pip install torch=={torch}`, which brings CUDA's libraries where it needs
# them (they are not listed here), then `pip install -r requirements.txt`.
"""


def resolve(uv: str) -> str:
    """What uv makes of pyproject.toml, with the newest versions that fit together."""
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--extra", "dev", "--extra", "all", "--upgrade", "--generate-hashes"]
    command += ["--no-header", "--no-emit-index-url", "--annotation-style", "line"]
    done = subprocess.run(
        [*command, "pyproject.toml"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return re.sub(r"-c [^ ,\n]+, |, -c [^ ,\n]+", "", done.stdout)  # files of UV_CONSTRAINT


def further_builds() -> Iterator[tuple[str, str, str]]:
    """Name, version and hash of each build in builds.tsv."""
    with BUILDS.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            if not row[0].startswith("#"):
                yield row[0], row[1], f"sha256:{row[2]}"


def with_further_builds(found: Iterable[Pin]) -> Iterator[str]:
    """The lines of each pin, with the hashes of builds that its registry does not list.

    Raises:
        SystemExit: builds.tsv speaks of a version that is no longer the pinned one.
    """
    more = list(further_builds())
    for pin in found:
        extra = []
        for name, version, digest in more:
            if name == pin.name:
                if version != pin.version:
                    raise SystemExit(
                        f"{BUILDS.name} holds a build of {name} {version}, but {pin.version} is "
                        "resolved. Replace the line by a build of that version, or remove it."
                    )
                if digest not in pin.hashes:
                    extra.append(f"    --hash={digest} \\")
        first, *rest = pin.text.splitlines()
        yield "\n".join([first, *extra, *rest])


def main(uv: str) -> None:
    """Write requirements.txt with the uv at this path."""
    found = [pin for pin in parse(resolve(uv)) if not pin.name.startswith(CUDA)]
    (torch,) = (pin.version for pin in found if pin.name == "torch")
    lines = [HEADER.format(torch=torch).rstrip("\n"), *with_further_builds(found)]
    PINS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

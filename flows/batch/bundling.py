"""A flow in one file with all that it needs: flows, files, weights. It runs without any network.

The archive holds a folder `NAME/` with the flow and the flows beside it, their files at their
relative paths, `weights/` as Patchbay keeps them, `bundle.json`, and `run.sh`; with wheels, also
those and `requirements.txt`, so that no Patchbay need be there.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.batch.needs import Need, inside_weights, needs_of, offline_problems
from patchbay.flows.batch.rows import bad
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.running import LoadedFlow
from patchbay.flows.runs.subflows import Prepared

if TYPE_CHECKING:
    from patchbay.flows.batch.wheels import OtherPython

RUN = """#!/bin/sh
# Runs the flow with what lies beside this file, and nothing from a network.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
PATCHBAY_WEIGHTS="$here/weights" PATCHBAY_BUNDLE="$here" PATCHBAY_OFFLINE=1
export PATCHBAY_WEIGHTS PATCHBAY_BUNDLE PATCHBAY_OFFLINE
exec patchbay "${PATCHBAY_DO:-run}" "$here/FLOW" "$@"
"""

INSTALLED = """#!/bin/sh
# Runs the flow with what lies beside this file, and nothing from a network.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
PATCHBAY_WEIGHTS="$here/weights" PATCHBAY_BUNDLE="$here" PATCHBAY_OFFLINE=1
export PATCHBAY_WEIGHTS PATCHBAY_BUNDLE PATCHBAY_OFFLINE
if [ ! -e "$here/.venv/installed" ]; then  # the first time
  "${PYTHON:-pythonVERSION}" -m venv --clear "$here/.venv" || exit 1
  "$here/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \\
    --find-links "$here/wheels" --requirement "$here/requirements.txt" || exit 1
  touch "$here/.venv/installed"
fi
exec "$here/.venv/bin/python" -m patchbay.flows "${PATCHBAY_DO:-run}" "$here/FLOW" "$@"
"""
"""Likewise, with a Python of its own, made of the wheels."""


def bundle(
    flow: LoadedFlow, ready: Prepared, output: Path, python: OtherPython | None = None
) -> list[tuple[str, int]]:
    """Write the archive. What it holds: names and sizes in bytes.

    With a `python`, wheels for it go along.

    Raises:
        FlowError: something is not here, lies outside the flow's folder, or the output is there.
        OSError: it cannot be written; nothing is left behind.
    """
    if output.exists():
        raise bad("bundle/there", f"{output} is there already.", "Name another file.")
    needs = needs_of(ready, flow.folder)
    if problems := [p for p in offline_problems(needs) if p.code != "offline/server"]:
        raise FlowError(problems)
    name = flow.path.name if flow.path else "flow.json"
    files = dict(_files(needs, flow.folder))
    with tempfile.TemporaryDirectory(prefix="patchbay-wheels-") as place:
        if python is not None:
            from patchbay.flows.batch.wheels import fetch_wheels

            wheels = fetch_wheels(ready, python, Path(place))
            files |= {f"wheels/{wheel.name}": wheel for wheel in wheels}
        return _written(flow, ready, needs, files, output, name, python)


def _written(
    flow: LoadedFlow, ready: Prepared, needs: list[Need], files: dict[str, Path], output: Path,
    name: str, python: OtherPython | None,
) -> list[tuple[str, int]]:  # fmt: skip
    half = output.with_name(f".{output.name}.half")
    top = output.name.partition(".")[0]
    written: list[tuple[str, int]] = []
    try:
        with tarfile.open(half, "w") as archive:
            texts = {
                name: canonical_text(flow.flow),
                "run.sh": _run(name, python),
                "bundle.json": _said(name, needs),
            }
            if python is not None:
                from patchbay.flows.batch.wheels import NAME, required

                texts["requirements.txt"] = "\n".join([NAME, *required(ready), ""])
            for place, text in texts.items():
                _add_text(archive, f"{top}/{place}", text, 0o755 if place == "run.sh" else 0o644)
                written.append((place, len(text.encode())))
            for place, path in sorted(files.items()):
                archive.add(path.resolve(), f"{top}/{place}")
                written.append((place, _size(path)))
        os.replace(half, output)  # noqa: PTH105 - it is there whole, or not at all
    finally:
        half.unlink(missing_ok=True)
    return written


def _run(name: str, python: OtherPython | None) -> str:
    if python is None:
        return _filled(RUN, FLOW=_in_quotes(name))
    return _filled(INSTALLED, FLOW=_in_quotes(name), VERSION=python.version)


def _in_quotes(name: str) -> str:
    """A file's name as it stands between a shell's double quotes."""
    return re.sub(r'([\\"$`])', r"\\\1", name)


def _filled(script: str, **words: str) -> str:
    """A script with its words in capitals replaced, all at once: a flow may be called VERSION."""
    return re.sub("|".join(words), lambda found: words[found[0]], script)


def _add_text(archive: tarfile.TarFile, place: str, text: str, mode: int) -> None:
    entry = tarfile.TarInfo(place)
    entry.size, entry.mode = len(raw := text.encode()), mode
    archive.addfile(entry, io.BytesIO(raw))


def _said(name: str, needs: list[Need]) -> str:
    servers = [need.name for need in needs if need.kind == "server"]
    secrets = [need.name for need in needs if need.kind == "secret"]
    return json.dumps({"format": 1, "flow": name, "servers": servers, "secrets": secrets}, indent=1)


def _files(needs: list[Need], folder: Path | None) -> Iterator[tuple[str, Path]]:
    """What goes in: the place in the archive, and where it lies."""
    for need in needs:
        if need.path is None:
            continue
        if need.kind == "weights" and (inside := inside_weights(need.path)) is not None:
            yield f"weights/{inside.as_posix()}", need.path
            for beside in need.path.parent.glob(f"{need.path.name}.*"):  # its stamp
                yield f"weights/{inside.with_name(beside.name).as_posix()}", beside
            continue
        place = _within(need.path, folder)
        if place is None:
            fix = "Put it into the folder of the flow, and name it by a relative path."
            message = f'"{need.name}", which "{need.node}" names, lies outside the flow\'s folder.'
            raise bad("bundle/outside", message, fix)
        named = Path(os.path.normpath(Path(need.name).expanduser()))
        # Weights that are not beside the flow begin at the folder of whoever runs it, which is the
        # bundle's then.
        if named.is_absolute() or (need.kind == "weights" and named != Path(place)):
            fix = f"Write {place}, and make the bundle from the folder of the flow."
            message = f'"{need.name}", which "{need.node}" names, is found on this machine only.'
            raise bad("bundle/outside", message, fix)
        yield place, need.path


def _within(path: Path, folder: Path | None) -> str | None:
    try:
        return path.resolve().relative_to((folder or Path()).resolve()).as_posix()
    except ValueError:
        return None


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())

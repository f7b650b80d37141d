"""`patchbay doctor`: what this machine has, and what is missing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, JsonList
from patchbay.nodes.units import size_in_words

if TYPE_CHECKING:
    from patchbay.flows.problems import FlowError

LOW_DISK = 2_000_000_000
"""Bytes that should be free where weights are kept."""
SERVERS = {"Ollama": 11434, "vLLM or another OpenAI-compatible server": 8000, "llama.cpp": 8080}
RAY_PORT = 10001
"""That of Ray's clients, where an address says none."""
LOOK_S = 0.3


@dataclass(frozen=True, slots=True)
class Checkup:
    """One thing that was looked at: here, not here (which may be fine), or wrong."""

    what: str
    state: Literal["here", "not here", "wrong"]
    said: str
    fix: str = ""


def doctor(
    as_json: JsonList = False,
    debug: Debug = False,
) -> None:
    """Say what is here and what is missing: GPUs, memory, disk, packages, servers, cluster."""
    found = list(findings())
    if as_json:
        say.out(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        signs = {"here": "ok", "not here": "–", "wrong": "!!"}
        for one in found:
            say.out(f"{signs[one.state]:>2}  {one.what}: {one.said}")
            if one.fix:
                say.out(f"      → {one.fix}")
    sys.exit(say.EXIT_PROBLEM if any(one.state == "wrong" for one in found) else 0)


def findings() -> Iterator[Checkup]:
    """All that is looked at. Nothing is changed, and nothing leaves this machine."""
    from patchbay.flows.cli.version import line
    from patchbay.flows.machine import memory_limit
    from patchbay.nodes.home import offline

    yield Checkup("Patchbay", "here", line())
    yield Checkup("Processor", "here", f"{_cores()} cores")
    yield Checkup("Memory", "here", f"{size_in_words(memory_limit())} that may be used")
    yield from _gpus()
    yield from _folders()
    yield from _packages()
    yield from _weights()
    yield from _servers()
    yield from _cluster()
    yield from _named_clusters()
    if offline():
        yield Checkup("Network", "here", "PATCHBAY_OFFLINE is set: nothing is fetched")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpus() -> Iterator[Checkup]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        yield Checkup("GPU", "not here", "no NVIDIA driver (nvidia-smi); models use the processor")
        return
    asked = [
        tool,
        "--query-gpu=name,memory.total,memory.free,driver_version",
        "--format=csv,noheader",
    ]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        fix = "Look at the driver; on a cluster GPUs are there inside a job only."
        yield Checkup("GPU", "wrong", said[0] if said else "nvidia-smi fails", fix)
        return
    for number, row in enumerate(done.stdout.strip().splitlines()):
        name, total, free, driver = (cell.strip() for cell in row.split(","))
        yield Checkup(f"GPU {number}", "here", f"{name}, {free} of {total} free, driver {driver}")
    yield from _builds()


def _builds() -> Iterator[Checkup]:
    """What computes on a processor only, though there is a graphics card."""
    import importlib.util

    from patchbay.nodes import gpus

    if importlib.util.find_spec("torch") is not None and not gpus.torch_for_gpus():
        said = "built for the processor only: Transformers models and trainings leave the GPU idle"
        fix = "Install the build of torch with CUDA: pytorch.org/get-started says from where."
        yield Checkup("torch for GPUs", "not here", said, fix)
    if not gpus.llama_for_gpus():
        said = "built for the processor only: GGUF models leave the GPU idle"
        fix = "Install a build of xllamacpp with CUDA, or serve the model by llama.cpp or Ollama."
        yield Checkup("llama.cpp for GPUs", "not here", said, fix)


def _folders() -> Iterator[Checkup]:
    from patchbay.nodes.home import cache_dir, home, weights_dir

    for what, folder in (("Home", home()), ("Cache", cache_dir()), ("Weights", weights_dir())):
        there = _nearest(folder)
        if not os.access(there, os.W_OK):
            fix = "PATCHBAY_HOME, PATCHBAY_CACHE and PATCHBAY_WEIGHTS move these folders."
            yield Checkup(what, "wrong", f"{folder} cannot be written", fix)
            continue
        free = shutil.disk_usage(there).free
        low = what == "Weights" and free < LOW_DISK
        said = f"{folder}, {size_in_words(free)} free"
        yield Checkup(what, "wrong" if low else "here", said, "Free some space." if low else "")


def _nearest(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _packages() -> Iterator[Checkup]:
    from patchbay.flows.runs.defaults import default_catalog
    from patchbay.nodes.catalog import missing_packages

    lacking: dict[str, list[str]] = {}
    for node in default_catalog():
        for package in missing_packages(node):
            lacking.setdefault(package, []).append(node.title)
    if not lacking:
        yield Checkup("Packages", "here", "those of every node")
    for package, titles in sorted(lacking.items()):
        named = ", ".join(titles[:4]) + (", …" if len(titles) > 4 else "")
        yield Checkup(package, "not here", f"needed by {named}", f"pip install {package}")


def _weights() -> Iterator[Checkup]:
    from patchbay.nodes.weights.resolve import listing

    here = [info for info in listing() if info.present]
    said = ", ".join(f"{info.name} ({size_in_words(info.size)})" for info in here)
    yield Checkup(
        "Named weights", "here" if here else "not here", said or "none; fetched when first used"
    )


def _servers() -> Iterator[Checkup]:
    for name, port in SERVERS.items():
        try:
            socket.create_connection(("127.0.0.1", port), LOOK_S).close()
        except OSError:
            yield Checkup(name, "not here", f"nothing listens on port {port}")
        else:
            yield Checkup(name, "here", f"something listens on port {port}")


def _cluster() -> Iterator[Checkup]:
    import importlib.util

    for what, commands in (("Slurm", ("sbatch",)), ("Containers", ("apptainer", "singularity"))):
        path = next((p for name in commands if (p := shutil.which(name))), None)
        yield Checkup(what, "here" if path else "not here", path or f"no {' or '.join(commands)}")
    ray = importlib.util.find_spec("ray") is not None
    fix = "" if ray else "pip install 'patchbay-studio[ray]'"
    yield Checkup("Ray", "here" if ray else "not here", "installed" if ray else "no package", fix)


def _named_clusters() -> Iterator[Checkup]:
    """The clusters of the settings, and the profiles of Slurm: what is wrong with one is better
    known before it is wanted."""
    from patchbay.flows.batch.cluster_profile import read_profile
    from patchbay.flows.batch.clusters import named_clusters
    from patchbay.flows.problems import FlowError
    from patchbay.nodes.home import home

    try:
        clusters = named_clusters()
    except FlowError as error:
        yield _wrong("Settings", error)
        clusters = {}
    for name, cluster in sorted(clusters.items()):
        what = f"Cluster {name}"
        try:
            ssh = read_profile(cluster.profile).ssh
        except FlowError as error:
            yield _wrong(what, error)
            continue
        if cluster.address:
            yield _reached(what, cluster.address)
        elif cluster.is_slurm:
            needed = "ssh" if ssh else "sbatch"
            there = shutil.which(needed) is not None
            said = f"Slurm{f' by ssh at {ssh}' if ssh else ''}, {'' if there else 'no '}{needed}"
            yield Checkup(what, "here" if there else "not here", said)
        else:
            yield Checkup(what, "here", "a Ray of this machine" if cluster.on == "ray" else "here")
    for path in sorted((home() / "clusters").glob("*.toml")):
        try:
            read_profile(path.stem)
        except FlowError as error:
            yield _wrong(f"Profile {path.stem}", error)
        else:
            yield Checkup(f"Profile {path.stem}", "here", str(path))


def _wrong(what: str, error: FlowError) -> Checkup:
    problem = error.problems[0]
    return Checkup(what, "wrong", problem.message, problem.fix)


def _reached(what: str, address: str) -> Checkup:
    from urllib.parse import urlsplit

    try:
        said = urlsplit(address)
        host, port = said.hostname or "", said.port or RAY_PORT
    except ValueError as error:
        return Checkup(what, "wrong", f"{address} is no address: {error}", "ray://head:10001")
    try:
        socket.create_connection((host, port), LOOK_S).close()
    except OSError as error:
        return Checkup(what, "not here", f"{address} is not reached: {error.strerror or error}")
    return Checkup(what, "here", f"something listens at {address}")

"""Weights from a Hugging Face hub, or whatever speaks its addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from patchbay.nodes.weights.download import Download, fetch
from patchbay.nodes.weights.errors import Wanted
from patchbay.nodes.weights.refs import HubRef, Report

ENDPOINT = "https://huggingface.co"
"""The hub that is asked where `HF_ENDPOINT` names no other."""


def endpoint(env: Mapping[str, str] = os.environ) -> str:
    """The hub that is asked."""
    return (env.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")


def key_headers(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a request says of who asks; nothing where no key is set."""
    token = env.get("HF_TOKEN") or env.get("HUGGING_FACE_HUB_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def address(ref: HubRef, env: Mapping[str, str] = os.environ) -> str:
    """Where the file is."""
    return f"{endpoint(env)}/{ref.repo}/resolve/{quote(ref.revision, safe='')}/{quote(ref.file)}"


def place(ref: HubRef, folder: Path) -> Path:
    """Where the file goes, below the weights folder."""
    return folder / "hf" / ref.repo / ref.revision / ref.file


def fetch_hub(
    ref: HubRef,
    part: Path,
    wanted: Wanted,
    report: Report,
    env: Mapping[str, str] = os.environ,
) -> str:
    """Fetch a file into `part`; returns the SHA-256 that the hub gives for it, or nothing.

    Raises:
        NodeError: it cannot be had, in words.
    """
    if not wanted.sha256:
        # Without a pin nothing would tell that two halves are of two versions.
        part.unlink(missing_ok=True)
    job = Download(address(ref, env), part, wanted, key_headers(env))
    fetch(job, report)
    return job.linked if len(job.linked) == 64 else ""

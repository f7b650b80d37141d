"""Weights that a local Ollama already has. They are used where they lie, and checked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.weights.digest import sha256_of
from patchbay.nodes.weights.refs import OllamaRef, Report

REGISTRY = "registry.ollama.ai"
"""The folder in which Ollama keeps the models of its own registry."""
_MODEL = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_ASK_S = 3.0


def stores(env: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """The folders in which Ollama keeps models."""
    if given := env.get("OLLAMA_MODELS"):
        yield Path(given).expanduser()
        return
    yield Path.home() / ".ollama" / "models"
    yield Path("/usr/share/ollama/.ollama/models")


def find_ollama(ref: OllamaRef, env: Mapping[str, str] = os.environ) -> tuple[Path, str] | None:
    """The file and its SHA-256, from the store's own records. Nothing is asked or hashed."""
    parts = ref.owner.split("/") if ref.owner else ["library"]
    inner = parts if len(parts) == 2 else [REGISTRY, *parts]
    for store in stores(env):
        record = store.joinpath("manifests", *inner, ref.name, ref.tag)
        try:
            layers = json.loads(record.read_text("utf-8"))["layers"]
            digests = [layer["digest"] for layer in layers if layer["mediaType"] == _MODEL]
            match = _DIGEST.fullmatch(digests[0]) if digests else None
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if match and (blob := store / "blobs" / f"sha256-{match[1]}").is_file():
            return blob, match[1]
    return None


def resolve_ollama(ref: OllamaRef, report: Report) -> Path:
    """The file of an Ollama model.

    Raises:
        NodeError: Ollama does not have it, its file cannot be read, or is damaged.
    """
    found = find_ollama(ref) or _ask(ref)
    if found is None:
        raise NodeError(
            f"Ollama has no model {str(ref)!r} on this machine.",
            fix=f"Run `ollama pull {ref}`, or set OLLAMA_MODELS to the folder of its store.",
            code="weights/missing",
            retry=False,
        )
    path, digest = found
    try:
        actual = sha256_of(path, report)
    except OSError as error:
        raise NodeError(
            f"The file of the Ollama model {str(ref)!r} cannot be read: {error}.",
            fix="Let your user read Ollama's store, or pull the model as your user.",
            code="weights/missing",
            retry=False,
        ) from error
    if actual != digest:
        raise NodeError(
            f"Ollama's file of {str(ref)!r} is damaged: SHA-256 {actual}, but {digest} is "
            f"expected ({path}).",
            fix=f"Run `ollama rm {ref}` and pull it again.",
            code="weights/wrong-hash",
            retry=False,
        )
    return path


def _ask(ref: OllamaRef) -> tuple[Path, str] | None:
    """Ask the local server where the file is: its Modelfile names it."""
    import httpx

    host = os.environ.get("OLLAMA_HOST") or "127.0.0.1:11434"
    url = host if "://" in host else f"http://{host}"
    try:
        answer = httpx.post(f"{url}/api/show", json={"model": str(ref)}, timeout=_ASK_S)
        modelfile = str(answer.json().get("modelfile", ""))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        return None
    for line in modelfile.splitlines():
        path = Path(line.removeprefix("FROM ").strip())
        match = _DIGEST.fullmatch(path.name)
        if line.startswith("FROM ") and match and path.is_file():
            return path, match[1]
    return None

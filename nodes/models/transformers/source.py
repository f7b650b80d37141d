"""What `weights` of a Transformers model refers to, and the folder that holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import weights_dir, weights_path
from patchbay.nodes.weights.manifest import NAMED
from patchbay.nodes.weights.refs import Repository, parse_repository

CONFIG = "config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class HubFolder(Repository):
    """A whole repository of a Hugging Face hub, as it is kept for Transformers."""

    @property
    def path(self) -> Path:
        """Where its files lie, below the weights folder."""
        return weights_dir() / "hf" / self.repo / self.revision


@dataclass(frozen=True, slots=True)
class Gguf:
    """A GGUF file, by any reference that `patchbay.nodes.weights.refs` reads. It is dequantized."""

    text: str


Source = HubFolder | Gguf | Path


def parse(text: str) -> Source:
    """Read a reference. Pure: nothing is looked up.

    Raises:
        NodeError: it is none.
    """
    bare = text.split("#", 1)[0].split("@", 1)[0].lower()
    if text in NAMED or text.startswith("ollama:") or bare.endswith(".gguf"):
        return Gguf(text)
    if text.startswith("hf:"):
        return parse_hub(text)
    if "/" in text or "\\" in text or text in (".", ".."):
        return weights_path(text)
    raise NodeError(
        f"There are no weights named {text!r}. Known names: {', '.join(NAMED)}.",
        fix="Use one of them, hf:owner/repo, or a path to a folder with safetensors.",
        code="weights/unknown",
        retry=False,
    )


def parse_hub(text: str) -> HubFolder:
    """Read `hf:owner/repo[@revision]`.

    Raises:
        NodeError: it is not of that form.
    """
    named = parse_repository(text)
    return HubFolder(named.repo, named.revision)


def check_folder(path: Path) -> Path:
    """The folder, if it holds a model that may be loaded.

    Raises:
        NodeError: it does not exist, holds no config, or only pickled weights.
    """
    if not path.is_dir():
        what = "is a file" if path.is_file() else "does not exist"
        raise _missing(f"The model folder {path} {what}.")
    if not (path / CONFIG).is_file():
        raise _missing(f"The folder {path} holds no {CONFIG}, so it is no model of Transformers.")
    if not ((path / WEIGHTS).is_file() or (path / INDEX).is_file()):
        pickled = sorted(p.name for p in path.glob("*.bin"))
        if pickled:
            raise NodeError(
                f"The folder {path} holds its weights as {pickled[0]}, which is pickled. "
                "Loading that could run code, so only safetensors are loaded.",
                fix="Take a revision with .safetensors files, or convert it once with "
                "`save_pretrained(…, safe_serialization=True)` where you trust it.",
                code="weights/not-safe",
                retry=False,
            )
        raise _missing(f"The folder {path} holds no {WEIGHTS}.")
    return path


def sees(weights: str) -> bool | None:
    """Whether a model takes pictures, by its config; None where that is not here yet."""
    config = _config(weights)
    return None if config is None else "vision_config" in config


def encodes(weights: str) -> bool | None:
    """Whether a model has an encoder that reads and a decoder that answers, as T5 has.

    By its config; None where that is not here yet.
    """
    config = _config(weights)
    return None if config is None else bool(config.get("is_encoder_decoder"))


def _config(weights: str) -> dict[str, Any] | None:
    try:
        source = parse(weights)
        if isinstance(source, Gguf):
            return {}
        folder = source.path if isinstance(source, HubFolder) else source
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError, NodeError):
        return None
    return config if isinstance(config, dict) else {}


def _missing(message: str) -> NodeError:
    return NodeError(
        message,
        fix=f"Name a folder with {CONFIG}, tokenizer.json and {WEIGHTS}, or hf:owner/repo.",
        code="weights/missing",
        retry=False,
    )

"""The chat template beside the tokenizer of a model, before the model is opened."""

from __future__ import annotations

import json
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.template_here import gguf_template
from patchbay.nodes.models.transformers.source import Gguf, HubFolder, parse

_LIMIT = 20_000_000
"""Bytes of a tokenizer's settings that are read; real ones take a few hundred thousand."""


def transformers_template(weights: str) -> str:
    """The template beside a tokenizer of Transformers; empty where it is not here."""
    try:
        source = parse(weights)
    except NodeError:
        return ""
    if isinstance(source, Gguf):
        return gguf_template(source.text)
    return _of_folder(source.path if isinstance(source, HubFolder) else source)


def _of_folder(folder: Path) -> str:
    """A file of its own counts before the settings, as in Transformers 5."""
    own = folder / "chat_template.jinja"
    settings = folder / "tokenizer_config.json"
    try:
        if own.is_file():
            return own.read_text("utf-8") if own.stat().st_size < _LIMIT else ""
        if settings.stat().st_size >= _LIMIT:
            return ""
        found = json.loads(settings.read_text("utf-8")).get("chat_template")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""  # several by name: not known which

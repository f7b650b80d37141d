"""What the text in `weights` refers to. Pure: nothing is looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import weights_path
from patchbay.nodes.weights.manifest import NAMED, NamedWeights

Report = Callable[[str, float, float | None], None]
"""Progress as (label, done, total), in bytes. Raises to cancel."""


def quiet(label: str, done: float, total: float | None) -> None:
    """Progress for nobody."""


_PART = r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,150}"
_HUB = re.compile(
    rf"hf:(?P<repo>{_PART}/{_PART})/(?P<file>(?:{_PART}/)*{_PART}\.gguf)"
    rf"(?:@(?P<revision>{_PART}))?(?:#sha256=(?P<sha256>[0-9a-f]{{64}}))?"
)
_REPOSITORY = re.compile(rf"hf:(?P<repo>{_PART}/{_PART})(?:@(?P<revision>{_PART}))?")
_OLLAMA = re.compile(
    rf"ollama:(?P<owner>(?:{_PART}/){{0,2}})(?P<name>{_PART})(?::(?P<tag>{_PART}))?"
)


@dataclass(frozen=True, slots=True)
class HubRef:
    """A file in a Hugging Face repository."""

    repo: str
    file: str
    revision: str = "main"
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class OllamaRef:
    """A model in an Ollama store, under the name that Ollama shows."""

    owner: str
    """Empty, `owner`, or `host/owner`."""
    name: str
    tag: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}:{self.tag}" if self.owner else f"{self.name}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A whole repository of a Hugging Face hub."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.revision}"


Ref = NamedWeights | HubRef | OllamaRef | Path


def parse(text: str) -> Ref:
    """Read a reference.

    Raises:
        NodeError: it is neither a known name, a path, nor one of the other forms.
    """
    if text in NAMED:
        return NAMED[text]
    if text.startswith("hf:"):
        return _hub(text)
    if text.startswith("ollama:"):
        return _ollama(text)
    if "/" in text or "\\" in text or text.lower().endswith(".gguf"):
        return weights_path(text)
    raise NodeError(
        f"There are no weights named {text!r}. Known names: {', '.join(NAMED)}.",
        fix="Use one of them, a path to a .gguf file, hf:owner/repo/file.gguf or ollama:name:tag.",
        code="weights/unknown",
        retry=False,
    )


def parse_repository(text: str) -> Repository:
    """Read `hf:owner/repo[@revision]`.

    Raises:
        NodeError: it is not of that form.
    """
    match = _REPOSITORY.fullmatch(text)
    if match is None or ".." in text:
        fix = "Write hf:owner/repo, with @revision where you want a certain one."
        raise _no_reference(text, "a repository on a hub", fix)
    return Repository(match["repo"], match["revision"] or "main")


def _no_reference(text: str, what: str, fix: str) -> NodeError:
    message = f"{text!r} is not a reference to {what}."
    return NodeError(message, fix=fix, code="weights/reference", retry=False)


def _hub(text: str) -> HubRef:
    match = _HUB.fullmatch(text)
    if match is None or ".." in text:
        fix = "Write hf:owner/repo/file.gguf, with @revision and #sha256=… where you know them."
        raise _no_reference(text, "a GGUF file on a hub", fix)
    found = match.groupdict()
    return HubRef(found["repo"], found["file"], found["revision"] or "main", found["sha256"] or "")


def _ollama(text: str) -> OllamaRef:
    match = _OLLAMA.fullmatch(text)
    if match is None or ".." in text:
        raise _no_reference(text, "an Ollama model", "Write ollama:name or ollama:name:tag.")
    found = match.groupdict()
    return OllamaRef(found["owner"].rstrip("/"), found["name"], found["tag"] or "latest")

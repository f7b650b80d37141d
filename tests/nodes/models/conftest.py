"""Shared by the tests of models: a misbehaving server, an own weights folder, one open model."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import SecretRef, Spec
from tests.nodes.models.llama_server import LlamaServer, serve_llama
from tests.nodes.models.ollama_server import OllamaServer, serve_ollama
from tests.nodes.models.site import Site, serve

FETCHING = (
    "PATCHBAY_HOME", "PATCHBAY_CACHE", "PATCHBAY_OFFLINE", "HF_HUB_OFFLINE", "HF_ENDPOINT",
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OLLAMA_MODELS", "OLLAMA_HOST",
)  # fmt: skip

SPEC = GgufModel(context=1024, parallel=4)
"""The model that all tests of one process share."""


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder, and an environment that says nothing else."""
    for name in FETCHING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("PATCHBAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "weights"


@pytest.fixture
def hub(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The server as the hub."""
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    return site


class Quiet:
    """An opening that nobody watches."""

    def open(self, spec: Spec) -> Any:
        return spec.open(self)

    def report(self, label: str, done: float, total: float | None) -> None:
        pass

    def secret(self, ref: SecretRef) -> str:
        raise NotImplementedError


@pytest.fixture(scope="session")
def llama() -> Iterator[ChatLlama]:
    """The default model, really loaded; its weights are fetched on the first run."""
    model = SPEC.open(Quiet())
    yield model
    model.close()


@pytest.fixture(scope="session")
def llama_server() -> Iterator[LlamaServer]:
    """llama.cpp's own server in another process, with the default model."""
    with serve_llama() as server:
        yield server


@pytest.fixture
def ollama(llama_server: LlamaServer) -> Iterator[OllamaServer]:
    """A server that speaks Ollama's protocol, with the default model behind it."""
    with serve_ollama(llama_server) as server:
        yield server


class SharedContext(RecordingContext):
    """A context in which every description is the one open model."""

    model: Any = None

    @contextlib.asynccontextmanager
    async def use(self, spec: Spec, *, slot: bool = True) -> AsyncIterator[Any]:
        yield self.model


@pytest.fixture
def ctx(llama: ChatLlama) -> SharedContext:
    context = SharedContext()
    context.model = llama
    return context


def calls() -> list[threading.Thread]:
    """Threads of calls to llama.cpp that still run."""
    return [thread for thread in threading.enumerate() if thread.name == "llama-call"]

"""What models behind servers must do like every other backend: on llama.cpp's own server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patchbay.flows.testing import Backend, ModelConformance
from patchbay.nodes.models.fallback.spec import FallbackModel
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.values import ModelSpec, SecretRef
from tests.nodes.models.llama_server import CONTEXT, KEY, LlamaServer
from tests.nodes.models.ollama_server import serve_ollama

KEYED = SecretRef(secret="SOME_KEY")
NOBODY = "http://127.0.0.1:9/v1"


def behind(server: LlamaServer, spec: ModelSpec) -> Backend:
    """A backend that is idle when the server computes nothing any more."""
    return Backend(
        spec, idle=lambda: server.busy() == 0, context=CONTEXT, secrets={"SOME_KEY": KEY}
    )


class TestOpenAiCompatible(ModelConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, llama_server: LlamaServer) -> Backend:
        return behind(llama_server, OpenAiModel(base_url=llama_server.v1, key=KEYED, parallel=2))


class TestOllama(ModelConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, llama_server: LlamaServer) -> Iterator[Backend]:
        with serve_ollama(llama_server) as ollama:
            spec = OllamaModel(model="smollm2:135m", base_url=ollama.url, parallel=2)
            yield behind(llama_server, spec)


class TestProvider(ModelConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, llama_server: LlamaServer) -> Backend:
        spec = ProviderModel(
            model="openai:smollm2", base_url=llama_server.v1, key=KEYED, parallel=2
        )
        return behind(llama_server, spec)


class TestFallback(ModelConformance):
    """The first of its models cannot be reached, so that all answers are the second one's."""

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, llama_server: LlamaServer) -> Backend:
        gone = OpenAiModel(base_url=NOBODY, model="gone")
        there = OpenAiModel(base_url=llama_server.v1, key=KEYED)
        return behind(llama_server, FallbackModel(models=(gone, there)))

"""The node that describes a model of an Ollama server."""

from __future__ import annotations

import re

from pydantic import field_validator

from patchbay.nodes.contract import Field, JsonValue, Ports, port
from patchbay.nodes.models.options import ChatServerParams, EngineSampling, Thinks
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.node import ServerNode
from patchbay.nodes.models.servers.ollama.spec import OllamaModel

_DURATION = re.compile(r"-?\d+|(\d+(\.\d+)?(ms|s|m|h))+")


class Ollama(ServerNode):
    """A chat model that an Ollama server runs, on this machine or another one.

    The server loads it when it is first asked. What it does not have yet it fetches, if you let it.
    """

    kind, version = "model.ollama", 1
    title, family = "Ollama model", "Models"
    front = ("model", "temperature", "max_tokens")
    icon = "server"
    synonyms = ("llm", "llama", "local", "chat model", "mistral", "qwen", "gemma")
    requires = ("langchain_ollama", "ollama")

    class Params(EngineSampling, Thinks, ChatServerParams):
        model: str = Field("smollm2:135m", min_length=1, max_length=500, widget="model")
        """A model by the name that `ollama list` shows."""
        base_url: Address | None = Field(None, max_length=2000)
        """Where the server is. Empty: OLLAMA_HOST, or port 11434 of this machine."""
        pull: bool = False
        """Let the server fetch the model when it does not have it; that may be gigabytes."""
        keep_alive: str = Field("5m", max_length=20)
        """How long the server keeps the model in memory: 30s, 5m, 2h; -1 for ever, 0 not at all."""
        context: int | None = Field(None, ge=256, le=1_048_576)
        """Tokens that a prompt and its answer may have together. Empty: as the server says."""
        options: dict[str, JsonValue] = Field(default_factory=dict, widget="json")
        """More of Ollama's own options, such as num_gpu, num_thread or top_k."""
        parallel: int = Field(4, ge=1, le=1024)

        @field_validator("keep_alive")
        @classmethod
        def _is_duration(cls, text: str) -> str:
            if not _DURATION.fullmatch(text):
                raise ValueError("must be a time such as 30s, 5m or 2h, or -1 for ever")
            return text

    class Outputs(Ports):
        model: OllamaModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nobody is asked anything."""
        model = OllamaModel(**params.described())
        model.call_options()  # raises where thinking cannot be set like this
        return cls.Outputs(model=model)

    @classmethod
    def models(cls, base_url: Address | None, key: str, secret: str) -> list[str]:
        """The models that the server has."""
        from patchbay.nodes.models.servers.ollama.host import address_of, list_models

        return list_models(address_of(base_url or ""), key, secret)

"""The node that describes a model of an Ollama server."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import field_validator

from patchbay.nodes.contract import DescribingNode, Field, JsonValue, NodeParams, Ports, port
from patchbay.nodes.models.servers.address import Address, key_and_name
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.values import SecretRef

_DURATION = re.compile(r"-?\d+|(\d+(\.\d+)?(ms|s|m|h))+")


class Ollama(DescribingNode):
    """A chat model that an Ollama server runs, on this machine or another one.

    The server loads it when it is first asked. What it does not have yet it fetches, if you let it.
    """

    kind, version = "model.ollama", 1
    title, family = "Ollama model", "Models"
    icon = "◐"
    requires = ("langchain_ollama", "ollama")

    class Params(NodeParams):
        model: str = Field("smollm2:135m", min_length=1, max_length=500, widget="model")
        """A model by the name that `ollama list` shows."""
        base_url: Address | None = Field(None, max_length=2000)
        """Where the server is. Empty: OLLAMA_HOST, or port 11434 of this machine."""
        api_key: SecretRef | None = Field(None, widget="secret")
        """The secret that holds a key, where something before the server wants one."""
        pull: bool = False
        """Let the server fetch the model when it does not have it; that may be gigabytes."""
        keep_alive: str = Field("5m", max_length=20)
        """How long the server keeps the model in memory: 30s, 5m, 2h; -1 for ever, 0 not at all."""
        context: int | None = Field(None, ge=256, le=1_048_576)
        """Tokens that a prompt and its answer may have together. Empty: as the server says."""
        temperature: float | None = Field(None, ge=0, le=5)
        """How freely words are chosen; 0 always takes the likeliest. Empty: as the model says."""
        top_p: float | None = Field(None, gt=0, le=1)
        """Only the likeliest words that together have this probability are considered."""
        max_tokens: int | None = Field(None, ge=1, le=1_048_576)
        """Where an answer is cut. Empty: as the model says."""
        seed: int | None = Field(None, ge=0, le=2**32 - 2)
        """Makes sampled answers repeat."""
        repeat_penalty: float | None = Field(None, gt=0, le=5)
        """Above 1, words that were just used become less likely."""
        options: dict[str, JsonValue] = Field(default_factory=dict, widget="json")
        """More of Ollama's own options, such as num_gpu, num_thread or top_k."""
        parallel: int = Field(4, ge=1, le=1024)
        """Requests made at once; more of them wait here."""
        timeout: float = Field(300.0, gt=0, le=86_400)
        """Seconds that the server may be silent; loading a model counts."""
        retries: int = Field(3, ge=0, le=10)
        """How often a request is made again when the server says that it is too busy."""

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
        fields = params.model_dump(exclude={"api_key", "timeout"})
        model = OllamaModel(key=params.api_key, timeout_s=params.timeout, **fields)
        return cls.Outputs(model=model)

    @classmethod
    def choices(
        cls, param: str, params: Params, secret_of: Callable[[SecretRef], str]
    ) -> list[str] | None:
        """The models that the server has."""
        if param != "model":
            return None
        from patchbay.nodes.models.servers.ollama.host import address_of, list_models

        key, secret = key_and_name(params.api_key, secret_of)
        return list_models(address_of(params.base_url or ""), key, secret)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The model, and where it is if that is said."""
        where = (params.base_url or "").partition("://")[2]
        return f"{params.model} · {where}" if where else params.model

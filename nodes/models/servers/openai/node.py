"""The node that describes a model behind an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Callable

from patchbay.nodes.contract import DescribingNode, Field, JsonValue, NodeParams, Ports, port
from patchbay.nodes.models.servers.address import Address, key_and_name
from patchbay.nodes.models.servers.openai.spec import OpenAiModel, SchemaWord
from patchbay.nodes.values import SecretRef


class OpenAiServer(DescribingNode):
    """A chat model behind a server that speaks OpenAI's protocol.

    That is vLLM, SGLang, llama-server, LM Studio and most hosted services. A server on this machine
    needs no key. A LoRA module that vLLM serves is asked for by its name, as a model.
    """

    kind, version = "model.openai_compatible", 1
    title, family = "OpenAI-compatible server", "Models"
    icon = "⇄"
    requires = ("langchain_openai",)

    class Params(NodeParams):
        base_url: Address = Field("http://127.0.0.1:8080/v1", max_length=2000)
        """Where the server is. vLLM listens on port 8000, SGLang on 30000, LM Studio on 1234."""
        model: str = Field("", max_length=500, widget="model")
        """A model that the server has, or a LoRA module of vLLM. Empty: the only one it has."""
        api_key: SecretRef | None = Field(None, widget="secret")
        """The secret that holds the server's key, where it wants one."""
        temperature: float | None = Field(None, ge=0, le=5)
        """How freely words are chosen; 0 always takes the likeliest. Empty: as the server says."""
        top_p: float | None = Field(None, gt=0, le=1)
        """Only the likeliest words that together have this probability are considered."""
        max_tokens: int | None = Field(None, ge=1, le=1_048_576)
        """Where an answer is cut. Empty: as the server says."""
        seed: int | None = Field(None, ge=0, le=2**32 - 2)
        """Makes sampled answers repeat, where the server knows seeds."""
        schema_as: SchemaWord = "response_format"
        """How a JSON schema is passed: OpenAI's way, or vLLM's own, older or newer."""
        extra: dict[str, JsonValue] = Field(default_factory=dict, widget="json")
        """More fields for the body of each request, such as guided_regex or top_k."""
        parallel: int = Field(8, ge=1, le=1024)
        """Requests made at once; more of them wait here."""
        timeout: float = Field(300.0, gt=0, le=86_400)
        """Seconds that the server may be silent."""
        retries: int = Field(3, ge=0, le=10)
        """How often a request is made again when the server says that it is too busy."""

    class Outputs(Ports):
        model: OpenAiModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nobody is asked anything."""
        fields = params.model_dump(exclude={"api_key", "timeout"})
        model = OpenAiModel(key=params.api_key, timeout_s=params.timeout, **fields)
        return cls.Outputs(model=model)

    @classmethod
    def choices(
        cls, param: str, params: Params, secret_of: Callable[[SecretRef], str]
    ) -> list[str] | None:
        """The models that the server has."""
        if param != "model":
            return None
        from patchbay.nodes.models.servers.openai.client import list_models

        key, secret = key_and_name(params.api_key, secret_of)
        return list_models(params.base_url, key, secret)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The model, and where it is."""
        where = params.base_url.partition("://")[2]
        return f"{params.model} · {where}" if params.model else where

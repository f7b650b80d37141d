"""The node that describes a model behind an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Sequence

from patchbay.nodes.contract import Field, Ports, port
from patchbay.nodes.models.options import ChatServerParams, Extra, ServerSampling, Thinks
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.node import ServerNode
from patchbay.nodes.models.servers.openai.spec import OpenAiModel, SchemaWord


class OpenAiServer(ServerNode):
    """A chat model behind a server that speaks OpenAI's protocol.

    That is vLLM, SGLang, llama-server, LM Studio and most hosted services. A server on this machine
    needs no key. A LoRA module that vLLM serves is asked for by its name, as a model.
    """

    kind, version = "model.openai_compatible", 1
    title, family = "OpenAI-compatible server", "Models"
    front = ("model", "base_url", "temperature")
    icon = "server"
    synonyms = (
        "llm", "gpt", "vllm", "lm studio", "localai", "groq", "together", "deepseek",
        "openrouter", "chat model", "endpoint",
    )  # fmt: skip
    requires = ("langchain_openai",)

    class Params(ServerSampling, Thinks, ChatServerParams, Extra):
        base_url: Address = Field("http://127.0.0.1:8080/v1", max_length=2000)
        """Where the server is. vLLM listens on port 8000, SGLang on 30000, LM Studio on 1234."""
        model: str = Field("", max_length=500, widget="model")
        """A model that the server has, or a LoRA module of vLLM. Empty: the only one it has."""
        schema_as: SchemaWord = "response_format"
        """How a JSON schema is passed: OpenAI's way, or vLLM's own. guided_json is old: vLLM 0.32
        ignores it, without a word."""

    class Outputs(Ports):
        model: OpenAiModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """What is old."""
        if params.schema_as != "guided_json":
            return ()
        return (
            "guided_json is old, and vLLM 0.32 ignores it without a word: set schema_as to "
            "response_format or structured_outputs.",
        )

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nobody is asked anything."""
        model = OpenAiModel(**params.described())
        model.call_options()  # raises where thinking cannot be set like this
        return cls.Outputs(model=model)

    @classmethod
    def models(cls, base_url: Address | None, key: str, secret: str) -> list[str]:
        """The models that the server has."""
        from patchbay.nodes.models.servers.openai.client import list_models

        return list_models(base_url or "", key, secret)

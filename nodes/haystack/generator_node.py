"""The node `haystack.generator`: a chat generator of Haystack behind the port of a chat model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.haystack.generator_spec import HaystackModel
from patchbay.nodes.models.options import Sampling
from patchbay.nodes.tools.fetch import check_address
from patchbay.nodes.values import SecretRef

GeneratorName = Literal[
    "OpenAIChatGenerator", "AzureOpenAIChatGenerator", "HuggingFaceAPIChatGenerator",
    "AnthropicChatGenerator", "MistralChatGenerator", "CohereChatGenerator",
    "GoogleGenAIChatGenerator", "OllamaChatGenerator",
]  # fmt: skip
_OURS = ("api_key", "token", "streaming_callback", "tools", "http_client_kwargs")
"""Parameters that this node sets, or keeps to itself."""
_PLACES = ("api_base_url", "azure_endpoint", "url", "base_url")


def _check_settings(settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for name, value in settings.items():
        if name in _OURS:
            raise ValueError(f"must not hold {name!r}; a key is named in its own param")
        if name in _PLACES and isinstance(value, str):
            check_address(value)
    return settings


class HaystackGenerator(DescribingNode):
    """A chat generator of Haystack as a chat model, for whatever asks one.

    Its settings are those of its constructor, as a pipeline file has them under `init_parameters`.
    What a node asks for (temperature, the limit of tokens, a schema) goes along with each call.
    """

    kind, version = "haystack.generator", 1
    title, family, icon = "Haystack generator", "Systems", "cloud"
    synonyms = ("haystack", "deepset", "chat model", "llm", "openai", "generator")
    requires = ("haystack",)

    class Params(NodeParams, Sampling):
        generator: GeneratorName = Field("OpenAIChatGenerator")
        """The class; those that Haystack does not bring itself need their package."""
        settings: Annotated[dict[str, JsonValue], AfterValidator(_check_settings)] = Field(
            {"model": "gpt-5-mini"}, widget="json"
        )
        """Parameters of its constructor, such as model, api_base_url or generation_kwargs."""
        key: SecretRef | None = Field(None, widget="secret")
        """The secret that holds the key. Empty: what Haystack takes by itself (OPENAI_API_KEY)."""

    class Outputs(Ports):
        model: HaystackModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The class and its model."""
        return f"{params.generator}: {params.settings.get('model', '')}".rstrip(": ")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model; nothing is built."""
        return cls.Outputs(model=HaystackModel(**params.model_dump()))

"""The node that describes a hosted model by LangChain's name for it."""

from __future__ import annotations

from pydantic import field_validator

from patchbay.nodes.contract import DescribingNode, Field, JsonValue, Ports, port
from patchbay.nodes.models.options import ChatServerParams, Sampling, Thinks
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.provider.spec import ProviderModel, ProviderName
from patchbay.nodes.values import SecretRef

OURS = frozenset({
    "model", "model_provider", "configurable_fields", "config_prefix", "base_url", "max_retries",
    "temperature", "max_tokens", "seed", "cache", "callbacks", "disable_streaming",
})  # fmt: skip
"""Arguments that this node sets, or keeps to itself."""


class Provider(DescribingNode):
    """A chat model of a provider, by the name that LangChain gives it.

    Such as `openai:gpt-5-mini` or `anthropic:claude-haiku-4-5`. The key is a secret, named here and
    looked up when the flow runs.
    """

    kind, version = "model.provider", 1
    title, family = "Provider model", "Models"
    front = ("model", "temperature", "max_tokens")
    icon = "cloud"
    synonyms = (
        "llm", "gpt", "chatgpt", "openai", "claude", "anthropic", "gemini", "google", "groq",
        "mistral", "azure", "bedrock", "cohere", "deepseek", "grok", "xai", "perplexity",
        "chat model",
    )  # fmt: skip
    requires = ("langchain",)

    class Params(Sampling, Thinks, ChatServerParams):
        model: ProviderName = Field("openai:gpt-5-mini", max_length=300)
        """Provider, colon, model: openai:…, anthropic:…, google_genai:…, mistralai:…, groq:…, …"""
        api_key: SecretRef | None = Field(None, widget="secret")
        """The secret that holds the key. Empty: the provider's usual one (OPENAI_API_KEY, …)."""
        base_url: Address | None = Field(None, max_length=2000)
        """Another address than the provider's own; it then gets no key but the one named here."""
        extra: dict[str, JsonValue] = Field(default_factory=dict, widget="json")
        """More arguments for the integration, such as azure_endpoint or region_name."""

        @field_validator("extra")
        @classmethod
        def _not_ours(cls, extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
            for name in extra:
                if name in OURS or "api_key" in name or name.startswith("http_"):
                    raise ValueError(f"must not hold {name!r}, which this node sets itself")
            return extra

    class Outputs(Ports):
        model: ProviderModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Raises `NodeError` when its integration is not installed."""
        model = ProviderModel(**params.described())
        model.call_options()  # raises where thinking cannot be set like this
        if model.provider.missing:
            from patchbay.nodes.models.servers.provider.client import missing_package

            raise missing_package(model.model, model.provider)
        return cls.Outputs(model=model.model_copy(update={"key": model.secret}))

    @classmethod
    def summary(cls, params: Params) -> str:
        """Provider and model."""
        return params.model

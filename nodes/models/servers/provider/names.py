"""The providers that `init_chat_model` of LangChain knows, as far as a flow may name them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from patchbay.nodes.catalog import install_command


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration package (by import name), the usual name of the key, and what it can do.

    `key` is empty where the integration signs in by itself, with what the machine is logged in to.
    `key_as` is the argument that takes the key. `seeds`: whether answers can be made to repeat.
    `lists`: where it says which models it has, as OpenAI and Anthropic do.
    """

    package: str
    key: str = ""
    key_as: str = "api_key"
    seeds: bool = False
    lists: str = ""

    @property
    def missing(self) -> bool:
        """Whether the package is not installed. Nothing is imported."""
        return importlib.util.find_spec(self.package) is None

    @property
    def install(self) -> str:
        """What to type to get it."""
        return install_command([self.package])


PROVIDERS: Mapping[str, Integration] = {
    "anthropic": Integration(
        "langchain_anthropic", "ANTHROPIC_API_KEY", lists="https://api.anthropic.com"
    ),
    "azure_openai": Integration("langchain_openai", "AZURE_OPENAI_API_KEY", seeds=True),
    "bedrock_converse": Integration("langchain_aws"),
    "cohere": Integration("langchain_cohere", "COHERE_API_KEY", "cohere_api_key"),
    "deepseek": Integration(
        "langchain_deepseek", "DEEPSEEK_API_KEY", lists="https://api.deepseek.com"
    ),
    "fireworks": Integration("langchain_fireworks", "FIREWORKS_API_KEY"),
    "google_genai": Integration("langchain_google_genai", "GOOGLE_API_KEY"),
    "google_vertexai": Integration("langchain_google_vertexai"),
    "groq": Integration(
        "langchain_groq", "GROQ_API_KEY", seeds=True, lists="https://api.groq.com/openai/v1"
    ),
    "mistralai": Integration(
        "langchain_mistralai", "MISTRAL_API_KEY", lists="https://api.mistral.ai/v1"
    ),
    "nvidia": Integration("langchain_nvidia_ai_endpoints", "NVIDIA_API_KEY"),
    "openai": Integration(
        "langchain_openai", "OPENAI_API_KEY", seeds=True, lists="https://api.openai.com/v1"
    ),
    "openrouter": Integration(
        "langchain_openrouter",
        "OPENROUTER_API_KEY",
        seeds=True,
        lists="https://openrouter.ai/api/v1",
    ),
    "perplexity": Integration("langchain_perplexity", "PERPLEXITY_API_KEY"),
    "together": Integration("langchain_together", "TOGETHER_API_KEY", seeds=True),
    "upstage": Integration("langchain_upstage", "UPSTAGE_API_KEY"),
    "xai": Integration("langchain_xai", "XAI_API_KEY", seeds=True, lists="https://api.x.ai/v1"),
}
"""By the word before the colon. Not here: those that would load weights into this process."""


def split_name(text: str) -> tuple[str, str]:
    """Provider and model of a name such as `openai:gpt-5-mini`.

    Raises:
        ValueError: it has no provider, or one that is not known.
    """
    provider, colon, model = text.partition(":")
    if not colon or not model.strip():
        raise ValueError("must be a provider, a colon and a model, such as openai:gpt-5-mini")
    if provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise ValueError(f"names the provider {provider!r}, which is not one of {known}")
    return provider, model.strip()

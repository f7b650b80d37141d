"""Who runs a model, by the words of other builders, and the node here that asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OLLAMA = "ollama"
PROVIDERS: Mapping[str, str] = {
    "amazon bedrock": "bedrock_converse", "anthropic": "anthropic", "aws": "bedrock_converse",
    "azure": "azure_openai", "azure openai": "azure_openai", "azure_openai": "azure_openai",
    "bedrock": "bedrock_converse", "claude": "anthropic", "cohere": "cohere",
    "deepseek": "deepseek", "fireworks": "fireworks", "fireworks_ai": "fireworks",
    "gemini": "google_genai", "google": "google_genai", "google generative ai": "google_genai",
    "groq": "groq", "mistral": "mistralai", "mistralai": "mistralai", "nvidia": "nvidia",
    "nvidia_nim": "nvidia", "ollama": OLLAMA, "ollama_chat": OLLAMA, "openai": "openai",
    "openrouter": "openrouter", "perplexity": "perplexity", "together": "together",
    "together_ai": "together", "togetherai": "together", "vertex_ai": "google_vertexai",
    "x": "xai", "xai": "xai",
}  # fmt: skip
"""What builders call a provider → what LangChain calls it."""
BEGINNINGS = (
    ("gpt-", "openai"), ("chatgpt", "openai"), ("o1", "openai"), ("o3", "openai"),
    ("o4", "openai"), ("claude", "anthropic"), ("gemini", "google_genai"),
)  # fmt: skip
"""Whose a model is, where only its name is said."""


def model_name(provider: str, name: str) -> str:
    """`openai:gpt-4o`; "" where nobody knows the provider."""
    known = PROVIDERS.get(provider.strip().lower())
    return f"{known}:{name.strip()}" if known and name.strip() else ""


def model_of_path(text: str) -> str:
    """The same for `gemini/gemini-2.5-flash`, or a name alone that says whose it is."""
    provider, slash, name = text.partition("/")
    if slash:
        return model_name(provider, name)
    known = (whose for begin, whose in BEGINNINGS if text.lower().startswith(begin))
    return f"{whose}:{text}" if (whose := next(known, "")) else ""


def settled(kind: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind of a model's node and its params: Ollama is a node of its own here."""
    named = params.get("model")
    if kind != "model.provider" or not isinstance(named, str):
        return kind, params
    provider, _, name = named.partition(":")
    if provider != OLLAMA:
        return kind, params
    return "model.ollama", {**{k: v for k, v in params.items() if k != "api_key"}, "model": name}

"""What an exported script needs: the packages of its imports, and those behind names in it."""

from __future__ import annotations

from collections.abc import Iterable

BY_MODULE = {
    "crewai": "crewai",
    "langchain": "langchain",
    "langchain_core": "langchain-core",
    "langchain_ollama": "langchain-ollama",
    "langchain_openai": "langchain-openai",
    "langgraph": "langgraph",
    "patchbay": "patchbay-studio",
    "transformers": "transformers torch",
}
LANGCHAIN = {
    "azure_openai": "langchain-openai",
    "bedrock_converse": "langchain-aws",
    "nvidia": "langchain-nvidia-ai-endpoints",
}
"""Packages of providers that are not called as the provider is."""
CREWAI = {
    "azure_openai": ("azure", "crewai[azure-ai-inference]"),
    "anthropic": ("anthropic", "crewai[anthropic]"),
    "bedrock_converse": ("bedrock", "crewai[bedrock]"),
    "deepseek": ("deepseek", "crewai"),
    "fireworks": ("fireworks_ai", "crewai[litellm]"),
    "google_genai": ("gemini", "crewai[google-genai]"),
    "google_vertexai": ("vertex_ai", "crewai[litellm]"),
    "mistralai": ("mistral", "crewai[litellm]"),
    "nvidia": ("nvidia_nim", "crewai[litellm]"),
    "openai": ("openai", "crewai"),
    "openrouter": ("openrouter", "crewai"),
    "together": ("together_ai", "crewai[litellm]"),
}
"""What CrewAI calls a provider, and what it needs to ask it; others go through LiteLLM."""


def langchain_package(model: str) -> str:
    """The package behind `init_chat_model` for a model such as `openai:gpt-5-mini`."""
    provider = model.partition(":")[0]
    return LANGCHAIN.get(provider, f"langchain-{provider.replace('_', '-')}")


def crewai_model(model: str) -> tuple[str, str]:
    """The same model as CrewAI names it, and the package that asks it there."""
    provider, _, name = model.partition(":")
    there, package = CREWAI.get(provider, (provider, "crewai[litellm]"))
    return f"{there}/{name}", package


def packages(imports: Iterable[str], further: Iterable[str] = ()) -> list[str]:
    """What is to be installed for lines of imports, and besides."""
    found = {package for line in imports if (package := _of_line(line))}
    return sorted(found | set(further))


def _of_line(line: str) -> str:
    module = line.split()[1].split(".")
    if module[0] == "llama_index":  # one package for each part
        return "-".join(module[: 2 if module[1] == "core" else 3]).replace("_", "-")
    return BY_MODULE.get(module[0], "")


def install_line(needed: Iterable[str]) -> str:
    """`pip install …` as a shell takes it; "" where nothing is needed."""
    words = [f'"{name}"' if "[" in name else name for name in needed]
    return f"pip install {' '.join(words)}" if words else ""

"""The description of a chat generator of Haystack, as a chat model of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from patchbay.nodes.models.options import ServedModel
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_CORE = "haystack.components.generators.chat"
_MORE = "haystack_integrations.components.generators"
GENERATORS = {
    "OpenAIChatGenerator": (f"{_CORE}.openai", "api_key", "haystack-ai"),
    "AzureOpenAIChatGenerator": (f"{_CORE}.azure", "api_key", "haystack-ai"),
    "HuggingFaceAPIChatGenerator": (f"{_CORE}.hugging_face_api", "token", "haystack-ai"),
    "AnthropicChatGenerator": (f"{_MORE}.anthropic", "api_key", "anthropic-haystack"),
    "MistralChatGenerator": (f"{_MORE}.mistral", "api_key", "mistral-haystack"),
    "CohereChatGenerator": (f"{_MORE}.cohere", "api_key", "cohere-haystack"),
    "GoogleGenAIChatGenerator": (f"{_MORE}.google_genai", "api_key", "google-genai-haystack"),
    "OllamaChatGenerator": (f"{_MORE}.ollama", "", "ollama-haystack"),
}
"""Class → its module, the parameter that takes its key, and the package that brings it. Only these
are ever imported."""


class HaystackModel(ServedModel):
    """A chat generator of Haystack, built when it is first asked."""

    backend: ClassVar[str] = "haystack"

    generator: str
    settings: dict[str, JsonValue] = {}

    @property
    def own_tools(self) -> bool:
        """No: tools are asked for by a schema, which every generator can be given."""
        return False

    def open(self, opening: Opening) -> BaseChatModel:
        """Build the generator; nobody is asked yet.

        Raises:
            NodeError: its package is not installed, it does not take the settings, or the secret
                is not set.
        """
        from patchbay.nodes.haystack.setup import prepare

        prepare()
        from patchbay.nodes.haystack.open_generator import open_generator

        return open_generator(self, opening.secret(self.key) if self.key is not None else "")

"""The description of a hosted model, by LangChain's name for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, JsonValue

from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.provider.names import PROVIDERS, Provider, split_name
from patchbay.nodes.values import ModelSpec, Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat

SAMPLING = ("temperature", "max_tokens", "seed")
"""Fields that travel with each call."""


def check_name(text: str) -> str:
    """A name that `init_chat_model` takes. Raises ValueError."""
    return ":".join(split_name(text))


ProviderName = Annotated[str, AfterValidator(check_name)]
"""A provider and its model; a mistake is a problem at the param."""


class ProviderModel(ModelSpec):
    """A chat model of a provider: `openai:…`, `anthropic:…`, ….

    Without a `key` the usual secret of the provider is used (`OPENAI_API_KEY`, …), but never where
    `base_url` names another server than the provider's own. `extra` goes to the integration.
    """

    backend: ClassVar[str] = "provider"

    model: ProviderName
    key: SecretRef | None = None
    base_url: Address | None = None
    extra: dict[str, JsonValue] = {}
    parallel: int = Field(8, ge=1, le=1024)
    timeout_s: float = Field(300.0, gt=0)
    retries: int = Field(3, ge=0, le=10)

    temperature: float | None = Field(None, ge=0, le=5)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=0, le=2**32 - 2)

    @property
    def provider(self) -> Provider:
        """Who runs it."""
        return PROVIDERS[split_name(self.model)[0]]

    @property
    def secret(self) -> SecretRef | None:
        """The secret that is its key: the one given, or the provider's usual one."""
        usual = "" if self.base_url else self.provider.key
        return self.key or (SecretRef(secret=usual) if usual else None)

    @property
    def slots(self) -> int:
        """Requests that are made at once."""
        return self.parallel

    def memory(self) -> int:
        """Nothing here: the weights are in the server's memory."""
        return 0

    def resource(self) -> ProviderModel:
        """Without what travels with each call."""
        return self.model_copy(update=dict.fromkeys(SAMPLING))

    def call_options(
        self,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, JsonValue] | None = None,
    ) -> dict[str, Any]:
        """The call's options over this description's own. Seeds only where they mean something."""
        chosen = self.seed if seed is None else seed
        return super().call_options(
            temperature=self.temperature if temperature is None else temperature,
            seed=chosen if self.provider.seeds else None,
            max_tokens=self.max_tokens if max_tokens is None else max_tokens,
            stop=stop,
            json_schema=json_schema,
        )

    def open(self, opening: Opening) -> ServedChat:
        """Make a client. Nobody is asked yet.

        Raises:
            NodeError: the integration is not installed or does not take these settings, or the
                secret is not set.
        """
        from patchbay.nodes.models.servers.provider.client import open_chat

        return open_chat(self, opening)

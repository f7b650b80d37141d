"""The description of a hosted model, by LangChain's name for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.models.options import Extra, ServedModel
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.provider.names import PROVIDERS, Provider, split_name
from patchbay.nodes.values import Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat


def check_name(text: str) -> str:
    """A name that `init_chat_model` takes. Raises ValueError."""
    return ":".join(split_name(text))


ProviderName = Annotated[str, AfterValidator(check_name)]
"""A provider and its model; a mistake is a problem at the param."""


class ProviderModel(Extra, ServedModel):
    """A chat model of a provider: `openai:…`, `anthropic:…`, ….

    Without a `key` the usual secret of the provider is used (`OPENAI_API_KEY`, …), but never where
    `base_url` names another server than the provider's own. `extra` goes to the integration.
    """

    backend: ClassVar[str] = "provider"

    model: ProviderName
    base_url: Address | None = None

    @property
    def provider(self) -> Provider:
        """Who runs it."""
        return PROVIDERS[split_name(self.model)[0]]

    @property
    def secret(self) -> SecretRef | None:
        """The secret that is its key: the one given, or the provider's usual one."""
        usual = "" if self.base_url else self.provider.key
        return self.key or (SecretRef(secret=usual) if usual else None)

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call, with a seed only where seeds mean something."""
        return super().words(call if self.provider.seeds else replace(call, seed=None))

    def open(self, opening: Opening) -> ServedChat:
        """Make a client. Nobody is asked yet.

        Raises:
            NodeError: the integration is not installed or does not take these settings, or the
                secret is not set.
        """
        from patchbay.nodes.models.servers.provider.client import open_chat

        return open_chat(self, opening)

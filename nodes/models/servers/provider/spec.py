"""The description of a hosted model, by LangChain's name for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.models.options import Extra, ServedModel, Thinks
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.provider.names import PROVIDERS, Integration, split_name
from patchbay.nodes.models.thinking import THINKING, effort_of, no_thinking
from patchbay.nodes.values import Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat


_BUDGETS: dict[str | int, int] = {"on": 4096, "low": 1024, "medium": 4096, "high": 16_384}
"""Tokens that an effort is for Anthropic, which knows no efforts in this place."""


def check_name(text: str) -> str:
    """A name that `init_chat_model` takes. Raises ValueError."""
    return ":".join(split_name(text))


ProviderName = Annotated[str, AfterValidator(check_name)]
"""A provider and its model; a mistake is a problem at the param."""


class ProviderModel(Extra, Thinks, ServedModel):
    """A chat model of a provider: `openai:…`, `anthropic:…`, ….

    Without a `key` the usual secret of the provider is used (`OPENAI_API_KEY`, …), but never where
    `base_url` names another server than the provider's own. `extra` goes to the integration.
    """

    backend: ClassVar[str] = "provider"

    model: ProviderName
    base_url: Address | None = None

    @property
    def provider(self) -> Integration:
        """Who runs it."""
        return PROVIDERS[split_name(self.model)[0]]

    @property
    def secret(self) -> SecretRef | None:
        """The secret that is its key: the one given, or the provider's usual one."""
        usual = "" if self.base_url else self.provider.key
        return self.key or (SecretRef(secret=usual) if usual else None)

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call, with a seed only where seeds mean something."""
        options = super().words(call if self.provider.seeds else replace(call, seed=None))
        thinking = options.pop(THINKING, None)
        if thinking is not None:
            options |= self._thinking(thinking)
        return options

    def _thinking(self, thinking: str | int) -> dict[str, Any]:
        """How the integration is told whether to think."""
        name, model = split_name(self.model)
        if name in ("openai", "azure_openai"):
            return {"reasoning_effort": effort_of(thinking, model)}
        if name == "anthropic":
            if thinking == "off":
                return {"thinking": {"type": "disabled"}}
            tokens = _BUDGETS.get(thinking, thinking)
            return {"thinking": {"type": "enabled", "budget_tokens": tokens}}
        raise no_thinking(self.model, f"it is not known how {name} is told; set it in extra")

    def open(self, opening: Opening) -> ServedChat:
        """Make a client. Nobody is asked yet.

        Raises:
            NodeError: the integration is not installed or does not take these settings, or the
                secret is not set.
        """
        from patchbay.nodes.models.servers.provider.client import open_chat

        return open_chat(self, opening)

"""What the nodes that describe something behind a server have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchbay.nodes.contract import DescribingNode
from patchbay.nodes.models.servers.address import Address, key_and_name
from patchbay.nodes.values import SecretRef


class ServerNode(DescribingNode):
    """A node that describes something behind a server, which can say what models it has."""

    @classmethod
    def models(cls, base_url: Address | None, key: str, secret: str) -> list[str]:
        """The models that the server has. `secret` is the name of the key. Blocks."""
        raise NotImplementedError

    @classmethod
    def choices(
        cls, param: str, params: Any, secret_of: Callable[[SecretRef], str]
    ) -> list[str] | None:
        """The models that the server has."""
        if param != "model":
            return None
        return cls.models(params.base_url, *key_and_name(params.api_key, secret_of))

    @classmethod
    def summary(cls, params: Any) -> str:
        """The model, and where it is, as far as that is said."""
        where = (params.base_url or "").partition("://")[2]
        return " · ".join(part for part in (params.model, where) if part)

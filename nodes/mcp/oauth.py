"""Signing in at a server by OAuth 2.1, with PKCE (RFC 7636): what is kept, and how it is renewed.

Tokens lie below the home folder, a file for each server, for their owner alone; never in a flow.
The flow of messages is the `mcp` library's. It keeps neither when a token ends nor where tokens are
renewed (1.30): after a restart it sends an old token and then asks the person to sign in again,
and a renewal without a new refresh token loses the old one. Both are kept here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import home
from patchbay.nodes.private import private_file, private_folder

if TYPE_CHECKING:
    import httpx
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

FOLDER = "mcp-sign-ins"
Redirect = Callable[[str], Awaitable[None]]
Callback = Callable[[], Awaitable[tuple[str, str | None]]]


class SignIn:
    """What is kept of a sign-in: the client that was registered, its tokens, when they end.

    Args:
        url: the address of the server, as it is asked.
        env: the environment, for the home folder.
    """

    def __init__(self, url: str, env: Mapping[str, str] = os.environ) -> None:
        self.url = url
        name = hashlib.sha256(url.encode()).hexdigest()[:24]
        self.path = home(env) / FOLDER / f"{name}.json"

    @property
    def there(self) -> bool:
        """Whether somebody has signed in."""
        return "tokens" in self.read()

    def read(self) -> dict[str, Any]:
        """All that is kept; nothing where there is no such file, or it cannot be read."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, **more: Any) -> None:
        """Keep more."""
        private_folder(self.path.parent)
        private_file(self.path)
        write_atomic(self.path, json.dumps({**self.read(), "url": self.url, **more}, indent=2))

    def forget(self) -> bool:
        """Sign out here; whether there was anything."""
        was = self.path.exists()
        self.path.unlink(missing_ok=True)
        return was

    # --- what the library asks for ----------------------------------------------------------------

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        from mcp.shared.auth import OAuthToken

        held = (await asyncio.to_thread(self.read)).get("tokens")
        return OAuthToken.model_validate(held) if held else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep new tokens; a refresh token that is not renewed stays."""
        await asyncio.to_thread(self._keep_tokens, tokens)

    def _keep_tokens(self, tokens: OAuthToken) -> None:
        made = tokens.model_dump(mode="json", exclude_none=True)
        before = self.read().get("tokens") or {}
        if "refresh_token" not in made and "refresh_token" in before:
            made["refresh_token"] = before["refresh_token"]
        ends = time.time() + tokens.expires_in if tokens.expires_in else None
        self.keep(tokens=made, ends=ends)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The client as the server knows it."""
        from mcp.shared.auth import OAuthClientInformationFull

        held = (await asyncio.to_thread(self.read)).get("client")
        return OAuthClientInformationFull.model_validate(held) if held else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep it."""
        made = client_info.model_dump(mode="json", exclude_none=True)
        await asyncio.to_thread(partial(self.keep, client=made))


async def signed_in(url: str, name: str) -> httpx.Auth | None:
    """How requests to a server are signed; None where nobody has signed in at it.

    Args:
        url: its address.
        name: what a person calls it.
    """
    kept = SignIn(url)
    if not await asyncio.to_thread(lambda: kept.there):
        return None

    async def refuse(_address: str) -> None:
        raise NodeError(
            f"The sign-in at the MCP server {name!r} is over.",
            fix=f"Sign in again: patchbay mcp login {name}",
            code="mcp/sign-in",
            retry=False,
        )

    async def nobody() -> tuple[str, str | None]:
        return "", None

    return provider(kept, "http://127.0.0.1/callback", refuse, nobody)


def provider(
    kept: SignIn,
    redirect: str,
    show: Redirect,
    wait: Callback,
    *,
    scope: str = "",
) -> OAuthClientProvider:
    """The library's way of signing in, with what it does not keep.

    Args:
        kept: where tokens lie.
        redirect: the address on this machine that the browser comes back to.
        show: gets the address that the person is to open.
        wait: gives the code and the state that the browser came back with.
        scope: what is asked for; "" leaves it to the server.
    """
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientMetadata, OAuthMetadata, ProtectedResourceMetadata

    class Keeps(OAuthClientProvider):
        async def _initialize(self) -> None:
            await super()._initialize()
            held, context = await asyncio.to_thread(kept.read), self.context
            context.token_expiry_time = held.get("ends")
            if found := held.get("issuer"):
                context.oauth_metadata = OAuthMetadata.model_validate(found)
            if found := held.get("resource"):
                resource = ProtectedResourceMetadata.model_validate(found)
                context.protected_resource_metadata = resource
                context.auth_server_url = str(resource.authorization_servers[0])

        async def _handle_refresh_response(self, response: httpx.Response) -> bool:
            renewed = await super()._handle_refresh_response(response)
            if renewed:
                self.context.current_tokens = await kept.get_tokens()
            return renewed

        async def _handle_token_response(self, response: httpx.Response) -> None:
            await super()._handle_token_response(response)
            context = self.context
            for word, found in (
                ("issuer", context.oauth_metadata),
                ("resource", context.protected_resource_metadata),
            ):
                if found is not None:
                    made = found.model_dump(mode="json", exclude_none=True)
                    await asyncio.to_thread(partial(kept.keep, **{word: made}))

    # It logs what it raises as well, with a traceback; those who ask are told in words.
    logging.getLogger("mcp.client.auth").setLevel(logging.CRITICAL)
    about = OAuthClientMetadata.model_validate({
        "client_name": "Patchbay",
        "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": scope or None,
    })  # fmt: skip
    return Keeps(kept.url, about, kept, show, wait)

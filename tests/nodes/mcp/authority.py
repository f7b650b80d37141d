"""A hosted MCP server with its authorization server: the `mcp` library's own, which checks PKCE."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.fastmcp import FastMCP
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken


class Authority:
    """Knows clients, codes and tokens. Whoever opens its address agrees, unless it `denies`."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.renewals: dict[str, RefreshToken] = {}
        self.challenges: list[str] = []
        self.renewed = 0
        self.denies = self.renews_in_silence = False
        self.lasts_s = 3600
        self.url = ""

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client: OAuthClientInformationFull) -> None:
        self.clients[str(client.client_id)] = client

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        back = str(params.redirect_uri)
        if self.denies:
            return construct_redirect_uri(back, error="access_denied", state=params.state)
        self.challenges.append(params.code_challenge)
        code = AuthorizationCode(
            code=secrets.token_hex(8), scopes=params.scopes or [], expires_at=time.time() + 60,
            client_id=str(client.client_id), code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri, resource=params.resource,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
        )  # fmt: skip
        self.codes[code.code] = code
        return construct_redirect_uri(back, code=code.code, state=params.state)

    async def load_authorization_code(self, client: Any, code: str) -> AuthorizationCode | None:
        return self.codes.get(code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[code.code]
        return self._tokens(str(client.client_id), code.scopes)

    async def load_refresh_token(self, client: Any, token: str) -> RefreshToken | None:
        return self.renewals.get(token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.renewed += 1
        made = self._tokens(str(client.client_id), scopes)
        if self.renews_in_silence:  # RFC 6749, section 6: the old refresh token stays good
            return made.model_copy(update={"refresh_token": None})
        del self.renewals[token.token]
        return made

    async def load_access_token(self, token: str) -> AccessToken | None:
        found = self.access.get(token)
        return found if found and (found.expires_at or 0) > time.time() else None

    async def revoke_token(self, token: Any) -> None:
        self.access.pop(token.token, None)

    def _tokens(self, client: str, scopes: list[str]) -> OAuthToken:
        access, renewal = secrets.token_hex(8), secrets.token_hex(8)
        ends = int(time.time()) + self.lasts_s
        self.access[access] = AccessToken(
            token=access, client_id=client, scopes=scopes, expires_at=ends
        )
        self.renewals[renewal] = RefreshToken(token=renewal, client_id=client, scopes=scopes)
        return OAuthToken(
            access_token=access, expires_in=self.lasts_s, refresh_token=renewal,
            scope=" ".join(scopes),
        )  # fmt: skip


@contextmanager
def hosted() -> Iterator[Authority]:
    """Run the server on this machine; `authority.url` is its address."""
    import uvicorn

    authority = Authority()
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{sock.getsockname()[1]}"
    authority.url = f"{base}/mcp"
    server = FastMCP(
        "bank", stateless_http=True, auth_server_provider=authority,
        auth=AuthSettings(
            issuer_url=base, resource_server_url=authority.url, required_scopes=["use"],  # type: ignore[arg-type]
            validate_token_resource=False,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=["use"], default_scopes=["use"]
            ),
        ),
    )  # fmt: skip

    @server.tool()
    def balance(account: str) -> str:
        """The balance of an account."""
        return f"{account}: 42"

    @server.tool()
    def send(amount: float, to: str) -> str:
        """Send money."""
        return f"sent {amount:g} to {to}"

    app = server.streamable_http_app()
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield authority
    running.should_exit = True
    thread.join(5)

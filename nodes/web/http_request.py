"""The node `tool.http_request`: one HTTP request as a step."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.tools.fetch import FetchProblem
from patchbay.nodes.tools.send import HttpCall, HttpReply, Sending, send, told_waits
from patchbay.nodes.units import duration
from patchbay.nodes.values import Promptable
from patchbay.nodes.web.http_template import RequestParams, fill_address, make_call


class HttpRequest(Node):
    """Send an HTTP request and give what comes back: text, JSON, status and headers.

    Address, query, headers and body take {variables}, each of which becomes an input. Private and
    link-local addresses are refused after the name is resolved, redirects are checked like the
    first address. A busy server is asked again after its Retry-After. `json` is left out where the
    answer is no JSON.
    """

    kind, version = "tool.http_request", 1
    title, family, icon = "HTTP request", "Tools", "globe"
    front = ("method", "url")
    synonyms = (
        "webhook", "api", "rest", "post", "put", "get", "delete", "fetch", "curl", "requests",
        "url", "call api", "graphql", "send",
    )  # fmt: skip
    deterministic = False

    class Params(RequestParams):
        fail_on_error: bool = Field(True)
        """Whether a status of 400 and above fails the node; otherwise it is given as `status`."""

    class Outputs(Ports):
        text: str = port(doc="The answer as text; of a page, what a reader sees.")
        json: JsonValue = port(doc="The answer as JSON, where it is JSON.")
        status: float = port(doc="The status, such as 200.")
        headers: JsonValue = port(doc="The headers of the answer, names in small letters.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """A port for each variable."""
        return Ports.of(
            {
                name: (Promptable, port(doc=f"What {{{name}}} stands for."))
                for name in params.names()
            }
        )

    @classmethod
    def summary(cls, params: Params) -> str:
        """The method and the address."""
        return f"{params.method} {params.url}"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Send it."""
        values = inputs.as_dict()
        call = make_call(params, values, ctx.secret)

        async def made(*_: str) -> tuple[int, dict[str, str], bytes, bool]:
            reply = await ask_server(call, params, ctx)
            if params.fail_on_error and reply.status >= 400:
                raise _refused(reply, params)  # not kept: a retry sends it, under the same key
            return reply.status, dict(reply.headers), reply.data, reply.cut

        # What tells one request from another, without the key, which must not lie on a disk.
        told = fill_address(params.url, values)
        body = hashlib.sha256(call.body or b"").hexdigest()
        status, headers, data, cut = await ctx.once("HTTP request", made, call.method, told, body)
        reply = HttpReply(status, headers, data, cut, told)
        if reply.cut:
            await ctx.warn(f"The answer was cut after {params.limit:,} bytes.")
        given: dict[str, Any] = {"text": reply.text(), "status": float(reply.status)}
        if "json" in reply.media:
            try:
                given["json"] = reply.json()
            except ValueError as error:
                await ctx.warn(f"The server says that it sends JSON, but it does not: {error}")
        return self.Outputs(**given, headers=dict(reply.headers))


async def ask_server(call: HttpCall, params: RequestParams, ctx: Context) -> HttpReply:
    """What a server answers, within the limits of the params.

    Raises:
        NodeError: it cannot be asked, or not in time.
    """
    how = Sending(params.limit, params.allow_loopback, params.tries, told_waits(ctx))
    try:
        async with asyncio.timeout(params.seconds):
            return await send(call, how)
    except TimeoutError as error:
        raise NodeError(
            f"There was no answer within {duration(params.seconds)}.",
            fix="Raise seconds, or look whether the server works.",
            code="http/timeout",
        ) from error
    except FetchProblem as error:
        raise NodeError(
            str(error),
            fix="Correct the address; servers on this machine need `allow_loopback`.",
            code="http/unreachable",
            retry=False,
        ) from error


def _refused(reply: HttpReply, params: HttpRequest.Params) -> NodeError:
    said = reply.said()
    return NodeError(
        f"The server answers {params.method} with status {reply.status}"
        + (f": {said!r}" if said else "."),
        fix="Look at what the server says, or switch off fail_on_error and look at `status`.",
        code="http/status",
        retry=reply.status in (408, 425, 429) or reply.status >= 500,
    )

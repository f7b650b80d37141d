"""One search of the web: its settings, and how it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from patchbay.nodes.contract import Field, NodeParams
from patchbay.nodes.errors import NodeError
from patchbay.nodes.tools.fetch import FetchProblem, check_address
from patchbay.nodes.tools.send import HttpReply, Sending, send
from patchbay.nodes.units import duration
from patchbay.nodes.values import SecretRef
from patchbay.nodes.web.hits import WebHit
from patchbay.nodes.web.providers import PROVIDERS, WebQuestion

Service = Literal[
    "wikipedia", "arxiv", "searxng", "brave", "google", "serper", "serpapi", "tavily",
]  # fmt: skip


def _check_base(text: str) -> str:
    text = text.strip().rstrip("/")
    if text:
        check_address(text.replace("{language}", "en"))
    return text


class WebSearchParams(NodeParams):
    """How the web is searched."""

    service: Service = Field("wikipedia")
    """Who searches. Wikipedia, arXiv and a SearXNG of your own need no key."""
    api_key: SecretRef | None = Field(None, widget="secret")
    """The key of the service; its usual name where none is chosen, such as TAVILY_API_KEY."""
    results: int = Field(5, ge=1, le=100)
    """How many hits are wanted. Services give 10 to 100 at most."""
    engine_id: str = Field("", max_length=200)
    """The id of your search engine (cx), for Google alone."""
    base_url: Annotated[str, AfterValidator(_check_base)] = Field("", max_length=2000)
    """Where the service is; needed for SearXNG, empty for the others."""
    language: str = Field("en", pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})?$")
    """The language of what is found."""
    allow_loopback: bool = Field(False)
    """Whether the service may be on this very machine, as a SearXNG of your own."""
    seconds: float = Field(20, gt=0, le=600)
    """The longest that a search may take."""

    @model_validator(mode="after")
    def _makes_sense(self) -> WebSearchParams:
        if self.service == "searxng" and not self.base_url:
            raise ValueError("SearXNG needs base_url, the address of the instance")
        if self.service == "google" and not self.engine_id.strip():
            raise ValueError("Google needs engine_id, the id (cx) of your search engine")
        return self

    def key_ref(self) -> SecretRef | None:
        """The key that is meant; None where the service needs none."""
        usual = PROVIDERS[self.service].key
        return (self.api_key or SecretRef(secret=usual)) if usual else None


Wait = Callable[[str, float], Awaitable[None]]


async def search_web(
    query: str,
    params: WebSearchParams,
    secret_of: Callable[[SecretRef], str],
    wait: Wait | None = None,
) -> list[WebHit]:
    """The hits for a query, the best first.

    Raises:
        NodeError: the service cannot be asked, refuses the key, or answers otherwise than it says.
    """
    if not query.strip():
        raise _problem("There is nothing to search for.", "Give a few words.", "search/empty")
    service, ref = PROVIDERS[params.service], params.key_ref()
    question = WebQuestion(
        text=" ".join(query.split())[:400],
        count=min(params.results, service.most),
        key=secret_of(ref) if ref is not None else "",
        base=params.base_url or service.base,
        engine=params.engine_id.strip(),
        language=params.language,
    )
    how = Sending(limit=5_000_000, loopback=params.allow_loopback, wait=wait)
    try:
        async with asyncio.timeout(params.seconds):
            reply = await send(service.ask(question), how)
    except TimeoutError as error:
        words = f"{params.service} did not answer within {duration(params.seconds)}."
        raise _problem(words, "Raise seconds, or try again.", "search/unreachable") from error
    except FetchProblem as error:
        fix = "Check base_url; a service on this machine needs `allow_loopback`."
        raise _problem(str(error), fix, "search/unreachable") from error
    if reply.status != 200:
        raise _refused(reply, params)
    try:
        return service.read(reply, question)[: params.results]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        said = reply.said(200)
        words = f"The answer of {params.service} cannot be read: {said!r}"
        raise _problem(words, "Check base_url.", "search/unreadable") from error


def _refused(reply: HttpReply, params: WebSearchParams) -> NodeError:
    said = reply.said()
    status = f"{params.service} answers with status {reply.status}"
    message = f"{status}: {said!r}" if said else f"{status}."
    key = params.key_ref()
    if params.service == "searxng" and reply.status == 403:
        fix = "Let that SearXNG answer in JSON: add json to search.formats of its settings.yml."
        return _problem(message, fix, "search/refused")
    if reply.status in (401, 403) and key is not None:
        return _problem(message, f"Check the key {key.secret}.", "search/key")
    if reply.status == 429:
        return _problem(message, "Wait, or take another service.", "search/busy")
    return _problem(message, "Look at what the service says.", "search/refused")


def _problem(message: str, fix: str, code: str) -> NodeError:
    return NodeError(message, fix=fix, code=code, retry=code == "search/busy")

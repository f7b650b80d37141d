"""What Markdown makes of texts, for pages that draw them: parsed here, once, whoever shows it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patchbay.flows.server.core.asked import json_of
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.requests import service_of
from patchbay.nodes.text.markdown import MarkdownPart, parse_markdown
from patchbay.nodes.threads import in_thread
from patchbay.nodes.units import duration

MOST = 100
"""Texts that are taken at once."""
LONGEST = 200_000
"""Characters of them together."""
SLOWEST_S = 5.0
"""How long a page waits for them. Some texts, such as very many opening brackets, take a time that
grows with the square of their length: minutes for the longest."""


def words_in(body: bytes) -> dict[str, list[list[MarkdownPart]]]:
    """The parts of each of the `texts` in a body of JSON, as `words`. Blocks.

    Raises:
        RefusedError: it holds something else, or too much.
    """
    given: Any = json_of(body)
    texts = given.get("texts") if isinstance(given, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise refused(400, "input/invalid", '"texts" is a list of texts.', 'Send {"texts": ["…"]}.')
    if len(texts) > MOST or sum(map(len, texts)) > LONGEST:
        message = f"At most {MOST} texts of {LONGEST:,} characters together are parsed at once."
        raise refused(413, "serve/too-large", message, "Show them as they stand.")
    return {"words": [parse_markdown(text) for text in texts]}


async def words(request: Request) -> Response:
    """`POST /words`: see `words_in`."""
    body = await request.body()
    try:
        async with asyncio.timeout(SLOWEST_S), service_of(request).parsing:
            return JSONResponse(await in_thread(words_in, body))
    except TimeoutError:
        message = f"Parsing these texts takes longer than {duration(SLOWEST_S)}."
        raise refused(413, "serve/too-large", message, "Show them as they stand.") from None


ROUTES = [Route("/words", words, methods=["POST"])]

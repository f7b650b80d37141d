"""What Markdown makes of texts, for pages that draw them: parsed here, once, whoever shows it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patchbay.flows.server.core.asked import json_of
from patchbay.flows.server.core.refusals import refused
from patchbay.nodes.text.markdown import MarkdownPart, parse_markdown
from patchbay.nodes.threads import in_thread

MOST = 100
"""Texts that are taken at once."""
LONGEST = 200_000
"""Characters of them together."""


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
    return JSONResponse(await in_thread(words_in, await request.body()))


ROUTES = [Route("/words", words, methods=["POST"])]

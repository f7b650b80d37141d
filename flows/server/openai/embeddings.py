"""`POST /v1/embeddings`: for flows that end in a description of embeddings."""

from __future__ import annotations

import array
import asyncio
import base64
import sys
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patchbay.flows.runs.failures import explain
from patchbay.flows.runs.unwatched import Unwatched
from patchbay.flows.server.core.admission import RunPlace
from patchbay.flows.server.core.asked import RunRequest
from patchbay.flows.server.core.event_stream import unless_gone
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.chat import body_of, failure
from patchbay.flows.server.openai.conversation import wrong
from patchbay.nodes.embedded import embedded
from patchbay.nodes.threads import in_thread
from patchbay.nodes.units import duration
from patchbay.nodes.values import EmbeddingsSpec

MOST = 2048
"""Texts in one request, as OpenAI has it."""


async def embeddings(request: Request) -> Response:
    """The vectors of texts."""
    service, caller = service_of(request), caller_of(request)
    body = await body_of(request)
    flow, texts = service.shelf.get(body["model"], caller), _texts(body.get("input"))
    packed, wanted = _packing(body.get("encoding_format")), _length(body.get("dimensions"))
    types = {one.partition("/")[0] for name in flow.outputs for one in flow.types_of(name)}
    if not types & {"embeddings", "any"}:
        raise _no_embeddings(flow)  # before it runs, and asks its models
    live = await service.begin(flow, caller, RunRequest(), follow=False)
    if not await unless_gone(request.receive, live.task):
        live.stop()
        return Response(status_code=499)
    if live.status != "finished":
        raise failure(live)
    specs = [value for value in live.outputs.values() if isinstance(value, EmbeddingsSpec)]
    if len(specs) != 1:
        raise _no_embeddings(flow)
    turn = await service.admission.enter(None)
    work = asyncio.ensure_future(_vectors(service, turn, specs[0], texts))
    try:
        if not await unless_gone(request.receive, work):
            return Response(status_code=499)
        vectors = work.result()
    finally:
        work.cancel()
    if wanted is not None and (got := len(vectors[0])) != wanted:
        what = f'The vectors of "{flow.name}" have {got} numbers, not {wanted}; none are cut.'
        raise wrong(what, "dimensions")
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(v) if packed else list(v)}
        for index, v in enumerate(vectors)
    ]
    told: dict[str, Any] = {"object": "list", "data": data, "model": flow.name}
    return JSONResponse({**told, "usage": {"prompt_tokens": 0, "total_tokens": 0}})


async def _vectors(
    service: FlowService, turn: RunPlace, spec: EmbeddingsSpec, texts: list[str]
) -> Any:
    """Embed, within a slot and the time that a run may take.

    Raises:
        RefusedError: the model cannot be had, fails, or takes too long.
    """
    limit = service.settings.timeout_s
    try:
        await turn.come()
        watcher = Unwatched(service.secrets)
        async with asyncio.timeout(limit), service.pool.use(spec, watcher) as model:
            return (await in_thread(embedded, model, texts)).tolist()
    except TimeoutError:
        message = f"The embeddings took longer than {duration(limit)}."
        raise refused(504, "serve/timeout", message, "Send fewer texts.") from None
    except Exception as error:
        raise RefusedError(500, explain(error, "", service.secrets)) from None
    finally:
        turn.leave()


def _no_embeddings(flow: ServedFlow) -> RefusedError:
    message = f'The flow "{flow.name}" does not end in embeddings.'
    fix = "Wire a node of embeddings into its output, or name a flow that has one."
    return refused(400, "input/invalid", message, fix)


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        what = '"input" is a text or a list of texts.'
        if isinstance(texts, list) and any(isinstance(t, (int, list)) for t in texts):
            what += " Token ids are of a tokenizer that the model need not have; LangChain sends"
            what += " texts with check_embedding_ctx_length=False."
        raise wrong(what, "input")
    if len(texts) > MOST:
        raise wrong(f'"input" has {len(texts)} texts; at most {MOST} are taken.', "input")
    return texts


def _packing(given: Any) -> bool:
    """Whether vectors are packed."""
    if given not in (None, "float", "base64"):
        raise wrong('"encoding_format" is float or base64.', "encoding_format")
    return bool(given == "base64")


def _length(given: Any) -> int | None:
    """How long vectors are to be; None where nothing is said of it."""
    if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
        raise wrong('"dimensions" is a whole number above 0.', "dimensions")
    return given


def _packed(vector: Any) -> str:
    """A vector as OpenAI packs it: base64 of little-endian floats of 32 bits."""
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()

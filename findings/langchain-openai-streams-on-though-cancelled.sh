#!/usr/bin/env bash
# Guess: cancelling the task that reads `ChatOpenAI.astream` ends it, in whatever moment the cancellation comes.
# What happens: each piece is waited for by `asyncio.wait_for` (`stream_chunk_timeout`, on by default). On Python 3.11 and before that
# forgets a cancellation which comes in the turn of the loop in which the piece does, so that the answer is read to its end.
# With `stream_chunk_timeout=None`, or Python 3.12 and later, it is cancelled.
# Seen with langchain-openai 1.7.4 on Python 3.11.7 and 3.13 on 2026-11-30.
# Why it matters: a stop button, or a limit of a step's time, that does nothing now and then, the more often the faster pieces come;
# the model goes on at the person's cost, and the step that was stopped gives its answer.
source "$(dirname "$0")/_env.sh"
packages 'langchain-openai==1.7.4' 'openai==2.54.0' 'httpx==0.28.1'
"$PY" - <<'PY'
import asyncio
import json
import sys
from importlib.metadata import version

import httpx
from langchain_openai import ChatOpenAI


def piece(text, end=None):
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": end}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


class Answer(httpx.AsyncByteStream):
    def __init__(self, stop):
        self.stop = stop

    async def __aiter__(self):
        yield piece("one ")
        await asyncio.sleep(0.05)
        self.stop()  # in the moment in which the next piece comes
        yield piece("two ")
        await asyncio.sleep(0.05)
        yield piece("three", "stop")
        yield b"data: [DONE]\n\n"


class Server(httpx.AsyncBaseTransport):
    stop = None

    async def handle_async_request(self, request):
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Answer(self.stop))


async def stopped(**options):
    server, pieces = Server(), []
    client = httpx.AsyncClient(transport=server)
    model = ChatOpenAI(model="m", api_key="none", base_url="http://model/v1", http_async_client=client, **options)

    async def ask():
        async for one in model.astream("Count to three."):
            pieces.append(one.content)

    task = asyncio.create_task(ask())
    server.stop = task.cancel
    await asyncio.wait([task])
    return f"{''.join(pieces)!r}, {'cancelled' if task.cancelled() else 'ended as if nobody had stopped it'}"


usual = asyncio.run(stopped())
without = asyncio.run(stopped(stream_chunk_timeout=None))
print("langchain-openai", version("langchain-openai"), "Python", sys.version.split()[0])
print(f"  as usual: {usual}")
print(f"  without stream_chunk_timeout: {without}")
old = sys.version_info < (3, 12)
as_seen = usual.endswith("stopped it") if old else usual.endswith("cancelled")
raise SystemExit(0 if as_seen and without.endswith("cancelled") else 1)
PY

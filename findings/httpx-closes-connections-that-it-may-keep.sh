#!/usr/bin/env bash
# Guess: `max_keepalive_connections` (20 by default) is how many connections without a request an httpx client keeps open for the next.
# What happens: those that are at work are counted too. With 20 answers being streamed, every other request opens a connection and closes it at
# its end, though it would be the only idle one. (The count is also taken anew for each idle connection: the square of their number for every request.)
# Seen with httpx 0.28.1 and httpcore 1.0.9 on 2026-11-29.
# Why it matters: a program with one client for its model server (openai's library, LangChain) and more than 20 answers on their way connects
# anew, with TLS, for nearly each request, and spends more of the processor on the list of its connections than on the answers.
source "$(dirname "$0")/_env.sh"
packages 'httpx==0.28.1' 'httpcore==1.0.9'
"$PY" - <<'PY'
import asyncio
import contextlib
from importlib.metadata import version

import httpx

connections = 0


async def hear(reading, writing):
    global connections
    connections += 1
    with contextlib.suppress(asyncio.IncompleteReadError):
        while head := await reading.readuntil(b"\r\n\r\n"):
            if head.startswith(b"GET /long"):
                await reading.read()  # no answer, until the client has gone
                break
            writing.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    writing.close()


async def opened(at_work):
    """Connections that ten requests, one after another, open beside some that are at work."""
    global connections
    connections = 0
    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = httpx.AsyncClient(trust_env=False)
    tasks = [asyncio.create_task(client.get(f"{address}/long", timeout=None)) for _ in range(at_work)]
    while connections < at_work:
        await asyncio.sleep(0.01)
    for _ in range(10):
        await client.get(f"{address}/short")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.aclose()
    server.close()
    return connections - at_work


async def main():
    found = [await opened(at_work) for at_work in (19, 20)]
    print("httpx", version("httpx"), "httpcore", version("httpcore"))
    print("ten requests beside 19 at work open", found[0], "connection, beside 20 at work", found[1])
    return found


raise SystemExit(0 if asyncio.run(main()) == [1, 10] else 1)
PY

"""A web server of a test's own, on this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler], **bound: Any) -> Iterator[str]:
    """Run a server until the end of the block; gives its address.

    Args:
        handler: answers the requests.
        bound: attributes that the handler gets, such as what it serves.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (handler,), bound))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

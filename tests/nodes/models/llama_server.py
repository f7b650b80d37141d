"""llama.cpp's own HTTP server with real weights, in a process of its own on the loopback device."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from patchbay.nodes.weights.manifest import DEFAULT
from patchbay.nodes.weights.resolve import resolve

KEY = "a-key-for-tests"
"""What the server wants to be shown."""

NAME = "smollm2"
"""What the server calls its model."""

CONTEXT = 1024
"""Tokens that each of the server's requests may have."""

SLOTS = 4

_PROGRAM = """
import sys, xllamacpp
path, key, name, context, slots = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = path
params.n_ctx, params.n_parallel = int(context) * int(slots), int(slots)
params.n_batch = params.n_ubatch = 512  # an input that is embedded must fit into one
params.kv_unified = params.fit_params = params.warmup = params.ui = False
params.cache_ram_mib, params.verbosity = 0, -1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.hostnames, params.n_threads_http = ["127.0.0.1"], 8
params.api_keys = [key] if key else []
params.model_alias = {name}
params.endpoint_metrics = True
params.embedding = True
params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(params)
server.handle_metrics()
print(server.listening_address, flush=True)
sys.stdin.read()  # until whoever started it lets go
"""


@dataclass(frozen=True)
class LlamaServer:
    """Where it listens, without `/v1`."""

    url: str
    key: str = KEY

    @property
    def v1(self) -> str:
        """The address of the OpenAI-compatible part."""
        return f"{self.url}/v1"

    def busy(self) -> int:
        """How many requests are being computed at this moment."""
        request = urllib.request.Request(
            f"{self.url}/metrics", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=240) as answer:
            lines = answer.read().decode().splitlines()
        found = [line for line in lines if line.startswith("llamacpp:requests_processing ")]
        return int(float(found[0].split()[1]))

    def post(self, path: str, body: object) -> bytes:
        """Ask it without any client."""
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return bytes(answer.read())


@contextlib.contextmanager
def serve_llama(key: str = KEY) -> Iterator[LlamaServer]:
    """Run the server until the end of the block. It ends with this process in any case."""
    path = resolve(DEFAULT, lambda label, done, total: None)
    arguments = [str(path), key, NAME, str(CONTEXT), str(SLOTS)]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "GOMP_SPINCOUNT": "1000"},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the server did not start"
        yield LlamaServer(url, key)
    finally:
        process.stdin.close()
        process.kill()  # its threads take no hint
        process.wait()
        process.stdout.close()

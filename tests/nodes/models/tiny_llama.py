"""llama.cpp with a tiny network and adapters, asked how likely each token is."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TinyLlama:
    """A server in this process, on the loopback device."""

    path: Path
    url: str
    adapters: int

    def post(self, path: str, body: object) -> Any:
        """Ask it without any client."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read())

    def tokens(self, text: str, control: bool = False) -> list[int]:
        """The tokens of a text; its control words are text, or tokens of their own."""
        body = {"content": text, "add_special": False, "parse_special": control}
        return [int(token) for token in self.post("/tokenize", body)["tokens"]]

    def chances(self, prompt: Sequence[int], adapter: int | None) -> dict[int, float]:
        """The likeliest tokens after a prompt of tokens, with one of the adapters or none."""
        scales = [{"id": n, "scale": float(n == adapter)} for n in range(self.adapters)]
        body = {
            "prompt": list(prompt), "n_predict": 1, "n_probs": 10, "post_sampling_probs": True,
            "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "lora": scales,
            "cache_prompt": False, "repeat_penalty": 1.0,
        }  # fmt: skip
        for seed in range(100):  # a token that ends the answer is not told of
            answer = self.post("/completion", {**body, "seed": seed})
            if said := answer.get("completion_probabilities"):
                return {int(one["id"]): float(one["prob"]) for one in said[0]["top_probs"]}
        raise AssertionError("no token was told of")


@contextlib.contextmanager
def serve_tiny(path: Path, adapters: Sequence[Path] = ()) -> Iterator[TinyLlama]:
    """Load a GGUF file and adapters, until the end of the block."""
    from patchbay.nodes.models.cores import share_cores

    share_cores()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel = 256, 1
    params.warmup = params.fit_params = params.ui = False
    params.verbosity, params.cache_ram_mib = -1, 0
    params.hostnames = ["127.0.0.1"]
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(a), 1.0) for a in adapters]
    server = xllamacpp.Server(params)
    server.handle_metrics()
    yield TinyLlama(path, server.listening_address, len(adapters))
    del server

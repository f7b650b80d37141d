"""An Ollama server: where it is, what it has, and fetching what it has not."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.pictures import blind
from patchbay.nodes.models.servers.address import async_settings, check_address, client_settings
from patchbay.nodes.models.servers.errors import Server
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.refs import Report

if TYPE_CHECKING:
    import httpx

DEFAULT_PORT = 11434
START = "Start it with `ollama serve` (get it from ollama.com), or change the address."

_ASK_S = 10.0
_PULL_S = 600.0


def address_of(given: str, env: Mapping[str, str] = os.environ) -> str:
    """The address of the server: the one given, `OLLAMA_HOST`, or the usual one.

    `OLLAMA_HOST` may be a host, a host with a port, or an address; 0.0.0.0 is where a server
    listens, so it stands for this machine.

    Raises:
        NodeError: `OLLAMA_HOST` is no address.
    """
    if given:
        return given
    text = (env.get("OLLAMA_HOST") or "127.0.0.1").strip()
    try:
        address = check_address(text if "://" in text else f"http://{text}")
    except ValueError as error:
        raise NodeError(
            f"The variable OLLAMA_HOST ({text!r}) {error}.",
            fix="Set it to something like 127.0.0.1:11434, or give the node an address.",
            code="model/address",
            retry=False,
        ) from error
    address = address.replace("//0.0.0.0", "//127.0.0.1")
    if "://" in text or urlsplit(address).port is not None:
        return address
    return f"{address}:{DEFAULT_PORT}"


def server_of(address: str, model: str, key: str = "", secret: str = "") -> Server:
    """The server, for telling what is wrong with it. `secret` is the name of the key."""
    return Server(address, model, secret, START, models=lambda: list_models(address, key))


def client_options(address: str, timeout_s: float, key: str) -> dict[str, dict[str, Any]]:
    """Settings of the `ollama` clients, as `langchain-ollama` names them.

    Without a key of our own they would send `OLLAMA_API_KEY` of the environment to anybody.
    """

    def hook(request: httpx.Request) -> None:
        _whole_prompt(request)

    async def async_hook(request: httpx.Request) -> None:
        _whole_prompt(request)

    shared = client_settings(address, timeout_s)
    shared["headers"] = {"Authorization": f"Bearer {key}" if key else "none"}
    return {
        "client_kwargs": shared,
        "sync_client_kwargs": {"event_hooks": {"request": [hook]}},
        "async_client_kwargs": {**async_settings(), "event_hooks": {"request": [async_hook]}},
    }


def _whole_prompt(request: httpx.Request) -> None:
    """Ask for an error where the prompt does not fit.

    By itself the server leaves out the beginning of a long prompt, and says nothing. The client
    library has no word for this yet; servers that do not know the fields pass over them.
    """
    import httpx

    if request.url.path.endswith("/api/chat"):
        body = json.dumps({**json.loads(request.content), "truncate": False, "shift": False})
        request.stream = httpx.ByteStream(body.encode())
        request.headers["Content-Length"] = str(len(body.encode()))


def duration(text: str | None) -> str | int | None:
    """A time as the server takes it: a number without a unit counts seconds."""
    return int(text) if text and text.lstrip("-").isdigit() else text


@contextlib.contextmanager
def in_words(server: Server) -> Iterator[None]:
    """What is raised in the block, in words."""
    try:
        yield
    except Exception as error:
        raise server.in_words(error) from error


def list_models(address: str, key: str = "", secret: str = "") -> list[str]:
    """The models that the server has, by name. Blocks for up to 10 s.

    `secret` is the name of the key.

    Raises:
        NodeError: it does not answer, or is no Ollama server.
    """
    import ollama

    server = Server(address, "", secret, START)
    options = client_options(address, _ASK_S, key)
    with in_words(server), ollama.Client(address, **options["client_kwargs"]) as client:
        return [str(model.model) for model in client.list().models]


def check_capable(server: Server, key: str, model: ModelSpec) -> None:
    """Refuse pictures where the server says that the model sees none: it would drop them.

    Servers older than 0.6.4 do not say, and are believed. Blocks for up to 10 s.

    Raises:
        NodeError: the model reads text only, or the server does not answer.
    """
    import httpx

    shared = client_options(server.address, _ASK_S, key)["client_kwargs"]
    with in_words(server), httpx.Client(base_url=server.address, **shared) as client:
        answer = client.post("/api/show", json={"model": server.model})
        answer.raise_for_status()
        told = answer.json().get("capabilities")
    if isinstance(told, list) and "vision" not in told:
        raise blind(model, "model")


def provide(server: Server, key: str, report: Report, *, pull: bool) -> None:
    """Make sure that the server has the model; fetch it if it may be fetched.

    Raises:
        NodeError: the server does not answer, or has no such model.
    """
    report(f"Asking {server.address}", 0, None)
    there = list_models(server.address, key, server.secret)
    if {server.model, f"{server.model}:latest"} & set(there):
        return
    if pull:
        _pull(server, key, report)
        return
    missing = server.unknown(there)
    missing.fix = f"Run `ollama pull {server.model}`, or let this node fetch it (pull)."
    raise missing


def _pull(server: Server, key: str, report: Report) -> None:
    """Let the server fetch the model; `report` gets bytes, and may raise to cancel."""
    import ollama

    options = client_options(server.address, _PULL_S, key)
    with ollama.Client(server.address, **options["client_kwargs"]) as client:
        steps = iter(client.pull(server.model, stream=True))
        while (step := _next(server, steps)) is not None:
            report(f"Ollama: {step.status or 'pulling'}", step.completed or 0, step.total)


def _next(server: Server, steps: Iterator[Any]) -> Any:
    try:
        return next(steps, None)
    except Exception as error:
        failure = server.in_words(error)
        if "file does not exist" not in failure.message:
            raise failure from error
        raise NodeError(
            f"Ollama knows no model {server.model!r} that it could fetch.",
            fix="Look the name up at ollama.com/library.",
            code="model/unknown",
            retry=False,
        ) from error

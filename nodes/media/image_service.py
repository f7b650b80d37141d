"""The node `media.image_service`: a model of a service of Replicate's shape."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.media.make_picture import fetch_bytes, picture_of
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.prompts.braces import variables
from patchbay.nodes.prompts.json_template import fill_json, json_texts
from patchbay.nodes.tools.fetch import FetchProblem
from patchbay.nodes.tools.send import HttpCall, Sending, send
from patchbay.nodes.units import duration
from patchbay.nodes.values import Picture, Promptable, SecretRef

_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*(:[0-9a-f]{16,64})?")
_PERCENT = re.compile(r"(\d{1,3})%")
RUNNING = ("starting", "processing")


def _check_model(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("must be owner/name, or owner/name:version")
    return text


def _check_input(given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    list(json_texts(given))
    return given


class ImageService(Node):
    """Run a model of Replicate, or of a service of the same shape, and take what it makes.

    A prediction is created, looked at until it is done, and its output fetched. Texts of `input`
    may hold {variables}, each of which becomes an input. The key goes to the service's own host
    only, whatever addresses it answers with; private addresses are refused. A run that is stopped
    cancels the prediction.
    """

    kind, version = "media.image_service", 1
    title, family, icon = "Image service", "Sound and pictures", "cloud"
    synonyms = ("replicate", "flux", "sdxl", "stable diffusion", "image", "prediction", "upscale")
    requires = ("httpcore",)
    deterministic = False

    class Params(NodeParams):
        model: Annotated[str, AfterValidator(_check_model)] = Field(
            "black-forest-labs/flux-schnell", max_length=300
        )
        """Owner and name, with a version after a colon where you want a certain one."""
        input: Annotated[dict[str, JsonValue], AfterValidator(_check_input)] = Field(
            {"prompt": "{prompt}"}, widget="json"
        )
        """What the model takes, as its page says; texts with {variables}."""
        base_url: Address = Field("https://api.replicate.com/v1", max_length=2000)
        """Where the service is."""
        api_key: SecretRef | None = Field(
            SecretRef(secret="REPLICATE_API_TOKEN"),  # noqa: S106 - a name
            widget="secret",
        )
        """The secret that holds the key."""
        allow_loopback: bool = False
        """Whether the service may be on this very machine."""
        every_s: float = Field(1.0, ge=0.01, le=60)
        """Seconds between two looks."""
        seconds: float = Field(300, gt=0, le=3600)
        """The longest that it may take."""

    class Outputs(Ports):
        picture: Picture = port(doc="The first picture of the output; left out where it has none.")
        json: JsonValue = port(doc="The output as the service gives it.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """A port for each variable."""
        names = dict.fromkeys(n for text in json_texts(params.input) for n in variables(text))
        return Ports.of({n: (Promptable, port(doc=f"What {{{n}}} stands for.")) for n in names})

    @classmethod
    def summary(cls, params: Params) -> str:
        """The model."""
        return params.model

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Create, look, fetch."""
        given = fill_json(params.input, inputs.as_dict())
        service = _Service(params, ctx)
        try:
            async with asyncio.timeout(params.seconds):
                output = await service.made(given)
        except TimeoutError as error:
            raise NodeError(
                f"{params.model} took longer than {duration(params.seconds)}; it was cancelled.",
                fix="Raise seconds.",
                code="media/timeout",
            ) from error
        found: dict[str, Any] = {"json": output}
        first = output[0] if isinstance(output, list) and output else output
        if isinstance(first, str) and first.startswith(("http://", "https://")):
            data = await fetch_bytes(first, loopback=params.allow_loopback)
            said = inputs.as_dict().get("prompt")
            found["picture"] = picture_of(data, alt=said if isinstance(said, str) else "")
        return self.Outputs(**found)


class _Service:
    """One prediction."""

    def __init__(self, params: ImageService.Params, ctx: Context) -> None:
        self.params, self.ctx = params, ctx
        key = ctx.secret(params.api_key) if params.api_key else ""
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._began = time.monotonic()

    async def made(self, given: JsonValue) -> JsonValue:
        """The output of a prediction with this input."""
        name, _, version = self.params.model.partition(":")
        base = self.params.base_url
        body: dict[str, JsonValue] = {"input": given}
        address = f"{base}/predictions" if version else f"{base}/models/{name}/predictions"
        if version:
            body["version"] = version
        prediction = await self._asked("POST", address, body)
        try:
            while prediction.get("status") in RUNNING:
                await self._say(prediction)
                await asyncio.sleep(self.params.every_s)
                prediction = await self._asked("GET", self._own(prediction, "get"))
        except asyncio.CancelledError:
            await asyncio.shield(self._cancel(prediction))
            raise
        if prediction.get("status") != "succeeded":
            why = str(prediction.get("error") or prediction.get("status") or "no status")[:500]
            raise NodeError(
                f"{self.params.model} made nothing: {why}.",
                fix="Look at what its input may be.",
                code="media/answer",
                retry=False,
            )
        output: JsonValue = prediction.get("output")
        return output

    async def _say(self, prediction: dict[str, Any]) -> None:
        """How far it is: what its log says in percent, with the time that is left; or seconds."""
        passed = time.monotonic() - self._began
        percents = _PERCENT.findall(str(prediction.get("logs") or ""))
        if percents and (done := min(100, int(percents[-1]))) > 0:
            await self.ctx.progress(f"{self.params.model}, percent", done, 100)
        else:
            label = f"{self.params.model} ({prediction.get('status')}), seconds"
            await self.ctx.progress(label, round(passed))

    def _own(self, prediction: dict[str, Any], what: str) -> str:
        """An address of the prediction; on the service's own host, since the key goes along."""
        urls = prediction.get("urls") or {}
        address = str(
            urls.get(what) or f"{self.params.base_url}/predictions/{prediction.get('id')}"
        )
        ours, theirs = urlsplit(self.params.base_url), urlsplit(address)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise NodeError(
                f"The service sends us to another host, {theirs.netloc!r}, with its key.",
                fix="Correct base_url; where the service is honest, it has another address.",
                code="media/other-host",
                retry=False,
            )
        return address

    async def _cancel(self, prediction: dict[str, Any]) -> None:
        """Tell the service that nobody waits any more; whether it hears is its own affair."""
        try:
            async with asyncio.timeout(5):
                await self._asked("POST", self._own(prediction, "cancel"))
        except (NodeError, TimeoutError):
            return

    async def _asked(self, method: str, address: str, body: JsonValue = None) -> dict[str, Any]:
        headers = {**self._headers, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        call = HttpCall(method, address, headers, data, frozenset({"authorization"}))
        try:
            reply = await send(call, Sending(loopback=self.params.allow_loopback, wait=self._wait))
        except FetchProblem as error:
            raise NodeError(
                f"The service cannot be asked: {error}",
                fix="Correct base_url; a service on this machine needs `allow_loopback`.",
                code="http/unreachable",
            ) from error
        if reply.status >= 400:
            key = " Is the key right?" if reply.status in (401, 403) else ""
            raise NodeError(
                f"The service answers with status {reply.status}: {reply.said()!r}.{key}",
                fix="Look at what it says: the model, its input, the key.",
                code="http/status",
                retry=reply.status >= 500,
            )
        try:
            found = reply.json()
        except ValueError as error:
            raise _strange(str(error)) from error
        if not isinstance(found, dict):
            raise _strange("it is no object")
        return found

    async def _wait(self, why: str, seconds: float) -> None:
        await self.ctx.warn(f"{why}; trying again in {duration(seconds)}.")
        await asyncio.sleep(seconds)


def _strange(why: str) -> NodeError:
    return NodeError(
        f"The service does not answer as Replicate does: {why}.",
        fix="Correct base_url.",
        code="media/answer",
        retry=False,
    )

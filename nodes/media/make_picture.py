"""The node `media.make_picture`: a picture from words."""

from __future__ import annotations

import base64
import binascii

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.io.read_picture import media_of
from patchbay.nodes.media.service import ServiceParams, asked, read_all, strange
from patchbay.nodes.models.servers.address import is_loopback
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.tools.fetch import FetchProblem
from patchbay.nodes.tools.send import HttpCall, Sending, send
from patchbay.nodes.values import Picture

MOST = 20_000_000
"""Bytes of a picture that are taken."""


class MakePicture(Node):
    """Have a picture made from words, by a server that speaks OpenAI's protocol.

    OpenAI's own, or LocalAI, vLLM-Omni, stable-diffusion.cpp and others on your machine. Where the
    server answers with an address, the picture is fetched from it: from public addresses, and from
    this machine only where the server is on it. The key does not go along.
    """

    kind, version = "media.make_picture", 1
    title, family, icon = "Make a picture", "Sound and pictures", "picture"
    front = ("model", "size")
    synonyms = (
        "image", "image generation", "text to image", "dall-e", "dalle", "gpt image",
        "stable diffusion", "flux", "draw",
    )  # fmt: skip
    requires = ("httpx",)
    deterministic = False

    class Params(ServiceParams):
        model: str = Field("gpt-image-1", min_length=1, max_length=300)
        """The model that draws."""
        size: str = Field("", pattern=r"^(auto|\d{2,4}x\d{2,4})?$")
        """Width and height in pixels, such as 1024x1024. Empty: as the server has it."""
        quality: str = Field("", max_length=50)
        """Such as low, high or hd, as the model knows it. Empty: as the server has it."""

    class Inputs(Ports):
        prompt: str = port(doc="What the picture is to show.")

    class Outputs(Ports):
        picture: Picture = port(doc="The picture.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Model and size."""
        return " · ".join(part for part in (params.model, params.size) if part)

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Ask for it."""
        if not inputs.prompt.strip():
            raise NodeError(
                "It is not said what the picture is to show.",
                fix="Wire a text that says it.",
                port="prompt",
                code="media/empty",
                retry=False,
            )
        body = {"model": params.model, "prompt": inputs.prompt, "n": 1}
        body |= {k: v for k in ("size", "quality") if (v := getattr(params, k))}
        async with asked(params, params.model, "/images/generations", ctx, json=body) as answer:
            said = await read_all(answer, "Receiving the picture", ctx)
        try:
            made = parse_json(said)["data"][0]
            held, address = made.get("b64_json"), made.get("url")
            data = base64.b64decode(held, validate=True) if held else b""
        except (ValueError, KeyError, TypeError, IndexError, binascii.Error) as error:
            raise strange(params, f"{said[:100]!r} holds no picture") from error
        if not data and address:
            loopback = is_loopback(params.base_url)
            data = await fetch_bytes(str(address), loopback=loopback)
        return self.Outputs(picture=picture_of(data, alt=inputs.prompt))


async def fetch_bytes(address: str, *, loopback: bool) -> bytes:
    """What lies at an address that a server names; it may be no private one.

    Raises:
        NodeError: the address is refused or not there, or holds too much.
    """
    try:
        reply = await send(HttpCall("GET", address), Sending(MOST, loopback))
    except FetchProblem as error:
        raise NodeError(
            f"What was made cannot be fetched: {error}",
            fix="Look at the address that the service gives.",
            code="media/fetch",
        ) from error
    if reply.status != 200 or reply.cut:
        why = f"has more than {MOST:,} bytes" if reply.cut else f"gives status {reply.status}"
        raise NodeError(
            f"What was made cannot be fetched: its address {why}.",
            fix="Look at the address that the service gives.",
            code="media/fetch",
        )
    return reply.data


def picture_of(data: bytes, alt: str) -> Picture:
    """A picture of the bytes of a file.

    Raises:
        NodeError: they are none that can be shown.
    """
    media = media_of(data)
    if media is None:
        raise NodeError(
            f"What was made is no PNG, JPEG, WebP or GIF: it begins with {data[:8].hex(' ')!r}.",
            fix="Choose another format, where the model has a setting for it.",
            code="io/not-a-picture",
            retry=False,
        )
    held = base64.b64encode(data).decode("ascii")
    return Picture.model_validate({"media": media, "data": held, "alt": alt[:2000]})

"""Image service: Replicate's documented shapes, on a server of the test's own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.media.image_service import ImageService
from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.media.studio_server import PNG, Service, studio

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.fixture
def site() -> Iterator[Service]:
    with studio() as service:
        service.answers["/files/out.png"] = PNG
        yield service


def prediction(site: Service, status: str, **more: Any) -> dict[str, Any]:
    at = f"{site.url}/v1/predictions/p1"
    return {"id": "p1", "status": status, "input": {}, "output": None, "error": None, "logs": "",
            "urls": {"get": at, "cancel": f"{at}/cancel"}, **more}  # fmt: skip


def params_of(site: Service, **more: Any) -> dict[str, Any]:
    return {"base_url": f"{site.url}/v1", "allow_loopback": True, "every_s": 0.01, **more}


def used(site: Service, ctx: RecordingContext | None = None, **more: Any) -> Any:
    ctx = ctx or RecordingContext(secrets={"REPLICATE_API_TOKEN": "r-1"})
    return run_node(ImageService, params_of(site, **more), {"prompt": "a red square"}, ctx)


def test_it_creates_looks_and_fetches(site: Service) -> None:
    out = [f"{site.url}/files/out.png"]
    site.predictions = [
        (201, prediction(site, "starting")),
        prediction(site, "processing", logs="seed 1\n 42%|####  | 21/50"),
        prediction(site, "succeeded", output=out),
    ]
    ctx = RecordingContext(secrets={"REPLICATE_API_TOKEN": "r-1"})
    outputs = used(site, ctx, input={"prompt": "{prompt}", "steps": 4})
    assert base64.b64decode(outputs["picture"].data) == PNG
    assert (outputs["picture"].alt, outputs["json"]) == ("a red square", out)
    assert [(method, path) for method, path, _, _ in site.asked] == [
        ("POST", "/v1/models/black-forest-labs/flux-schnell/predictions"),
        ("GET", "/v1/predictions/p1"), ("GET", "/v1/predictions/p1"), ("GET", "/files/out.png"),
    ]  # fmt: skip
    assert site.json(0) == {"input": {"prompt": "a red square", "steps": 4}}
    keys = [headers.get("authorization") for _, _, headers, _ in site.asked]
    assert keys == ["Bearer r-1"] * 3 + [None]  # what was made is fetched without the key
    assert ("black-forest-labs/flux-schnell, percent", 42, 100) in ctx.progressed


def test_a_version_goes_into_the_body(site: Service) -> None:
    site.predictions = [prediction(site, "succeeded", output="a text")]
    outputs = used(site, model=f"stability-ai/sdxl:{VERSION}")
    assert site.asked[0][1] == "/v1/predictions"
    assert site.json(0)["version"] == VERSION
    assert outputs["json"] == "a text"
    assert "picture" not in outputs


def test_the_key_does_not_follow_to_another_host(site: Service) -> None:
    with studio() as other:
        there = {"urls": {"get": f"{other.url}/v1/predictions/p1"}}
        site.predictions = [prediction(site, "starting", **there)]
        with pytest.raises(NodeError, match="sends us to another host") as failure:
            used(site)
        assert failure.value.code == "media/other-host"
        assert other.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"detail": "Invalid token."}), "status 401.*Is the key right"),
        ((422, {"detail": "prompt is required"}), "prompt is required"),
        ([1], "it is no object"),
        ({"id": "p1", "status": "failed", "error": "NSFW content"}, "made nothing: NSFW content"),
        ({"id": "p1", "status": "canceled"}, "made nothing: canceled"),
        ({"status": "succeeded", "output": ["http://169.254.169.254/x"]}, "cannot be fetched"),
    ],
)
def test_what_goes_wrong_is_said(site: Service, answer: Any, words: str) -> None:
    site.predictions = [answer]
    with pytest.raises(NodeError, match=words):
        used(site)


def test_one_that_takes_too_long_or_is_stopped_is_cancelled(site: Service) -> None:
    site.predictions = [prediction(site, "processing")]
    with pytest.raises(NodeError, match=r"took longer than 2 s; it was cancelled"):
        used(site, seconds=2)  # by then it has been begun, however busy the machine is
    assert site.asked[-1][:2] == ("POST", "/v1/predictions/p1/cancel")

    async def stopped() -> None:
        ctx = RecordingContext(secrets={"REPLICATE_API_TOKEN": "r-1"})
        params = ImageService.Params.model_validate(params_of(site))
        inputs = ImageService.input_ports(params)(prompt="x")
        task = asyncio.create_task(ImageService().run(inputs, params, ctx))
        while not ctx.progressed:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(stopped())
    assert site.asked[-1][1] == "/v1/predictions/p1/cancel"


def test_a_private_service_is_refused_unless_allowed(site: Service) -> None:
    with pytest.raises(NodeError, match="service cannot be asked"):
        used(site, allow_loopback=False)
    assert site.asked == []


@pytest.mark.parametrize("model", ["flux", "a/b/c", "a/b:latest", "../x", "a/b?x=1"])
def test_names_that_are_none(model: str) -> None:
    with pytest.raises(ValidationError, match="owner/name"):
        ImageService.Params.model_validate({"model": model})

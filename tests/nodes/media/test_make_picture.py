"""Make a picture: OpenAI's documented shape, on a server of the test's own."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.media.make_picture import MakePicture
from tests.nodes.media.conftest import used
from tests.nodes.media.studio_server import PNG, Service


def test_a_picture_comes_in_base64(site: Service) -> None:
    held = base64.b64encode(PNG).decode()
    site.answers["/v1/images/generations"] = {"created": 1, "data": [{"b64_json": held}]}
    made = used(site, MakePicture, {"prompt": "a red square"}, size="1024x1024")["picture"]
    assert (made.media, made.data, made.alt) == ("image/png", held, "a red square")
    assert site.json() == {
        "model": "gpt-image-1", "prompt": "a red square", "n": 1, "size": "1024x1024",
    }  # fmt: skip


def test_or_from_an_address_that_does_not_get_the_key(site: Service) -> None:
    site.answers["/v1/images/generations"] = {"data": [{"url": f"{site.url}/made.png"}]}
    site.answers["/made.png"] = PNG
    made = used(site, MakePicture, {"prompt": "a red square"})["picture"]
    assert base64.b64decode(made.data) == PNG
    _, path, headers, _ = site.asked[-1]
    assert (path, "authorization" in headers) == ("/made.png", False)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": []}, "holds no picture"),
        ({"data": [{"b64_json": "!"}]}, "holds no picture"),
        ({"data": [{"b64_json": "aGVsbG8="}]}, "no PNG, JPEG, WebP or GIF"),
        ({"data": [{"url": "http://10.0.0.1/x.png"}]}, "cannot be fetched"),
        ({"data": [{"url": "file:///etc/passwd"}]}, "cannot be fetched"),
        ((401, {"error": {"message": "Incorrect API key provided"}}), "Incorrect API key"),
        ((429, {"error": {"message": "Rate limit reached"}}), "Rate limit"),
        ((404, {"error": {"message": "no model"}}), "no model"),
    ],
)
def test_what_goes_wrong_is_said(site: Service, answer: Any, words: str) -> None:
    site.answers["/v1/images/generations"] = answer
    with pytest.raises(NodeError, match=words):
        used(site, MakePicture, {"prompt": "a red square"})


def test_a_server_that_is_not_there(site: Service) -> None:
    with pytest.raises(NodeError, match=r"127\.0\.0\.1:1"):
        used(site, MakePicture, {"prompt": "x"}, base_url="http://127.0.0.1:1/v1")

"""Transcribe, Speak, Make a picture: OpenAI's shapes, on a server of the test's own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.files import file_ref
from patchbay.nodes.media.make_picture import MakePicture
from patchbay.nodes.media.speak import Speak
from patchbay.nodes.media.transcribe import Transcribe
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import FileRef
from tests.nodes.media.studio_server import MP3, PNG, Service, studio

KEY = {"secret": "MEDIA_KEY"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("PATCHBAY_CACHE", str(tmp_path / "cache"))
    with studio() as service:
        yield service


@pytest.fixture
def recording(tmp_path: Path) -> FileRef:
    (tmp_path / "talk.mp3").write_bytes(MP3)
    return file_ref(tmp_path / "talk.mp3", "talk")


def used(site: Service, cls: Any, inputs: dict[str, Any], **params: Any) -> Any:
    ctx = RecordingContext(secrets={"MEDIA_KEY": "k-1"})
    said = {"base_url": f"{site.url}/v1", "api_key": KEY, **params}
    return run_node(cls, said, inputs, ctx)


# --- Transcribe -----------------------------------------------------------------------------------


def test_a_recording_is_sent_as_a_form(site: Service, recording: FileRef) -> None:
    site.answers["/v1/audio/transcriptions"] = {"text": " Hello there. "}
    outputs = used(site, Transcribe, {"file": recording}, language="en", prompt="Patchbay")
    assert (outputs["text"], outputs["documents"]) == ("Hello there.", [])
    method, _, headers, body = site.asked[0]
    assert (method, headers["authorization"]) == ("POST", "Bearer k-1")
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    for part in (
        b'name="model"\r\n\r\nwhisper-1', b'name="response_format"\r\n\r\njson',
        b'name="language"\r\n\r\nen', b'name="prompt"\r\n\r\nPatchbay',
        b'name="file"; filename="talk.mp3"', MP3,
    ):  # fmt: skip
        assert part in body


def test_parts_have_their_times(site: Service, recording: FileRef) -> None:
    parts = [{"id": 0, "start": 0.0, "end": 1.5, "text": " Hello"}, {"id": 1, "text": " there."}]
    site.answers["/v1/audio/transcriptions"] = {"text": "Hello there.", "segments": parts}
    found = used(site, Transcribe, {"file": recording}, timestamps=True)["documents"]
    assert [(d.text, d.metadata["start_s"], d.metadata["end_s"]) for d in found] == [
        ("Hello", 0.0, 1.5), ("there.", None, None),
    ]  # fmt: skip
    assert b"verbose_json" in site.asked[0][3]
    site.answers["/v1/audio/transcriptions"] = {"text": "Hello there."}
    with pytest.raises(NodeError, match="gives no times"):
        used(site, Transcribe, {"file": recording}, timestamps=True)


# --- Speak ----------------------------------------------------------------------------------------


def test_a_text_becomes_a_sound_file(site: Service) -> None:
    site.answers["/v1/audio/speech"] = MP3
    outputs = used(site, Speak, {"text": "Good morning."}, voice="nova", speed=1.5)
    assert Path(outputs["path"]).read_bytes() == MP3
    assert (outputs["file"].size, Path(outputs["path"]).suffix) == (len(MP3), ".mp3")
    assert site.json() == {
        "model": "gpt-4o-mini-tts", "voice": "nova", "input": "Good morning.",
        "response_format": "mp3", "speed": 1.5,
    }  # fmt: skip


def test_what_is_no_sound_is_refused(site: Service) -> None:
    site.answers["/v1/audio/speech"] = {"status": "ok"}
    with pytest.raises(NodeError, match="sends 'application/json' and no sound"):
        used(site, Speak, {"text": "Good morning."})
    with pytest.raises(NodeError, match="nothing to say"):
        used(site, Speak, {"text": " "})
    assert len(site.asked) == 1


# --- Make a picture -------------------------------------------------------------------------------


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


def test_a_server_that_is_not_there(site: Service, recording: FileRef) -> None:
    for cls, inputs in (
        (Transcribe, {"file": recording}), (Speak, {"text": "x"}), (MakePicture, {"prompt": "x"}),
    ):  # fmt: skip
        with pytest.raises(NodeError, match=r"127\.0\.0\.1:1"):
            used(site, cls, inputs, base_url="http://127.0.0.1:1/v1")

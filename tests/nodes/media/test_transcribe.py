"""Transcribe: OpenAI's documented shape, on a server of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.files import file_ref
from patchbay.nodes.media.transcribe import Transcribe
from patchbay.nodes.values import FileRef
from tests.nodes.media.conftest import used
from tests.nodes.media.studio_server import MP3, Service


@pytest.fixture
def recording(tmp_path: Path) -> FileRef:
    (tmp_path / "talk.mp3").write_bytes(MP3)
    return file_ref(tmp_path / "talk.mp3", "talk")


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


def test_a_server_that_is_not_there(site: Service, recording: FileRef) -> None:
    with pytest.raises(NodeError, match=r"127\.0\.0\.1:1"):
        used(site, Transcribe, {"file": recording}, base_url="http://127.0.0.1:1/v1")

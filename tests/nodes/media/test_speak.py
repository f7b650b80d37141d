"""Speak: OpenAI's documented shape, on a server of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.media.speak import Speak
from tests.nodes.media.conftest import used
from tests.nodes.media.studio_server import MP3, Service


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


def test_a_server_that_is_not_there(site: Service) -> None:
    with pytest.raises(NodeError, match=r"127\.0\.0\.1:1"):
        used(site, Speak, {"text": "x"}, base_url="http://127.0.0.1:1/v1")

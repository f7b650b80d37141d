"""The server, and asking it as a flow would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.testing import RecordingContext, run_node
from tests.nodes.media.studio_server import Service, studio

KEY = {"secret": "MEDIA_KEY"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("PATCHBAY_CACHE", str(tmp_path / "cache"))
    with studio() as service:
        yield service


def used(site: Service, cls: Any, inputs: dict[str, Any], **params: Any) -> Any:
    """What a node gives, asked with a key."""
    ctx = RecordingContext(secrets={"MEDIA_KEY": "k-1"})
    said = {"base_url": f"{site.url}/v1", "api_key": KEY, **params}
    return run_node(cls, said, inputs, ctx)

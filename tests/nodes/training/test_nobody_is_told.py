"""Nobody hears that something is trained."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import pytest

from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.datasets import InstructionData
from patchbay.nodes.training.supervised_node import TrainSupervised
from tests.loopback import served


def test_hugging_face_is_not_told_of_a_trainer(
    base: TransformersModel, data: InstructionData, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import _telemetry

    told: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            told.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_OFFLINE"):  # nobody has asked for silence
        monkeypatch.setattr(constants, name, False)
    monkeypatch.delenv("CI", raising=False)
    with served(Hub) as url:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        run_node(
            TrainSupervised, {"steps": 1, "batch": 2, "limit": 64}, {"model": base, "data": data}
        )
        _telemetry._TELEMETRY_QUEUE.join()
    assert told == []

"""The quantized model does what every backend must do."""

from __future__ import annotations

import pytest

from patchbay.flows.testing import Backend, ModelConformance
from patchbay.nodes.models.llama.spec import GgufModel
from tests.nodes.models.conftest import calls


class TestGguf(ModelConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Backend:
        return Backend(GgufModel(context=1024, parallel=2), idle=lambda: calls() == [])

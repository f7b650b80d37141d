"""Transformers, in full, in fewer bits and with adapters, does what every backend must do."""

from __future__ import annotations

import threading

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import Backend, ModelConformance
from patchbay.nodes.models.transformers.precision import Quantization
from tests.nodes.models.transformers.conftest import BASE, adapted


def opened_engines(pool: Pool) -> list[object]:
    return [e.ready.result().engine for e in pool._entries.values() if e.ready.done()]


class OnTransformers(ModelConformance):
    """On the pool of the session, so that the base is opened once."""

    @pytest.fixture(scope="class")
    @classmethod
    def pool(cls, shared: Pool) -> Pool:
        return shared


class TestTransformers(OnTransformers):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, shared: Pool) -> Backend:
        def idle() -> bool:
            return not any(engine.busy for engine in opened_engines(shared))

        return Backend(BASE, idle=idle, context=BASE.context)


class TestWithAdapter(OnTransformers):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, shared: Pool) -> Backend:
        def idle() -> bool:
            return not any(engine.busy for engine in opened_engines(shared))

        return Backend(adapted("pirate"), idle=idle, context=BASE.context)


class TestInFourBits(OnTransformers):
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Backend:
        bits = BASE.model_copy(update={"quantization": Quantization(bits=4), "parallel": 2})
        return Backend(bits, context=BASE.context)


def test_one_thread_for_each_network(shared: Pool) -> None:
    names = [t.name for t in threading.enumerate() if t.name == "hf-engine"]
    assert len(names) == len({id(engine) for engine in opened_engines(shared)})

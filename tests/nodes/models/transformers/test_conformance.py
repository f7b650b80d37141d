"""Transformers, in full, in fewer bits and with adapters, does what every backend must do."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import Backend, ModelConformance
from patchbay.nodes.models.transformers.precision import Quantization
from tests.nodes.models.transformers.conftest import BASE, adapted


def opened_engines(pool: Pool) -> list[Any]:
    return [e.ready.result().engine for e in pool._entries.values() if e.ready.done()]


def _of_engines() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "hf-engine"}


@pytest.fixture(scope="module", autouse=True)
def earlier() -> set[threading.Thread]:
    """What tests of other files have left in this process."""
    return _of_engines()


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


def test_one_thread_for_each_network(shared: Pool, earlier: set[threading.Thread]) -> None:
    engines = {id(engine): engine for engine in opened_engines(shared)}.values()
    threads = {engine._thread for engine in engines}
    assert len(threads) == len(engines)
    assert _of_engines() - earlier <= threads

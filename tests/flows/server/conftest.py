"""One server for the tests of a file, with flows, a history and a home of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.server.flows import write
from tests.flows.server.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        with serving(write(folder / "flows")) as found:
            yield found

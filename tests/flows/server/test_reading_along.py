"""Whether models tell of the pieces of an answer: where somebody may read them, and only there."""

from __future__ import annotations

import pytest

from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import Served, serving
from tests.flows.server.test_runs import until


def test_models_tell_of_pieces_where_somebody_may_read_them(tmp_path, monkeypatch):
    reads = [({}, False), ({"stream": True}, True), ({"background": True}, True),
             ({"thread": "a"}, True)]  # fmt: skip
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "words")) as served:
        for asked, may_read in reads:
            Words.read_along.clear()
            served.run("words", {"question": "a b", **asked}).read()
            until(lambda wanted=may_read: Words.read_along == [wanted])


@pytest.mark.parametrize("stream", [False, True])
def test_and_so_they_do_for_clients_of_openai(served: Served, stream):
    Words.read_along.clear()
    asked = {"model": "words", "messages": [{"role": "user", "content": "a b"}], "stream": stream}
    answer = served.http.post("/v1/chat/completions", json=asked)
    assert answer.status_code == 200, answer.text
    assert Words.read_along == [stream]

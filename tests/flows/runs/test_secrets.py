"""A secret's value never appears: not in outputs, events, cache, history or errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.events import as_json
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.runs.secrets import BLACKED, Secrets
from tests.flows.runs.harness import CATALOG, OUT, environment, flow, words

VALUE = "s3cr3t-value-of-mine"
NAME = "PATCHBAY_TEST_KEY"


@pytest.mark.parametrize("how", ["output", "stream", "warn", "raise", "progress"])
async def test_nowhere(how: str, tmp_path: Path) -> None:
    document = flow(
        {"k": ("test.leak", {"how": how}), "u": "test.upper", "o": OUT},
        ["k.text > u.text", "u.text > o.value"],
    )
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    env = environment(
        secrets=Secrets(env={NAME: VALUE}, files=()),
        cache=FolderCache(tmp_path / "cache", CATALOG.value_types),
    )
    run = Run(LoadedFlow(document), {}, env)
    run.add_sink(history.recorder(run.id, document))
    events = [event async for event in run.events()]
    history.close()

    shown = json.dumps([as_json(event) for event in events], ensure_ascii=False)
    files = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for text in (shown, files.decode("utf-8", "replace")):
        assert VALUE not in text
        assert VALUE.upper() not in text
    assert BLACKED in shown
    if how == "stream":
        streamed = "".join(w.split(" ", 2)[2] for w in words(events) if w.startswith("stream"))
        assert streamed == f"it is {BLACKED}!"


async def test_a_missing_secret_says_where_to_put_it() -> None:
    document = flow({"k": "test.leak", "o": OUT}, ["k.text > o.value"])
    run = Run(document, {}, environment(secrets=Secrets({}, (Path(".streamlit/secrets.toml"),))))
    found = [event async for event in run.events()]
    problem = next(event for event in found if event.type == "node_failed").problem
    assert problem.code == "secret/missing"
    assert problem.node == "k"
    assert NAME in problem.message
    assert "environment variable" in problem.fix
    assert "secrets.toml" in problem.fix


def test_secrets_come_from_the_environment_then_from_streamlit(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text('A = "from file"\nB = "b"\n', encoding="utf-8")
    secrets = Secrets({"A": "from env"}, (tmp_path / "none.toml", file))
    assert secrets.find("A") == "from env"
    assert secrets.find("B") == "b"
    assert secrets.find("C") is None


def test_a_broken_secrets_file_is_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text("= what", encoding="utf-8")
    assert Secrets({}, (file,)).find("A") is None

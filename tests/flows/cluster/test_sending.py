"""Weights that a machine lacks are sent there, whole and once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.cluster import sending
from patchbay.flows.cluster.model_actor import ModelActor, WhereModel
from patchbay.flows.cluster.sending import SentFile, files_to_send, lacking, put_piece, send
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.place import stamp

HELD = bytes(range(256)) * 40


class OneMachine:
    """Ray, as far as sending goes: calls of an actor, answered here with that machine's weights."""

    def __init__(self, here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.there, self.set = here, there, monkeypatch
        self.calls: list[str] = []
        self.actor = ModelActor(GgufModel(), {})

    def __getattr__(self, name: str) -> Any:
        machine = self

        class Method:
            def remote(self, *given: Any) -> Any:
                return getattr(machine.actor, name)(*given)

        self.calls.append(name)
        return Method()

    def get(self, sent: Any) -> Any:
        import asyncio

        self.set.setenv("PATCHBAY_WEIGHTS", str(self.there))
        try:
            return asyncio.run(sent)
        finally:
            self.set.setenv("PATCHBAY_WEIGHTS", str(self.here))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneMachine:
    """Another machine; the weights of a hub are here, and pieces are small."""
    here, there = tmp_path / "here", tmp_path / "there"
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(here))
    monkeypatch.setattr(sending, "PIECE", 1000)
    whole = [f"hf/some/whole/main/{n}" for n in ("config.json", "model.safetensors")]
    for place in ("hf/some/where/main/m.gguf", "hf/some/whole/main/tokenizer.json", *whole):
        (here / place).parent.mkdir(parents=True, exist_ok=True)
        (here / place).write_bytes(HELD + place.encode())
    there.mkdir()
    return OneMachine(here, there, monkeypatch)


def contents(folder: Path) -> dict[str, bytes]:
    """What a folder of weights holds, without stamps and locks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (path.suffix == ".json" and path.with_suffix("").exists())
    }


@pytest.mark.parametrize(
    ("spec", "places"),
    [
        (GgufModel(weights="hf:some/where/m.gguf"), ["hf/some/where/main/m.gguf"]),
        (
            LocalEmbeddings(weights="hf:some/whole"),
            ["hf/some/whole/main/config.json", "hf/some/whole/main/model.safetensors",
             "hf/some/whole/main/tokenizer.json"],
        ),
        (GgufModel(weights="hf:some/where/none.gguf"), []),
        (GgufModel(weights="/nowhere/m.gguf"), []),
    ],
)  # fmt: skip
def test_what_is_here_goes_there_once(
    machine: OneMachine, spec: ModelSpec, places: list[str]
) -> None:
    files = files_to_send(spec)
    assert [file.place for file in files] == places
    went = send(machine, machine, files, "a")
    assert went == sum(file.size for file in files)
    assert contents(machine.there) == {
        place: held for place, held in contents(machine.here).items() if place in places
    }
    for place in places:
        assert stamp(machine.there / place).exists(), "it is not hashed again"
    assert send(machine, machine, files, "b") == 0


def test_a_shared_folder_gets_nothing(machine: OneMachine) -> None:
    machine.there = machine.here
    files = files_to_send(GgufModel(weights="hf:some/where/m.gguf"))
    assert send(machine, machine, files, "a") == 0
    assert "keep" not in machine.calls


def test_a_file_that_is_another_there_is_sent_anew(machine: OneMachine) -> None:
    other = machine.there / "hf" / "some" / "where" / "main" / "m.gguf"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"cut short")
    send(machine, machine, files_to_send(GgufModel(weights="hf:some/where/m.gguf")), "a")
    assert other.read_bytes().startswith(HELD)


def test_what_comes_wrongly_is_not_kept(machine: OneMachine) -> None:
    file = SentFile("m.gguf", 4, hashlib.sha256(b"good").hexdigest())
    put_piece(file, "a", 0, b"go")
    with pytest.raises(NodeError, match="wrong content"):
        put_piece(file, "a", 2, b"no")
    assert not list(machine.here.glob("*m.gguf*"))
    put_piece(file, "b", 0, b"go")
    put_piece(file, "b", 2, b"od")
    assert (machine.here / "m.gguf").read_bytes() == b"good"
    assert lacking([file]) == []


@pytest.mark.parametrize("place", ["../m.gguf", "/etc/m.gguf", "a/../../m.gguf"])
def test_nothing_is_kept_outside_of_the_folder_of_weights(place: str) -> None:
    with pytest.raises(ValueError, match="no place below"):
        put_piece(SentFile(place, 1, ""), "a", 0, b"x")


def test_a_machine_that_cannot_keep_it_says_so(machine: OneMachine) -> None:
    (machine.there / "hf").write_text("a file where the folder would be", encoding="utf-8")
    with pytest.raises(NodeError):
        send(machine, machine, files_to_send(GgufModel(weights="hf:some/where/m.gguf")), "a")


def test_it_is_said_where_a_model_is() -> None:
    where = WhereModel("m", "node7", "processor", 1)
    assert str(where) == "m on node7 (processor)"
    assert "105 MB of weights sent there" in str(WhereModel("m", "n", "GPU", 1, 105_000_000))

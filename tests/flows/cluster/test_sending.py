"""Weights that a machine lacks are sent there, whole and once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.cluster import sending
from patchbay.flows.cluster.model_actor import ModelActor, WhereModel
from patchbay.flows.cluster.sending import (
    SentFile,
    files_to_send,
    lacking,
    names_in_flows,
    names_of_weights,
    put_piece,
    send,
    send_all,
)
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import weights_sent
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.values import ModelSpec
from patchbay.nodes.weights.place import stamp
from patchbay.nodes.weights.resolve import find
from tests.flows.runs.harness import flow

HELD = bytes(range(256)) * 40


class OneMachine:
    """Ray, as far as sending goes: calls of an actor, answered here with that machine's weights."""

    def __init__(self, here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.there, self.set = here, there, monkeypatch
        self.calls: list[str] = []
        self.actor = ModelActor(GgufModel(), {})

    class exceptions:  # noqa: N801 - what Ray calls it
        """What Ray raises."""

        class RayError(Exception):
            """Anything."""

    def __getattr__(self, name: str) -> Any:
        machine = self

        class Method:
            def remote(self, *given: Any) -> Any:
                return getattr(machine.actor, name)(*given)

        self.calls.append(name)
        return Method()

    def get(self, sent: Any) -> Any:
        import asyncio

        self.at(self.there)
        try:
            return asyncio.run(sent)
        finally:
            self.at(self.here)

    def at(self, place: Path) -> None:
        """From now on this process is on a machine with these weights, and this home."""
        self.set.setenv("PATCHBAY_WEIGHTS", str(place))
        self.set.setenv("HOME", str(place / "home"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneMachine]:
    """Another machine; the weights of a hub are here, and pieces are small."""
    here, there = tmp_path / "here", tmp_path / "there"
    monkeypatch.setattr(sending, "PIECE", 1000)
    monkeypatch.setenv("PATCHBAY_CACHE", str(tmp_path / "cache"))
    weights_sent.clear()
    whole = [f"hf/some/whole/main/{n}" for n in ("config.json", "model.safetensors")]
    for place in ("hf/some/where/main/m.gguf", "hf/some/whole/main/tokenizer.json", *whole):
        (here / place).parent.mkdir(parents=True, exist_ok=True)
        (here / place).write_bytes(HELD + place.encode())
    there.mkdir()
    machine = OneMachine(here, there, monkeypatch)
    machine.at(here)
    yield machine
    weights_sent.clear()


def files_of(spec: ModelSpec) -> list[SentFile]:
    """What of a description is sent."""
    return files_to_send(names_of_weights(spec))


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
    files = files_of(spec)
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
    files = files_of(GgufModel(weights="hf:some/where/m.gguf"))
    assert send(machine, machine, files, "a") == 0
    assert "keep" not in machine.calls


def test_a_file_that_is_another_there_is_sent_anew(machine: OneMachine) -> None:
    other = machine.there / "hf" / "some" / "where" / "main" / "m.gguf"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"cut short")
    send(machine, machine, files_of(GgufModel(weights="hf:some/where/m.gguf")), "a")
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
        send(machine, machine, files_of(GgufModel(weights="hf:some/where/m.gguf")), "a")


def test_it_is_said_where_a_model_is() -> None:
    where = WhereModel("m", "node7", "processor", 1)
    assert str(where) == "m on node7 (processor)"
    assert "105 MB of weights sent there" in str(WhereModel("m", "n", "GPU", 1, 105_000_000))


def own(machine: OneMachine, *places: str) -> None:
    """A person's own weights, below the home of this machine."""
    for place in places:
        path = machine.here / "home" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(HELD + place.encode())


def test_own_weights_are_found_there_by_the_name_that_they_have_here(machine: OneMachine) -> None:
    own(machine, "m.gguf")
    files = files_to_send(["~/m.gguf"])
    assert send(machine, machine, files, "a") == len(HELD) + 6
    machine.at(machine.there)
    found = find("~/m.gguf")
    assert found is not None
    assert found.is_relative_to(machine.there / "sent")
    assert found.name == "m.gguf"
    assert found.read_bytes() == HELD + b"m.gguf"
    weights_sent.clear()
    ModelActor(GgufModel(), {}, files)  # as Ray starts it anew: nothing is sent
    assert find("~/m.gguf") == found


def test_a_folder_goes_whole_without_what_a_training_goes_on_from(machine: OneMachine) -> None:
    own(machine, "net/config.json", "net/deep/a.safetensors", "net/checkpoint-5/optimizer.pt")
    send(machine, machine, files_to_send(["~/net"]), "a")
    folder = weights_sent["~/net"]
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there - {"deep/a.safetensors.json", "config.json.json"} == {
        "config.json", "deep/a.safetensors",
    }  # fmt: skip


def test_own_weights_that_are_seen_there_are_not_sent(machine: OneMachine) -> None:
    own(machine, "m.gguf")
    files = files_to_send(["~/m.gguf"])
    other = machine.there / "home/m.gguf"
    other.parent.mkdir()
    other.write_bytes(HELD + b"m.gguf")  # written at another moment
    assert send(machine, machine, files, "a") == 0
    assert "~/m.gguf" not in weights_sent
    other.write_bytes(HELD + b"n.gguf")  # another model by the same name
    assert send(machine, machine, files, "b") == len(HELD) + 6
    machine.at(machine.there)
    found = find("~/m.gguf")
    assert found is not None
    assert found.read_bytes() == HELD + b"m.gguf"


def test_weights_beside_a_flow_lie_beside_it_there_too(machine: OneMachine, tmp_path: Path) -> None:
    """Else a worker would take it for another model than the one that has a process."""
    folder = tmp_path / "flows"
    nodes = {"m": ("model.gguf", {"weights": "models/m.gguf"})}
    (folder / "models").mkdir(parents=True)
    (folder / "models/m.gguf").write_bytes(HELD)
    one = LoadedFlow(flow(nodes), folder)
    (name,) = names_in_flows([one])
    assert name == str(folder / "models/m.gguf")
    files = files_to_send([name])
    os.unlink(name)  # noqa: PTH108 - the other machine has it not
    lacking(files)
    assert names_in_flows([LoadedFlow(flow(nodes), folder)]) == [name]


def test_what_a_flow_opens_where_it_runs(machine: OneMachine) -> None:
    """Also nodes that describe nothing; fetched weights of models in processes of their own not."""
    nodes = {
        "m": ("model.gguf", {"weights": "hf:some/where/m.gguf"}),
        "n": ("model.gguf", {"weights": "/own/m.gguf"}),
        "z": ("text.zero_shot", {"weights": "hf:some/whole"}),
        "off": ("model.gguf", {"weights": "/off.gguf"}, {"disabled": True}),
    }
    far = {"hf:some/where/m.gguf", "/own/m.gguf"}
    names = names_in_flows([LoadedFlow(flow(nodes))], elsewhere=far)
    assert names == ["/own/m.gguf", "hf:some/whole"]


def test_own_weights_that_cannot_be_kept_there_end_it_in_words(machine: OneMachine) -> None:
    own(machine, "m.gguf")
    (machine.there / "sent").write_text("a file where the folder would be", encoding="utf-8")
    fetched = files_to_send(["hf:some/where/m.gguf"])
    with pytest.raises(FlowError, match=r"~/m\.gguf cannot be sent to a machine of Ray") as caught:
        send_all(machine, [machine], [*files_to_send(["~/m.gguf"]), *fetched], "model")
    (problem,) = caught.value.problems
    assert problem.node == "model"
    assert "all machines see" in problem.fix

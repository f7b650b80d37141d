"""Data sets of a hub, from a server here that speaks its addresses: pinned, named, read once."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.hub_data import HubData
from patchbay.nodes.training.hub_set import CONVERTED, place_in
from patchbay.nodes.training.instruction_data import InstructionDataNode
from tests.nodes.models.site import Site, serve

OLD, NEW = "a" * 40, "b" * 40
REVIEWS = [{"text": f"remark {n}", "label": n % 2} for n in range(8)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """A hub with one data set of two commits; weights lie in a folder of the test."""
    with serve() as site:
        monkeypatch.setenv("HF_ENDPOINT", site.url)
        monkeypatch.setenv("PATCHBAY_WEIGHTS", str(tmp_path / "weights"))
        for name in ("PATCHBAY_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        put(site, OLD, {"data/train-00000-of-00001.parquet": parquet(REVIEWS[:2])})
        put(
            site,
            NEW,
            {
                "data/train-00000-of-00002.parquet": parquet(REVIEWS[:4], named=("bad", "good")),
                "data/train-00001-of-00002.parquet": parquet(REVIEWS[4:], named=("bad", "good")),
                "data/test-00000-of-00001.parquet": parquet(REVIEWS[:1]),
                "README.md": b"",
            },
            "main",
        )
        yield site


def parquet(rows: list[dict[str, Any]], named: tuple[str, ...] = ()) -> bytes:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist(rows)
    if named:
        features = {"label": {"names": list(named), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    held = io.BytesIO()
    pyarrow.parquet.write_table(table, held)
    return held.getvalue()


def put(site: Site, commit: str, files: dict[str, bytes], *branches: str) -> None:
    """Put a commit of the data set on the hub, with branches that lead to it."""
    told = {
        "sha": commit,
        "tags": ["license:apache-2.0"],
        "siblings": [{"rfilename": name} for name in files],
    }
    for revision in (commit, *branches):
        site.files[f"/api/datasets/me/reviews/revision/{revision}"] = json.dumps(told).encode()
    for name, data in files.items():
        site.files[f"/datasets/me/reviews/resolve/{commit}/{name}"] = data


def read(**params: Any) -> tuple[dict[str, Any], RecordingContext]:
    ctx = RecordingContext()
    return run_node(HubData, {"name": "me/reviews", **params}, {}, ctx), ctx


def fails(**params: Any) -> NodeError:
    with pytest.raises(NodeError) as caught:
        read(**params)
    return caught.value


def test_a_branch_is_read_and_its_commit_written_down(hub: Site) -> None:
    out, ctx = read()
    assert out["commit"] == NEW
    assert [one["text"] for one in out["records"]] == [one["text"] for one in REVIEWS]
    assert [one["label"] for one in out["records"]][:2] == ["bad", "good"]
    assert any(f"main of me/reviews is now {NEW}" in said for said in ctx.warnings)
    assert ("licence", "apache-2.0") in out["report"].rows
    assert HubData.repeatable(HubData.Params(name="me/reviews"), None) is False  # type: ignore[arg-type]


def test_a_commit_is_read_once_and_then_without_a_network(
    hub: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, ctx = read(revision=OLD)
    assert [one["label"] for one in first["records"]] == [0, 1]
    assert ctx.warnings == []
    hub.requests.clear()
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    again, _ = read(revision=OLD)
    assert again["records"] == first["records"]
    assert hub.requests == []
    assert HubData.repeatable(HubData.Params(revision=OLD), None) is True  # type: ignore[arg-type]
    # What is not here, and a branch, are not had then.
    error = fails(revision=NEW)
    assert (error.code, error.param) == ("weights/offline", "revision")
    assert "A branch is asked for anew" in fails().message


def test_only_what_is_needed_is_fetched(hub: Site) -> None:
    out, _ = read(rows=3, columns=["text"], label_names=False)
    assert out["records"] == [{"text": one["text"]} for one in REVIEWS[:3]]
    fetched = [path for path, _ in hub.requests if path.endswith(".parquet")]
    assert fetched == [f"/datasets/me/reviews/resolve/{NEW}/data/train-00000-of-00002.parquet"]
    test, _ = read(split="test")
    assert len(test["records"]) == 1


def test_rows_go_straight_into_the_data_nodes(hub: Site) -> None:
    out, _ = read()
    params = {"prompt_field": "text", "answer_field": "label", "held_out": 0}
    data = run_node(InstructionDataNode, params, {"source": out["records"]})["data"]
    assert data.read()[0]["messages"][1]["content"] == "bad"


def test_values_become_json(hub: Site) -> None:
    row = {
        "day": datetime.date(2026, 1, 2), "price": Decimal("1.50"), "share": float("nan"),
        "turns": [{"role": "user", "content": "hi"}], "none": None, "picture": b"\x89PNG",
    }  # fmt: skip
    put(hub, NEW, {"train.parquet": parquet([row])}, "main")
    out, ctx = read()
    assert out["records"] == [
        {"day": "2026-01-02", "price": 1.5, "share": None,
         "turns": [{"role": "user", "content": "hi"}], "none": None}
    ]  # fmt: skip
    assert "Columns that hold bytes are left out: picture." in ctx.warnings
    assert "holds bytes in the column 'picture'" in fails(columns=["picture"]).message


@pytest.mark.parametrize(
    ("path", "subset", "split"),
    [
        ("data/train-00000-of-00001.parquet", "", "train"),
        ("train.parquet", "", "train"),
        ("main/test-00000-of-00002-0a1b.parquet", "main", "test"),
        ("default/validation/0000.parquet", "default", "validation"),
        ("data/train_sft-00000-of-00003.parquet", "", "train_sft"),
        ("en/train/part-0.parquet", "en", "train"),
        ("0000.parquet", "", "train"),
        ("data/0001.parquet", "", "train"),
    ],
)
def test_what_a_path_says(path: str, subset: str, split: str) -> None:
    found = place_in(path)
    assert found is not None
    assert (found.subset, found.split) == (subset, split)


@pytest.mark.parametrize("path", ["../x.parquet", "/etc/x.parquet", "a/../../x.parquet", "a\\b"])
def test_a_path_that_leads_out_is_none(path: str) -> None:
    assert place_in(path) is None


def test_subsets_and_splits_are_named(hub: Site) -> None:
    one = parquet(REVIEWS[:1])
    put(hub, NEW, {"en/train-0.parquet": one, "de/train-0.parquet": one}, "main")
    error = fails()
    assert "has several subsets; it has: de, en" in error.message
    assert error.param == "subset"
    out, _ = read(subset="de")
    assert len(out["records"]) == 1
    assert "no subset 'fr'; it has: de, en" in fails(subset="fr").message
    error = fails(subset="de", split="test")
    assert "no split 'test'; it has: train" in error.message
    assert "no column 'body'; it has: text, label" in fails(subset="de", columns=["body"]).message


def test_a_set_without_parquet_is_told_of_the_hubs_own(hub: Site) -> None:
    put(hub, NEW, {"train.jsonl": b"{}"}, "main")
    error = fails()
    assert "holds no Parquet" in error.message
    assert CONVERTED in (error.fix or "")
    converted = {"default/train/0000.parquet": parquet(REVIEWS[:1])}
    put(hub, "c" * 40, converted, "refs%2Fconvert%2Fparquet")
    out, _ = read(revision=CONVERTED)
    assert (len(out["records"]), out["commit"]) == (1, "c" * 40)


def test_what_is_wrong_is_said_in_words(hub: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No data set is named" in fails(name="").message
    assert "no data set 'me/none' at 'main'" in fails(name="me/none").message
    put(hub, NEW, {"train.parquet": b"PAR1 and no more"}, "main")
    assert "cannot be read as Parquet" in fails().message
    put(hub, OLD, {"train-1.parquet": parquet(REVIEWS[:1])}, "main")
    del hub.files[f"/datasets/me/reviews/resolve/{OLD}/train-1.parquet"]
    error = fails()
    assert error.code == "weights/refused"
    assert "for the file 'me/reviews train-1.parquet'" in error.message
    hub.files["/api/datasets/me/reviews/revision/main"] = b"<html>"
    assert "not as a Hugging Face hub does" in fails().message
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    error = fails()
    assert (error.code, error.param) == ("weights/unreachable", "name")


def test_a_place_that_cannot_be_written_is_named_as_it_is(hub: Site, tmp_path: Path) -> None:
    """It is called a file, and a folder that is called weights stays that."""
    folder = tmp_path / "weights" / "hf" / "datasets" / "me" / "reviews" / NEW / "data"
    folder.parent.mkdir(parents=True)
    folder.write_bytes(b"")
    error = fails()
    name = "me/reviews data/train-00000-of-00002.parquet"
    assert error.message.startswith(f"The file {name!r} cannot be stored in {folder}: ")
    assert error.code == "weights/unwritable"


def test_a_file_that_is_not_what_the_hub_says_is_thrown_away(hub: Site) -> None:
    hub.headers["X-Linked-Etag"] = '"' + "0" * 64 + '"'
    with pytest.raises(NodeError, match="has the wrong content"):
        read()
    hub.headers.clear()
    out, _ = read()
    assert len(out["records"]) == 8


def test_an_empty_split_and_too_many_characters(hub: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from patchbay.nodes.training import hub_data

    monkeypatch.setattr(hub_data, "LARGEST", 60)
    assert "The first 1 rows fill 60 characters already" in fails().message
    import pyarrow
    import pyarrow.parquet

    held = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), held)
    put(hub, NEW, {"train.parquet": held.getvalue()}, "main")
    assert "has no rows" in fails(revision="main").message

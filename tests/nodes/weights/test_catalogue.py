"""The catalogue of models, stores of other programs, and the search of a hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.llama.memory import footprint
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.catalogue import CATALOGUE, fit
from patchbay.nodes.weights.hub_search import HubFile, HubModel, hub_files, search_hub
from patchbay.nodes.weights.listed_model import FACTS, Geometry, ListedModel
from patchbay.nodes.weights.manifest import DEFAULT, NAMED
from patchbay.nodes.weights.on_disk import on_disk
from patchbay.nodes.weights.refs import HubRef, NamedWeights, parse
from tests.nodes.models.site import Site
from tests.paths import ROOT

MODEL = {
    "_id": "66e97b5f0f1b6d5f0c0ffee0",
    "id": "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
    "modelId": "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
    "author": "Qwen",
    "private": False,
    "gated": False,
    "likes": 70,
    "downloads": 12345,
    "tags": ["gguf", "chat", "text-generation", "en", "license:apache-2.0", "region:us"],
    "pipeline_tag": "text-generation",
    "createdAt": "2024-09-17T13:57:52.000Z",
    "siblings": [{"rfilename": "README.md"}, {"rfilename": "qwen2.5-0.5b-q4_k_m.gguf"}],
}
HASH = "ab" * 32
TREE = [
    {"type": "directory", "oid": "1" * 40, "size": 0, "path": "more"},
    {"type": "file", "oid": "2" * 40, "size": 5000, "path": "README.md"},
    {
        "type": "file", "oid": "3" * 40, "size": 500_000_000, "path": "q8_0.gguf",
        "lfs": {"oid": HASH, "size": 500_000_000, "pointerSize": 135},
    },
    {"type": "file", "oid": "4" * 40, "size": 900, "path": "more/small.gguf"},
]  # fmt: skip


@pytest.fixture
def searched(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A hub on the loopback with one repository."""
    site.files["/api/models"] = json.dumps([MODEL, {"odd": 1}, 3]).encode()
    site.files[f"/api/models/{MODEL['id']}/tree/main"] = json.dumps(TREE).encode()
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    for name in ("PATCHBAY_OFFLINE", "HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return site


# --- the catalogue ------------------------------------------------------------------------------


def test_the_catalogue_is_large_enough_in_order_and_names_everything_once() -> None:
    assert len(CATALOGUE) >= 25
    for field in ("name", "reference"):
        values = [getattr(offer, field) for offer in CATALOGUE]
        assert len(set(values)) == len(values), field
    sizes = [offer.size for offer in CATALOGUE]
    assert sizes == sorted(sizes)


def test_what_is_not_stated_says_why_and_nothing_else_does() -> None:
    for offer in CATALOGUE:
        missing = {fact for fact in FACTS if "not stated" in offer.stated(fact)}
        assert missing == set(offer.why), offer.name
    assert all(offer.license and offer.context for offer in CATALOGUE)
    assert [offer.name for offer in CATALOGUE if not offer.pinned] == [
        "Granite 3.1 1B (mixture of experts)", "Granite 3.3 8B Instruct",
    ]  # fmt: skip
    bare = ListedModel("X", "ada/x", "x.gguf", 1, Geometry(1, 1, 1, 1), why={"hash": "lost"})
    assert bare.reference == "hf:ada/x/x.gguf"
    assert bare.stated("hash") == "hash not stated: lost"
    assert bare.stated("tools") == "tools not stated: not found published"


def test_the_docs_have_a_row_for_each_model() -> None:
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    for offer in CATALOGUE:
        tools = {True: "yes", False: "no", None: "not stated"}[offer.tools]
        cells = [offer.name, size_in_words(offer.size), offer.license, f"{offer.context:,}"]
        cells += [offer.languages or "not stated", tools, "yes" if offer.pinned else "no"]
        assert f"| {' | '.join(cells)} |" in page, offer.name
        assert all(why in " ".join(page.split()) for why in offer.why.values()), offer.name


@pytest.mark.parametrize("offer", CATALOGUE, ids=lambda offer: offer.name)
def test_every_offer_can_be_fetched_by_its_reference_and_makes_sense(offer: ListedModel) -> None:
    ref = parse(offer.reference)
    if isinstance(ref, NamedWeights):
        assert ref is NAMED[DEFAULT]
    else:
        assert isinstance(ref, HubRef)
        assert (ref.repo, ref.file, ref.sha256) == (offer.repo, offer.file, offer.sha256)
        assert ref.revision == (offer.revision or "main")
    assert 3 < offer.bits < 9, "as many bits as its precision has"
    assert offer.precision.lower() in offer.file.lower() or offer.file.endswith("-q4.gguf")
    taken = footprint(offer.size, offer.header, 4096, 1, 0)
    assert offer.size < taken.total < 2 * offer.size + 1e9


def test_the_offer_of_what_comes_along_says_what_its_header_says() -> None:
    (own,) = [offer for offer in CATALOGUE if offer.named]
    known = NAMED[DEFAULT]
    told = own.header
    assert (told.cache_bytes, told.layers, told.width, told.vocabulary, told.context) == (
        known.header.cache_bytes,
        known.header.layers,
        known.header.width,
        known.header.vocabulary,
        known.header.context,
    )
    assert own.size == known.size


def test_what_fits() -> None:
    assert fit(100, allowed=200, free=150) == "fits"
    assert fit(180, allowed=200, free=150) == "full"
    assert fit(300, allowed=200, free=1000) == "large"


# --- a hub --------------------------------------------------------------------------------------


def test_a_hub_is_searched_and_its_files_are_pinned_by_its_hashes(searched: Site) -> None:
    assert search_hub("qwen 0.5b") == [HubModel(MODEL["id"], 12345, "apache-2.0", False)]
    assert hub_files(MODEL["id"]) == [
        HubFile(MODEL["id"], "more/small.gguf", 900, ""),
        HubFile(MODEL["id"], "q8_0.gguf", 500_000_000, HASH),
    ]
    pinned = parse(hub_files(MODEL["id"])[1].reference)
    assert pinned == HubRef(MODEL["id"], "q8_0.gguf", "main", HASH)


def test_the_loopback_hub_speaks_as_hugging_faces_own_library_expects(searched: Site) -> None:
    hub = pytest.importorskip("huggingface_hub")
    searched.files["/api/models"] = json.dumps([MODEL]).encode()
    api = hub.HfApi(endpoint=searched.url, token=False)
    (found,) = api.list_models(search="qwen", filter="gguf", limit=20)
    assert (found.id, found.downloads, found.gated) == (MODEL["id"], 12345, False)
    tree = list(api.list_repo_tree(MODEL["id"], recursive=True))
    large = next(entry for entry in tree if entry.path == "q8_0.gguf")
    assert (large.size, large.lfs.sha256) == (500_000_000, HASH)


def test_a_key_goes_to_the_hub_only_where_one_is_set(
    searched: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    search_hub("a")
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    search_hub("a")
    sent = [headers.get("authorization") for _, headers in searched.requests]
    assert sent == [None, "Bearer hf_test"]


def test_why_a_hub_gives_nothing_is_said_in_words(
    searched: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched.statuses = [401]
    with pytest.raises(NodeError, match="answered 401") as refused:
        search_hub("a")
    assert "HF_TOKEN" in refused.value.fix
    searched.files["/api/models"] = b"<html>"
    with pytest.raises(NodeError, match="not as a Hugging Face hub does"):
        search_hub("a")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NodeError, match="cannot be reached") as unreachable:
        search_hub("a")
    assert unreachable.value.code == "weights/unreachable"
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    with pytest.raises(NodeError, match="is not asked") as offline:
        search_hub("a")
    assert offline.value.code == "weights/offline"


# --- stores of other programs -------------------------------------------------------------------


def test_hugging_faces_cache_and_ollamas_store_are_looked_at(tmp_path: Path) -> None:
    hub = tmp_path / "hf" / "hub"
    old, new = (hub / "models--own--tiny-GGUF" / "snapshots" / name for name in ("aaa", "bbb"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "tiny.gguf").write_bytes(b"GGUF" + b"x" * 96)
    refs = hub / "models--own--tiny-GGUF" / "refs"
    refs.mkdir()
    (refs / "main").write_text("bbb")
    whole = hub / "models--own--whole" / "snapshots" / "ccc"
    whole.mkdir(parents=True)
    (whole / "config.json").write_text("{}")
    (whole / "model.safetensors").write_bytes(b"y" * 50)
    (hub / "models--own--half" / "snapshots" / "ddd").mkdir(parents=True)
    store = tmp_path / "ollama"
    digest = "cd" * 32
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    for name, text in {
        "registry.ollama.ai/library/tiny/latest": json.dumps({"layers": [layer]}),
        "registry.ollama.ai/ada/mine/q4": json.dumps({"layers": [layer]}),
        "registry.ollama.ai/library/torn/latest": "{",
    }.items():
        record = store / "manifests" / name
        record.parent.mkdir(parents=True)
        record.write_text(text)
    (store / "blobs").mkdir()
    (store / "blobs" / f"sha256-{digest}").write_bytes(b"GGUF" + b"z" * 10)
    env = {"HF_HOME": str(tmp_path / "hf"), "OLLAMA_MODELS": str(store)}
    assert [(one.store, one.name, one.size, one.is_folder) for one in on_disk(env)] == [
        ("Hugging Face", "own/tiny-GGUF/tiny.gguf", 100, False),
        ("Hugging Face", "own/whole", 50, True),
        ("Ollama", "ada/mine:q4", 14, False),
        ("Ollama", "tiny:latest", 14, False),
    ]
    found = {one.name: one.reference for one in on_disk(env)}
    assert found["ada/mine:q4"] == "ollama:ada/mine:q4"
    assert Path(found["own/tiny-GGUF/tiny.gguf"]) == new / "tiny.gguf"
    assert on_disk({"HF_HOME": str(tmp_path / "none"), "OLLAMA_MODELS": str(tmp_path / "no")}) == []

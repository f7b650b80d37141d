"""`make audit`: what is said of licences, and of vulnerabilities nobody could be asked about."""

from __future__ import annotations

import json
from importlib.metadata import PathDistribution, distributions
from pathlib import Path

import pytest

from pins.audit import of_licences, of_vulnerabilities
from pins.licences import Licence, declared, licences, table
from pins.lines import canonical, pins
from pins.vulnerabilities import Checked, understood


def package(folder: Path, *lines: str, name: str = "thing") -> PathDistribution:
    """A package as it stands installed, with these lines of metadata."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    head = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0"]
    (info / "METADATA").write_text("\n".join([*head, *lines, ""]), encoding="utf-8")
    return PathDistribution(info)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: other"], "MIT OR Apache-2.0"),
        (["Classifier: License :: OSI Approved :: Apache Software License"], "Apache-2.0"),
        (
            [
                "License: MIT",
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
            ],
            "MIT OR MPL-2.0",
        ),
        (["License: Apache License, Version 2.0"], "Apache-2.0"),
        (["License: MIT License", "        ", "        Copyright (c) 2024 Somebody"], "MIT"),
        (["License: UNKNOWN"], ""),
        (["Classifier: License :: OSI Approved"], ""),
        ([], ""),
    ],
)
def test_a_licence_is_read_from_the_metadata(lines: list[str], words: str, tmp_path: Path) -> None:
    assert declared(package(tmp_path, *lines)) == words


def test_what_no_metadata_say_was_looked_up() -> None:
    """A new package without a licence field needs its line in `.ci/pins/licences.tsv`."""
    pinned = {pin.name for pin in pins()}
    ours = [found for found in distributions() if found.name and canonical(found.name) in pinned]

    assert [licence.name for licence in licences(ours) if not licence.words] == []
    assert set(table()) <= pinned, ".ci/pins/licences.tsv speaks of packages that are not pinned"


def test_a_version_newer_than_the_one_looked_at_is_said(tmp_path: Path) -> None:
    (licence,) = licences([package(tmp_path, name="cel-python")])

    assert licence.words == "Apache-2.0"
    assert licence.note.endswith("looked at 0.5.0")


@pytest.mark.parametrize("words", ["LGPL", "MPL-2.0 AND MIT", "GPL-3.0-only", "none stated", ""])
def test_conditions_are_worth_a_look(words: str) -> None:
    said = list(of_licences([Licence("thing", "1.0", words), Licence("plain", "1.0", "MIT")]))

    assert [line for line in said if line.startswith("  thing 1.0: ")]
    assert not [line for line in said if line.startswith("  plain 1.0: ")]


def test_a_source_that_knew_nothing_is_not_taken_for_good_news() -> None:
    """pip-audit's words for this are "No known vulnerabilities found", and its status is 0."""
    printed = json.dumps({"dependencies": [{"name": "thing", "skip_reason": "not found"}]})
    answer = understood("pypi", printed, "No known vulnerabilities found")

    assert answer.asked == ()
    assert answer.unknown == {"thing": "not found"}


def test_what_is_found_is_said_with_the_version_that_helps() -> None:
    vulnerability = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}
    printed = {"dependencies": [{"name": "thing", "version": "1.0", "vulns": [vulnerability]}]}
    answer = understood("osv", json.dumps(printed), "")
    said = list(of_vulnerabilities([Checked("pypi", "refused"), answer]))

    assert "  the package index could not be asked: refused" in said
    assert "  thing 1.0: PYSEC-1 (fixed in 1.1)" in said
    assert not [line for line in said if "NOT CHECKED" in line]


@pytest.mark.parametrize("printed", ["", "not JSON", "{}", "[]"])
def test_a_source_that_breaks_is_said(printed: str) -> None:
    answer = understood("osv", printed, "Traceback\nConnectionError: no route\n")

    assert answer.reason == "ConnectionError: no route"
    assert "NOT CHECKED" in list(of_vulnerabilities([answer]))[-1]

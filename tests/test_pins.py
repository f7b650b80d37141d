"""The pins of requirements.txt, and what is picked from them."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution, distributions
from itertools import chain
from typing import Any

import pytest
from packaging.requirements import Requirement

from pins.lines import canonical, extras, parse, pins
from pins.pick import chosen
from pins.write import CUDA, further_builds, with_further_builds
from tests.paths import ROOT


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return table["project"]


def direct() -> list[Requirement]:
    table = project()
    listed = [*table["dependencies"], *chain(*table["optional-dependencies"].values())]
    return [Requirement(line) for line in listed if not line.startswith(table["name"])]


def installed() -> set[str]:
    return {canonical(found.name) for found in distributions() if found.name}


@pytest.mark.parametrize("requirement", direct(), ids=str)
def test_every_direct_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    found = [pin for pin in pins() if pin.name == canonical(requirement.name)]

    assert found, f"{requirement.name} is not in requirements.txt; run `make pins`"
    for pin in found:
        assert pin.version in requirement.specifier, (
            f"{pin.name} {pin.version} is outside {requirement}; run `make pins`"
        )


def test_pins_are_hashed_and_name_no_index() -> None:
    for pin in pins():
        assert pin.hashes, f"{pin.name} has no hash; run `make pins`"
        assert "://" not in pin.text
        assert pin.via, f"{pin.name} does not say who asks for it"


def test_pydantic_stays_where_the_peers_agree() -> None:
    (pin,) = (pin for pin in pins() if pin.name == "pydantic")

    assert pin.version.startswith("2.12.")


@pytest.mark.parametrize("group", ["nvidia", "cuda", "triton"])
def test_no_gpu_stack_is_pulled_in(group: str) -> None:
    """torch brings these by itself where pip takes its CUDA build, and only there."""
    assert not [pin.name for pin in pins() if pin.name.startswith(group)]


def test_torch_stays_where_its_wheels_agree() -> None:
    (pin,) = (pin for pin in pins() if pin.name == "torch")

    assert pin.version == "2.13.0"


def test_builds_that_no_registry_lists_are_among_the_hashes() -> None:
    """pip takes torch from a disk where it lies there; that file has a hash of its own."""
    builds = list(further_builds())

    assert builds
    for name, version, digest in builds:
        (pin,) = (pin for pin in pins() if pin.name == name)
        assert pin.version == version
        assert digest in pin.hashes
        assert len(pin.hashes) > 1, f"{name} has only builds that its registry does not list"


def test_a_build_of_another_version_is_refused() -> None:
    (torch,) = parse("torch==9.9 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via peft\n")

    with pytest.raises(SystemExit, match=r"holds a build of torch 2.13.0, but 9.9 is resolved"):
        list(with_further_builds([torch]))


@pytest.mark.parametrize("extra", ["", *extras()])
def test_what_is_picked_for_an_extra_is_all_that_it_needs(extra: str) -> None:
    """Compared with what the installed packages themselves say that they need."""
    picked = {pin.name for pin in chosen([extra])}

    for name in picked & installed():
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonical(needed.name) in picked or canonical(needed.name).startswith(CUDA)


def test_the_small_environment_leaves_the_large_packages_out() -> None:
    small = {pin.name for pin in chosen([])}

    assert {"xllamacpp", "streamlit", "pydantic", "setuptools"} <= small
    assert not small & {"torch", "transformers", "crewai", "ray", "chromadb", "lancedb", "pytest"}


@pytest.mark.parametrize(("row", "picked"), [("everything", ["all", "dev"]), ("the small one", [])])
def test_the_readme_counts_the_packages(row: str, picked: list[str]) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    told = re.search(rf"^\| {row} \| (\d+) \|", page, re.M)
    assert told
    assert int(told[1]) == len(list(chosen(picked))), "the table under The environment"


def test_an_unknown_extra_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no extra 'gpu'.*agents, all, .*transformers"):
        chosen(["servers", "gpu"])


def test_no_path_of_a_machine_stands_among_the_pins() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.findall(r"-c \S+|/tmp/\S+|/home/\S+", text)

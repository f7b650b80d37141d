"""`make audit`: the licence of every installed package, and the vulnerabilities known of the pins.

Ends with 1 if a package has a known vulnerability, or no licence that anybody looked up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from pins.licences import TABLE, Licence, licences
from pins.lines import PROJECT, canonical, pins
from pins.vulnerabilities import SOURCES, Checked, check


def of_licences(found: list[Licence]) -> Iterator[str]:
    """One line for each licence, then one for each package that deserves a look."""
    by_words: dict[str, list[str]] = {}
    for licence in found:
        by_words.setdefault(licence.words or "not known", []).append(licence.name)
    yield f"Licences of {len(found)} packages"
    for words, names in sorted(by_words.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"  {words} ({len(names)}): {', '.join(names)}"
    yield "Worth a look"
    for licence in found:
        if licence.worth_a_look:
            note = f" ({licence.note})" if licence.note else ""
            yield f"  {licence.name} {licence.version}: {licence.words or 'not known'}{note}"


def of_vulnerabilities(checked: list[Checked]) -> Iterator[str]:
    """What each source said, and what nobody was asked about."""
    yield "Known vulnerabilities"
    for answer in checked:
        name = SOURCES[answer.source]
        if answer.reason:
            yield f"  {name} could not be asked: {answer.reason}"
            continue
        yield f"  {name} was asked about {len(answer.asked)} packages: {len(answer.found)} found"
        yield from (f"  {line}" for line in answer.found)
        yield from (f"  not checked: {name}: {why}" for name, why in answer.unknown.items())
    if all(answer.reason for answer in checked):
        yield "  NOT CHECKED: no source answers from here. That says nothing about the packages."


def main(tool: str) -> int:
    """Print both lists. `tool` is the folder that pip-audit is installed in."""
    pinned = pins()
    names = {pin.name for pin in pinned}
    ours = [found for found in distributions() if canonical(found.name) in names - {PROJECT}]
    known = list(licences({canonical(found.name): found for found in ours}.values()))
    checked = list(check(pinned, Path(tool)))
    print(*of_licences(known), *of_vulnerabilities(checked), sep="\n")
    unknown = [licence.name for licence in known if not licence.words]
    if unknown:
        print(f"Look up the licence of {', '.join(unknown)} and write it into {TABLE.name}.")
    return int(bool(unknown) or any(answer.found for answer in checked))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

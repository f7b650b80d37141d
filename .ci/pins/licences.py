"""The licence of every installed package, from its metadata or from `licences.tsv`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from pins.lines import canonical

TABLE = Path(__file__).with_name("licences.tsv")
NONE = "none stated"

# Words for one licence that metadata use instead of its SPDX identifier.
_SPDX = (
    (re.compile(r"apache.*", re.I), "Apache-2.0"),
    (re.compile(r"(the )?mit( license)?( \(mit\))?", re.I), "MIT"),
    (re.compile(r"(3-clause bsd|bsd[ -]3[ -]clause)( license)?", re.I), "BSD-3-Clause"),
    (re.compile(r"bsd( license)?", re.I), "BSD"),
    (re.compile(r"mozilla public license 2\.0.*", re.I), "MPL-2.0"),
    (re.compile(r"isc license.*", re.I), "ISC"),
    (re.compile(r"python software foundation license|psfl?", re.I), "PSF-2.0"),
    (re.compile(r"gnu library or lesser general public license \(lgpl\)", re.I), "LGPL"),
)
# What asks something of those who ship or change a package.
_CONDITIONS = re.compile(r"\b(A?L?GPL|MPL|EPL|CDDL)|proprietary|commercial", re.I)


@dataclass(frozen=True)
class Licence:
    """What a package says of itself, or what stands in the table."""

    name: str
    version: str
    words: str
    """An SPDX expression where one can be told; `""` if nothing is known."""
    note: str = ""

    @property
    def worth_a_look(self) -> bool:
        """Whether it asks more than that its text is passed on, or is not known."""
        return not self.words or self.words == NONE or bool(_CONDITIONS.search(self.words))


def table() -> dict[str, Licence]:
    """What was looked up by hand, by canonical name."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if not row[0].startswith("#")]
    return {row[0]: Licence(*row) for row in rows}


def licences(installed: Iterable[Distribution]) -> Iterator[Licence]:
    """The licence of each package, in the order of their names."""
    looked_up = table()
    for package in sorted(installed, key=lambda found: canonical(found.name)):
        name, words = canonical(package.name), declared(package)
        by_hand = looked_up.get(name)
        if words or by_hand is None:
            yield Licence(name, package.version, words)
        else:
            again = "" if by_hand.version == package.version else f"; looked at {by_hand.version}"
            yield Licence(name, package.version, by_hand.words, by_hand.note + again)


def declared(package: Distribution) -> str:
    """What the metadata say: the expression, else the classifiers, else the first line of text."""
    data = package.metadata
    if expression := data.get("License-Expression"):
        return str(expression)
    classified = [
        kind.rpartition(" :: ")[2]
        for kind in data.get_all("Classifier") or ()
        if kind.startswith("License :: OSI Approved :: ")
    ]
    text = str(data.get("License") or "").strip().partition("\n")[0]
    if classified:
        return " OR ".join(sorted({_spdx(kind) for kind in classified}))
    return "" if text == "UNKNOWN" else _spdx(text)


def _spdx(words: str) -> str:
    for pattern, identifier in _SPDX:
        if pattern.fullmatch(words.strip()):
            return identifier
    return words.strip()

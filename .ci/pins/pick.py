"""What a choice of extras needs of requirements.txt: `python -m pins.pick servers,retrieval`.

The lines are printed with their hashes and with all that these packages bring, so that pip
installs them as they stand (`--no-deps`) and need not resolve again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pins.lines import Pin, asked, canonical, extras, pins

# An environment is built with these, whatever it is for: pip builds Patchbay itself.
BUILD = ("setuptools",)


def pick(wanted: Iterable[str], listed: list[Pin]) -> list[Pin]:
    """The pins of these packages and of all that they bring.

    What brings what is read off the comments `# via`, which know no markers and no extras: now and
    then it is a package more than needed, never one fewer.
    """
    brought: dict[str, set[str]] = {}
    for pin in listed:
        for parent in pin.via:
            brought.setdefault(parent, set()).add(pin.name)
    found: set[str] = set()
    waiting = [canonical(name) for name in wanted]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += brought.get(name, ())
    return [pin for pin in listed if pin.name in found]


def chosen(names: Iterable[str]) -> list[Pin]:
    """The pins that Patchbay needs with these extras.

    Raises:
        SystemExit: pyproject.toml has no such extra.
    """
    names = [name.strip() for name in names if name.strip()]
    for name in names:
        if name not in extras():
            raise SystemExit(
                f"There is no extra {name!r}. There are: {', '.join(sorted(extras()))}."
            )
    return pick([*asked(names), *BUILD], pins())


if __name__ == "__main__":
    print(*(pin.text for pin in chosen("".join(sys.argv[1:]).split(","))), sep="\n")

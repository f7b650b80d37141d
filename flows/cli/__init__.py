"""The command line: a thin shell around the engine."""

from __future__ import annotations

import gc
import sys

from patchbay.flows.cli.say import guarded


def main() -> None:
    """The console script `patchbay`."""
    gc.disable()  # imports make no garbage, and are many; on again where the command begins
    for_program = "--json" in sys.argv or "--events" in sys.argv
    with guarded("--debug" in sys.argv, for_program=for_program):
        if sys.argv[1:2] == ["studio"]:
            from patchbay.flows.cli.opening import open_studio, plainly_asked

            if (asked := plainly_asked(sys.argv[1:])) is not None:
                return open_studio(*asked)
        from patchbay.flows.cli.app import asked_in, build

        build(asked_in(sys.argv[1:]))()

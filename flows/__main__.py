"""`python -m flows`: the same as `patchbay`."""

from flows.cli import main

main()

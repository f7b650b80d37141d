"""`python -m flows`: the same as `patchbay`."""

from patchbay.flows.cli import main

main()

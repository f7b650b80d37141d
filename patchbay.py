"""In a checkout `patchbay.nodes` is the folder `nodes` beside this file, and so on. Not shipped."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parent)]

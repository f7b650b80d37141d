"""Builds the packages: setuptools, told what `pyproject.toml` cannot say.

Where the packages lie (other programs have a top-level `nodes` too, so ours are installed below
`patchbay`), and one file that stands beside them. `pyproject.toml` names this file as the build
backend (PEP 517, `backend-path`).
"""

from functools import partial
from pathlib import Path

import setuptools
from setuptools.build_meta import *  # noqa: F403 - the hooks that pip calls
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

LAYERS = ("nodes", "flows", "studio")

# Run by Python when it starts. For one version, `nodes`, `flows` and `studio` still mean
# `patchbay.nodes` and so on, but only where nothing else is called so: the finder stands last.
# All that costs time is imported when such a name is asked for.
FORMER = (
    "import sys; sys.meta_path.append(type('FormerNamesOfPatchbay', (), {'find_spec': staticmethod("
    "lambda name, path=None, target=None: __import__('patchbay.nodes.former', fromlist=['bare'])"
    f".bare(name) if name in {LAYERS} else None)}}))\n"
)


class BuildWithFormerNames(build_py):
    """Puts `FORMER` beside the packages, in a wheel and where the checkout itself is installed."""

    def run(self) -> None:
        super().run()
        install = self.get_finalized_command("install")
        folder = Path(install.install_purelib if self.editable_mode else self.build_lib)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "patchbay-former-names.pth").write_text(FORMER, encoding="utf-8")


class SourceWithBackend(sdist):
    """A source archive that can be built: it has this file."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        own = Path(__file__).resolve().relative_to(Path.cwd()).as_posix()
        super().make_release_tree(base_dir, [*files, own])


def packages() -> list[str]:
    """Every package, by the name that it is installed by."""
    found = setuptools.find_packages(
        include=[f"{layer}*" for layer in LAYERS], exclude=["studio.canvas.frontend*"]
    )
    return [f"patchbay.{name}" for name in found]


# The hooks end in `setuptools.setup()`, which knows the rest from pyproject.toml.
setuptools.setup = partial(
    setuptools.setup,
    packages=packages(),
    package_dir={f"patchbay.{layer}": layer for layer in LAYERS},
    cmdclass={"build_py": BuildWithFormerNames, "sdist": SourceWithBackend},
)

"""What pyproject.toml cannot say: where the packages lie, and one file beside them."""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

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


found = find_packages(
    include=[f"{layer}*" for layer in LAYERS], exclude=["studio.canvas.frontend*"]
)
setup(
    # Other programs have a top-level `nodes` too, so ours are installed below `patchbay`.
    packages=[f"patchbay.{name}" for name in found],
    package_dir={f"patchbay.{layer}": layer for layer in LAYERS},
    cmdclass={"build_py": BuildWithFormerNames},
)

"""See to it that there is a Chromium for the browser tests, and print where.

In this order: the one that `PATCHBAY_CHROMIUM` names, the one on this machine, the one that
Playwright fetched before, Debian's package (as root, or where sudo asks for no password),
Playwright's own download. Chromium's headless shell, a package of its own, comes first: it draws
the same pages, has no window to keep, and takes a sixth less of the processor's time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable",
    "google-chrome", "chrome",
)  # fmt: skip
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str | None:
    """The program to start, or None where there is none."""
    named = os.environ.get("PATCHBAY_CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    for name in NAMES:
        if (found := shutil.which(name)) is not None:
            return found
    if MAC.exists():
        return str(MAC)
    return _playwrights()


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_debian() -> bool:
    """Install Debian's package where that needs nobody's password."""
    apt = shutil.which("apt-get")
    if apt is None:
        return False
    sudo: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or not _succeeds(["sudo", "-n", "true"]):
            return False
        sudo = ["sudo", "-n"]
    quiet = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq", "-y"]
    _succeeds([*quiet, "update"])
    install = [*quiet, "install", "--no-install-recommends", "fonts-dejavu-core"]
    return any(_succeeds([*install, name]) for name in ("chromium-headless-shell", "chromium"))


def install_playwrights() -> bool:
    """Let Playwright fetch its own."""
    return _succeeds([sys.executable, "-m", "playwright", "install", "chromium"])


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Find one, or install one; 1 where neither works."""
    ways: tuple[Callable[[], bool], ...] = (lambda: True, install_debian, install_playwrights)
    for way in ways:
        if way() and (found := find_chromium()) is not None:
            print(f"Chromium: {found}")
            return 0
    print(
        "There is no Chromium, and none could be installed. Install one, or name one with "
        "PATCHBAY_CHROMIUM.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Where Patchbay keeps things, and where paths in a flow begin; over the environment alone.

`PATCHBAY_HOME` moves what should be kept (history, settings), `PATCHBAY_CACHE` what can be made
again (results), `PATCHBAY_WEIGHTS` the weights of models. `PATCHBAY_BUNDLE` is set by the script of
a bundle (`patchbay bundle`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

APP = "patchbay"


def home(env: Mapping[str, str] = os.environ) -> Path:
    """The folder for what should be kept. It need not exist yet."""
    if given := env.get("PATCHBAY_HOME"):
        return Path(given).expanduser()
    from platformdirs import user_data_path

    return user_data_path(APP, appauthor=False)


def cache_dir(env: Mapping[str, str] = os.environ) -> Path:
    """The folder for what can be made again. It need not exist yet."""
    if given := env.get("PATCHBAY_CACHE"):
        return Path(given).expanduser()
    if env.get("PATCHBAY_HOME"):
        return home(env) / "cache"
    from platformdirs import user_cache_path

    return user_cache_path(APP, appauthor=False)


def weights_dir(env: Mapping[str, str] = os.environ) -> Path:
    """The folder for weights of models. It need not exist yet.

    It does not move with `PATCHBAY_HOME`: several homes share the weights of one user.
    """
    if given := env.get("PATCHBAY_WEIGHTS"):
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path(APP, appauthor=False) / "weights"


def offline(env: Mapping[str, str] = os.environ) -> bool:
    """Whether the person asked that nothing is fetched."""
    return any(
        env.get(name, "").strip().lower() not in ("", "0", "false", "no", "off")
        for name in ("PATCHBAY_OFFLINE", "HF_HUB_OFFLINE")
    )


weights_sent: dict[str, Path] = {}
"""Weights of a person's own that were sent to the machine of this process, since it has them not
where their names lead: by name, where they lie here. Set by `flows/cluster/sending.py`."""


def weights_path(text: str, env: Mapping[str, str] = os.environ) -> Path:
    """The path that a reference to weights or an adapter names.

    One that lies beside a flow is whole already (`outside.beside`). Another relative one begins at
    the folder of this process; while a bundle runs, whose folder `PATCHBAY_BUNDLE` names, at the
    bundle's where there is no such file. What was sent here lies where it was put.
    """
    if text in weights_sent:
        return weights_sent[text]
    path = Path(text).expanduser()
    bundle = env.get("PATCHBAY_BUNDLE")
    return Path(bundle) / path if bundle and not path.exists() else path


def from_flow(text: str, folder: Path | None) -> Path:
    """The path that a flow names; a relative one begins at the flow's folder.

    Args:
        text: the path; `~` is the person's folder.
        folder: that the flow is saved in; None where it is not saved: the folder of this process.
    """
    path = Path(text).expanduser()
    return path if path.is_absolute() else (folder or Path.cwd()) / path

"""Where the history is: a file under the home folder, or the server that PATCHBAY_HISTORY names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.home import home

if TYPE_CHECKING:
    from sqlalchemy import URL

VARIABLE = "PATCHBAY_HISTORY"
EXAMPLE = "postgresql://ada@host/patchbay"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""What an address without a driver means: the one that Patchbay's extra `stores` brings."""


def history_address() -> str:
    """The address of the history as SQLAlchemy writes it."""
    return os.environ.get(VARIABLE, "").strip() or f"sqlite:///{home() / 'history.sqlite'}"


def parsed(address: str) -> URL:
    """An address, with its driver.

    Raises:
        FlowError: it is none.
    """
    import sqlalchemy as sa

    try:
        url = sa.make_url(address)
    except sa.exc.ArgumentError:
        problem = Problem(
            "history/address",
            "The address of the history is none.",
            f"Write it into {VARIABLE} as SQLAlchemy does: {EXAMPLE}. Without it, the history is "
            "a file under the home folder.",
        )
        raise FlowError([problem]) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def no_driver(url: URL, error: Exception) -> FlowError:
    """What reads a database of this kind is not installed."""
    missing = getattr(error, "name", None) or url.drivername
    fix = "pip install the driver into this environment."
    if url.get_backend_name() == "postgresql":
        fix = "pip install 'patchbay-studio[stores]'"
    message = f"The history is on {url.get_backend_name()}, and {missing} is not installed."
    return FlowError([Problem("history/address", message, fix)])

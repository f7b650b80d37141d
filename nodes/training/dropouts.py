"""Networks that leave a share of their numbers out while they learn."""

from __future__ import annotations

from typing import Any

DROPOUTS = ("dropout_rate", "dropout", "attention_dropout", "activation_dropout")
"""What T5, BART and their kin leave out, by its names in configs."""


def leave_nothing_out(config: Any) -> dict[str, float]:
    """Let a network be made that leaves nothing out, as those that only decode do not either.

    Returns:
        What the config said before, to be set again once the network is made.
    """
    was = {name: getattr(config, name) for name in DROPOUTS if hasattr(config, name)}
    for name in was:
        setattr(config, name, 0.0)
    return was

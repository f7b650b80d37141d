"""Older files and older nodes, upgraded one number at a time. Pure functions over plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from patchbay.flows.document.model import FORMAT, NodeInstance
from patchbay.nodes.contract import Node

RawFlow = dict[str, Any]
Upgrade = Callable[[RawFlow], RawFlow]

UPGRADES: Mapping[int, Upgrade] = {}
"""File format → function that turns a document of that format into the next one."""


class MigrationError(Exception):
    """An upgrade that is missing or failed; the text is for the person who opened the flow."""


def upgrade_document(
    data: RawFlow, upgrades: Mapping[int, Upgrade] = UPGRADES, target: int = FORMAT
) -> RawFlow:
    """A document of any older format in the format `target`. The input is left as it is.

    Raises:
        MigrationError: there is no way from the document's format, or an upgrade failed.
    """
    current: int = data["format"]
    while current < target:
        step = upgrades.get(current)
        if step is None:
            raise MigrationError(f"Nothing here upgrades format {current} to {current + 1}.")
        try:
            data = {**step(dict(data)), "format": current + 1}
        except Exception as error:
            raise MigrationError(
                f"The upgrade from format {current} failed: {type(error).__name__}: {error}"
            ) from error
        current += 1
    return data


def upgrade_node(node: NodeInstance, cls: type[Node]) -> NodeInstance:
    """The node with its params as the installed version of its kind wants them.

    Raises:
        MigrationError: the node is newer than the kind, or an upgrade is missing or failed.
    """
    if node.version == cls.version:
        return node
    if node.version > cls.version:
        raise MigrationError(
            f"It is of version {node.version}; the installed one is version {cls.version}."
        )
    params: dict[str, Any] = dict(node.params)
    for version in range(node.version, cls.version):
        step = cls.migrations.get(version)
        if step is None:
            raise MigrationError(f"Nothing upgrades its params from version {version}.")
        try:
            params = step(dict(params))
        except Exception as error:
            raise MigrationError(
                f"The upgrade of its params from version {version} failed: "
                f"{type(error).__name__}: {error}"
            ) from error
    return node.model_copy(update={"params": params, "version": cls.version})

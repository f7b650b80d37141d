"""Cache keys: everything that a node's result depends on, in one hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from patchbay.nodes.contract import Node, Ports
from patchbay.nodes.data import in_order
from patchbay.nodes.values import canonical, content_hash


def node_key(
    node: type[Node], params: Any, inputs: Ports, extra: Mapping[str, Any] | None = None
) -> str:
    """The key of a node's result: kind, version, edition, params, input contents and `extra`.

    `extra` is what else the node sees: the value given for a flow input, the text of a sub-flow.
    Descriptions count with the content of the weights and files they name.

    Raises:
        NodeError: a description names something whose content cannot be known.
    """
    parts = {
        "kind": node.kind,
        "version": node.version,
        "params": in_order(params.model_dump(mode="json")),
        "inputs": {name: content_hash(value) for name, value in inputs.as_dict().items()},
        "extra": {name: content_hash(value) for name, value in (extra or {}).items()},
    }
    if (
        node.edition != Node.edition
    ):  # so that what was kept before there were editions still counts
        parts["edition"] = node.edition
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogatepass")).hexdigest()

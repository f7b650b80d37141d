"""What nodes and their params are called where people read of them."""

from __future__ import annotations

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import Node

LONGEST_ABOUT = 40
"""Characters of what a node is about, where that tells it from others of its kind."""
_SPELLED = {
    "api": "API", "gpu": "GPU", "http": "HTTP", "id": "ID", "json": "JSON", "lora": "LoRA",
    "mb": "MB", "mmr": "MMR", "s": "(seconds)", "url": "URL",
}  # fmt: skip


def node_title(flow: Flow, node: NodeInstance, catalog: Catalog) -> str:
    """What a node is called: its own title, what a param names it (a role), or its kind's title.
    Where several of a kind have no more than that, what each is about follows: `Task: Find out`."""
    if node.title:
        return node.title
    cls = catalog.get(node.kind)
    if cls is None:
        return node.id
    if (named := cls.called(node.params)) != cls.title:
        return _short(named)
    alike = sum(other.kind == node.kind and not other.title for other in flow.nodes)
    about = _about(cls, node) if alike > 1 else ""
    return f"{cls.title}: {about}" if about else cls.title


def _about(cls: type[Node], node: NodeInstance) -> str:
    try:
        told = cls.summary(cls.Params.model_validate(node.params))
    except Exception:  # params that are not right yet, or a stranger's defect
        return node.id
    return _short(" ".join(told.partition(" · ")[0].split()))


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_ABOUT else f"{words[:LONGEST_ABOUT].rstrip()}…"


def label_of(name: str) -> str:
    """A param's name as people write it: `base_url` → `Base URL`."""
    label = " ".join(_SPELLED.get(word, word) for word in name.split("_"))
    return label[:1].upper() + label[1:]

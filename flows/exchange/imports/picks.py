"""Places inside JSON: all that is picked from one value is picked by one node."""

from __future__ import annotations

from collections.abc import Sequence

from patchbay.flows.exchange.imports.draft import Draft
from patchbay.flows.exchange.imports.template import variable


class Picks:
    """The *Pick* nodes of one flow."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._nodes: dict[str, str] = {}
        """End that gives JSON → the node that picks from it."""

    def end(self, source: str, keys: Sequence[str], gives: str) -> str:
        """The end that gives a place of a value.

        Args:
            source: the end that gives the value.
            keys: the way to the place.
            gives: text, number or json.
        """
        pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
        made = self._nodes.get(source)
        if made is None:
            place = self.draft.layout.get(source.partition(".")[0])
            at = (place.x + 180, place.y + 160) if place else None
            made = self._nodes[source] = self.draft.add("pick", "data.pick", {"fields": []}, at)
            self.draft.wire(source, f"{made}.json")
        fields = self.draft.nodes[made]["params"]["fields"]
        for row in fields:
            if row["pointer"] == pointer and row["gives"] == gives:
                return f"{made}.{row['name']}"
        words = [key for key in keys if not key.isdigit()]
        name = variable(words[-1] if words else "item", [row["name"] for row in fields])
        fields.append({"name": name, "pointer": pointer, "gives": gives})
        return f"{made}.{name}"

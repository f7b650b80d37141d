"""Chat models that may live in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from patchbay.nodes.models.far import Far, FarChat


class MayBeFar:
    """A description of a chat model that is spoken to by LangChain's face alone when it is open."""

    elsewhere: ClassVar[bool] = True

    def handle(self, far: Far) -> FarChat:
        """What stands for the opened model here."""
        from patchbay.nodes.models.far import FarChat

        return FarChat.over(far, str(getattr(self, "weights", "") or type(self).__name__))

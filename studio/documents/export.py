"""A flow as a file to take away: canonical JSON, or a picture that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patchbay.flows.document.writing import canonical_text, plain_secrets
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import Catalog
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.library import slug
from patchbay.studio.pictures.picture import draw

ExportFormat = Literal["json", "png", "svg"]
MEDIA: dict[ExportFormat, str] = {
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file to save: its name and what is in it."""

    name: str
    media: str
    data: bytes


def export(document: FlowDocument, form: ExportFormat, catalog: Catalog) -> Export:
    """The flow as it is now.

    Raises:
        FlowError: it holds something like a key.
    """
    flow = document.flow
    if secrets := list(plain_secrets(flow)):
        raise FlowError(secrets)
    text = canonical_text(flow)
    stem = document.path.stem if document.path else slug(flow.name)
    if form == "json":
        data = text.encode()
    elif form == "png":
        data = draw(flow, catalog).png(text)
    else:
        data = draw(flow, catalog).svg(text).encode()
    return Export(f"{stem}.{form}", MEDIA[form], data)

"""A flow as a file to take away: canonical JSON, or a picture that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flows.problems import FlowError
from flows.writing import canonical_text, plain_secrets
from nodes.catalog import Catalog
from studio.document import Document
from studio.library import slug
from studio.picture import draw

Form = Literal["json", "png", "svg"]
MEDIA: dict[Form, str] = {"json": "application/json", "png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Export:
    """A file to save: its name and what is in it."""

    name: str
    media: str
    data: bytes


def export(document: Document, form: Form, catalog: Catalog) -> Export:
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

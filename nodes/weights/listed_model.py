"""What is known of a model that one can choose, as a single GGUF file of a hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from patchbay.nodes.weights.gguf_header import Header

BITS = {"Q4_K_M": 4.9, "Q8_0": 8.5, "Q4_1": 5.0}
"""Bits per weight of usual files, where their size is not known."""
ListedFact = Literal["license", "context", "languages", "tools", "hash"]
"""What a person wants to know of a model before choosing it."""
FACTS: tuple[ListedFact, ...] = ("license", "context", "languages", "tools", "hash")


@dataclass(frozen=True, slots=True)
class Geometry:
    """What the memory of a request follows from."""

    layers: int
    width: int
    shared: int
    """Numbers of the keys of one token in one layer; those of its values are as many."""
    vocabulary: int


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in the catalogue. Empty or 0 is not stated; `why` says why not."""

    name: str
    repo: str
    file: str
    parameters: float
    """Millions."""
    shape: Geometry
    precision: str = "Q4_K_M"
    published: int = 0
    """Bytes of the file, as others list it."""
    license: str = ""
    context: int = 0
    """Tokens, without stretching the positions of words (YaRN)."""
    languages: str = ""
    tools: bool | None = None
    """Whether its chat template is told what tools there are."""
    revision: str = ""
    """The version of the repository, where one is named."""
    sha256: str = ""
    named: str = ""
    """Its name in the manifest, where it has one; its hash stands there."""
    why: Mapping[ListedFact, str] = field(default_factory=dict)
    """Of each fact that is not stated, why not."""

    @property
    def reference(self) -> str:
        """What `weights` of a node is set to: pinned by the hash, where it is known."""
        if self.named:
            return self.named
        version = f"@{self.revision}" if self.revision else ""
        pin = f"#sha256={self.sha256}" if self.sha256 else ""
        return f"hf:{self.repo}/{self.file}{version}{pin}"

    @property
    def pinned(self) -> bool:
        """Whether the file is fetched only as it was when its hash was written down."""
        return bool(self.named or self.sha256)

    @property
    def size(self) -> int:
        """Bytes of the file; an estimate unless `published`."""
        return self.published or round(self.parameters * 1e6 * BITS[self.precision] / 8)

    @property
    def bits(self) -> float:
        """Bits of file per parameter."""
        return self.size * 8 / (self.parameters * 1e6)

    @property
    def header(self) -> Header:
        """What the head of its file will say, as far as the estimate of memory needs it."""
        shape = self.shape
        return Header(
            architecture="",
            context=self.context,
            cache_bytes=2 * 2 * shape.layers * shape.shared,  # keys and values, of 16 bits
            layers=shape.layers,
            width=shape.width,
            vocabulary=shape.vocabulary,
            parameters=round(self.parameters * 1e6),
            precision=self.precision,
        )

    def stated(self, fact: ListedFact) -> str:
        """A fact in words; where it is not stated, that and why."""
        match fact:
            case "license":
                found = self.license
            case "context":
                found = f"{self.context:,} tokens" if self.context else ""
            case "languages":
                found = self.languages
            case "tools":
                found = {True: "uses tools", False: "no tools", None: ""}[self.tools]
            case "hash":
                found = "pinned by its hash" if self.pinned else ""
        return found or f"{fact} not stated: {self.why.get(fact, 'not found published')}"

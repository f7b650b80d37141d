"""Small open models that one can choose from, as single GGUF files of a Hugging Face hub.

What stands here was read in model cards and lists of files that others publish (November 2026), not
on the hub itself; what was not read anywhere is left empty, and shown as not known. Sizes are the
published ones, or parameters times bits where none was found. No hash is pinned: each file is
checked against the hash that the hub gives for it when it is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patchbay.nodes.weights.gguf_header import Header
from patchbay.nodes.weights.manifest import DEFAULT, NAMED

FitsHere = Literal["fits", "full", "large"]
"""Whether a model fits: now; once memory that is in use is free; or not on this machine."""

BITS = {"Q4_K_M": 4.9, "Q8_0": 8.5, "Q4_1": 5.0}
"""Bits per weight of usual files, where their size is not known."""
MANY = "119 languages, English and Chinese among them"
LLAMA = "English, German, French, Italian, Portuguese, Hindi, Spanish, Thai"


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
    """A model in the catalogue. Empty or 0 is not known."""

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
    """Tokens."""
    languages: str = ""
    tools: bool | None = None
    """Whether its chat template has tools."""
    named: str = ""
    """Its name in the manifest, where it is pinned by a hash."""

    @property
    def reference(self) -> str:
        """What `weights` of a node is set to."""
        return self.named or f"hf:{self.repo}/{self.file}"

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


def fit(needed: int, allowed: int, free: int) -> FitsHere:
    """Whether a model fits into this machine.

    Args:
        needed: bytes that it takes.
        allowed: bytes that models may take here together.
        free: bytes of memory that nobody uses now.
    """
    if needed > allowed:
        return "large"
    return "fits" if needed <= free else "full"


_OWN = NAMED[DEFAULT]

CATALOGUE: tuple[ListedModel, ...] = (
    ListedModel(
        "SmolLM2 135M Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct", _OWN.file, 134.5,
        Geometry(30, 576, 192, 49_152), "Q4_1", _OWN.size, _OWN.license, 8192, "English", None,
        DEFAULT,
    ),
    ListedModel(
        "SmolLM2 360M Instruct", "bartowski/SmolLM2-360M-Instruct-GGUF",
        "SmolLM2-360M-Instruct-Q4_K_M.gguf", 362, Geometry(32, 960, 320, 49_152),
        languages="English",
    ),
    ListedModel(
        "Qwen2.5 0.5B Instruct", "bartowski/Qwen2.5-0.5B-Instruct-GGUF",
        "Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", 494, Geometry(24, 896, 128, 151_936),
        published=397_808_192, license="Apache-2.0", context=32_768,
        languages="29 languages, English and Chinese among them", tools=True,
    ),
    ListedModel(
        "Qwen3 0.6B", "bartowski/Qwen_Qwen3-0.6B-GGUF", "Qwen_Qwen3-0.6B-Q8_0.gguf", 600,
        Geometry(28, 1024, 1024, 151_936), "Q8_0", license="Apache-2.0", context=32_768,
        languages=MANY, tools=True,
    ),
    ListedModel(
        "Gemma 3 1B", "bartowski/google_gemma-3-1b-it-GGUF", "google_gemma-3-1b-it-Q4_K_M.gguf",
        1000, Geometry(26, 1152, 256, 262_144), published=810_000_000, license="Gemma terms",
    ),
    ListedModel(
        "OLMo 2 1B Instruct", "bartowski/allenai_OLMo-2-0425-1B-Instruct-GGUF",
        "allenai_OLMo-2-0425-1B-Instruct-Q4_K_M.gguf", 1480, Geometry(16, 2048, 2048, 100_352),
        languages="English",
    ),
    ListedModel(
        "TinyLlama 1.1B Chat", "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
        "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", 1100, Geometry(22, 2048, 256, 32_000),
        languages="English",
    ),
    ListedModel(
        "Llama 3.2 1B Instruct", "bartowski/Llama-3.2-1B-Instruct-GGUF",
        "Llama-3.2-1B-Instruct-Q4_K_M.gguf", 1240, Geometry(16, 2048, 512, 128_256),
        published=810_000_000, license="Llama 3.2 Community", tools=True,
    ),
    ListedModel(
        "Granite 3.1 1B (mixture of experts)", "bartowski/granite-3.1-1b-a400m-instruct-GGUF",
        "granite-3.1-1b-a400m-instruct-Q4_K_M.gguf", 1330, Geometry(24, 1024, 512, 49_155),
        published=820_000_000,
    ),
    ListedModel(
        "Qwen2.5 1.5B Instruct", "lmstudio-community/Qwen2.5-1.5B-Instruct-GGUF",
        "Qwen2.5-1.5B-Instruct-Q4_K_M.gguf", 1540, Geometry(28, 1536, 256, 151_936), tools=True,
    ),
    ListedModel(
        "DeepSeek R1 Distill Qwen 1.5B", "bartowski/DeepSeek-R1-Distill-Qwen-1.5B-GGUF",
        "DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf", 1780, Geometry(28, 1536, 256, 151_936),
    ),
    ListedModel(
        "SmolLM2 1.7B Instruct", "bartowski/SmolLM2-1.7B-Instruct-GGUF",
        "SmolLM2-1.7B-Instruct-Q4_K_M.gguf", 1710, Geometry(24, 2048, 2048, 49_152),
        published=1_055_609_824, license="Apache-2.0", languages="English",
    ),
    ListedModel(
        "Qwen3 1.7B", "bartowski/Qwen_Qwen3-1.7B-GGUF", "Qwen_Qwen3-1.7B-Q4_K_M.gguf", 1720,
        Geometry(28, 2048, 1024, 151_936), languages=MANY, tools=True,
    ),
    ListedModel(
        "Granite 3.3 2B Instruct", "bartowski/ibm-granite_granite-3.3-2b-instruct-GGUF",
        "ibm-granite_granite-3.3-2b-instruct-Q4_K_M.gguf", 2530, Geometry(40, 2048, 512, 49_159),
        tools=True,
    ),
    ListedModel(
        "Gemma 2 2B", "bartowski/gemma-2-2b-it-GGUF", "gemma-2-2b-it-Q4_K_M.gguf", 2610,
        Geometry(26, 2304, 1024, 256_000), tools=False,
    ),
    ListedModel(
        "SmolLM3 3B", "bartowski/HuggingFaceTB_SmolLM3-3B-GGUF",
        "HuggingFaceTB_SmolLM3-3B-Q4_K_M.gguf", 3080, Geometry(36, 2048, 512, 128_256),
        published=1_920_000_000, tools=True,
    ),
    ListedModel(
        "Qwen2.5 3B Instruct", "lmstudio-community/Qwen2.5-3B-Instruct-GGUF",
        "Qwen2.5-3B-Instruct-Q4_K_M.gguf", 3090, Geometry(36, 2048, 256, 151_936), tools=True,
    ),
    ListedModel(
        "Llama 3.2 3B Instruct", "bartowski/Llama-3.2-3B-Instruct-GGUF",
        "Llama-3.2-3B-Instruct-Q4_K_M.gguf", 3210, Geometry(28, 3072, 1024, 128_256),
        license="Llama 3.2 Community", context=131_072, tools=True,
    ),
    ListedModel(
        "Phi 3 mini 4k Instruct", "microsoft/Phi-3-mini-4k-instruct-gguf",
        "Phi-3-mini-4k-instruct-q4.gguf", 3820, Geometry(32, 3072, 3072, 32_064),
        published=2_200_000_000,
    ),
    ListedModel(
        "Phi 4 mini Instruct", "bartowski/microsoft_Phi-4-mini-instruct-GGUF",
        "microsoft_Phi-4-mini-instruct-Q4_K_M.gguf", 3840, Geometry(32, 3072, 1024, 200_064),
        license="MIT", context=131_072, tools=True,
    ),
    ListedModel(
        "Qwen3 4B", "bartowski/Qwen_Qwen3-4B-GGUF", "Qwen_Qwen3-4B-Q4_K_M.gguf", 4020,
        Geometry(36, 2560, 1024, 151_936), published=2_500_000_000, license="Apache-2.0",
        languages=MANY, tools=True,
    ),
    ListedModel(
        "Gemma 3 4B", "bartowski/google_gemma-3-4b-it-GGUF", "google_gemma-3-4b-it-Q4_K_M.gguf",
        3880, Geometry(34, 2560, 1024, 262_144), published=2_490_000_000, license="Gemma terms",
    ),
    ListedModel(
        "Mistral 7B Instruct v0.3", "bartowski/Mistral-7B-Instruct-v0.3-GGUF",
        "Mistral-7B-Instruct-v0.3-Q4_K_M.gguf", 7250, Geometry(32, 4096, 1024, 32_768), tools=True,
    ),
    ListedModel(
        "Qwen2.5 7B Instruct", "bartowski/Qwen2.5-7B-Instruct-GGUF",
        "Qwen2.5-7B-Instruct-Q4_K_M.gguf", 7620, Geometry(28, 3584, 512, 152_064), tools=True,
    ),
    ListedModel(
        "Llama 3.1 8B Instruct", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
        "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 8030, Geometry(32, 4096, 1024, 128_256),
        license="Llama 3.1 Community", languages=LLAMA, tools=True,
    ),
    ListedModel(
        "Granite 3.3 8B Instruct", "bartowski/ibm-granite_granite-3.3-8b-instruct-GGUF",
        "ibm-granite_granite-3.3-8b-instruct-Q4_K_M.gguf", 8170, Geometry(40, 4096, 1024, 49_159),
        published=4_920_000_000, tools=True,
    ),
)  # fmt: skip
"""The smallest first."""

"""Small open models that one can choose from, as single GGUF files of a Hugging Face hub.

What stands here was read in model cards and in what others publish of these files (November 2026),
not on the hub itself. A hash is pinned where two who know nothing of each other publish the same
one for the same file, or where one names it beside the version of the repository; `why` says what
is missing elsewhere. A file without one is checked against the hash that the hub gives for it when
it is fetched. Sizes are the published ones, or parameters times bits where none was found.
"""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.weights.listed_model import Geometry, ListedModel
from patchbay.nodes.weights.manifest import DEFAULT, NAMED

FitsHere = Literal["fits", "full", "large"]
"""Whether a model fits: now; once memory that is in use is free; or not on this machine."""

ENGLISH = "English"
SIX = "English, French, Spanish, German, Italian, Portuguese"
EIGHT = "English, German, French, Italian, Portuguese, Hindi, Spanish, Thai"
TWELVE = "12 languages, English, German, Spanish, French, Japanese, Arabic and Chinese among them"
TWENTY_THREE = "23 languages, English, Chinese, Danish, German, French and Arabic among them"
TWENTY_NINE = "29 languages, English and Chinese among them"
HUNDRED_AND_NINETEEN = "119 languages, English and Chinese among them"
HUNDRED_AND_FORTY = "over 140 languages"
APACHE, LLAMA_3_2, GEMMA = "Apache-2.0", "Llama 3.2 Community", "Gemma terms"
NO_HASH = "no two sources that publish one were found"
NO_TOOLS_SAID = "its card does not speak of tools"
NO_LANGUAGES_SAID = "its card names none"


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

_LISTED: tuple[ListedModel, ...] = (
    ListedModel(
        "SmolLM2 135M Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct",
        _OWN.file, 134.5, Geometry(30, 576, 192, 49_152),
        precision="Q4_1", published=_OWN.size, license=_OWN.license, context=8_192,
        languages=ENGLISH, tools=False,
        named=DEFAULT,
    ),
    ListedModel(
        "SmolLM2 360M Instruct", "bartowski/SmolLM2-360M-Instruct-GGUF",
        "SmolLM2-360M-Instruct-Q4_K_M.gguf", 362, Geometry(32, 960, 320, 49_152),
        published=270_590_880, license=APACHE, context=8_192, languages=ENGLISH, tools=False,
        sha256="2fa3f013dcdd7b99f9b237717fa0b12d75bbb89984cc1274be1471a465bac9c2",
    ),
    ListedModel(
        "Qwen2.5 0.5B Instruct", "bartowski/Qwen2.5-0.5B-Instruct-GGUF",
        "Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", 494, Geometry(24, 896, 128, 151_936),
        published=397_808_192, license=APACHE, context=32_768, languages=TWENTY_NINE, tools=True,
        sha256="6eb923e7d26e9cea28811e1a8e852009b21242fb157b26149d3b188f3a8c8653",
    ),
    ListedModel(
        "Qwen3 0.6B", "Qwen/Qwen3-0.6B-GGUF",
        "Qwen3-0.6B-Q8_0.gguf", 600, Geometry(28, 1024, 1024, 151_936),
        precision="Q8_0", published=639_446_688, license=APACHE, context=32_768,
        languages=HUNDRED_AND_NINETEEN, tools=True,
        revision="23749fefcc72300e3a2ad315e1317431b06b590a",
        sha256="9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
    ),
    ListedModel(
        "Gemma 3 1B", "bartowski/google_gemma-3-1b-it-GGUF",
        "google_gemma-3-1b-it-Q4_K_M.gguf", 1000, Geometry(26, 1152, 256, 262_144),
        published=806_058_496, license=GEMMA, context=32_768, tools=False,
        revision="116f76234503685a98f572982177b11d44ec8ff1",
        sha256="12bf0fff8815d5f73a3c9b586bd8fee8e7b248c935de70dec367679873d0f29d",
        why={"languages": "its card says over 140 of the family, others say English of this size"},
    ),
    ListedModel(
        "OLMo 2 1B Instruct", "allenai/OLMo-2-0425-1B-Instruct-GGUF",
        "OLMo-2-0425-1B-Instruct-Q4_K_M.gguf", 1480, Geometry(16, 2048, 2048, 100_352),
        published=935_515_296, license=APACHE, context=4_096, languages=ENGLISH,
        revision="62f8c199538474c3e33ed5d7e0580abd66686a27",
        sha256="abd8187934a438fbf7cfff0a1de5b9d2793ce913f158794df1951dcba6c93cc6",
        why={"tools": NO_TOOLS_SAID},
    ),
    ListedModel(
        "TinyLlama 1.1B Chat", "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
        "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", 1100, Geometry(22, 2048, 256, 32_000),
        published=668_788_096, license=APACHE, context=2_048, languages=ENGLISH, tools=False,
        revision="52e7645ba7c309695bec7ac98f4f005b139cf465",
        sha256="9fecc3b3cd76bba89d504f29b616eedf7da85b96540e490ca5824d3f7d2776a0",
    ),
    ListedModel(
        "Llama 3.2 1B Instruct", "bartowski/Llama-3.2-1B-Instruct-GGUF",
        "Llama-3.2-1B-Instruct-Q4_K_M.gguf", 1240, Geometry(16, 2048, 512, 128_256),
        published=807_694_464, license=LLAMA_3_2, context=131_072, languages=EIGHT, tools=True,
        revision="067b946cf014b7c697f3654f621d577a3e3afd1c",
        sha256="6f85a640a97cf2bf5b8e764087b1e83da0fdb51d7c9fab7d0fece9385611df83",
    ),
    ListedModel(
        "Granite 3.1 1B (mixture of experts)", "bartowski/granite-3.1-1b-a400m-instruct-GGUF",
        "granite-3.1-1b-a400m-instruct-Q4_K_M.gguf", 1330, Geometry(24, 1024, 512, 49_155),
        published=821_847_360, license=APACHE, context=131_072, languages=TWELVE, tools=True,
        why={"hash": NO_HASH},
    ),
    ListedModel(
        "Qwen2.5 1.5B Instruct", "bartowski/Qwen2.5-1.5B-Instruct-GGUF",
        "Qwen2.5-1.5B-Instruct-Q4_K_M.gguf", 1540, Geometry(28, 1536, 256, 151_936),
        published=986_048_768, license=APACHE, context=32_768, languages=TWENTY_NINE, tools=True,
        revision="9eadc66189c7641e1ddd226b8267a9119b2ce2d4",
        sha256="1adf0b11065d8ad2e8123ea110d1ec956dab4ab038eab665614adba04b6c3370",
    ),
    ListedModel(
        "DeepSeek R1 Distill Qwen 1.5B", "bartowski/DeepSeek-R1-Distill-Qwen-1.5B-GGUF",
        "DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf", 1780, Geometry(28, 1536, 256, 151_936),
        published=1_117_320_800, license="MIT", context=131_072, tools=False,
        sha256="1741e5b2d062b07acf048bf0d2c514dadf2a48f94e2b4aa0cfe069af3838ee2f",
        why={"languages": NO_LANGUAGES_SAID},
    ),
    ListedModel(
        "SmolLM2 1.7B Instruct", "bartowski/SmolLM2-1.7B-Instruct-GGUF",
        "SmolLM2-1.7B-Instruct-Q4_K_M.gguf", 1710, Geometry(24, 2048, 2048, 49_152),
        published=1_055_609_824, license=APACHE, context=8_192, languages=ENGLISH, tools=False,
        revision="3084dd417b5e2567e786340037cd3b512068fad0",
        sha256="77665ea4815999596525c636fbeb56ba8b080b46ae85efef4f0d986a139834d7",
    ),
    ListedModel(
        "Qwen3 1.7B", "bartowski/Qwen_Qwen3-1.7B-GGUF",
        "Qwen_Qwen3-1.7B-Q4_K_M.gguf", 1720, Geometry(28, 2048, 1024, 151_936),
        published=1_282_439_584, license=APACHE, context=32_768, languages=HUNDRED_AND_NINETEEN,
        tools=True,
        revision="dcb19155b962dbb6389f4691a982043a8e651022",
        sha256="72c5c3cb38fa32d5256e2fe30d03e7a64c6c79e668ad84057e3bd66e250b24fb",
    ),
    ListedModel(
        "Granite 3.3 2B Instruct", "ibm-granite/granite-3.3-2b-instruct-GGUF",
        "granite-3.3-2b-instruct-Q4_K_M.gguf", 2530, Geometry(40, 2048, 512, 49_159),
        published=1_545_303_328, license=APACHE, context=131_072, languages=TWELVE, tools=True,
        revision="7cdf86ccd1f1bb3491c9b7017b033f2e51367397",
        sha256="ac71e9e32c0bea919b409c5918f69ca74339854b0319c5065e4e9fb6d95c4852",
    ),
    ListedModel(
        "Gemma 2 2B", "bartowski/gemma-2-2b-it-GGUF",
        "gemma-2-2b-it-Q4_K_M.gguf", 2610, Geometry(26, 2304, 1024, 256_000),
        published=1_708_582_752, license=GEMMA, context=8_192, languages=ENGLISH, tools=False,
        revision="855f67caed130e1befc571b52bd181be2e858883",
        sha256="e0aee85060f168f0f2d8473d7ea41ce2f3230c1bc1374847505ea599288a7787",
    ),
    ListedModel(
        "SmolLM3 3B", "ggml-org/SmolLM3-3B-GGUF",
        "SmolLM3-Q4_K_M.gguf", 3080, Geometry(36, 2048, 512, 128_256),
        published=1_915_305_312, license=APACHE, context=65_536, languages=SIX, tools=True,
        revision="4965cb60b150737b68a0408c36aeefb65078f894",
        sha256="8334b850b7bd46238c16b0c550df2138f0889bf433809008cc17a8b05761863e",
    ),
    ListedModel(
        "Qwen2.5 3B Instruct", "bartowski/Qwen2.5-3B-Instruct-GGUF",
        "Qwen2.5-3B-Instruct-Q4_K_M.gguf", 3090, Geometry(36, 2048, 256, 151_936),
        published=1_929_903_264, license="Qwen Research, not commercial",
        context=32_768, languages=TWENTY_NINE, tools=True,
        sha256="9c9f56a391a3abbd5b89d0245bf6106081bcc3173119d4229235dd9d23253f94",
    ),
    ListedModel(
        "Llama 3.2 3B Instruct", "bartowski/Llama-3.2-3B-Instruct-GGUF",
        "Llama-3.2-3B-Instruct-Q4_K_M.gguf", 3210, Geometry(28, 3072, 1024, 128_256),
        published=2_019_377_696, license=LLAMA_3_2, context=131_072, languages=EIGHT, tools=True,
        sha256="6c1a2b41161032677be168d354123594c0e6e67d2b9227c84f296ad037c728ff",
    ),
    ListedModel(
        "Phi 3 mini 4k Instruct", "microsoft/Phi-3-mini-4k-instruct-gguf",
        "Phi-3-mini-4k-instruct-q4.gguf", 3820, Geometry(32, 3072, 3072, 32_064),
        published=2_393_231_072, license="MIT", context=4_096, languages=ENGLISH, tools=False,
        revision="c80d904a71b99a3eaeb8d3dbf164166384c09dc3",
        sha256="8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef",
    ),
    ListedModel(
        "Phi 4 mini Instruct", "bartowski/microsoft_Phi-4-mini-instruct-GGUF",
        "microsoft_Phi-4-mini-instruct-Q4_K_M.gguf", 3840, Geometry(32, 3072, 1024, 200_064),
        published=2_491_874_688, license="MIT", context=131_072, languages=TWENTY_THREE,
        tools=True,
        revision="faffc28d86d0c0781b4ec92d30e400a6d350a53b",
        sha256="01999f17c39cc3074afae5e9c539bc82d45f2dd7faa3917c66cbef76fce8c0c2",
    ),
    ListedModel(
        "Qwen3 4B", "Qwen/Qwen3-4B-GGUF",
        "Qwen3-4B-Q4_K_M.gguf", 4020, Geometry(36, 2560, 1024, 151_936),
        published=2_497_280_256, license=APACHE, context=32_768, languages=HUNDRED_AND_NINETEEN,
        tools=True,
        revision="a9a60d009fa7ff9606305047c2bf77ac25dbec49",
        sha256="7485fe6f11af29433bc51cab58009521f205840f5b4ae3a32fa7f92e8534fdf5",
    ),
    ListedModel(
        "Gemma 3 4B", "unsloth/gemma-3-4b-it-GGUF",
        "gemma-3-4b-it-Q4_K_M.gguf", 3880, Geometry(34, 2560, 1024, 262_144),
        published=2_489_894_016, license=GEMMA, context=131_072, languages=HUNDRED_AND_FORTY,
        tools=False,
        revision="5a3566e716d80f709ed7b79817eaf7733d2a1fce",
        sha256="04a43a22e8d2003deda5acc262f68ec1005fa76c735a9962a8c77042a74a7d19",
    ),
    ListedModel(
        "Mistral 7B Instruct v0.3", "bartowski/Mistral-7B-Instruct-v0.3-GGUF",
        "Mistral-7B-Instruct-v0.3-Q4_K_M.gguf", 7250, Geometry(32, 4096, 1024, 32_768),
        published=4_372_812_000, license=APACHE, context=32_768, tools=True,
        revision="61fd4167fff3ab01ee1cfe0da183fa27a944db48",
        sha256="1270d22c0fbb3d092fb725d4d96c457b7b687a5f5a715abe1e818da303e562b6",
        why={"languages": NO_LANGUAGES_SAID},
    ),
    ListedModel(
        "Qwen2.5 7B Instruct", "bartowski/Qwen2.5-7B-Instruct-GGUF",
        "Qwen2.5-7B-Instruct-Q4_K_M.gguf", 7620, Geometry(28, 3584, 512, 152_064),
        published=4_683_074_240, license=APACHE, context=32_768, languages=TWENTY_NINE,
        tools=True,
        revision="8911e8a47f92bac19d6f5c64a2e2095bd2f7d031",
        sha256="65b8fcd92af6b4fefa935c625d1ac27ea29dcb6ee14589c55a8f115ceaaa1423",
    ),
    ListedModel(
        "Llama 3.1 8B Instruct", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
        "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 8030, Geometry(32, 4096, 1024, 128_256),
        published=4_920_739_232, license="Llama 3.1 Community", context=131_072, languages=EIGHT,
        tools=True,
        revision="bf5b95e96dac0462e2a09145ec66cae9a3f12067",
        sha256="7b064f5842bf9532c91456deda288a1b672397a54fa729aa665952863033557c",
    ),
    ListedModel(
        "Granite 3.3 8B Instruct", "bartowski/ibm-granite_granite-3.3-8b-instruct-GGUF",
        "ibm-granite_granite-3.3-8b-instruct-Q4_K_M.gguf", 8170, Geometry(40, 4096, 1024, 49_159),
        published=4_920_000_000, license=APACHE, context=131_072, languages=TWELVE, tools=True,
        why={"hash": NO_HASH},
    ),
)  # fmt: skip

CATALOGUE = tuple(sorted(_LISTED, key=lambda one: one.size))
"""The smallest file first."""

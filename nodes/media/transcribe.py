"""The node `media.transcribe`: what is said in a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.io.files import bytes_of
from patchbay.nodes.media.service import ServiceParams, asked, read_all, strange
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Document, FileRef


class Transcribe(Node):
    """Write down what is said in a recording, by a server that speaks OpenAI's protocol.

    OpenAI's own, or whisper.cpp, faster-whisper, vLLM, LocalAI and others on your machine. With
    `timestamps` the parts are given as documents, each with its beginning and end in seconds.
    """

    kind, version = "media.transcribe", 1
    title, family, icon = "Transcribe", "Sound and pictures", "mic"
    front = ("model", "language")
    synonyms = (
        "whisper", "speech to text", "stt", "audio", "dictation", "subtitles", "voice", "asr",
    )  # fmt: skip
    requires = ("httpx",)
    deterministic = False

    class Params(ServiceParams):
        model: str = Field("whisper-1", min_length=1, max_length=300)
        """The model that listens."""
        language: str = Field("", pattern=r"^([a-z]{2,3})?$")
        """The language that is spoken, such as en. Empty: the model finds out."""
        prompt: str = Field("", max_length=2000, widget="textarea")
        """Names and words that may come, for their spelling."""
        timestamps: bool = False
        """Whether the parts are given too; not every model can say them."""
        limit_mb: float = Field(25.0, gt=0, le=1000)
        """The largest recording that is sent, in megabytes (1,000,000 bytes)."""

    class Inputs(Ports):
        file: FileRef = port(doc="The recording: MP3, WAV, M4A, OGG, FLAC, WebM.")

    class Outputs(Ports):
        text: str = port(doc="What is said.")
        documents: list[Document] = port(doc="Its parts, with `timestamps`.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The model."""
        return params.model

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Send it."""
        limit = round(params.limit_mb * MEGABYTE)
        data = await ctx.blocking(bytes_of, inputs.file, "Transcribe", limit)
        name = Path(inputs.file.path).name
        wanted = "verbose_json" if params.timestamps else "json"
        fields = {"model": params.model, "response_format": wanted}
        fields |= {k: v for k in ("language", "prompt") if (v := getattr(params, k))}
        request = {"data": fields, "files": {"file": (name, data)}}
        async with asked(params, params.model, "/audio/transcriptions", ctx, **request) as answer:
            said = await read_all(answer, "Reading", ctx)
        try:
            found = parse_json(said)
        except ValueError as error:
            raise strange(params, f"{said[:100]!r} is not JSON: {error}") from error
        if not isinstance(found, dict) or not isinstance(found.get("text"), str):
            raise strange(params, f"{said[:100]!r} holds no text")
        text = found["text"].strip()
        if not text:
            await ctx.warn("The model heard nothing that it could write down.")
        parts = _parts(found, name) if params.timestamps else []
        if params.timestamps and not parts:
            raise NodeError(
                f"{params.model!r} gives no times.",
                fix="Switch timestamps off, or take another model (whisper-1 gives them).",
                param="timestamps",
                code="media/answer",
                retry=False,
            )
        return self.Outputs(text=text, documents=parts)


def _parts(found: dict[str, Any], source: str) -> list[Document]:
    return [
        Document(
            text=str(part.get("text", "")).strip(),
            metadata={"source": source, "start_s": part.get("start"), "end_s": part.get("end")},
        )
        for part in found.get("segments") or ()
        if isinstance(part, dict)
    ]

"""The node `media.speak`: a text, spoken."""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.media.service import ServiceParams, asked, kept, read_all, strange
from patchbay.nodes.values import FileRef


class Speak(Node):
    """Have a text spoken, by a server that speaks OpenAI's protocol; gives a sound file.

    OpenAI's own, or Kokoro, Piper, LocalAI and others on your machine. The file lies in the cache;
    *Write file* or a flow output takes it elsewhere.
    """

    kind, version = "media.speak", 1
    title, family, icon = "Speak", "Sound and pictures", "speaker"
    front = ("model", "voice")
    synonyms = ("text to speech", "tts", "voice", "audio", "say", "read aloud", "elevenlabs")
    requires = ("httpx",)
    deterministic = False

    class Params(ServiceParams):
        model: str = Field("gpt-4o-mini-tts", min_length=1, max_length=300)
        """The model that speaks."""
        voice: str = Field("alloy", min_length=1, max_length=200)
        """Its voice."""
        format: Literal["mp3", "wav", "flac", "opus", "aac", "pcm"] = Field("mp3")
        """What kind of file it is."""
        speed: float = Field(1.0, ge=0.25, le=4)
        """How fast it speaks."""
        instructions: str = Field("", max_length=4000, widget="textarea")
        """How it is to sound, for models that take this."""

    class Inputs(Ports):
        text: str = port(doc="What is said.")

    class Outputs(Ports):
        file: FileRef = port(doc="The sound.")
        path: str = port(doc="Its path.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Model and voice."""
        return f"{params.model} · {params.voice}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Ask for it."""
        if not inputs.text.strip():
            raise NodeError(
                "There is nothing to say.",
                fix="Wire a text that says something.",
                port="text",
                code="media/empty",
                retry=False,
            )
        body = {"model": params.model, "voice": params.voice, "input": inputs.text,
                "response_format": params.format}  # fmt: skip
        if params.speed != 1:
            body["speed"] = params.speed  # type: ignore[assignment]
        if params.instructions:
            body["instructions"] = params.instructions
        async with asked(params, params.model, "/audio/speech", ctx, json=body) as answer:
            kind = answer.headers.get("content-type", "")
            sound = await read_all(answer, "Receiving sound", ctx)
        if not sound or kind.startswith(("text/", "application/json")):
            raise strange(params, f"it sends {kind or 'nothing'!r} and no sound")
        file = await ctx.blocking(kept, sound, params.format)
        return self.Outputs(file=file, path=file.path)

"""Models of Transformers that see: one request at a time, through the library's own `generate`.

Each family of networks puts pictures in its own way, with positions of its own, which `generate`
knows and our batches of text do not. What is chosen, held to a grammar, ended and streamed is
decided by the same `Generation` as for texts: it stands in as a processor of scores, and leaves one
token possible.
"""

from __future__ import annotations

import base64
import binascii
import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.errors import closed, in_words
from patchbay.nodes.models.picture_files import open_picture
from patchbay.nodes.models.transformers.answer import Ended, Generation, Request
from patchbay.nodes.models.transformers.chat import ChatTransformers, Read
from patchbay.nodes.models.transformers.engine import ends_of, translate
from patchbay.nodes.models.transformers.grammar import Grammars
from patchbay.nodes.models.transformers.writer import Detokenizer

_CLOSE_S = 30.0


class VisionEngine:
    """A loaded network that sees, and the thread that computes with it.

    Args:
        model: the network, on `model.device`.
        processor: of Transformers: a tokenizer, and what makes numbers of pictures.
        context: tokens that a prompt and its answer may have together.
    """

    def __init__(self, model: Any, processor: Any, context: int) -> None:
        self.processor, self.tokenizer, self.context = processor, processor.tokenizer, context
        text = model.config.get_text_config()
        self.trained = int(getattr(text, "max_position_embeddings", 0) or 0)
        self.ends = ends_of(model, self.tokenizer)
        self.grammars = Grammars(self.tokenizer, int(text.vocab_size), self.ends)
        self._model = model
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        # A daemon: a model that is still computing must not keep the interpreter from ending.
        self._thread = threading.Thread(target=self._work, name="hf-vision", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Take a request; its pieces go to `request.put`, from the engine's thread."""
        if self._closing.is_set():
            raise closed()
        self._requests.put(request)

    def close(self, patience_s: float = _CLOSE_S) -> None:
        """End what runs, after the step at hand, and let go of the memory."""
        self._closing.set()
        self._requests.put(None)
        self._thread.join(patience_s)
        self._model = None

    def _work(self) -> None:
        while (request := self._requests.get()) is not None:
            if self._closing.is_set():
                request.put(Ended(error=closed()))
            elif request.stop.is_set():
                request.put(Ended())
            else:
                self._answer(request)

    def _answer(self, request: Request) -> None:
        import torch

        row = Generation(
            request, Detokenizer(self.tokenizer, request.stops), self.ends, self.context
        )

        def choose(_tokens: Any, scores: Any) -> Any:
            if row.over:  # `generate` looks at the end only after the step
                return scores
            row.step(scores[0].float().cpu())
            only = torch.full_like(scores, -torch.inf)
            only[0, row.tokens[-1]] = 0.0
            return only

        def over(tokens: Any, _scores: Any) -> Any:
            ended = row.over or request.stop.is_set() or self._closing.is_set()
            return torch.full((tokens.shape[0],), ended, device=tokens.device)

        try:
            given = torch.tensor([list(request.prompt)])
            inputs = {"input_ids": given, "attention_mask": torch.ones_like(given)}
            placed = {
                name: value.to(self._model.device) if hasattr(value, "to") else value
                for name, value in {**inputs, **request.features}.items()
            }
            with torch.inference_mode():
                self._model.generate(
                    **placed,
                    do_sample=False,
                    num_beams=1,
                    max_new_tokens=self.context - len(request.prompt),
                    logits_processor=[choose],
                    stopping_criteria=[over],
                )
            if not row.over:
                row.end("stop")
        except Exception as error:
            row.fail(in_words(error, translate))


class VisionChat(ChatTransformers):
    """Chat with a network that sees. Open one through its description, and `close()` it."""

    def _read(self, messages: Sequence[Any], words: Mapping[str, Any]) -> Read:
        """The prompt as text and tokens, and the pictures as the network takes them."""
        processor: Any = self._vision.processor
        pictures: list[Any] = []
        chat = [_turn(message, pictures) for message in messages]
        self._check_words(chat)
        text = self._templated(processor, chat, words)
        try:
            made = processor(
                text=[text], images=pictures or None, return_tensors="pt", add_special_tokens=False
            )
        except (ValueError, TypeError, RuntimeError) as error:
            raise NodeError(
                f"The model {self.model_name!r} does not take these pictures: {error}",
                fix="Give fewer of them, or another format.",
                code="model/pictures",
                retry=False,
            ) from error
        features = {k: v for k, v in made.items() if k not in ("input_ids", "attention_mask")}
        return Read(text, made["input_ids"][0].tolist(), features)

    @property
    def _vision(self) -> VisionEngine:
        return cast("VisionEngine", self._engine)

    def _check_words(self, chat: Sequence[Mapping[str, Any]]) -> None:
        """Refuse texts with the model's control words: `<image>` would count as a picture."""
        known = [word for word in self.tokenizer_words() if len(word) > 2]
        for turn in chat:
            for part in turn["content"]:
                text = part.get("text", "")
                found = next((word for word in known if word in text), None)
                if found is not None and turn["role"] != "assistant":
                    raise NodeError(
                        f"A text holds {found!r}, a control word of {self.model_name!r}, which "
                        "would be read as more than text.",
                        fix="Take it out of the text.",
                        code="model/control-word",
                        retry=False,
                    )


def _turn(message: Any, pictures: list[Any]) -> dict[str, Any]:
    """A message as a processor's template takes it; its pictures are added to `pictures`."""
    from patchbay.nodes.models.messages import role_of

    content = message.content
    parts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    made: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, str):
            made.append({"type": "text", "text": part})
        elif part.get("type") == "text":
            made.append({"type": "text", "text": str(part.get("text", ""))})
        elif part.get("type") == "image_url":
            pictures.append(_opened(part["image_url"]["url"]))
            made.append({"type": "image"})
        else:
            raise NodeError(
                f"This model reads texts and pictures, but a message holds {part.get('type')!r}.",
                code="model/content",
                retry=False,
            )
    return {"role": role_of(message), "content": made}


def _opened(address: str) -> Any:
    """The picture in a data address."""
    held = address.partition(";base64,")[2]
    try:
        return open_picture(base64.b64decode(held))
    except binascii.Error as error:
        raise NodeError(
            f"A picture cannot be read: {error}.",
            fix="Give it as a data address, with its bytes in base64.",
            code="io/not-a-picture",
            retry=False,
        ) from error

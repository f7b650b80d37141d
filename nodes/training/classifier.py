"""Training a classifier over an encoder: a head on frozen features, or all of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from patchbay.nodes.contract import NodeError
from patchbay.nodes.encoders.classifier import (
    ABOUT,
    BATCH,
    ENCODER,
    HEAD,
    EncoderReader,
    TextClassifier,
    load_reader,
)
from patchbay.nodes.training.place import TrainingPlace, unwritable
from patchbay.nodes.training.watching import Watch
from patchbay.nodes.training.working import alone, random_numbers_given_back
from patchbay.nodes.units import duration
from patchbay.nodes.values import canonical
from patchbay.nodes.weights.refs import Report

if TYPE_CHECKING:
    import torch

TrainingWay = Literal["features", "fine-tuning"]
LabelledText = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """All that the numbers depend on beside encoder and rows."""

    way: TrainingWay
    epochs: int
    rate: float
    batch: int
    max_tokens: int
    seed: int


@dataclass(frozen=True, slots=True)
class ClassifierJob:
    """A training: which encoder by folder and content, on which rows, how."""

    encoder: Path
    encoder_id: str
    rows: Sequence[LabelledText]
    held_out: Sequence[LabelledText]
    settings: ClassifierSettings

    @property
    def labels(self) -> list[str]:
        """What is told apart, in the order of their first rows."""
        return list(dict.fromkeys(label for _, label in self.rows))

    @property
    def place(self) -> TrainingPlace:
        """Where it is kept, by content: the same is not trained twice."""
        s = self.settings
        said = canonical({
            "kind": "classifier", "encoder": self.encoder_id,
            "rows": [list(row) for row in self.rows], "held": [list(r) for r in self.held_out],
            "settings": [s.way, s.epochs, s.rate, s.batch, s.max_tokens, s.seed],
        })  # fmt: skip
        return TrainingPlace(hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:24])


def train_classifier(
    job: ClassifierJob, report: Report, cancelled: threading.Event
) -> dict[str, Any]:
    """Train it, or find it again. Blocks.

    Returns:
        Its record: `curve` (loss by step), `right` (of the rows held out, in their order),
        `trained` and `parameters` (numbers), `seconds`, `size` (bytes that are kept), `cut` (texts
        that are longer than the tokens that it `reads`).

    Raises:
        NodeError: the encoder does not load, or the disk refuses.
    """
    if (known := job.place.record()) is not None:
        return known
    # Another training would draw from the numbers that this one seeds.
    with alone(job.place, Watch(report, cancelled)):
        if (known := job.place.record()) is not None:  # somebody else has done it meanwhile
            return known
        with random_numbers_given_back():
            return _trained(job, report, cancelled)


def _trained(job: ClassifierJob, report: Report, cancelled: threading.Event) -> dict[str, Any]:
    import torch

    report("loading the encoder", 0, None)
    reader = load_reader(job.encoder, job.settings.max_tokens)
    torch.manual_seed(job.settings.seed)
    head = torch.nn.Linear(reader.width, len(job.labels)).to(reader.model.device)
    begun = time.perf_counter()
    made = _Training(job, reader, head, report, cancelled)
    curve = made.features() if job.settings.way == "features" else made.whole()
    seconds = time.perf_counter() - begun
    reader.model.eval()
    classifier = TextClassifier(reader, head.weight.detach(), head.bias.detach(), job.labels)
    report("measuring", 0, None)
    found = classifier.probabilities([text for text, _ in job.held_out])
    best = [job.labels[max(range(len(row)), key=row.__getitem__)] for row in found]
    trained = sum(p.numel() for p in head.parameters())
    whole = sum(p.numel() for p in reader.model.parameters())
    record = {
        "curve": curve,
        "right": [said == label for said, (_, label) in zip(best, job.held_out, strict=True)],
        "trained": trained + (whole if job.settings.way == "fine-tuning" else 0),
        "parameters": whole + trained,
        "cut": reader.too_long([text for text, _ in (*job.rows, *job.held_out)]),
        "reads": reader.max_tokens,
        "seconds": seconds,
    }
    return _keep(job, reader, head, record)


@dataclass(slots=True)
class _Training:
    job: ClassifierJob
    reader: EncoderReader
    head: Any
    report: Report
    cancelled: threading.Event

    def features(self) -> list[float]:
        """A head on vectors that are computed once; the encoder stays as it is."""
        import torch

        texts, wanted = self._rows()
        parts = []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                self._go_on("reading the texts", start, len(texts))
                parts.append(self.reader.vectors(texts[start : start + BATCH]))
        vectors = torch.cat(parts).clone()
        # A logistic regression has one best answer; a little decay keeps it finite.
        optimizer = torch.optim.AdamW(self.head.parameters(), lr=0.02, weight_decay=0.05)
        curve = []
        for step in range(20 * self.job.settings.epochs):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.head(vectors), wanted)
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
            self._go_on("training the head", step + 1, 20 * self.job.settings.epochs)
        return curve

    def whole(self) -> list[float]:
        """Encoder and head together (Devlin et al. 2019, section 4: AdamW, a few epochs)."""
        import torch

        texts, wanted = self._rows()
        settings, model = self.job.settings, self.reader.model
        numbers = [*model.parameters(), *self.head.parameters()]
        optimizer = torch.optim.AdamW(numbers, lr=settings.rate)
        batches = list(self._batches(len(texts)))
        curve, begun = [], time.perf_counter()
        model.train()
        for step, chosen in enumerate(batches):
            rate = settings.rate * (1 - step / len(batches))
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            given = self.head(self.reader.vectors([texts[i] for i in chosen]))
            loss = torch.nn.functional.cross_entropy(given, wanted[chosen])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(numbers, 1.0)
            optimizer.step()
            curve.append(loss.item())
            left = (time.perf_counter() - begun) / (step + 1) * (len(batches) - step - 1)
            self._go_on(f"loss {curve[-1]:.3g}, {duration(left)} left", step + 1, len(batches))
        return curve

    def _rows(self) -> tuple[list[str], torch.Tensor]:
        import torch

        places = {label: at for at, label in enumerate(self.job.labels)}
        device = self.reader.model.device
        wanted = torch.tensor([places[label] for _, label in self.job.rows], device=device)
        return [text for text, _ in self.job.rows], wanted

    def _batches(self, count: int) -> Iterator[list[int]]:
        import torch

        source = torch.Generator().manual_seed(self.job.settings.seed)
        for _ in range(self.job.settings.epochs):
            order = torch.randperm(count, generator=source).tolist()
            for start in range(0, count, self.job.settings.batch):
                yield order[start : start + self.job.settings.batch]

    def _go_on(self, what: str, done: int, total: int) -> None:
        if self.cancelled.is_set():
            raise NodeError("The training was stopped.", code="training/stopped", retry=False)
        self.report(what, done, total)


def _keep(
    job: ClassifierJob, reader: EncoderReader, head: Any, record: dict[str, Any]
) -> dict[str, Any]:
    from safetensors.torch import save_file

    made = job.place.folder / "making"
    try:
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        weights = {"weight": head.weight.detach().contiguous(), "bias": head.bias.detach()}
        save_file(weights, made / HEAD)
        about = {"labels": job.labels, "max_tokens": reader.max_tokens, "way": job.settings.way,
                 "encoder": job.encoder_id}  # fmt: skip
        (made / ABOUT).write_text(json.dumps(about, indent=1), "utf-8")
        if job.settings.way == "fine-tuning":
            reader.model.save_pretrained(made / ENCODER)
            reader.tokenizer.save_pretrained(made / ENCODER)
        size = sum(path.stat().st_size for path in made.rglob("*.safetensors"))
        digest = hashlib.sha256()
        for path in sorted(made.rglob("*.safetensors")):
            digest.update(path.read_bytes())
        whole = {**record, "size": size, "sha256": digest.hexdigest()}
        job.place.end(made, whole)
    except OSError as error:
        raise unwritable(job.place.folder, error) from error
    return whole

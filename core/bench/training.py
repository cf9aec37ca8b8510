"""Training: every frame of a stretch supervised in one pass, against one supervised frame a window.

A step is forward, backward, clipping and AdamW, with the backbone's own adapter and dropout. Ours
builds its forests and batches within the step. The baseline encodes a window for every supervised
frame, plainly causal, so that the fastest kernel applies; its batches lie ready. The generative
classifier learns where a text stands, so its figures count texts; GAD learns a class at every frame
and a text at a share of them.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.attention import dense_mask
from core.attention.blocks import BLOCK
from core.bench.cost_model import Decoder
from core.bench.hardware import Roofline, roofline
from core.bench.label_names import names_of_length
from core.bench.measuring import Report, Row, Settings, Timed, Way, time_in_turns
from core.bench.models import WINDOW, backbone, classifier, frames
from core.classifiers.base import Classifier, Questions
from core.dataset import draw_texts
from core.sequence import Batch, Example, collate

_LABELS, _LABEL_TOKENS = 105, 3
_STRETCH = 512  # supervised frames of an example
_SEGMENT = 16  # frames of an action
_SHARE = 0.125  # of the frames carry a text
_BATCHES = (16, 32)  # windows in a batch
_LARGE = "1B"  # what a GPU trains


def run(settings: Settings) -> Report:
    """Measure supervised frames a second of the three classifiers, and a GPU's utilisation."""
    report, machine = Report("training"), roofline()
    report.figures.append(("matrix products, float32", machine.flops["float32"] / 1e9, "GFLOP/s"))
    for kind in ("discriminative", "gad", "generative"):
        _compare(report, _Learner.of("nano", kind), machine, settings)
    if torch.cuda.is_available():
        _utilisation(report, _Learner.of(_LARGE, "discriminative", "cuda"), settings)
    return report


@dataclass(frozen=True, slots=True)
class _Learner:
    """A classifier with its adapter and optimiser, and what its decoder costs."""

    model: Classifier
    optimizer: torch.optim.Optimizer
    frozen: Decoder

    @classmethod
    def of(cls, shape: str, kind: str, device: str = "cpu") -> "_Learner":
        base = backbone(shape, device=device)
        frozen, card = Decoder.of(base), base.card
        names = names_of_length(base.tokenizer, _LABELS, _LABEL_TOKENS)
        torch.manual_seed(0)
        base.add_adapter(
            rank=card.rank, alpha=card.alpha, dropout=0.05, output=kind != "discriminative"
        )
        model = classifier(kind, base, names).train()
        learned = [p for p in model.parameters() if p.requires_grad]
        return cls(model, torch.optim.AdamW(learned, lr=1e-4, fused=True), frozen)

    @property
    def learned(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def step(self, loss: Tensor) -> None:
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learned, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def flops(self, batch: Batch) -> float:
        """Return what a step must compute: no gradient for frozen weights, thrice the attention."""
        adapter = sum(
            p.numel() for p in self.model.backbone.decoder.parameters() if p.requires_grad
        )
        tokens, pairs = int((batch.kind != 0).sum()), int(dense_mask(batch).sum())
        linear = 4 * self.frozen.weights + 6 * adapter
        return float(tokens * linear + 12 * self.frozen.channels * pairs)


def _questions(model: Classifier, first: int, count: int, seed: int) -> Questions:
    """Ask at `count` frames; where the classifier writes, at a share of them (one frame: there)."""
    rng = np.random.default_rng(seed)
    target = np.repeat(rng.integers(0, _LABELS, -(-count // _SEGMENT)), _SEGMENT)[:count]
    return Questions(
        time=np.arange(first, first + count),
        kind=np.zeros(count, np.int64),
        target=target,
        weight=np.ones(count, np.float32),
        text_weight=draw_texts(target, _SHARE, rng),
        context=tuple(model.classes[i] for i in target),
    )


def _dense_batch(model: Classifier, video: np.ndarray, asked: list[Questions]) -> Batch:
    """Build the batch of a dense step as training does: window - 1 frames in front of each."""
    lead = WINDOW - 1
    examples = [
        Example(video[: lead + len(q.time)], model.readout(q), questions=len(q.time)) for q in asked
    ]
    device = model.tokens.weight.device
    return collate(examples, WINDOW, 1 if device.type == "cpu" else BLOCK).to(device)


def _dense_step(
    learner: _Learner, video: np.ndarray, asked: list[Questions], *, bands: bool = True
) -> None:
    model = learner.model
    batch = _dense_batch(model, video, asked)
    if bands:
        learner.step(model(batch)["loss"])
    else:
        hidden = model.backbone.hidden(model.embed(batch), dense_mask(batch), batch.position)
        learner.step(_loss(model, hidden, batch))


def window_loss(model: Classifier, batch: Batch) -> Tensor:
    """Return the loss of windows that end in their question: plain causal, without a mask."""
    decoder = model.backbone.causal.get_decoder()
    hidden = decoder(inputs_embeds=model.embed(batch), use_cache=False).last_hidden_state
    return _loss(model, hidden, batch)


def _loss(model: Classifier, hidden: Tensor, batch: Batch) -> Tensor:
    return torch.stack(list(model.losses(hidden[:, batch.head :], batch).values())).sum()


def window_batch(model: Classifier, count: int) -> Batch:
    """Return windows of different videos, each with one question behind its last frame."""
    examples = [
        Example(
            frames(model.backbone, WINDOW, seed=i).numpy(),
            model.readout(_questions(model, WINDOW - 1, 1, seed=i)),
        )
        for i in range(count)
    ]
    return collate(examples, WINDOW)


def _windows(learner: _Learner, count: int) -> Way:
    batch = window_batch(learner.model, count)
    name = f"one frame a window, {count} in a batch"
    return Way(name, count, lambda: learner.step(window_loss(learner.model, batch)))


def _compare(report: Report, learner: _Learner, machine: Roofline, settings: Settings) -> None:
    model, kind = learner.model, learner.model.name
    chunks, stretch = (1, 64) if settings.quick else (2, _STRETCH)
    video = frames(model.backbone, WINDOW - 1 + stretch).numpy()
    asked = [_questions(model, WINDOW - 1, stretch, seed=i) for i in range(chunks)]
    supervised, texts = chunks * stretch, sum(int((q.text_weight > 0).sum()) for q in asked)
    counted = texts if kind == "generative" else supervised
    ours, whole, *windows = time_in_turns(
        [
            Way("dense, in bands", counted, partial(_dense_step, learner, video, asked)),
            Way(
                "dense, one mask for the whole chunk", counted,
                partial(_dense_step, learner, video, asked, bands=False),
            ),
            *(_windows(learner, count) for count in ((4,) if settings.quick else _BATCHES)),
        ],
        settings,
    )  # fmt: skip
    best = max(windows, key=lambda timed: timed.rate)
    batch = _dense_batch(model, video, asked)
    bound = counted * machine.flops["float32"] / learner.flops(batch)
    unit = "texts/s" if kind == "generative" else "supervised frames/s"
    aim = 40 if kind == "discriminative" else None
    report.rows += [
        Row(f"training, {kind}, nano", unit, ours, best, aim=aim, bound=bound),
        Row(f"training, {kind}, nano, against one dense mask", unit, ours, whole, bound=bound),
    ]
    if kind == "gad":
        few = replace(ours, work=texts)
        report.rows.append(Row("training, gad, nano, its texts", "texts/s", few, best))
    report.figures.append(
        (f"{kind}: tokens of a stretch of {stretch} frames", batch.kind.shape[1], "tokens")
    )


def _utilisation(report: Report, learner: _Learner, settings: Settings) -> None:
    """Measure how much of a GPU's matrix rate a step of a large decoder uses."""
    model, chunks = learner.model, 2 if settings.quick else 16
    video = frames(model.backbone, WINDOW - 1 + _STRETCH).numpy()
    asked = [_questions(model, WINDOW - 1, _STRETCH, seed=i) for i in range(chunks)]

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            loss = model(_dense_batch(model, video, asked))["loss"]
        learner.step(loss)
        torch.cuda.synchronize()

    timed: Timed = time_in_turns([Way("dense", chunks * _STRETCH, step)], settings)[0]
    flops = learner.flops(_dense_batch(model, video, asked)) * timed.rate / timed.work
    rate = roofline("cuda").flops["bfloat16"]
    report.figures += [
        (f"{_LARGE}, one GPU: supervised frames", timed.rate, "frames/s"),
        (f"{_LARGE}, one GPU: of its measured bfloat16 rate", 100 * flops / rate, "%"),
    ]

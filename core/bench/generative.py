"""One discriminative step against writing a label token by token, one clip, batch 1, nano.

A label of n tokens is written in n + 1, its EOS included. Weights that never learned a label would
not end it there, so both writers are made to write n + 1 tokens that are no EOS: Hugging Face's by
`min_new_tokens`, ours by leaving EOS out of the softmax. What is written is mapped to the nearest
of 105 labels by edit distance in both, with the same function.
"""

from functools import partial

import torch
from torch import Tensor

from core.answers import Answerer
from core.backbones.base import Backbone
from core.bench.label_names import names_of_length
from core.bench.measuring import Report, Row, Settings, time_in_turns
from core.bench.models import WINDOW, backbone, classifier, frames
from core.bench.one_by_one import prompt_embeds
from core.bench.scoring import again, answer_once, read_frames
from core.classifiers.base import Classifier
from core.decoding.greedy import write_freely
from core.decoding.written import Names

_LABELS = 105


def run(settings: Settings) -> Report:
    """Measure answers a second, frames included."""
    report = Report("generative")
    base = backbone("nano")
    for length, aim in ((16, 3), (WINDOW, 2)):
        for tokens in (3, 6):
            _clip(report, base, (length, tokens), aim, settings)
    return report


def _clip(
    report: Report, base: Backbone, sizes: tuple[int, int], aim: float, settings: Settings
) -> None:
    length, tokens = sizes
    names = names_of_length(base.tokenizer, _LABELS, tokens)
    one_step = Answerer(classifier("discriminative", base, names))
    writer = classifier("generative", base, names)
    writer.competing = torch.arange(base.vocabulary) != base.eos
    video, nearest = frames(base, length), Names(names)
    ours, hugging, own = time_in_turns(
        [
            again("one step at [CLS]", 1, partial(answer_once, one_step, video)),
            again(
                "Hugging Face generate, greedy, with its cache", 1,
                lambda: nearest.nearest([write_hugging(writer, video, tokens + 1)]),
            ),
            again(
                "our greedy decoder", 1,
                lambda: nearest.nearest([write_ours(writer, video, tokens + 1)]),
            ),
        ],
        settings,
    )  # fmt: skip
    what = f"discriminative, {length} frames, label of {tokens} tokens and EOS, against"
    report.rows += [
        Row(f"{what} generate + edit distance", "answers/s", ours, hugging, aim),
        Row(f"{what} our greedy + edit distance", "answers/s", ours, own, aim),
    ]


@torch.inference_mode()
def write_hugging(writer: Classifier, video: Tensor, tokens: int) -> str:
    """Write exactly so many tokens with the library's own loop, from the same prompt."""
    base = writer.backbone
    embeds = prompt_embeds(writer, video)
    ids = base.causal.generate(  # pyright: ignore[reportCallIssue]
        inputs_embeds=embeds,
        attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long),
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        do_sample=False,
        use_cache=True,
        pad_token_id=base.eos,
    )
    return writer.codec.text(ids[0].tolist())


@torch.inference_mode()
def write_ours(writer: Classifier, video: Tensor, tokens: int) -> str:
    """Write exactly so many tokens with the decoder `greedy`'s loop, where EOS does not compete."""
    ids, _ = write_freely(writer, read_frames(writer, video), writer.prompt(0)[-1], tokens)
    return writer.codec.text(ids[0])

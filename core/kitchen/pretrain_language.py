"""Stage 2 of nano's pre-training: connector and decoder learn to describe what the tower sees.

The same readout sequence as in use: frames under the window's mask, captions as readout chains at
random frames, one random offset a video. The tower is frozen; its features are computed once.
"""

import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import cos, pi
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file as load_arrays, save_file as save_arrays
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, ResNetModel

from core.backbones.base import Backbone, BackboneCard, Connector
from core.backbones.composed import normalised, pool_grid
from core.classifiers.base import ReadoutModel
from core.kitchen.captions import QUESTIONS, caption, corpus
from core.kitchen.footage import Footage, shoot_video
from core.kitchen.pretrain_state import load_state, save_state
from core.kitchen.pretrain_tower import GRID
from core.kitchen.render import Glimpse
from core.sequence import IGNORE, Batch, Example, Forest, collate

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LanguageRecipe:
    """What decides connector and decoder."""

    videos: int = 600
    steps: int = 2000
    batch: int = 6
    captions: int = 20  # in one video and step
    lr: float = 2e-3
    weight_decay: float = 0.02
    vocabulary: int = 412
    width: int = 192
    layers: int = 4
    seed: int = 0


def train_tokenizer(vocabulary: int) -> Any:
    """Train a byte-level BPE on the kitchen's words; equal words give equal merges everywhere."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "</s>", *QUESTIONS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


@dataclass(frozen=True, slots=True)
class Watched:
    """One rendered video as the tower saw it, with what was true of every frame."""

    features: NDArray[np.float16]
    seen: tuple[Glimpse, ...]


def watch(
    tower: ResNetModel, keys: Sequence[str], rate: float, folder: Path, workers: int
) -> list[Watched]:
    """Render videos in worker processes and encode them here; features are kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{key.replace('/', '-')}.safetensors" for key in keys]
    found = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        shots = pool.map(_shoot, keys, [rate] * len(keys), [not path.exists() for path in paths])
        for number, (path, shot) in enumerate(zip(paths, shots, strict=True), start=1):
            if shot.pictures is not None:
                save_arrays({"features": _encode(tower, shot.pictures)}, path)
            found.append(Watched(load_arrays(path)["features"], shot.seen))
            if number % 40 == 0:
                log.info("watched %d/%d videos", number, len(keys))
    return found


def _shoot(key: str, rate: float, pictures: bool) -> Footage:
    return shoot_video(key, rate, pictures=pictures)


@torch.inference_mode()
def _encode(tower: ResNetModel, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
    device = next(tower.parameters()).device
    parts = []
    for start in range(0, len(pictures), 64):
        pixels = normalised(torch.from_numpy(pictures[start : start + 64]).to(device))
        maps = tower(pixels.to(memory_format=torch.channels_last)).last_hidden_state
        parts.append(pool_grid(maps, GRID).half().cpu().numpy())
    return np.concatenate(parts)[:, None]


def new_backbone(recipe: LanguageRecipe, card: BackboneCard) -> Backbone:
    """Return an untrained connector and Llama with a fresh tokenizer."""
    torch.manual_seed(recipe.seed)
    tokenizer = train_tokenizer(recipe.vocabulary)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.width * 8 // 3,
        num_hidden_layers=recipe.layers,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=card.max_position,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    decoder = LlamaForCausalLM(config)
    decoder.set_attn_implementation("sdpa")
    connector = Connector(card.feature_width, recipe.width)
    backbone = Backbone(card, connector, decoder, tokenizer)
    backbone.decoder.requires_grad_(True)
    return backbone


def described(watched: Watched, tokenizer: Any, captions: int, rng: Random) -> tuple[Forest, int]:
    """Ask random questions at random frames; return the forest and the number of texts."""
    forest, eos = Forest(), int(tokenizer.eos_token_id)
    times = sorted(rng.randrange(len(watched.seen)) for _ in range(captions))
    for at in times:
        question = rng.choices(QUESTIONS, weights=(5, 3, 1, 1))[0]
        text = caption(question, watched.seen[at], rng)
        ids = tokenizer.encode(f" {text}", add_special_tokens=False)
        forest.add_text(int(tokenizer.convert_tokens_to_ids(question)), [*ids, eos], at)
    return forest, len(times)


def _batch(
    videos: list[Watched],
    model: ReadoutModel,
    recipe: LanguageRecipe,
    rng: Random,
    *,
    draw: bool = True,
) -> Batch:
    card, tokenizer = model.backbone.card, model.backbone.tokenizer
    examples = []
    for watched in videos:
        forest, count = described(watched, tokenizer, recipe.captions, rng)
        room = card.max_position - len(watched.features) - 64
        offset = rng.randrange(room) if draw else 0
        examples.append(Example(watched.features, forest.done(), offset=offset, questions=count))
    return collate(examples, round(card.window_s * card.rate))


def train_language(
    recipe: LanguageRecipe,
    tower: ResNetModel,
    card: BackboneCard,
    folder: Path,
    *,
    workers: int = 1,
) -> tuple[Backbone, dict[str, float]]:
    """Train (or continue to train) connector and decoder; returns them with held-out figures."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tower.to(device)  # pyright: ignore[reportArgumentType]
    cache = folder / f"features-{card.rate:g}"
    keys = [f"language/{recipe.seed}/{number}" for number in range(recipe.videos)]
    videos = watch(tower, keys, card.rate, cache, workers)
    unseen = [f"held/{recipe.seed}/{number}" for number in range(24)]
    held = watch(tower, unseen, card.rate, cache, workers)
    model = ReadoutModel(new_backbone(recipe, card), 1).to(device)
    parameters = [p for p in model.backbone.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, recipe.lr, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
    )
    state = folder / "language.safetensors"
    begin = load_state(state, model, optimiser) if state.exists() else 0
    figures: dict[str, float] = {}
    started = time.monotonic()
    for step in range(begin, recipe.steps):
        rng = Random(f"step/{recipe.seed}/{step}")
        warm = min(1.0, (step + 1) / 100)
        for group in optimiser.param_groups:
            group["lr"] = recipe.lr * warm * (0.02 + 0.98 * (1 + cos(pi * step / recipe.steps)) / 2)
        model.train()
        batch = _batch(rng.sample(videos, recipe.batch), model, recipe, rng).to(device)
        loss = model.text_loss(model.hidden(batch), batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if step % 200 == 199 or step == recipe.steps - 1:
            figures = evaluate(model, held, recipe)
            row = {"step": step + 1, "of": recipe.steps, "loss": float(loss.detach()), **figures}
            row["minutes"] = (time.monotonic() - started) / 60
            log.info("language %s", " ".join(f"{k} {v:.3f}" for k, v in row.items()))
            with (folder / "language.jsonl").open("a") as out:
                out.write(json.dumps(row) + "\n")
            save_state(state, model, optimiser, step + 1)
    return model.backbone.cpu().eval(), figures or evaluate(model, held, recipe)


@torch.inference_mode()
def evaluate(model: ReadoutModel, held: list[Watched], recipe: LanguageRecipe) -> dict[str, float]:
    """Return cross-entropy per text and token accuracy on videos never trained on, per question."""
    model.eval()
    device = model.tokens.weight.device
    rng = Random("held-out captions")
    losses: list[float] = []
    right: dict[int, list[Tensor]] = {}
    roots = {int(model.backbone.tokenizer.convert_tokens_to_ids(q)): q for q in QUESTIONS}
    for start in range(0, len(held), 6):
        batch = _batch(held[start : start + 6], model, recipe, rng, draw=False).to(device)
        hidden = model.hidden(batch)
        losses.append(float(model.text_loss(hidden, batch)))
        best = model.backbone.logits(hidden).argmax(-1)
        kind = torch.zeros_like(batch.token)
        for column in range(batch.token.shape[1]):
            token = batch.token[:, column]
            is_root = torch.isin(token, torch.tensor(list(roots), device=device))
            previous = kind[:, column - 1] if column else torch.zeros_like(token)
            kind[:, column] = torch.where(is_root, token, previous)
        taught = batch.text_target != IGNORE
        for root in roots:
            rows = taught & (kind == root)
            right.setdefault(root, []).append((best[rows] == batch.text_target[rows]).float())
    accuracy = {f"{roots[r]} token accuracy": float(torch.cat(v).mean()) for r, v in right.items()}
    return {"caption loss": float(np.mean(losses)), **accuracy}

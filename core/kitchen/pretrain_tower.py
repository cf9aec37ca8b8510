"""Stage 1 of nano's pre-training: a small convolutional tower learns to see the kitchen.

Frames are rendered on the fly, pass through the same `letterbox` as decoded video after an
imitation of its compression, and are supervised with what is true of them: motion, thing, hand,
tilt, what stands about, and the trace of the action before. Held-out things and motions never
appear. Every shard of frames is a pure function of (seed, shard), so a stopped run continues as if
it had not been stopped.
"""

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from math import cos, pi
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import ResNetConfig, ResNetModel

from core.backbones.composed import normalised, pool_grid
from core.kitchen.footage import shoot_moments
from core.kitchen.pretrain_state import load_state, save_state
from core.kitchen.render import Glimpse
from core.kitchen.stage import HEIGHT, WIDTH
from core.kitchen.world import APPEARANCES, VARIANTS, Motion

log = logging.getLogger(__name__)

GRID = (2, 3)
"""Rows and columns into which the tower's map is averaged; the cells are concatenated."""

MOTIONS = ["nothing", *Motion]
THINGS = ["nothing", *APPEARANCES]
_CHANNELS = (32, 64, 128, 128)
FEATURE_WIDTH = _CHANNELS[-1] * GRID[0] * GRID[1]
_FRAMES_PER_SCRIPT = 12
_SCRIPTS_PER_SHARD = 96
_REUSE = 3  # shards in play at a time; each is seen this often


@dataclass(frozen=True, slots=True)
class TowerRecipe:
    """What decides a tower."""

    frames: int = 500_000
    batch: int = 64
    lr: float = 2.5e-3
    weight_decay: float = 0.02
    seed: int = 0


Shard = dict[str, NDArray]


def new_tower() -> ResNetModel:
    """Return an untrained tower: basic blocks, 1.3 M parameters."""
    return ResNetModel(
        ResNetConfig(
            embedding_size=32,
            hidden_sizes=list(_CHANNELS),
            depths=[1, 2, 2, 2],
            layer_type="basic",
        )
    )


def _targets(seen: Glimpse) -> tuple[list[int], list[float], list[int]]:
    action, last = seen.action, seen.last
    classes = [
        MOTIONS.index(action.motion) if action else 0,
        THINGS.index(action.thing) if action else 0,
        MOTIONS.index(last.motion) if last else 0,
        THINGS.index(last.thing) if last else 0,
        seen.variant if action else -100,
    ]
    tilt = seen.tilt / 180
    places = [seen.hand[0] / WIDTH - 0.5, seen.hand[1] / HEIGHT - 0.5, tilt, seen.phase - 0.5]
    present = [int(thing in seen.present) for thing in THINGS]
    return classes, places, present


def render_shard(seed: int, index: int) -> Shard:
    """Render one shard: moments of many scripts with what is true of them."""
    footage = [
        shoot_moments(f"tower/{seed}/{index}/{number}", _FRAMES_PER_SCRIPT)
        for number in range(_SCRIPTS_PER_SHARD)
    ]
    classes, places, present = zip(
        *(_targets(glimpse) for one in footage for glimpse in one.seen), strict=True
    )
    return {
        "pixels": np.concatenate([one.pictures for one in footage if one.pictures is not None]),
        "classes": np.array(classes, np.int64),
        "places": np.array(places, np.float32),
        "present": np.array(present, np.float32),
    }


class TowerWithHeads(nn.Module):
    """The tower and the linear read-outs that teach it; only the tower is kept."""

    SIZES = (len(MOTIONS), len(THINGS), len(MOTIONS), len(THINGS), VARIANTS)

    def __init__(self) -> None:
        super().__init__()
        self.tower = new_tower()
        width = FEATURE_WIDTH
        self.norm = nn.LayerNorm(width)
        self.classes = nn.ModuleList(nn.Linear(width, size) for size in self.SIZES)
        self.places = nn.Linear(width, 4)
        self.present = nn.Linear(width, len(THINGS))

    def forward(self, pixels: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return class logits, places and presence logits. `pixels`: uint8 [B, H, W, 3]."""
        with torch.autocast(pixels.device.type, torch.bfloat16):  # twice the speed, also on a CPU
            maps = self.tower(normalised(pixels)).last_hidden_state
        x = self.norm(pool_grid(maps.float(), GRID))
        return [head(x) for head in self.classes], self.places(x), self.present(x)

    def loss(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted sum of all losses, and accuracies worth a look."""
        logits, places, present = self(batch["pixels"])
        weights = (1.0, 1.0, 0.3, 0.5, 0.2)
        parts = [
            w * F.cross_entropy(scores, batch["classes"][:, i], ignore_index=-100)
            for i, (w, scores) in enumerate(zip(weights, logits, strict=True))
        ]
        parts.append(4.0 * F.smooth_l1_loss(places, batch["places"], beta=0.05))
        parts.append(F.binary_cross_entropy_with_logits(present, batch["present"]))
        names = ("motion", "thing", "last motion", "last thing", "variant")
        with torch.no_grad():
            seen = {
                name: float((scores.argmax(1) == batch["classes"][:, i]).float().mean())
                for i, (name, scores) in enumerate(zip(names, logits, strict=True))
            }
            seen["hand px"] = float((places - batch["places"])[:, 0].abs().mean() * WIDTH)
        return torch.stack(parts).sum(), seen


def _shards(recipe: TowerRecipe, first: int, last: int, workers: int) -> Iterator[Shard]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: list[Future[Shard]] = []
        ahead = first
        for index in range(first, last):
            while ahead < min(last, index + workers + 2):
                waiting.append(pool.submit(render_shard, recipe.seed, ahead))
                ahead += 1
            yield waiting.pop(0).result()


def train_tower(recipe: TowerRecipe, folder: Path, *, workers: int = 1) -> ResNetModel:
    """Train (or continue to train) the tower; returns it in evaluation mode.

    Writes `tower.safetensors` (the resumable state) and `tower.jsonl` (the curve) into `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    model = TowerWithHeads().to(device)
    optimiser = torch.optim.AdamW(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    per_shard = _FRAMES_PER_SCRIPT * _SCRIPTS_PER_SHARD
    groups = max(_REUSE, round(recipe.frames / per_shard / _REUSE) + _REUSE - 1)
    state = folder / "tower.safetensors"
    begin = load_state(state, model, optimiser) if state.exists() else 0
    started = time.monotonic()
    held = {k: torch.from_numpy(v) for k, v in render_shard(recipe.seed + 1, 0).items()}
    pool: list[Shard] = []
    first = max(0, begin - _REUSE + 1)
    for index, shard in enumerate(_shards(recipe, first, groups, workers), start=first):
        pool = [*pool, shard][-_REUSE:]
        if index < begin:
            continue
        loss = _one_group(model, optimiser, pool, recipe, index, groups, device)
        if index % 10 == 9 or index == groups - 1:
            seen = evaluate(model, held, device)
            rest = " ".join(f"{k} {v:.3f}" for k, v in seen.items())
            minutes = (time.monotonic() - started) / 60
            log.info("tower %d/%d  %.1f min  loss %.3f  %s", index + 1, groups, minutes, loss, rest)
            row = {"group": index + 1, "of": groups, "minutes": minutes, "loss": loss, **seen}
            with (folder / "tower.jsonl").open("a") as out:
                out.write(json.dumps(row) + "\n")
            save_state(state, model, optimiser, index + 1)
    return model.tower.eval().cpu()


def _one_group(
    model: TowerWithHeads,
    optimiser: torch.optim.Optimizer,
    pool: list[Shard],
    recipe: TowerRecipe,
    index: int,
    groups: int,
    device: torch.device,
) -> float:
    """Train on as many frames as one shard holds times the shards in play; return the mean loss."""
    model.train()
    data = {k: np.concatenate([shard[k] for shard in pool]) for k in pool[0]}
    order = np.random.default_rng([recipe.seed, index]).permutation(len(data["pixels"]))
    total, steps = 0.0, len(order) // recipe.batch
    for step in range(steps):
        share = (index + step / steps) / groups
        warm = min(1.0, (index * steps + step + 1) / 200)
        for group in optimiser.param_groups:
            group["lr"] = recipe.lr * warm * (0.01 + 0.99 * (1 + cos(pi * share)) / 2)
        rows = order[step * recipe.batch : (step + 1) * recipe.batch]
        batch = {k: torch.from_numpy(v[rows]).to(device) for k, v in data.items()}
        loss, _ = model.loss(batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        total += float(loss.detach())
    return total / max(steps, 1)


@torch.inference_mode()
def evaluate(
    model: TowerWithHeads, held: dict[str, Tensor], device: torch.device
) -> dict[str, float]:
    """Return the read-outs' accuracy on scripts that training never saw."""
    model.eval()
    sums: dict[str, float] = {}
    for start in range(0, len(held["pixels"]), 256):
        batch = {k: v[start : start + 256].to(device) for k, v in held.items()}
        _, seen = model.loss(batch)
        for name, value in seen.items():
            sums[name] = sums.get(name, 0.0) + value * len(batch["pixels"])
    return {name: value / len(held["pixels"]) for name, value in sums.items()}

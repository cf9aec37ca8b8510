"""Is the dense pass as accurate as the official protocol? Seeds, one kitchen world, one window.

python scripts/compare_protocols.py WORK_FOLDER [--seeds 5] [--window 148] [--out FILE.json]

For every seed a discriminative run is trained densely and answers the test videos twice: densely,
and by the official protocol (the window encoded again for every frame, positions from the window's
start). Up to the window's length both are one function; beyond it they are not. A second classifier
is trained the official way, on windows, for as many CPU seconds, and answers the official way.
Differences of frame accuracy are paired by seed and video; intervals come from a bootstrap over
both.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from core.backbones import default_rate
from core.bench.models import WINDOW
from core.bench.official import answer_windows
from core.classifiers.discriminative import DiscriminativeClassifier
from core.config import RunConfig
from core.reproduction.footage import reels, shoot, world_data
from core.reproduction.plan import NATIVE
from core.run_folder import build_classifier, load_run, recipe_of
from core.tasks.online_detection import frame_targets
from core.training import train
from core.training_data import TrainingData

_BATCH = 16


def official(model: DiscriminativeClassifier, frames: torch.Tensor, window: int) -> np.ndarray:
    """Answer after every frame, each from a window of its own. [T, k, d] -> class [T]."""
    found = [answer_windows(model, frames[None, : t + 1]) for t in range(min(window, len(frames)))]
    whole = frames.unfold(0, window, 1).movedim(-1, 1) if len(frames) > window else frames[:0]
    for start in range(1, len(whole), _BATCH):
        found.append(answer_windows(model, whole[start : start + _BATCH]))
    return torch.cat(found).argmax(-1).numpy()


def train_on_windows(
    config: RunConfig, data: TrainingData, cpu_seconds: float
) -> DiscriminativeClassifier:
    """Train as the official code does: a batch of windows, one supervised frame each."""
    model = build_classifier(config, data.labels)
    assert isinstance(model, DiscriminativeClassifier)
    recipe = recipe_of(config, model.backbone.card)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=recipe.lr, weight_decay=config.training.weight_decay)
    rng = np.random.default_rng(config.training.seed)
    known = [
        (torch.from_numpy(f.features), frame_targets(v, f.time_us, data.labels))
        for v, f in data.train
    ]
    model.train()
    begun = time.process_time()
    while (done := (time.process_time() - begun) / cpu_seconds) < 1:
        length = int(rng.choice([recipe.window, rng.integers(1, recipe.window)]))  # as videos begin
        drawn = [known[i] for i in rng.integers(0, len(known), _BATCH)]
        drawn = [pair for pair in drawn if len(pair[0]) >= length]
        if not drawn:
            continue
        ends = [int(rng.integers(length, len(f) + 1)) for f, _ in drawn]
        windows = torch.stack([f[e - length : e] for (f, _), e in zip(drawn, ends, strict=True)])
        target = torch.tensor([t[e - 1] for (_, t), e in zip(drawn, ends, strict=True)])
        rate = min(1.0, 10 * done) * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimiser.param_groups:
            group["lr"] = recipe.lr * rate
        loss = F.nll_loss(_log_p(model, windows), target, ignore_index=-100)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, config.training.clip)
        optimiser.step()
    return model.eval()


def _log_p(model: DiscriminativeClassifier, windows: torch.Tensor) -> torch.Tensor:
    backbone, rows = model.backbone, len(windows)
    ids = torch.full((rows, 1), backbone.start)
    asked = model.embed_tokens(torch.full_like(ids, int(model.root or 0)))
    embeds = torch.cat([backbone.embed(ids), model.embed_frames(windows), asked], 1)
    out = backbone.causal.get_decoder()(inputs_embeds=embeds, use_cache=False)
    return model.log_probabilities(out.last_hidden_state[:, -1])


def one_seed(seed: int, steps: int, window: int, paths: list[Path], work: Path) -> dict[str, Any]:
    """Train and test one seed: right answers per video, for each of the three ways."""
    rate = default_rate("nano")
    data, test = world_data(NATIVE, seed, paths, rate)
    settings = {"steps": steps, "batch": 4, "seed": seed, "checkpoint_every_s": 1e6}
    config = RunConfig.read(
        {"classifier": "discriminative", "window_s": window / rate, "training": settings}
    )
    folder, begun = work / f"dense-{window}-{seed}", time.process_time()
    train(config, data, folder)
    seconds = time.process_time() - begun
    run = load_run(folder, merge=True)
    assert isinstance(run.classifier, DiscriminativeClassifier)
    windowed = train_on_windows(config, data, seconds)
    predictor = run.predictor()
    cost = predictor.measure(test[0][1], 1)
    found: dict[str, Any] = {"seed": seed, "cpu_seconds": seconds, "videos": []}
    for video, features in test:
        truth = frame_targets(video, features.time_us, data.labels)
        frames = torch.from_numpy(features.features)
        dense = predictor.predict(video, features, cost).predicted
        answers = {
            "dense": dense,
            "official": official(run.classifier, frames, window),
            "trained on windows": official(windowed, frames, window),
        }
        right = {name: int((said == truth).sum()) for name, said in answers.items()}
        found["videos"].append({"frames": len(truth), **right})
    return found


def difference(found: list[dict[str, Any]], first: str, second: str) -> dict[str, float]:
    """Return the difference of frame accuracy in points with its interval over seeds and videos."""

    def table(name: str) -> np.ndarray:
        return np.array([[video[name] for video in seed["videos"]] for seed in found], float)

    gained, frames = table(first) - table(second), table("frames")
    rng, drawn = np.random.default_rng(0), []
    for _ in range(10_000):
        pick = np.ix_(
            rng.integers(0, len(gained), len(gained)),
            rng.integers(0, gained.shape[1], gained.shape[1]),
        )
        drawn.append(100 * gained[pick].sum() / frames[pick].sum())
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "value": 100 * gained.sum() / frames.sum(), "low": float(low), "high": float(high),
        first: 100 * table(first).sum() / frames.sum(),
        second: 100 * table(second).sum() / frames.sum(),
    }  # fmt: skip


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--window", type=int, default=WINDOW)
    parser.add_argument("--out", type=Path, default=Path("docs/performance/protocols.json"))
    options = parser.parse_args()
    paths = [shoot(NATIVE.pixels, r, options.work / "features") for r in reels(NATIVE.pixels)]
    found: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        found.append(one_seed(seed, options.steps, options.window, paths, options.work))
        said = {
            f"{a} - {b}": difference(found, a, b)
            for a, b in (("dense", "official"), ("dense", "trained on windows"))
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({"differences": said, "seeds": found}, indent=1) + "\n")
        print(seed, json.dumps(said))  # noqa: T201


if __name__ == "__main__":
    main()

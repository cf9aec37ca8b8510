"""Pre-train nano from scratch, one command: `python -m core.kitchen.pretrain WORK_FOLDER`.

Two stages, both resumable by calling the command again: the tower (`pretrain_tower.py`), then
connector and decoder (`pretrain_language.py`). The result is written to `--out` as half-precision
safetensors with a model card. A GPU is used where there is one; `--scale` trains longer.
"""

import argparse
import json
import logging
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import ResNetModel

from core.backbones.base import Backbone, BackboneCard
from core.kitchen.footage import INPUT_HEIGHT, INPUT_WIDTH
from core.kitchen.pretrain_language import LanguageRecipe, train_language
from core.kitchen.pretrain_tower import (
    FEATURE_WIDTH,
    GRID,
    TowerRecipe,
    train_tower,
)
from core.kitchen.world import HELD_OUT_MOTIONS, HELD_OUT_THINGS, NOUNS, VERBS

log = logging.getLogger(__name__)


def new_card() -> BackboneCard:
    """Return nano's card; its revision is known once the weights are written."""
    return BackboneCard(
        name="nano", revision="", licence="Apache-2.0", rate=4.0, window_s=16.0, tokens_per_frame=1,
        feature_width=FEATURE_WIDTH, max_position=16384, rank=32, alpha=64, lr=2e-3,
    )  # fmt: skip


def write_backbone(backbone: Backbone, tower: ResNetModel, folder: Path) -> None:
    """Write tower, connector, decoder and `backbone.json`, in half precision."""
    tower.half().save_pretrained(folder / "tower")
    backbone.causal.half().save_pretrained(folder / "decoder")
    (folder / "decoder" / "generation_config.json").unlink(missing_ok=True)
    backbone.tokenizer.save_pretrained(folder / "decoder")
    connector = {k: v.half().contiguous() for k, v in backbone.connector.state_dict().items()}
    save_file(connector, folder / "connector.safetensors")
    card = asdict(backbone.card)
    del card["revision"]
    settings = {
        "kind": "composed",
        "card": card,
        "input": {"width": INPUT_WIDTH, "height": INPUT_HEIGHT, "grid": list(GRID)},
    }
    (folder / "backbone.json").write_text(json.dumps(settings, indent=1) + "\n")


def write_model_card(folder: Path, facts: dict[str, object]) -> None:
    """Write what nano is, how it was made and how well it sees."""
    size = sum(p.stat().st_size for p in folder.rglob("*.safetensors")) / 1e6
    things = ", ".join(sorted(NOUNS[t] for t in HELD_OUT_THINGS))
    motions = ", ".join(sorted(VERBS[m] for m in HELD_OUT_MOTIONS))
    lines = [
        "# nano", "",
        "The embedded backbone of GAD Studio: a small vision-language model that knows the kitchen "
        "world and nothing else. It exists so that everything runs on two CPU cores without a "
        "download. It sees real video poorly: use another backbone for that.", "",
        f"- **Size**: {size:.1f} MB of safetensors (half precision); tower "
        f"{facts['tower parameters']:,} parameters, connector {facts['connector parameters']:,}, "
        f"decoder {facts['decoder parameters']:,}.",
        f"- **Input**: {INPUT_WIDTH} x {INPUT_HEIGHT} px, 4 frames a second, one token "
        f"a frame: the tower's map averaged into {GRID[0]} x {GRID[1]} cells.",
        "- **Data**: rendered on the fly by `core/kitchen`; no recorded video.",
        f"- **Held out**: things ({things}) and motions ({motions}) of the demo's label set never "
        "appear in pre-training: not as action, not as clutter, not in a caption. Their words are "
        "in the tokenizer. All other things and motions of the world were seen.",
        "- **Made by**: `python -m core.kitchen.pretrain WORK_FOLDER`",
        f"- **Tower recipe**: {facts['tower recipe']}",
        f"- **Language recipe**: {facts['language recipe']}",
        f"- **Trained on**: {facts['device']}, torch {torch.__version__}",
        "- **Licence**: Apache-2.0", "",
        "## How well it sees", "",
        "Linear read-outs of the tower from one frame, on rendered scripts that training never "
        "saw, over the whole range of difficulty (motion is only partly visible in one frame):", "",
        *(f"- {name}: {value:.3f}" for name, value in facts["tower figures"].items()), "",  # pyright: ignore
        "The language model's captions on held-out videos, teacher-forced:", "",
        *(f"- {name}: {value:.3f}" for name, value in facts["language figures"].items()), "",  # pyright: ignore
    ]  # fmt: skip
    (folder / "README.md").write_text("\n".join(lines))


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def pretrain(work: Path, out: Path, *, scale: float = 1.0, workers: int = 1) -> None:
    """Run both stages and write the backbone."""
    started = time.monotonic()
    seen, spoken = TowerRecipe(), LanguageRecipe()
    seen = replace(seen, frames=round(seen.frames * scale))
    spoken = replace(
        spoken,
        videos=max(8, round(spoken.videos * scale)),
        steps=max(10, round(spoken.steps * scale)),
    )
    tower = train_tower(seen, work, workers=workers)
    last = (work / "tower.jsonl").read_text().splitlines()[-1]
    tower_figures = {
        k: v for k, v in json.loads(last).items() if k not in ("group", "of", "minutes", "loss")
    }
    # What is shipped in half precision is what language learns to read.
    tower = tower.half().float()
    backbone, figures = train_language(spoken, tower, new_card(), work, workers=workers)
    write_backbone(backbone, tower.cpu(), out)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    write_model_card(
        out,
        {
            "tower parameters": _count(tower),
            "connector parameters": _count(backbone.connector),
            "decoder parameters": _count(backbone.causal),
            "tower recipe": asdict(seen),
            "language recipe": asdict(spoken),
            "tower figures": tower_figures,
            "language figures": figures,
            "device": device,
        },
    )
    log.info("nano written to %s after %.1f min", out, (time.monotonic() - started) / 60)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the resumable state")
    parser.add_argument(
        "--out", type=Path, help="folder of the finished backbone (default: WORK/nano)"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="length of the training, 1 = shipped"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--threads", type=int, default=0, help="torch threads, 0 = all cores")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    pretrain(
        options.work,
        options.out or options.work / "nano",
        scale=options.scale,
        workers=options.workers,
    )


if __name__ == "__main__":
    main()

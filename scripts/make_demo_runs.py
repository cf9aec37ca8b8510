"""Make the demo project's shipped runs: one of each classifier, trained on the demo's videos.

python scripts/make_demo_runs.py WORK_FOLDER [--seed 0]

Videos and features are kept in WORK_FOLDER; the runs replace those in `core/kitchen/demo_runs`, in
half precision. Their figures on the test split are printed.
"""

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

from analysis.metrics import evaluate_frames
from analysis.significance import intervals
from core.classifiers import CLASSIFIERS
from core.config import RunConfig
from core.features import FeatureCache
from core.kitchen import DEMO_RUNS
from core.kitchen.demo import FPS, demo_labels, demo_path, demo_scripts
from core.kitchen.render import render
from core.run_folder import load_run
from core.tasks.online_detection import frame_targets
from core.training import train
from core.training_data import TrainingData, VideoWithFeatures
from core.types import LabelledVideo
from core.video import probe, write_mp4


def demo_videos(work: Path) -> list[LabelledVideo]:
    """Render the demo's videos, unless they are there, and return them with their labels."""
    found = []
    for script, split in demo_scripts():
        path = demo_path(work / "videos", script)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_mp4(path, render(script, FPS), FPS)
        info = probe(path)
        found.append(
            LabelledVideo(
                script.name, path, info.content_hash, info.duration_us, script.segments,
                split=split, goal=script.task.name,
            )
        )  # fmt: skip
    return found


def halve(folder: Path) -> None:
    """Store weights in half precision; they are read back as single."""
    for path in folder.rglob("*.safetensors"):
        save_file({k: v.half() for k, v in load_file(path).items()}, path)


def score(folder: Path, test: list[VideoWithFeatures]) -> None:
    """Print a run's figures on the test split with intervals over videos."""
    run = load_run(folder, merge=True)
    predictor = run.predictor()
    cost = predictor.measure(test[0][1])
    truth, predicted = {}, {}
    for video, features in test:
        truth[video.name] = frame_targets(video, features.time_us, run.labels)
        predicted[video.name] = predictor.predict(video, features, cost).predicted
    report = evaluate_frames(truth, predicted, fps=run.recipe.rate, classes=run.classifier.classes)
    for key, found in intervals(report).items():
        print(f"  {key:<20} {found.value:5.1f}  [{found.low:.1f}, {found.high:.1f}]")  # noqa: T201
    print(f"  one answer: {cost.ms:.1f} ms, {cost.passes:g} passes, {cost.tokens:g} tokens")  # noqa: T201


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=DEMO_RUNS)
    options = parser.parse_args()
    videos = demo_videos(options.work)
    cache = FeatureCache(options.work / "features", "nano")
    cache.compute(videos)
    known = {
        split: [(video, cache.load(video)) for video in videos if video.split == split]
        for split in ("train", "val", "test")
    }
    data = TrainingData(demo_labels(), known["train"], known["val"], {"videos": "demo"})
    for name in CLASSIFIERS:
        folder = options.out / name
        shutil.rmtree(folder, ignore_errors=True)
        config = RunConfig.read({"classifier": name, "training": {"seed": options.seed}})
        ended = train(config, data, folder)
        halve(folder)
        print(f"{name}: {ended.steps} steps, kept {ended.kept}")  # noqa: T201
        score(folder, known["test"])


if __name__ == "__main__":
    main()

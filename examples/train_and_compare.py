"""Train two classifiers and compare them, with `core` and `analysis` alone: no app, no database.

python examples/train_and_compare.py WORK_FOLDER [STEPS]

Videos are rendered from the built-in kitchen; use your own by making `LabelledVideo`s of them.
"""

import sys
from pathlib import Path

from analysis.metrics import evaluate_frames
from analysis.significance import compare
from core.config import RunConfig
from core.features import FeatureCache
from core.kitchen.recipes import DEMO_TASKS
from core.kitchen.render import render
from core.kitchen.scripts import native_labels, write_script
from core.run_folder import load_run
from core.tasks.online_detection import frame_targets
from core.training import train
from core.training_data import TrainingData
from core.types import LabelledVideo
from core.video import probe, write_mp4

FPS = 12


def render_videos(folder: Path, count: int) -> list[LabelledVideo]:
    """Render some kitchen videos with their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = []
    for number in range(count):
        task = list(DEMO_TASKS.values())[number % len(DEMO_TASKS)]
        script = write_script(task, f"example/{number}", name=f"{number:02d}.mp4")
        path = folder / script.name
        if not path.exists():
            write_mp4(path, render(script, FPS), FPS)
        info = probe(path)
        videos.append(
            LabelledVideo(script.name, path, info.content_hash, info.duration_us, script.segments)
        )
    return videos


def main(work: Path, steps: int) -> None:
    """Train on the first videos, compare on the last two."""
    videos, labels = render_videos(work / "videos", 7), native_labels(DEMO_TASKS)
    cache = FeatureCache(work / "features", "nano")
    cache.compute(videos)
    known = [(video, cache.load(video)) for video in videos]
    data, test = TrainingData(labels, known[:5]), known[5:]

    reports = {}
    for name in ("discriminative", "gad"):
        config = RunConfig.read({"classifier": name, "training": {"steps": steps}})
        train(config, data, work / name)
        run = load_run(work / name, merge=True)
        predictor = run.predictor()
        cost = predictor.measure(test[0][1])
        truth = {v.name: frame_targets(v, f.time_us, labels) for v, f in test}
        said = {v.name: predictor.predict(v, f, cost).predicted for v, f in test}
        classes = run.classifier.classes
        reports[name] = evaluate_frames(truth, said, fps=run.recipe.rate, classes=classes)
        print(f"{name}: frame accuracy {reports[name].metrics['frame_accuracy']:.1f} %")

    gap = compare(reports["gad"], reports["discriminative"])["frame_accuracy"]
    print(f"gad - discriminative: {gap.value:+.1f} points [{gap.low:+.1f}, {gap.high:+.1f}]")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)

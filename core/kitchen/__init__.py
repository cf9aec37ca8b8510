"""The built-in world: scripts of tasks, a renderer, nano's pre-training, the demo project."""

from pathlib import Path

DEMO_RUNS = Path(__file__).parent / "demo_runs"
"""One trained run of each classifier, made by `python scripts/make_demo_runs.py WORK`."""

"""Benchmarks: every figure is a ratio against a named baseline, in one process on the same weights.

| name         | what is compared                                                                |
|--------------|---------------------------------------------------------------------------------|
| `online`     | dense and streaming detection against a window encoded again for every frame    |
| `training`   | dense supervision against one supervised frame a window                         |
| `generative` | one step against writing: Hugging Face `generate`, our own greedy loop          |
| `scoring`    | the label trie against one label at a time and against all labels as rows       |
| `decode`     | frames at given times against ffmpeg                                            |
| `features`   | the feature cache: encoding, writing, reading                                   |
| `pipeline`   | a video file to the lanes of three runs, against real time                      |
| `memory`     | peak memory against the length of a video                                       |
| `scaling`    | curves of cost against window, length of a video, labels and label length       |
"""

from collections.abc import Callable

from core.bench.measuring import Report, Settings
from core.registry import resolve

BENCHES = {
    "online": "core.bench.online:run",
    "training": "core.bench.training:run",
    "generative": "core.bench.generative:run",
    "scoring": "core.bench.scoring:run",
    "decode": "core.bench.decode:run",
    "features": "core.bench.features:run",
    "pipeline": "core.bench.pipeline:run",
    "memory": "core.bench.memory:run",
    "scaling": "core.bench.scaling:run",
}


def benchmark(name: str) -> Callable[[Settings], Report]:
    """Return a benchmark by name."""
    return resolve("benchmark", BENCHES, name)

"""The benchmarks `pipeline` and `memory` measure what they say: real lanes, real memory."""

import json
import mmap
import time

import numpy as np
import pytest

from core.bench import memory, pipeline
from core.features import FeatureCache
from core.prediction import Cost
from core.prediction_files import prediction_path, read_prediction
from core.run_folder import load_run
from core.video import probe

MIB = 1 << 20


@pytest.mark.training
def test_the_measured_worker_leaves_the_lanes_of_three_runs(tmp_path):
    video = pipeline.kitchen_video(tmp_path, 3)
    assert probe(video.path).usable_us == video.duration_us == 3_000_000
    worker = pipeline._Worker(video, tmp_path)
    written = []
    for _ in range(2):
        worker()
        written.append(worker.cache.path(video).stat().st_mtime_ns)
    assert written[0] < written[1]  # features are computed again
    cache = FeatureCache(tmp_path / "other", "nano")
    cache.compute([video])
    features = cache.load(video)
    for name in pipeline.RUNS:
        lane = read_prediction(prediction_path(tmp_path / name, video.content_hash))
        alone = load_run(pipeline.DEMO_RUNS / name, merge=True).predictor()
        expected = alone.predict(video, features, Cost(0, 0, 0))
        np.testing.assert_array_equal(lane.log_p, expected.log_p)
        assert len(lane.predicted) == 12  # every frame
    assert list(worker.medians()) == ["decode and tower", *pipeline.RUNS]
    assert all(seconds > 0 for seconds in worker.medians().values())


def test_a_peak_is_seen_though_its_memory_was_given_back():
    # Pages that nothing else has had.
    with memory._Peak() as peak, mmap.mmap(-1, 64 * MIB, mmap.MAP_PRIVATE) as held:
        for place in range(0, len(held), mmap.PAGESIZE):
            held[place] = 1
        until = time.monotonic() + 20
        while peak.above < 60 * MIB and time.monotonic() < until:
            time.sleep(0.01)
    assert 60 * MIB < peak.above < 96 * MIB


def test_pages_of_mapped_features_are_not_counted(tmp_path):
    np.save(tmp_path / "features.npy", np.ones(64 * MIB, np.uint8))
    frames = np.load(tmp_path / "features.npy", mmap_mode="c")
    with memory._Peak() as peak:
        assert int(frames[:: 4 << 10].sum()) == len(frames) // (4 << 10)
        time.sleep(0.1)
    assert peak.above < 32 * MIB


@pytest.mark.parametrize("way", ["blocks", "one pass", "predict", "stream"])
def test_each_way_says_what_it_held(way, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(memory, "_SETTLED", 20)
    rng = np.random.default_rng(0)
    np.save(tmp_path / "features.npy", rng.standard_normal((40, 1, 768)).astype(np.float16))
    memory.main(way, str(tmp_path / "features.npy"))
    found = json.loads(capsys.readouterr().out)
    if way == "stream":
        assert found.keys() == {"growth", "first_ms", "last_ms"}
        assert found["first_ms"] > 0
    else:
        assert found["peak"] >= 0
    if way == "predict":  # 106 classes and the embedding, at least
        assert found["kept"] >= 40 * (106 * 4 + 8)

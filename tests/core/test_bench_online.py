"""The official protocol is a fair baseline, and the online benchmarks run."""

import pytest
import torch

from core.bench import BENCHES, benchmark
from core.bench.cost_model import Decoder
from core.bench.hardware import Roofline
from core.bench.measuring import Row, Settings, Timed
from core.bench.models import backbone, classifier, frames
from core.bench.official import answer_windows, windows_of
from core.frame_cache import FrameCache

CLASSES = tuple("abcde")


@torch.inference_mode()
def test_the_first_window_has_the_answer_of_the_dense_pass():
    base = backbone("nano")
    model, video = classifier("discriminative", base, CLASSES), frames(base, 12)
    dense = model.log_probabilities(
        FrameCache(model, 8, video.shape[1]).push(video, model.roots([0]))
    )
    windows = windows_of(video, 8, 7, 5)
    assert windows.shape == (5, 8, *video.shape[1:])
    torch.testing.assert_close(windows[3], video[3:11])
    torch.testing.assert_close(answer_windows(model, windows[:1])[0], dense[7], atol=1e-4, rtol=0)


def test_a_ratio_is_that_of_each_turn():
    ours, other = Timed("ours", 10, (1.0, 2.0, 4.0)), Timed("other", 1, (2.0, 2.0, 2.0))
    found = Row("what", "frames/s", ours, other, bound=20).as_json()
    assert (found["ratio"], found["low"], found["high"]) == (10, 5, 20)
    assert (found["ours"]["rate"], found["baseline"]["rate"]) == (5, 0.5)
    assert found["share_of_bound"] == 0.25


def test_the_cost_model_counts_weights_and_keys():
    decoder = Decoder.of(backbone("nano"))
    layers, width = 4, 192
    assert decoder.channels == layers * width
    work = decoder.call(2, 100, rows=3)
    assert work.flops == 3 * 2 * (2 * decoder.weights + 4 * layers * width * 100)
    slow_compute = Roofline({"float32": work.flops}, 1e30)
    assert work.seconds(slow_compute, torch.float32) == 1
    assert work.seconds(Roofline({"float32": 1e30}, work.bytes / 2), torch.float32) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["online", "scaling"])
def test_the_benchmark_runs(name: str):
    report = benchmark(name)(Settings(quick=True)).as_json()
    assert report["rows"] or report["curves"]
    for row in report["rows"]:
        assert row["ratio"] > 0 and row["bound"] > 0


def test_every_benchmark_can_be_loaded():
    assert all(callable(benchmark(name)) for name in BENCHES)

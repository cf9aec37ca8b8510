"""A moment that is looked into is the one predicted, wherever the playhead came from."""

import numpy as np
import pytest

from core.config import RunConfig
from core.decoding.answering import Answering
from core.decoding.inspection import inspect
from core.errors import InvalidData
from core.prediction import Cost
from core.run_folder import Run, build_classifier, load_run, write_run
from core.types import FrameFeatures, LabelledVideo
from core.watching import Watching, question_at
from tests.core.conftest import toy_video
from tests.core.test_contracts import LABELS, disturb


def run_of(folder, backbone, **values) -> Run:
    settings = {"backbone": str(backbone), "classifier": "generative", **values}
    config = RunConfig.read({**settings, "training": {"device": "cpu", "seed": 3}})
    write_run(disturb(build_classifier(config, LABELS)), config, LABELS, folder, {"steps": 1})
    return load_run(folder, merge=True)


def log_p(run: Run, video: LabelledVideo, features: FrameFeatures, at, watching=None):
    question = question_at(run.task, video, features, run.labels, at)
    window = run.recipe.window if run.task.dense else question.clip.last - question.clip.first
    watching = watching or Watching(run.classifier, features, question.clip, window)
    found = inspect(
        Answering(run.classifier, "exact"), watching.moment(question.frame), question.kind
    )
    return watching, found


@pytest.mark.parametrize("window_s", [1.0, 4.0])
def test_every_frame_is_as_predicted_also_when_the_playhead_moves_on(
    tiny_folder, tmp_path, window_s
):
    run = run_of(tmp_path / "run", tiny_folder, window_s=window_s)
    video, features = toy_video("a.mp4", frames=30, seed=1)
    stored = run.predictor().predict(video, features, Cost(0, 0, 0))
    watching = None
    for frame in (0, 1, 5, 5, 17, 29, 3, 12):
        at = (int(features.time_us[frame]) + 100, "")
        watching, found = log_p(run, video, features, at, watching)
        np.testing.assert_allclose(found.log_p, stored.log_p[frame], atol=2e-4)
        assert found.decision.label == run.classifier.classes[stored.predicted[frame]]
        assert found.written.text == stored.texts[frame]


def test_the_question_of_a_clip_is_the_one_at_the_playhead(tiny_folder, tmp_path):
    run = run_of(tmp_path / "run", tiny_folder, task="step_recognition")
    video, features = toy_video("a.mp4", frames=40, seed=2)
    stored = run.predictor().predict(video, features, Cost(0, 0, 0))
    assert stored.span_us is not None
    for row, (start, end) in enumerate(stored.span_us.tolist()):
        question = question_at(run.task, video, features, run.labels, ((start + end) // 2, ""))
        _, found = log_p(run, video, features, ((start + end) // 2, ""))
        np.testing.assert_allclose(found.log_p, stored.log_p[row], atol=2e-4)
        assert run.classifier.classes[question.target] == video.segments[row].label
    with pytest.raises(InvalidData, match="nothing is at"):
        question_at(run.task, video, features, run.labels, (-1, ""))

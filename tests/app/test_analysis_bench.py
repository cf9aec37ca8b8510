"""The benchmark of the analysis runs, and what it is measured on is what it says."""

import pytest

from app.services import analysis_bench, open_studio, statistics
from app.services.large_run import Size, make_large_runs
from core.bench.measuring import Settings


@pytest.mark.slow
@pytest.mark.training
def test_every_question_is_compared_and_every_method_lays_a_map_out():
    report = analysis_bench.run(Settings(quick=True)).as_json()
    assert len(report["rows"]) == 7
    assert all(row["ratio"] > 0 for row in report["rows"])
    figures = {figure["what"]: figure["value"] for figure in report["figures"]}
    assert figures["map of 300 segments, tsne"] > 0


@pytest.mark.parametrize("labels", [30, 600])
def test_large_runs_answer_every_frame_and_are_right_in_most(tmp_path, labels):
    with open_studio(tmp_path) as studio:
        made = make_large_runs(studio, Size(videos=3, segments=60, labels=labels, runs=2))
        found = statistics.analyse(studio, made.project, made.runs, "test")
    assert (found["videos"], found["agreement"]["rows"]) == (3, 60 * 40)
    for run in found["runs"]:
        assert 50 < run["accuracy"]["value"] < 70
        assert run["calibration"]["unscored"] == 0
        assert sum(count for _, _, count in run["confusion"]["cells"]) == 60 * 40

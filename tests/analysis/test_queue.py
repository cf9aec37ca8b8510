"""What is best labelled next, against the formulas word by word."""

import math

import numpy as np
import pytest

from analysis.queue import disagreement, disagreement_of_clips, uncertainty
from core.scores import Scores
from core.types import SECOND, grid_us
from tests.analysis.test_proposals import random_scores


def slow_entropy(p) -> float:
    return -sum(each * math.log(each) for each in p if each > 0) / math.log(len(p))


def test_uncertainty_is_the_mean_entropy_over_the_greatest_possible():
    scores = random_scores(np.random.default_rng(0), 30, 7)
    slow = np.mean([slow_entropy(row) for row in np.exp(scores.log_p.astype(float))])
    assert uncertainty(scores, range(7)) == pytest.approx(slow, abs=1e-6)
    even = Scores(np.full((3, 7), -math.log(7), np.float32))
    assert uncertainty(even, range(7)) == pytest.approx(1)
    sure = Scores(np.log(np.eye(7, dtype=np.float32)[:3].clip(1e-30)))
    assert uncertainty(sure, range(7)) == pytest.approx(0, abs=1e-6)


def test_of_a_large_label_set_the_rest_is_spread_evenly():
    scores = random_scores(np.random.default_rng(1), 30, 900, sharp=3)
    slow = np.mean([slow_entropy(row) for row in np.exp(scores.matrix(900).astype(float))])
    assert uncertainty(scores, range(900)) == pytest.approx(slow, abs=1e-4)


def test_of_a_joint_task_only_the_choices_of_the_question_count():
    steps = random_scores(np.random.default_rng(2), 30, 5)
    goals = np.full((30, 3), -np.inf, np.float32)
    joint = Scores(np.concatenate([steps.log_p, goals], axis=1))
    assert uncertainty(joint, range(5)) == pytest.approx(uncertainty(steps, range(5)), abs=1e-6)


def test_a_decoder_that_scores_its_answer_alone_says_nothing_of_its_doubt():
    alone = np.full((4, 5), -np.inf, np.float32)
    alone[:, 2] = -0.1
    assert uncertainty(Scores(alone), range(5)) is None
    alone[1] = -math.log(5)
    assert uncertainty(Scores(alone), range(5)) == pytest.approx(1)


@pytest.mark.parametrize("rates", [(2, 2), (2, 10), (3, 2, 7)])
def test_disagreement_is_counted_on_the_coarsest_grid(rates):
    rng = np.random.default_rng(sum(rates))
    times = [grid_us(20 * SECOND, rate) for rate in rates]
    said = [np.repeat(rng.integers(0, 3, len(t)), 3)[: len(t)] for t in times]
    grid = grid_us(20 * SECOND, min(rates))
    differ = 0
    for moment in grid:
        shown = [
            [c for at, c in zip(t, s, strict=True) if at <= moment][-1]
            for t, s in zip(times, said, strict=True)
        ]
        differ += len(set(shown)) > 1
    assert disagreement(times, said) == pytest.approx(differ / len(grid))
    assert 0 < differ < len(grid)
    assert disagreement([times[0], times[1][:0]], [said[0], said[1][:0]]) is None


def test_disagreement_about_clips_is_over_those_that_all_were_asked_about():
    one, other = np.array([[0, 5], [5, 9], [9, 12]]), np.array([[5, 9], [0, 5], [9, 13]])
    found = disagreement_of_clips([one, other], [np.array([1, 2, 3]), np.array([2, 4, 5])])
    assert found == pytest.approx(1 / 2)
    assert disagreement_of_clips([one, other[2:]], [np.arange(3), np.arange(1)]) is None

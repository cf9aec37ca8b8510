"""Figures of the embedding map against what they mean, point by point."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from analysis.projection import unit
from analysis.separation import in_other_videos, probed, purities, separation, silhouettes
from analysis.significance import Bootstrap


@pytest.fixture(params=range(5))
def drawn(request):
    """Random vectors around the centres of their labels, from some videos."""
    rng = np.random.default_rng(request.param)
    labels, videos = rng.integers(0, 6, 90), rng.integers(0, 7, 90)
    labels[:2] = (6, 7)  # each alone in the world
    vectors = rng.standard_normal((8, 12))[labels] + rng.standard_normal((90, 12))
    return vectors.astype(np.float16), labels, videos


def cosine(a, b) -> float:
    return 1 - float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_silhouette_is_how_much_nearer_the_own_label_is_than_the_next(drawn):
    vectors, labels, _ = drawn
    wide, expected = vectors.astype(float), []
    for i, own in enumerate(labels):
        to = {
            c: [cosine(wide[i], wide[j]) for j in np.flatnonzero(labels == c) if j != i]
            for c in set(labels.tolist())
        }
        mine = to.pop(int(own))
        a, b = np.mean(mine) if mine else 0, min(np.mean(each) for each in to.values())
        expected.append((b - a) / max(a, b) if mine else 0)
    assert silhouettes(unit(vectors), labels) == pytest.approx(np.array(expected), abs=1e-9)


def test_purity_looks_at_neighbours_of_other_videos_only(drawn):
    vectors, labels, videos = drawn
    wide, expected = vectors.astype(float), []
    for i, own in enumerate(labels):
        others = [j for j in range(len(labels)) if videos[j] != videos[i]]
        others.sort(key=lambda j: cosine(wide[i], wide[j]))
        count = min(5, sum(labels[j] == own for j in others))
        near = [labels[j] == own for j in others[:count]]
        expected.append(np.mean(near) if near else np.nan)
    found = purities(unit(vectors), labels, videos)
    assert found == pytest.approx(np.array(expected), nan_ok=True)


def test_copies_within_a_video_make_no_neighbourhood_pure():
    vectors = np.eye(3)[[0, 0, 0, 1, 1, 2]]
    labels, videos = np.array([0, 0, 0, 1, 1, 0]), np.array([0, 0, 0, 1, 1, 2])
    found = purities(unit(vectors), labels, videos)
    assert np.isnan(found[3:5]).all()  # no other video has the label
    assert (found[:3] < 1).all()


def test_a_probe_is_right_by_what_it_learned_from_other_videos(drawn):
    vectors, labels, _ = drawn
    videos = np.arange(len(labels)) // 45  # two folds: each is tested by the other
    expected = np.empty(len(labels))
    for tested in (0, 1):
        train, test = videos != tested, videos == tested
        wide = vectors.astype(float)
        mean, spread = wide[train].mean(axis=0), wide[train].std(axis=0)
        model = LogisticRegression(max_iter=200).fit((wide[train] - mean) / spread, labels[train])
        expected[test] = model.predict((wide[test] - mean) / spread) == labels[test]
    assert (probed(vectors, labels, videos) == expected).all()


def test_intervals_draw_whole_videos(drawn):
    vectors, labels, videos = drawn
    how = Bootstrap(resamples=300, seed=3)
    found = separation(vectors, labels, videos, how)
    counted, values = in_other_videos(labels, videos), purities(unit(vectors), labels, videos)
    rng, means = np.random.default_rng(3), []
    for size in (256, 44):  # as many at a time as the bootstrap draws
        for drawn_videos in rng.integers(7, size=(size, 7)):
            some = np.concatenate([np.flatnonzero(counted & (videos == v)) for v in drawn_videos])
            means.append(100 * values[some].mean())
    assert found.purity.value == pytest.approx(100 * values[counted].mean())
    assert (found.purity.low, found.purity.high) == pytest.approx(np.percentile(means, [2.5, 97.5]))
    assert found.alone == (~counted).sum() >= 2


def test_labels_that_are_apart_separate_and_mixed_ones_do_not():
    rng = np.random.default_rng(0)
    labels, videos = np.arange(200) % 4, np.arange(200) // 4 % 10
    apart = np.eye(4)[labels] + 0.01 * rng.standard_normal((200, 4))
    found, mixed = (
        separation(apart, labels, videos),
        separation(rng.standard_normal((200, 4)), labels, videos),
    )
    assert found.silhouette.value > 0.95 and found.purity.value == found.probe.value == 100
    assert abs(mixed.silhouette.value) < 0.1 and mixed.purity.value < 40 and mixed.probe.value < 40


def test_one_video_or_one_label_leaves_figures_open():
    vectors = np.random.default_rng(0).standard_normal((6, 3))
    alone = separation(vectors, np.arange(6) % 2, np.zeros(6, np.int64))
    assert alone.purity.value is None and alone.probe.value is None and alone.alone == 6
    assert alone.silhouette.value is not None and alone.silhouette.low is None
    same = separation(vectors, np.zeros(6, np.int64), np.arange(6))
    assert same.silhouette.value is None and same.probe.value is None and same.purity.value == 100

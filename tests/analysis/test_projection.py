"""Vectors on a plane: the same for a seed, near where they are near."""

import numpy as np
import pytest

from analysis.projection import LATER_BY, Plane, parameters, place_later, project, unit
from core.errors import InvalidData, UnknownName


@pytest.fixture
def vectors():
    """Three groups of directions; lengths differ by a factor of a hundred."""
    rng = np.random.default_rng(1)
    rows = np.repeat(np.eye(3, 60), 20, axis=0) + 0.05 * rng.standard_normal((60, 60))
    return (rows * rng.uniform(0.1, 10, (60, 1))).astype(np.float32)


def test_pca_is_the_svd_of_directions_with_the_sign_fixed(vectors):
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    _, sizes, axes = np.linalg.svd(directions - directions.mean(axis=0), full_matrices=False)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    found = project(vectors, parameters("pca", 60))
    expected = (directions - directions.mean(axis=0)) @ axes[:2].T
    assert found.places == pytest.approx(expected, abs=1e-6)
    assert found.explained == pytest.approx(100 * sizes[:2] ** 2 / (sizes**2).sum())
    backwards = project(vectors[::-1], parameters("pca", 60))
    assert backwards.places[::-1] == pytest.approx(found.places, abs=1e-6)


@pytest.mark.parametrize("method", ["tsne", pytest.param("umap", marks=pytest.mark.training)])
def test_a_seed_gives_one_picture_in_which_groups_stay_together(vectors, method):
    settings = parameters(method, 60, seed=4)
    found, again = (project(vectors, settings).places for _ in range(2))
    assert (found == again).all()
    groups = np.repeat(np.arange(3), 20)
    apart = np.linalg.norm(found[:, None] - found, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (groups[apart.argmin(axis=1)] == groups).all()
    other = project(vectors, parameters(method, 60, seed=5)).places
    assert (other == found).all() == (method == "tsne")  # which begins with the PCA


@pytest.mark.parametrize("shape", [(1, 4), (2, 1), (3, 2)])
def test_few_points_have_a_place_too(shape):
    found = project(np.random.default_rng(0).standard_normal(shape), parameters("pca", shape[0]))
    assert found.places.shape == (shape[0], 2)
    assert np.isfinite(found.places).all() and np.isfinite(found.explained).all()


def test_neighbours_follow_from_the_number_of_points_and_can_be_said():
    assert parameters("tsne", 1000)["perplexity"] == 30
    assert parameters("tsne", 10)["perplexity"] == 3
    assert parameters("umap", 8)["neighbours"] == 7
    assert parameters("umap", 100, neighbours=40)["neighbours"] == 40
    with pytest.raises(InvalidData, match="Choose PCA"):
        parameters("tsne", 4)
    with pytest.raises(InvalidData, match="fewer than the points"):
        parameters("umap", 40, neighbours=40)
    with pytest.raises(UnknownName, match="tsne"):
        parameters("tnse", 40)


def test_the_versions_of_what_lays_out_are_part_of_the_settings():
    assert "umap-learn" in parameters("umap", 40) and "scikit-learn" in parameters("pca", 40)
    assert "umap-learn" not in parameters("tsne", 40)


def test_a_vector_of_zeros_stays_and_others_have_length_one(vectors):
    vectors[3] = 0
    lengths = np.linalg.norm(unit(vectors), axis=1)
    assert lengths[3] == 0 and np.delete(lengths, 3) == pytest.approx(1)


def test_pca_places_a_later_point_exactly_where_its_axes_say(vectors):
    settings = parameters("pca", 50)
    found = place_later(project(vectors[:50], settings), vectors[:50], vectors[50:], settings)
    old, new = unit(vectors[:50]), unit(vectors[50:])
    _, _, axes = np.linalg.svd(old - old.mean(axis=0), full_matrices=False)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    assert found == pytest.approx((new - old.mean(axis=0)) @ axes[:2].T, abs=1e-6)
    assert place_later(project(vectors, settings), vectors, vectors[:3], settings) == pytest.approx(
        project(vectors, settings).places[:3], abs=1e-9
    )


def test_tsne_places_a_later_point_at_the_weighted_mean_of_its_nearest(vectors):
    rng = np.random.default_rng(0)
    plane, settings = Plane(rng.standard_normal((55, 2))), parameters("tsne", 55)
    later = np.concatenate([vectors[55:], vectors[7:8]])
    found = place_later(plane, vectors[:55], later, settings)
    old = unit(vectors[:55])
    for place, new in zip(found[:5], unit(later), strict=False):
        away = np.linalg.norm(old - new, axis=1)
        near = np.argsort(away, kind="stable")[:LATER_BY]
        expected = np.average(plane.places[near], axis=0, weights=1 / away[near])
        assert place == pytest.approx(expected)
    assert found[5] == pytest.approx(plane.places[7], abs=1e-4)  # it is the same vector


@pytest.mark.training
def test_umap_places_later_points_beside_their_like_and_a_seed_gives_one_place(vectors):
    settings = parameters("umap", 57, seed=3)
    kept = np.delete(np.arange(60), [5, 25, 45])
    plane = project(vectors[kept], settings)
    found, again = (
        place_later(plane, vectors[kept], vectors[[5, 25, 45]], settings) for _ in range(2)
    )
    assert (found == again).all()
    away = np.linalg.norm(found[:, None] - plane.places, axis=2)
    assert (kept[away.argmin(axis=1)] // 20).tolist() == [0, 1, 2]

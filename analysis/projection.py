"""Vectors laid out on a plane: PCA, t-SNE, UMAP.

All three see the geometry of `analysis.separation`: vectors of unit length, so that the nearest by
distance is the nearest by cosine; nothing is standardised. One thread, so that a seed gives one
picture. Formulas and defaults: docs/metrics.md, "The embedding map".
"""

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from analysis.neighbours import nearest
from core.errors import InvalidData
from core.registry import check_name

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)

_KEPT = 50  # components of a PCA that t-SNE and UMAP start from, as is usual
LATER_BY = 5
"""Neighbours that decide where t-SNE places a point that came later."""

_FEWEST = 5  # points that have neighbours enough to be laid out by them


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Where points lie; `explained` is PCA's share of the variance on each axis, in percent.

    Shape: `places` float64 [points, 2].
    """

    places: NDArray[np.float64]
    explained: tuple[float, float] | None = None


def parameters(
    method: str, points: int, *, seed: int = 0, neighbours: int | None = None
) -> dict[str, Any]:
    """Return all that a projection depends on besides the vectors, versions included.

    `neighbours` is the perplexity of t-SNE, UMAP's neighbours; unless given it is 30 or 15, less
    where there are few points. Only UMAP depends on the seed: t-SNE begins with the PCA.

    Raises:
        UnknownName: There is no such method.
        InvalidData: Too few points, or more neighbours than there are.
    """
    check_name("projection", dict.fromkeys(METHODS, ""), method)
    settings = {"method": method, "form": 1, "scikit-learn": version("scikit-learn")}
    if method == "pca":
        return settings
    if points < _FEWEST:
        raise InvalidData(
            f"A map by neighbours needs {_FEWEST} points at least", f"there are {points}",
            "Choose PCA, or more verbs or splits.",
        )  # fmt: skip
    if neighbours is not None and not 2 <= neighbours < points:
        raise InvalidData(
            "Neighbours must be 2 or more, and fewer than the points",
            f"{neighbours} of {points} points", "Choose another number, or none.",
        )  # fmt: skip
    if method == "tsne":
        return settings | {"perplexity": neighbours or max(2, min(30, (points - 1) // 3))}
    settings |= {"umap-learn": version("umap-learn"), "min_dist": 0.1, "seed": seed}
    return settings | {"neighbours": neighbours or max(2, min(15, points - 1))}


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return vectors of length 1; one of zeros stays. Shape: [points, H]."""
    wide = vectors.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(length > 0, length, 1)


def one_thread() -> AbstractContextManager[object]:
    """Return a block in which numerical libraries use one thread.

    Sums then have one order, and where others compute too it is faster.
    """
    import sklearn.manifold  # only libraries that are loaded can be told
    from threadpoolctl import threadpool_limits

    assert sklearn.manifold
    return threadpool_limits(1)


def project(vectors: NDArray[np.floating], settings: Mapping[str, Any]) -> Plane:
    """Lay vectors out as `parameters` says; equal input gives equal places. Shape: [points, H]."""
    with one_thread(), warnings.catch_warnings():
        # UMAP says that a seed means one thread; that is why it has one.
        warnings.simplefilter("ignore")
        method, points = settings["method"], unit(vectors)
        if method == "pca":
            return _pca(points)
        (start,) = _reduced(points)
        layout = _tsne if method == "tsne" else _umap
        return Plane(layout(start, settings).astype(np.float64))


def place_later(
    plane: Plane,
    vectors: NDArray[np.floating],
    later: NDArray[np.floating],
    settings: Mapping[str, Any],
) -> NDArray[np.float64]:
    """Return where points belong that came after their map was made; the map stays as it is.

    PCA projects them as it did the others. UMAP is fitted again, which gives the same map, and
    transforms them. t-SNE has no transform: a point lies at the mean of the places of its nearest
    `LATER_BY` in the space of the vectors, weighted by 1 / distance.

    Args:
        plane: The map.
        vectors: What it was made of. Shape: [points, H].
        later: What came later. Shape: [later, H].
        settings: What the map was made with.

    Returns:
        Places. Shape: float64 [later, 2].
    """
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old, new = unit(vectors), unit(later)
        if settings["method"] == "pca":
            return _projected(*_principal(old), new)
        if settings["method"] == "umap":
            start, more = _reduced(old, new)
            return np.asarray(_fitted(start, settings).transform(more), np.float64)
        near, cosines = nearest(new, old, LATER_BY)
        # Of unit vectors, distance² = 2 − 2 cosine; on a point itself, its place.
        weights = 1 / np.sqrt(np.maximum(2 - 2 * cosines, 1e-12))
        shares = weights / weights.sum(axis=1, keepdims=True)
        return np.einsum("pk,pkd->pd", shares, plane.places[near])


def _pca(points: NDArray[np.float64]) -> Plane:
    """Project on the two directions of most variance; the largest weight of each is positive."""
    model, signs = _principal(points)
    missing = 2 - len(signs)
    shares = np.pad(np.nan_to_num(100 * model.explained_variance_ratio_), (0, missing))
    places = _projected(model, signs, points)
    return Plane(places, (float(shares[0]), float(shares[1])))


def _principal(points: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    from sklearn.decomposition import PCA

    model = PCA(min(2, *points.shape), random_state=0).fit(points)
    axes = np.asarray(model.components_)
    largest = np.abs(axes).argmax(axis=1)
    return model, np.sign(axes[np.arange(len(largest)), largest])


def _projected(
    model: Any, signs: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = model.transform(points) * signs
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))


def _reduced(points: NDArray[np.float64], *more: NDArray[np.float64]) -> list[NDArray[np.float32]]:
    """Return points, and others, by the leading components of the points alone."""
    from sklearn.decomposition import PCA

    several = [points, *more]
    if min(points.shape) > _KEPT:
        model = PCA(_KEPT, random_state=0)
        several = [model.fit_transform(points), *(model.transform(each) for each in more)]
    return [each.astype(np.float32) for each in several]


def _tsne(points: NDArray[np.float32], settings: Mapping[str, Any]) -> NDArray[np.floating]:
    from sklearn.manifold import TSNE

    init: Any = "pca" if points.shape[1] > 1 else "random"
    model = TSNE(perplexity=settings["perplexity"], init=init, random_state=0, n_jobs=1)
    return model.fit_transform(points)


def _umap(points: NDArray[np.float32], settings: Mapping[str, Any]) -> NDArray[np.floating]:
    return np.asarray(_fitted(points, settings).embedding_)


def _fitted(points: NDArray[np.float32], settings: Mapping[str, Any]) -> Any:
    from umap import UMAP  # compiles for seconds

    init = "pca" if points.shape[1] > 1 else "random"
    model = UMAP(
        n_neighbors=settings["neighbours"], min_dist=settings["min_dist"], init=init,
        random_state=settings["seed"], n_jobs=1,
    )  # fmt: skip
    return model.fit(points)

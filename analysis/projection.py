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

from core.errors import InvalidData
from core.registry import check_name

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = get_args(Method)

_KEPT = 50  # components of a PCA that t-SNE and UMAP start from, as is usual
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
        start = _reduced(points)
        layout = _tsne if method == "tsne" else _umap
        return Plane(layout(start, settings).astype(np.float64))


def _pca(points: NDArray[np.float64]) -> Plane:
    """Project on the two directions of most variance; the largest weight of each is positive."""
    from sklearn.decomposition import PCA

    model = PCA(min(2, *points.shape), random_state=0)
    found = model.fit_transform(points)
    axes = np.asarray(model.components_)
    largest = np.abs(axes).argmax(axis=1)
    found *= np.sign(axes[np.arange(len(largest)), largest])
    missing = 2 - found.shape[1]
    shares = np.pad(np.nan_to_num(100 * model.explained_variance_ratio_), (0, missing))
    return Plane(np.pad(found, ((0, 0), (0, missing))), (float(shares[0]), float(shares[1])))


def _reduced(points: NDArray[np.float64]) -> NDArray[np.float32]:
    from sklearn.decomposition import PCA

    if min(points.shape) > _KEPT:
        points = PCA(_KEPT, random_state=0).fit_transform(points)
    return points.astype(np.float32)


def _tsne(points: NDArray[np.float32], settings: Mapping[str, Any]) -> NDArray[np.floating]:
    from sklearn.manifold import TSNE

    init: Any = "pca" if points.shape[1] > 1 else "random"
    model = TSNE(perplexity=settings["perplexity"], init=init, random_state=0, n_jobs=1)
    return model.fit_transform(points)


def _umap(points: NDArray[np.float32], settings: Mapping[str, Any]) -> NDArray[np.floating]:
    from umap import UMAP  # compiles for seconds

    init = "pca" if points.shape[1] > 1 else "random"
    model = UMAP(
        n_neighbors=settings["neighbours"], min_dist=settings["min_dist"], init=init,
        random_state=settings["seed"], n_jobs=1,
    )  # fmt: skip
    return np.asarray(model.fit_transform(points))

"""Clusters of snapshots: how far apart their directions are, and k-medoids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace, to_host
from structlin._norm import power_of_two
from structlin._validation import first_nonfinite, require_count, require_finite_samples
from structlin.solvers.reduced._fields import as_reals, snapshots_as_rows
from structlin.solvers.reduced._inner import InnerProduct, row_units

_rounds = 1000


def sine_dissimilarity(
    snapshots: Any, *, mass: Any = None, trajectories: bool = False
) -> NDArray[np.float64]:
    """Return the sines of the angles between snapshots, or between what trajectories span.

    Parameters
    ----------
    snapshots : (samples, *shape) array, or (samples, times, *shape) for trajectories
        Fields.
    mass : optional
        The inner product, as for `pod`.
    trajectories : bool
        Whether a sample is the span of the fields at all its times.

    Returns
    -------
    (samples, samples) ndarray
        Symmetric, between 0 and 1, with a diagonal of zeros; on the host.

    Raises
    ------
    ValueError
        If a snapshot is zero, which has no direction, or has a NaN or Inf: the message names it.

    Notes
    -----
    ``d(u, v)² = 1 − |⟨u, v⟩|² / (‖u‖² ‖v‖²)`` does not depend on the size of fields, only on what
    they span. Bases of one field for every cluster, its medoid, make the mean of
    ``d²`` the mean square of the projection error: clusters of this dissimilarity are made for
    local bases [1]_. For trajectories it is the root mean square of the sines of the principal
    angles, as many as the smaller dimension; directions below 1e-6 of a trajectory's largest do
    not count (in single precision, below ``√(10 times eps)``, about 1e-3). The rounding error is
    about ``√eps``.

    References
    ----------
    .. [1] T. Daniel, F. Casenave, N. Akkari, A. Ketata and D. Ryckelynck, "Physics-informed
       cluster analysis and a priori efficiency criterion for the construction of local
       reduced-order bases", Journal of Computational Physics 458 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> sine_dissimilarity(np.array([[1.0, 0.0], [-3.0, 0.0], [1.0, 1.0]])).round(3)
    array([[0.   , 0.   , 0.707],
           [0.   , 0.   , 0.707],
           [0.707, 0.707, 0.   ]])
    """
    if trajectories:
        return _between_spans(snapshots, mass)
    U, shape = snapshots_as_rows(snapshots)
    inner = InnerProduct(mass, shape, U)
    U = unit_rows(U, inner)
    cosines = to_host(namespace(U).abs(inner.between(U, U)))
    return _sines(cosines**2)


def unit_rows(U: Any, inner: InnerProduct) -> Any:
    """Return rows of norm 1; raise ``ValueError`` if one is zero."""
    xp = namespace(U)
    U = U / row_units(U)
    sizes = inner.norms(U)
    zero = sizes == 0
    if bool(xp.any(zero)):
        i = int(xp.argmax(xp.astype(zero, xp.int8)))
        raise ValueError(f"sample {i} is zero everywhere: it has no direction, leave it out")
    return U / sizes[:, None]


def _between_spans(snapshots: Any, mass: Any) -> NDArray[np.float64]:
    if getattr(snapshots, "ndim", 0) < 3:
        shape = tuple(getattr(snapshots, "shape", ()))
        raise ValueError(f"snapshots has shape {shape}: trajectories are (samples, times, *shape)")
    xp = namespace(snapshots)
    require_finite_samples("snapshots", snapshots)
    samples, times = snapshots.shape[:2]
    U, shape = snapshots_as_rows(xp.reshape(snapshots, (samples * times, *snapshots.shape[2:])))
    inner = InnerProduct(mass, shape, U)
    # squares of sizes, below which directions are rounding errors
    least = max(1e-12, 10 * times * float(xp.finfo(U.dtype).eps))
    spans = []
    for sample in range(samples):
        one = U[sample * times : (sample + 1) * times, :]
        one = one / power_of_two(one)
        w, W = xp.linalg.eigh(inner.between(one, one))
        if not float(w[-1]) > 0:
            raise ValueError(f"sample {sample} is zero everywhere: it has no direction")
        count = int(xp.sum(xp.astype(w > least * w[-1], xp.int64)))
        lead = xp.conj(W) if xp.isdtype(W.dtype, "complex floating") else W
        sizes = xp.astype(xp.sqrt(w[times - count :]), U.dtype)
        spans.append(xp.matmul(lead[:, times - count :].T, one) / sizes[:, None])
    squares = np.ones((samples, samples))
    for i in range(samples):
        for j in range(i):
            cosines = xp.abs(inner.between(spans[i], spans[j]))
            shared = float(xp.sum(cosines**2)) / min(cosines.shape)
            squares[i, j] = squares[j, i] = shared
    return _sines(squares)


def _sines(cosines_squared: NDArray[np.float64]) -> NDArray[np.float64]:
    sines = np.sqrt(np.clip(1 - cosines_squared, 0, 1))
    sines = (sines + sines.T) / 2
    np.fill_diagonal(sines, 0)
    return sines


@dataclass(frozen=True, eq=False)
class Clustering:
    """Clusters around medoids, made by `k_medoids`.

    Attributes
    ----------
    labels : (samples,) ndarray of int
        The cluster of every sample.
    medoids : (clusters,) ndarray of int
        The sample in the middle of every cluster, which belongs to it.
    cost : float
        The sum over all samples of the dissimilarity to their medoids.
    costs : tuple of float
        What every start ended with.
    silhouette : float
        The mean over the samples of ``(b − a) / max(a, b)``, with the mean dissimilarity ``a`` to
        the others of the same cluster and the least mean ``b`` to those of another one; zero for
        a cluster of one sample. 1 is best.
    """

    labels: NDArray[np.int64]
    medoids: NDArray[np.int64]
    cost: float
    costs: tuple[float, ...]
    silhouette: float

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many samples every cluster has."""
        return np.bincount(self.labels, minlength=self.medoids.shape[0])

    def __repr__(self) -> str:
        sizes = ", ".join(map(str, self.sizes))
        return f"<Clustering of sizes {sizes}: cost {self.cost:.3g}>"


def k_medoids(
    dissimilarity: Any, clusters: int, *, restarts: int = 10, rng: Any = None
) -> Clustering:
    """Return clusters whose members are closest to a member in the middle.

    Parameters
    ----------
    dissimilarity : (samples, samples) ndarray
        Symmetric, zero or more, with a diagonal of zeros.
    clusters : int
        How many.
    restarts : int
        How many starts there are: the greedy one, and others from medoids drawn at random with
        probabilities in proportion to their dissimilarity from those before.
    rng : None, int, numpy.random.Generator, optional
        Draws them.

    Returns
    -------
    Clustering
        The best of all starts, clusters in the order of their medoids.

    Raises
    ------
    ValueError
        If the matrix is no dissimilarity, or a cluster would be empty because there are fewer
        different samples.

    Notes
    -----
    Partitioning around medoids [1]_: a medoid and another sample are exchanged as long as that
    lowers the cost. All pairs are judged together in ``O(samples² clusters)`` operations, and the
    best exchange of every medoid is tried, in the spirit of [2]_.

    References
    ----------
    .. [1] L. Kaufman and P. J. Rousseeuw, "Finding groups in data", Wiley, 1990, chapter 2.
    .. [2] E. Schubert and P. J. Rousseeuw, "Fast and eager k-medoids clustering: O(k) runtime
       improvement of the PAM, CLARA, and CLARANS algorithms", Information Systems 101 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 9.0])
    >>> found = k_medoids(np.abs(x[:, None] - x), 3)
    >>> found.labels, found.medoids
    (array([0, 0, 0, 1, 1, 2]), array([1, 3, 5]))
    """
    D = _checked(dissimilarity)
    clusters = require_count("clusters", clusters)
    restarts = require_count("restarts", restarts)
    different = _different(D, clusters)
    if different < clusters:
        raise ValueError(
            f"a cluster would be empty: there are {different} different samples for {clusters} "
            "clusters"
        )
    generator = np.random.default_rng(rng)
    best, costs = None, []
    for start in range(restarts):
        medoids = _built(D, clusters) if start == 0 else _drawn(D, clusters, generator)
        medoids, cost = _exchanged(D, medoids)
        costs.append(cost)
        if best is None or cost < min(costs[:-1]):
            best = medoids
    middle = np.sort(np.asarray(best, dtype=np.int64))
    labels = np.argmin(D[:, middle], axis=1)
    labels[middle] = np.arange(clusters)  # equal samples: a medoid is in its own cluster
    return Clustering(labels, middle, min(costs), tuple(costs), _silhouette(D, labels, clusters))


def _checked(dissimilarity: Any) -> NDArray[np.float64]:
    D = as_reals("dissimilarity", dissimilarity)
    if D.ndim != 2 or D.shape[0] != D.shape[1] or not D.shape[0]:
        raise ValueError(f"dissimilarity has shape {D.shape}: pass (samples, samples)")
    place = first_nonfinite(D)
    if place is not None:
        i, j = divmod(place, D.shape[0])
        raise ValueError(f"dissimilarity has a NaN or Inf at [{i}, {j}]")
    slack = 1e-10 * np.max(np.abs(D))
    if np.min(D) < 0 or np.max(np.abs(D - D.T)) > slack or np.max(np.abs(np.diag(D))) > slack:
        raise ValueError("dissimilarity must be symmetric, zero or more, and zero on its diagonal")
    return D


def _different(D: NDArray[np.float64], enough: int) -> int:
    """Return how many samples are apart from each other, counting up to some number."""
    nearest, count = np.full(D.shape[0], np.inf), 0
    while count < enough and np.max(nearest) > 0:
        nearest = np.minimum(nearest, D[int(np.argmax(nearest))])
        count += 1
    return count


def _built(D: NDArray[np.float64], clusters: int) -> list[int]:
    """Return medoids that are added one by one, each where it lowers the cost most."""
    medoids = [int(np.argmin(np.sum(D, axis=0)))]
    nearest = D[:, medoids[0]]
    while len(medoids) < clusters:
        gain = np.sum(np.maximum(nearest[:, None] - D, 0), axis=0)
        gain[medoids] = -1
        medoids.append(int(np.argmax(gain)))
        nearest = np.minimum(nearest, D[:, medoids[-1]])
    return medoids


def _drawn(D: NDArray[np.float64], clusters: int, generator: np.random.Generator) -> list[int]:
    medoids = [int(generator.integers(D.shape[0]))]
    while len(medoids) < clusters:
        nearest = np.min(D[:, medoids], axis=1)
        medoids.append(int(generator.choice(D.shape[0], p=nearest / np.sum(nearest))))
    return medoids


def _exchanged(D: NDArray[np.float64], medoids: list[int]) -> tuple[list[int], float]:
    """Return medoids after all exchanges that lower the cost, and the cost."""
    samples, clusters = D.shape[0], len(medoids)
    cost = _cost(D, medoids)
    if clusters == 1:
        best = _built(D, 1)
        return best, _cost(D, best)
    for _ in range(_rounds):
        distances = D[medoids]  # rows: D is symmetric
        label = np.argmin(distances, axis=0)
        first = distances[label, np.arange(samples)]
        distances[label, np.arange(samples)] = np.inf
        second = np.min(distances, axis=0)
        # what a new medoid (row) gains everywhere, and what more happens where one leaves
        gained = np.minimum(D - first, 0)
        left = np.minimum(D, second) - first - gained
        member = np.zeros((samples, clusters))
        member[np.arange(samples), label] = 1
        change = np.sum(gained, axis=1)[:, None] + left @ member
        change[medoids] = np.inf
        exchanged = False
        # the best exchange of every medoid; the first is exact, others are tried
        for leaving in np.argsort(np.min(change, axis=0)):
            entering = int(np.argmin(change[:, leaving]))
            if entering in medoids or not change[entering, leaving] < 0:
                continue
            trial = list(medoids)
            trial[int(leaving)] = entering
            lower = _cost(D, trial)
            if lower < cost * (1 - 1e-12):
                medoids, cost, exchanged = trial, lower, True
        if not exchanged:
            break
    return medoids, cost


def _cost(D: NDArray[np.float64], medoids: list[int]) -> float:
    return float(np.sum(np.min(D[medoids], axis=0)))


def _silhouette(D: NDArray[np.float64], labels: NDArray[np.int64], clusters: int) -> float:
    if clusters == 1:
        return 0.0
    sizes = np.bincount(labels, minlength=clusters)
    sums = np.stack([np.sum(D[:, labels == k], axis=1) for k in range(clusters)], axis=1)
    own = sums[np.arange(D.shape[0]), labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[np.arange(D.shape[0]), labels] = np.inf
    other = np.min(means, axis=1)
    scale = np.maximum(own, other)
    counted = (sizes[labels] > 1) & (scale > 0)
    values = np.where(counted, (other - own) / np.where(counted, scale, 1), 0)
    return float(np.mean(values))

"""Local bases: a partition of snapshots, and proper orthogonal decomposition of every part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace, on_host, to_host
from structlin._validation import first_nonfinite, require_count, require_finite_samples
from structlin.solvers.reduced._fields import (
    as_reals,
    batch_as_rows,
    snapshots_as_rows,
)
from structlin.solvers.reduced._inner import row_units
from structlin.solvers.reduced.basis import POD
from structlin.solvers.reduced.clustering import (
    Clustering,
    k_medoids,
    sine_dissimilarity,
    unit_rows,
)
from structlin.solvers.reduced.efficiency import Efficiency, NearestSamples, efficiency
from structlin.solvers.reduced.pod import pod


@dataclass(frozen=True, eq=False)
class LocalBases:
    """A basis for every cluster of snapshots, made by `local_pod`.

    Attributes
    ----------
    bases : tuple of POD
        One for every cluster.
    clustering : Clustering
        Which sample is where.
    efficiency : Efficiency
        What local bases can be expected to gain, from the snapshots alone.
    """

    bases: tuple[POD, ...]
    clustering: Clustering
    efficiency: Efficiency
    _medoids: tuple[POD, ...]
    _classifier: NearestSamples | None

    def assign(self, F: Any) -> NDArray[np.int64]:
        """Return the clusters of fields ``(…, *shape)``: those of the medoids of least angle.

        Returns
        -------
        (…) ndarray of int
        """
        shape = self.bases[0].shape
        rows, batch = batch_as_rows(F, shape, "F", self.bases[0].modes)
        rows = unit_rows(rows, self.bases[0].inner)
        squares = []
        for medoid in self._medoids:
            xp = namespace(rows)
            cosines = xp.abs(medoid.inner.between(rows, medoid.rows))
            squares.append(on_host(xp.sum(cosines**2, axis=1)))
        return np.reshape(np.argmax(squares, axis=0), batch)

    def classify(self, parameters: Any) -> NDArray[np.int64]:
        """Return the clusters of parameters, ``(p,)`` or ``(m, p)``, by the nearest samples.

        Raises
        ------
        ValueError
            If no parameters were given to `local_pod`, these are others in number, or one is NaN
            or Inf.
        """
        if self._classifier is None:
            raise ValueError("there is no classifier: pass parameters to local_pod")
        given = as_reals("parameters", parameters)
        p = self._classifier.points.shape[1]
        if given.ndim not in (1, 2) or given.shape[-1] != p:
            raise ValueError(f"parameters has shape {given.shape}: pass ({p},) or (m, {p})")
        place = first_nonfinite(given)
        if place is not None:
            raise ValueError(f"parameters has a NaN or Inf in row {place // p}: pass finite ones")
        found = self._classifier(np.atleast_2d(given))
        return found[0] if given.ndim == 1 else found

    def __len__(self) -> int:
        return len(self.bases)

    def __getitem__(self, cluster: int) -> POD:
        return self.bases[cluster]

    def __repr__(self) -> str:
        ranks = ", ".join(str(basis.rank) for basis in self.bases)
        return f"<LocalBases: {len(self)} clusters with {ranks} modes, {self.efficiency!r}>"


def local_pod(
    snapshots: Any,
    clusters: int | Clustering,
    rank: int | None = None,
    *,
    tol: float | None = None,
    mass: Any = None,
    parameters: Any = None,
    trajectories: bool = False,
    restarts: int = 10,
    folds: int = 5,
    rng: Any = None,
) -> LocalBases:
    """Return a basis for every cluster of snapshots.

    Parameters
    ----------
    snapshots : (samples, *shape) array, or (samples, times, *shape) for trajectories
        Fields.
    clusters : int or Clustering
        How many clusters `k_medoids` is to find by `sine_dissimilarity`, or a partition.
    rank, tol, mass
        As for `pod`, of every basis; a cluster whose snapshots have a smaller rank gets fewer
        modes.
    parameters : (samples, p) array, optional
        What the samples depend on; a classifier learns their clusters from it.
    trajectories : bool
        Whether a sample is a field at several times, which stay together.
    restarts : int
        Starts of `k_medoids`.
    folds : int
        Into how many parts the samples are cut for the `efficiency`; each is left out once.
    rng : None, int, numpy.random.Generator, optional
        Of the starts and the folds.

    Returns
    -------
    LocalBases
        The bases, the clusters and what they gain.

    Raises
    ------
    ValueError
        If a cluster would be empty, a sample is zero or has a NaN or Inf, or shapes do not fit.

    Notes
    -----
    Local bases pay where clusters have smaller widths than the set of all snapshots, and where
    new samples are put into the right one. `Efficiency` measures both with samples that are left
    out, by algebra of the coefficients of the snapshots in one basis of them all, ``O(samples³)``,
    in the spirit of the criterion of [1]_: no reduced model has to be made for it.

    References
    ----------
    .. [1] T. Daniel, F. Casenave, N. Akkari, A. Ketata and D. Ryckelynck, "Physics-informed
       cluster analysis and a priori efficiency criterion for the construction of local
       reduced-order bases", Journal of Computational Physics 458 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> x, mu = np.linspace(0, 1, 100), np.linspace(0, 1, 60)
    >>> S = np.exp(-100 * (x - mu[:, None]) ** 2)  # a pulse that travels
    >>> local = local_pod(S, 4, 4, parameters=mu[:, None], rng=0)
    >>> whole, parts = local.efficiency.global_widths[3], local.efficiency.expected_widths[3]
    >>> bool(parts < 0.3 * whole), int(local.classify(mu[:1]) == local.assign(S[0]))
    (True, 1)
    """
    if not hasattr(snapshots, "ndim") or snapshots.ndim < (3 if trajectories else 2):
        expected = "(samples, times, *shape)" if trajectories else "(samples, *shape)"
        got = tuple(getattr(snapshots, "shape", ()))
        raise ValueError(f"snapshots has shape {got}: pass an array {expected}")
    require_finite_samples("snapshots", snapshots)
    samples = int(snapshots.shape[0])
    times = int(snapshots.shape[1]) if trajectories else 1
    shape = tuple(int(n) for n in snapshots.shape[2 if trajectories else 1 :])
    generator = np.random.default_rng(rng)
    if isinstance(clusters, Clustering):
        found = clusters
        if found.labels.shape != (samples,) or np.any(found.sizes == 0):
            raise ValueError(
                f"{found!r} is of {found.labels.shape[0]} samples: pass one of these {samples}, "
                "without empty clusters"
            )
    else:
        angles = sine_dissimilarity(snapshots, mass=mass, trajectories=trajectories)
        found = k_medoids(angles, clusters, restarts=restarts, rng=generator)
    xp = namespace(snapshots)
    U, _ = snapshots_as_rows(xp.reshape(snapshots, (samples, times * math.prod(shape))))
    largest = to_host(xp.max(xp.abs(U), axis=1))
    if np.any(largest == 0):
        raise ValueError(f"sample {int(np.argmin(largest))} is zero everywhere: leave it out")
    in_units = xp.reshape(U / row_units(U), (samples * times, *shape))
    U = xp.reshape(U, (samples, times, *shape))

    def of_samples(places: Any) -> Any:
        at = xp.asarray(places, dtype=xp.int64, device=device(U))
        return xp.reshape(xp.take(U, at, axis=0), (-1, *shape))

    bases = []
    for size, label in zip(found.sizes, range(len(found.medoids)), strict=True):
        most = min(int(size) * times, math.prod(shape))
        less = None if rank is None else min(require_count("rank", rank), most)
        bases.append(
            pod(of_samples(np.flatnonzero(found.labels == label)), less, tol=tol, mass=mass)
        )
    medoids = tuple(pod(of_samples([place]), tol=1e-6, mass=mass) for place in found.medoids)
    classifier = None
    if parameters is not None:
        classifier = NearestSamples(_checked(parameters, samples), found.labels)
    whole = pod(in_units, tol=1e-12, mass=mass)
    C = whole.to_modes(in_units)
    folds = min(require_count("folds", folds, least=2), samples)
    return LocalBases(
        bases=tuple(bases),
        clustering=found,
        efficiency=efficiency(
            to_host(C).reshape(samples, times, whole.rank),
            largest / np.max(largest),
            found.labels,
            None if classifier is None else classifier.left_out,
            folds=folds,
            largest=max(1, min(max(basis.rank for basis in bases), whole.rank)),
            generator=generator,
        ),
        _medoids=medoids,
        _classifier=classifier,
    )


def _checked(parameters: Any, samples: int) -> NDArray[np.float64]:
    given = as_reals("parameters", parameters)
    if given.ndim != 2 or given.shape[0] != samples or not given.shape[1]:
        raise ValueError(
            f"parameters has shape {given.shape}: pass ({samples}, p), a column for every "
            "parameter, mu[:, None] where there is one"
        )
    place = first_nonfinite(given)
    if place is not None:
        raise ValueError(f"the parameters of sample {place // given.shape[1]} have a NaN or Inf")
    return given

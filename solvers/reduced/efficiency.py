"""Whether local bases pay: widths of clusters against that of all snapshots, before any solve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Efficiency:
    """Projection errors that local bases and a global one of equal size are expected to have.

    Every number is the root mean square, over the samples, of the relative projection error of a
    sample that took no part in the basis.

    Attributes
    ----------
    ranks : (k,) ndarray of int
        Sizes of bases, ``1, …, k``.
    global_widths : (k,) ndarray
        One basis of all other snapshots.
    local_widths : (k,) ndarray
        The basis of the sample's own cluster.
    expected_widths : (k,) ndarray
        The basis of the cluster that the classifier chose by the sample's parameters, from the
        other samples; equal to ``local_widths`` where there are no parameters.
    accuracy : float or None
        How many samples the classifier puts into their own cluster.
    """

    ranks: NDArray[np.int64]
    global_widths: NDArray[np.float64]
    local_widths: NDArray[np.float64]
    expected_widths: NDArray[np.float64]
    accuracy: float | None

    @property
    def gains(self) -> NDArray[np.float64]:
        """For every size, the global width divided by the expected one: above 1, clusters pay."""
        floor = np.finfo(np.float64).eps  # smaller widths are rounding errors
        return np.maximum(self.global_widths, floor) / np.maximum(self.expected_widths, floor)

    def __repr__(self) -> str:
        k = len(self.ranks) // 2
        known = "" if self.accuracy is None else f", {self.accuracy:.0%} assigned well"
        return (
            f"<Efficiency: {self.ranks[k]} modes leave {self.global_widths[k]:.2g} globally, "
            f"{self.expected_widths[k]:.2g} locally{known}>"
        )


def efficiency(
    coefficients: NDArray[Any],
    sizes: NDArray[np.float64],
    labels: NDArray[np.int64],
    chosen: NDArray[np.int64] | None,
    *,
    folds: int,
    largest: int,
    generator: np.random.Generator,
) -> Efficiency:
    """Return the efficiency of clusters.

    Parameters
    ----------
    coefficients : (samples, times, r) ndarray
        Of all snapshots in a basis that has them without loss, every sample in its own unit.
    sizes : (samples,) ndarray
        These units, of which the largest is 1: bases are made of samples as they are.
    labels : (samples,) ndarray
        Their clusters.
    chosen : (samples,) ndarray or None
        The clusters that a classifier chose.
    folds : int
        Into how many parts the samples are cut; each is left out once.
    largest : int
        The largest size of bases.
    generator : numpy.random.Generator
        Shuffles the samples.
    """
    samples = len(labels)
    fold_of = np.empty(samples, dtype=np.int64)
    # every cluster is spread over the folds
    order = generator.permutation(samples)
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of[order] = np.arange(samples) % folds
    squares = {name: np.zeros((samples, largest)) for name in ("global", "local", "expected")}
    weighted = coefficients * sizes[:, None, None]
    assigned = labels if chosen is None else chosen
    for fold in range(folds):
        held = fold_of == fold
        known = ~held
        squares["global"][held] = _missed(weighted[known], coefficients[held], largest)
        for label in np.unique(labels):
            basis = weighted[known & (labels == label)]
            for name, own in (("local", labels), ("expected", assigned)):
                these = held & (own == label)
                if np.any(these):
                    squares[name][these] = _missed(basis, coefficients[these], largest)
    widths = {name: np.sqrt(np.mean(values, axis=0)) for name, values in squares.items()}
    return Efficiency(
        ranks=np.arange(1, largest + 1),
        global_widths=widths["global"],
        local_widths=widths["local"],
        expected_widths=widths["expected"],
        accuracy=None if chosen is None else float(np.mean(chosen == labels)),
    )


def _missed(known: NDArray[Any], held: NDArray[Any], largest: int) -> NDArray[np.float64]:
    """Return squares of relative projection errors for every size of basis, (held, largest)."""
    r = held.shape[2]
    samples, rest = held.shape[0], held.copy()
    total = np.sum(np.abs(held) ** 2, axis=(1, 2))
    rows = known.reshape(-1, r)
    Vh = np.linalg.svd(rows, full_matrices=False)[2] if len(rows) else np.zeros((0, r))
    missed = np.empty((samples, largest))
    for k in range(largest):
        if k < len(Vh):
            rest = rest - (rest @ Vh[k].conj())[..., None] * Vh[k]
        missed[:, k] = np.sum(np.abs(rest) ** 2, axis=(1, 2)) / total
    return missed


def standard_deviations(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return those of every column of (samples, p) numbers of any size, and 1 where it is zero."""
    centred = points - np.mean(points, axis=0)
    unit = np.max(np.abs(centred), axis=0)
    unit = np.where(unit > 0, unit, 1)
    deviations = unit * np.std(centred / unit, axis=0)
    return np.where(deviations > 0, deviations, 1)


class NearestSamples:
    """A classifier: the vote of the nearest samples in scaled parameters.

    Parameters
    ----------
    parameters : (samples, p) ndarray
    labels : (samples,) ndarray of int

    Notes
    -----
    Parameters are divided by their standard deviations. How many samples vote (1, 3, 5, 7 or 9) is
    chosen by leaving each one out.
    """

    def __init__(self, parameters: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        self.center = np.mean(parameters, axis=0)
        self.scale = standard_deviations(parameters)
        self.points = (parameters - self.center) / self.scale
        self.labels = labels
        distances = self._distances(self.points)
        np.fill_diagonal(distances, np.inf)
        votes = [k for k in (1, 3, 5, 7, 9) if k < len(labels)] or [1]
        left_out = [self._voted(distances, k) for k in votes]
        best = int(np.argmax([np.mean(found == labels) for found in left_out]))
        self.votes, self.left_out = votes[best], left_out[best]

    def __call__(self, parameters: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the labels of (m, p) parameters."""
        return self._voted(self._distances((parameters - self.center) / self.scale), self.votes)

    def _distances(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        gaps = points[:, None, :] - self.points
        return np.asarray(np.sum(gaps**2, axis=2))

    def _voted(self, distances: NDArray[np.float64], votes: int) -> NDArray[np.int64]:
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :votes]
        counts = np.zeros((len(distances), int(np.max(self.labels)) + 1))
        for k in range(nearest.shape[1]):
            # ties go to the nearest
            counts[np.arange(len(distances)), self.labels[nearest[:, k]]] += 1 + 1e-3 * (k == 0)
        return np.asarray(np.argmax(counts, axis=1))

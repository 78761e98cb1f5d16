"""The functions of one axis: Gaussian processes that are known from observations at points."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import kernel, namespace
from structlin._kernels import markov
from structlin.covariance import Matern
from structlin.tensors._memory import require_memory
from structlin.tensors._regression.coupling import packed


class Functions:
    """Several functions of one variable with the same prior, smoothed at points.

    Parameters
    ----------
    points : (n,) array
        Ascending coordinates.
    covariance : Matern
        The prior of every function.
    mean : (n, r) array
        To begin with, values of the functions that are taken for certain.
    max_bytes : int
        The largest array allowed.

    Attributes
    ----------
    mean : (n, r) array
        Expected values at the points.
    spread : (n, r, r) array
        Their covariances at every point.
    evidence : float
        Logarithm of the expected product of the observation factors under the prior.
    cost : float
        The divergence of the posterior from the prior.

    Notes
    -----
    With the state-space form of the prior the precision of all states is block-tridiagonal. The
    states are eliminated in ascending order and substituted in descending order, ``O(n m³ r³)`` for
    ``m`` states. What is left after each elimination is kept as a covariance (which makes this a
    Kalman filter) because precisions lose all digits where points are near to each other. The way
    back (Bryson and Frazier's) needs no inverse either.
    """

    def __init__(self, points: Any, covariance: Matern, mean: Any, max_bytes: int) -> None:
        n, functions = mean.shape
        size = covariance.states * functions
        cure = "merge coordinates with a larger resolution, or raise max_bytes"
        require_memory((n + 1, size, size), "float64", "the smoother", cure, max_bytes)
        self.points = points
        self.covariance = covariance
        self.mean = mean
        self.spread = np.zeros((n, functions, functions))
        self.evidence = self.cost = 0.0

    @property
    def second_moments(self) -> Any:
        """The packed second moments at the points, (n, r (r + 1)/2)."""
        return packed(_outer(self.mean) + self.spread)

    def observe(self, information: Any, shift: Any) -> None:
        """Find the functions given ``exp(shift[i] · u − u · information[i] u / 2)`` at every point.

        Parameters
        ----------
        information : (n, r, r) array
        shift : (n, r) array
        """
        xp, prior = namespace(shift), self._prior(self.covariance)
        self.evidence, *kept = self._forward(prior, information, shift)
        means, covs = kept[:2]
        n, size = means.shape
        self._before = means, covs
        self._after = np.empty((n + 1, size)), np.empty((n + 1, size, size))
        self.mean, self.spread = np.empty(shift.shape), np.empty(information.shape)
        kernel(xp, markov.smoothed)(*prior, *kept, *self._after, self.mean, self.spread)
        factors = np.sum(shift * self.mean)
        factors -= np.sum(information * (_outer(self.mean) + self.spread)) / 2
        self.cost = float(factors) - self.evidence

    def evidence_with(self, covariance: Matern, information: Any, shift: Any) -> float:
        """Return what the evidence would be with another prior."""
        return float(self._forward(self._prior(covariance), information, shift)[0])

    def with_points(self, points: Any, max_bytes: int) -> Functions:
        """Return functions with the same prior at other points, not observed yet."""
        mean = np.zeros((len(points), self.mean.shape[1]))
        return Functions(points, self.covariance, mean, max_bytes)

    def moved(self, points: Any, max_bytes: int) -> Functions:
        """Return functions with the same prior that have the same moments at other points."""
        found = self.with_points(points, max_bytes)
        found.mean, found.spread = self.at(points)
        return found

    def at(self, x: Any) -> tuple[Any, Any]:
        """Return the expected values of the functions elsewhere, and their covariances.

        Parameters
        ----------
        x : (N,) array

        Returns
        -------
        (N, r) array, (N, r, r) array
        """
        functions, states = self.mean.shape[1], self.covariance.states
        n, last = x.shape[0], len(self.points) - 1
        after = np.searchsorted(self.points, x)  # the first point that is not below
        before = np.maximum(after - 1, 0)
        prior = self.covariance.state_covariance()
        gaps = np.maximum(x - self.points[before], 0.0)
        A, Q = self.covariance.transition(gaps), self.covariance.process_noise(gaps)
        A[after == 0], Q[after == 0] = 0.0, prior  # nothing is known below the first point
        means, covs = self._before
        means = means[before].reshape(n, states, functions)
        covs = covs[before].reshape(n, states, functions, states, functions)
        mean = np.einsum("njk,nkr->njr", A, means)
        C = np.einsum("njk,nkrls->njrls", A, covs)
        C = np.einsum("njrks,nlk->njrls", C, A)
        for r in range(functions):
            C[:, :, r, :, r] += Q
        # what comes after, seen from here
        gaps = np.maximum(self.points[np.minimum(after, last)] - x, 0.0)
        B = self.covariance.transition(gaps)
        pulls, weights = self._after
        pull = np.einsum("nkj,nkr->njr", B, pulls[after].reshape(n, states, functions))
        W = weights[after].reshape(n, states, functions, states, functions)
        W = np.einsum("nkj,nkrls->njrls", B, W)
        W = np.einsum("njrks,nkl->njrls", W, B)
        seen = C[:, 0]  # covariances of the functions with the state, (n, r, states, r)
        mean = mean[:, 0] + np.einsum("nrks,nks->nr", seen, pull)
        WC = np.einsum("nkslt,nrlt->nksr", W, seen)
        return mean, C[:, 0, :, 0] - np.einsum("nqks,nksr->nqr", seen, WC)

    def _prior(self, covariance: Matern) -> tuple[Any, Any, Any]:
        gaps = np.diff(self.points)
        return (
            covariance.transition(gaps),
            covariance.process_noise(gaps),
            covariance.state_covariance(),
        )

    def _forward(self, prior: tuple[Any, Any, Any], information: Any, shift: Any) -> Any:
        n, functions = shift.shape
        size = prior[2].shape[0] * functions
        arrays = (
            np.empty((n, size)),
            np.empty((n, size, size)),
            np.empty((n, functions, functions)),
            np.empty((n, functions)),
        )
        filtered = kernel(namespace(shift), markov.filtered)
        return filtered(*prior, information, shift, *arrays), *arrays


def _outer(v: Any) -> Any:
    return v[:, :, None] * v[:, None, :]

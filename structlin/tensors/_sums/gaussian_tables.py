"""Gaussians of one coordinate as functions of both the point and the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin.bases import Basis, Chebyshev
from structlin.bases._chop import chop
from structlin.tensors._arrays.ranges import by_qr, rank_within
from structlin.tensors._memory import require_memory

# points of the first grid, and how many of the other variable show what degree is needed
_first, _shown = 33, 33


@dataclass(frozen=True)
class GaussianTable:
    """``exp(−exponents[m] (x − c)²) ≈ Σ u_i(x) transfers[m, i, j] v_j(c)`` for all ``m`` at once.

    Attributes
    ----------
    points : (n, r) array
        Coefficients of the functions ``u``, orthonormal columns.
    centres : (m, s) array
        Coefficients of the functions ``v``, orthonormal columns.
    centre_basis : Chebyshev
        The interval of the centres.
    transfers : (M, r, s) array
        One matrix for every Gaussian.
    """

    points: Any
    centres: Any
    centre_basis: Chebyshev
    transfers: Any


def gaussian_table(
    exponents: Any, weights: Any, basis: Basis, centre_basis: Chebyshev, tol: float, max_bytes: int
) -> GaussianTable:
    """Return the Gaussians for points and centres in two intervals, all NumPy.

    Parameters
    ----------
    exponents, weights : (M,) arrays
        The sum of Gaussians that will be made; the weights add up to 1.
    basis, centre_basis : Chebyshev
        The interval of the points and that of the centres.
    tol : float
        The error in that sum.
    max_bytes : int
        The largest table.

    Notes
    -----
    The degrees are those of the narrowest Gaussians that matter. The functions are the leading
    singular vectors of the table of all Gaussians.
    """
    # coefficients of exp(−a²t²) decay like exp(−k²/(2a²)), and half of that k is a safe bound
    fastest = float(np.sqrt(np.max(exponents * np.log(np.maximum(weights / tol, 1)) / 2)))
    guess = [max(int(fastest * axis.width / 2), _first) for axis in (basis, centre_basis)]
    _guard((len(exponents), *guess), max_bytes)
    same = basis == centre_basis
    n = _length(exponents, weights, basis, centre_basis, tol, max_bytes)
    m = n if same else _length(exponents, weights, centre_basis, basis, tol, max_bytes)
    _guard((len(exponents), n, m), max_bytes)
    gaps = basis.points(n)[:, None, None] - centre_basis.points(m)
    table = basis.coefficients(np.exp(-exponents[:, None] * gaps**2))  # (n, M, m)
    left = _leading(table * weights[:, None], tol)
    table = np.tensordot(left.T, table, axes=1)
    table = np.moveaxis(centre_basis.coefficients(np.moveaxis(table, 2, 0)), 0, 2)
    # the Gaussian of the gap is symmetric
    right = left if same else _leading(np.moveaxis(table * weights[:, None], 2, 0), tol)
    return GaussianTable(left, right, centre_basis, np.moveaxis(table @ right, 1, 0))


def _length(
    exponents: Any, weights: Any, basis: Basis, other: Basis, tol: float, max_bytes: int
) -> int:
    """Return how many coefficients resolve the Gaussians around points of another interval."""
    centres, n = other.points(_shown), _first
    while True:
        _guard((len(exponents), n, _shown), max_bytes)
        gaps = basis.points(n)[:, None, None] - centres
        values = weights[:, None] * np.exp(-exponents[:, None] * gaps**2)
        sizes = basis.sizes(basis.coefficients(values))
        if (kept := chop(sizes, tol)) < n:
            return kept
        n = basis.refined(n)


def _leading(table: Any, tol: float) -> Any:
    """Return an orthonormal basis of the columns (n, …), up to their mean error along the last."""
    U, squares = by_qr(np.ascontiguousarray(table), 0)
    rank, _ = rank_within(squares, tol**2 * table.shape[-1], len(squares))
    return U[:, :rank]


def _guard(shape: tuple[int, ...], max_bytes: int) -> None:
    require_memory(
        shape,
        np.dtype(np.float64),
        "the table of Gaussians",
        "the kernel is very narrow beside the box: widen it, loosen tol, or raise max_bytes",
        max_bytes,
    )


def interval_of(low: float, high: float, basis: Basis) -> Chebyshev:
    """Return an interval with all centres: that of the points if they are inside."""
    if basis.low <= low and high <= basis.high:
        return Chebyshev(basis.low, basis.high)
    if high - low < 1e-3 * basis.width:  # a single centre has no interval
        middle, half = low + (high - low) / 2, basis.width / 2
        return Chebyshev(middle - half, middle + half)
    return Chebyshev(low, high)

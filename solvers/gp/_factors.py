"""Eigendecompositions of the covariance matrices of single axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.bases import Grid
from structlin.covariance import Covariance

negligible = 1e-10
"""Negative eigenvalues down to this share of the largest are rounding errors."""

_rounding = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Factor:
    """The covariance matrix ``K = largest · Q diag(eigenvalues) Qᵀ`` of one axis, in float64.

    Attributes
    ----------
    vectors : (n, n) array
        The orthogonal matrix ``Q``.
    eigenvalues : (n,) array
        In units of the largest, not sorted; those negative by rounding are zero.
    largest : float
        The largest eigenvalue.
    least : float
        The least eigenvalue in units of the largest.
    clipped : int
        How many were negative.
    evens : int
        How many eigenvectors equal their mirror image, the first ones, while the others are its
        negative; 0 where that is not known.
    """

    vectors: Any
    eigenvalues: Any
    largest: float
    least: float
    clipped: int
    evens: int = 0


Known = Mapping[tuple[int, int], Factor]
"""Eigendecompositions that are known, by product and axis."""


def factor(kernel: Covariance, grid: Grid, axis: int) -> Factor:
    """Return the eigendecomposition of the covariance matrix of one axis.

    Raises
    ------
    ValueError
        If an eigenvalue is negative beyond rounding: the message names the axis.
    MemoryError
        If the matrix does not fit into memory: the message names the axis.

    Notes
    -----
    A stationary kernel on even nodes, or on others that lie symmetrically, has a matrix that stays
    the same when its rows and columns are reversed. Its eigenvectors are even or odd, and two
    problems of half the size give them.
    """
    xp = grid.xp
    try:
        K = kernel.gram(nodes(grid, axis))
        values, vectors, mirrored = _eigh(K)
    except MemoryError as error:
        n = grid.shape[axis]
        raise MemoryError(
            f"axis {axis} has {n} nodes, and its covariance matrix and eigenvectors take "
            f"{16 * n**2 / 2**30:.3g} GiB: take fewer nodes"
        ) from error
    largest, least = float(xp.max(values)), float(xp.min(values))
    if not largest > 0 or least < -negligible * largest:
        raise ValueError(
            f"the covariance matrix of axis {axis} has the eigenvalue {least:.3g}, the largest is "
            f"{largest:.3g}: {kernel!r} is not positive definite on the nodes of this axis"
        )
    negative = values < 0
    clipped = int(xp.count_nonzero(negative))
    values = xp.where(negative, xp.zeros_like(values), values) / largest
    evens = K.shape[0] - K.shape[0] // 2 if mirrored else 0
    return Factor(vectors, values, largest, max(least, 0.0) / largest, clipped, evens)


def nodes(grid: Grid, axis: int) -> Any:
    """Return the nodes of an axis in float64: single precision makes matrices indefinite."""
    return grid.xp.astype(grid.axes[axis], grid.xp.float64, copy=False)


def mirrored_eigh(K: Any) -> tuple[Any, Any]:
    """Return eigenvalues and eigenvectors of a symmetric matrix that equals its own mirror image.

    Its rows and columns may be reversed: ``K[n−1−i, n−1−j] = K[i, j]``. The eigenvalues are not
    sorted: those of even eigenvectors come first.
    """
    xp = namespace(K)
    n = K.shape[0]
    half, middle = n // 2, n % 2
    if half == 0:
        return K[0, :], xp.ones_like(K)
    near, far = K[:half, :half], xp.flip(K[:half, n - half :], axis=1)
    even = near + far
    if middle:
        beside = 2**0.5 * K[:half, half : half + 1]
        below = xp.concat(
            [xp.matrix_transpose(beside), K[half : half + 1, half : half + 1]], axis=1
        )
        even = xp.concat([xp.concat([even, beside], axis=1), below])
    evens, U = xp.linalg.eigh(even)
    odds, V = xp.linalg.eigh(near - far)
    U, V = U * 0.5**0.5, V * 0.5**0.5
    centre = U[half:, :] * 2**0.5
    top = xp.concat([U[:half, :], V], axis=1)
    bottom = xp.flip(xp.concat([U[:half, :], -V], axis=1), axis=0)
    if middle:
        centre = xp.concat([centre, xp.zeros_like(V[:1, :])], axis=1)
        vectors = xp.concat([top, centre, bottom])
    else:
        vectors = xp.concat([top, bottom])
    return xp.concat([evens, odds]), vectors


def joint_root(kernel: Covariance, old: Any, new: Any, order: int, axis: int) -> tuple[Any, Any]:
    """Return a root of the covariance of values at old nodes and derivatives at new ones.

    Returns
    -------
    (n, r) array, (m, r) array
        The rows of old nodes and of new ones; ``r`` is how many eigenvalues rise above rounding.

    Raises
    ------
    ValueError
        If the covariance is not positive semidefinite: the message names the axis.
    """
    xp = namespace(old)
    n = old.shape[0]
    if order:
        between = kernel.derivative(old, new, order=(0, order))
        below = [
            xp.matrix_transpose(between),
            kernel.derivative(new, order=(order, order)),
        ]
        above = xp.concat([kernel.gram(old), between], axis=1)
        K, places = xp.concat([above, xp.concat(below, axis=1)]), None
    else:
        different, places = xp.unique_inverse(xp.concat([old, new]))
        K = kernel.gram(different)
    units = xp.sqrt(xp.linalg.diagonal(K))  # values and derivatives differ in theirs
    units = xp.where(units > 0, units, xp.ones_like(units))
    values, vectors, _ = _eigh(K / (units[:, None] * units))
    largest, least = float(xp.max(values)), float(xp.min(values))
    if least < -negligible * largest:
        raise ValueError(
            f"the covariance of old and new nodes of axis {axis} has the eigenvalue {least:.3g}, "
            f"the largest is {largest:.3g}: {kernel!r} is not positive definite"
        )
    (rising,) = xp.nonzero(values > _rounding * largest)
    root = units[:, None] * xp.take(vectors, rising, axis=1) * xp.sqrt(xp.take(values, rising))
    root = root if places is None else xp.take(root, places, axis=0)
    return root[:n, :], root[n:, :]


def _eigh(K: Any) -> tuple[Any, Any, bool]:
    """Return eigenvalues, eigenvectors and whether the matrix equals its mirror image."""
    xp = namespace(K)
    mirrored = bool(xp.all(xp.flip(K, axis=(0, 1)) == K))
    return (*(mirrored_eigh(K) if mirrored else xp.linalg.eigh(K)), mirrored)

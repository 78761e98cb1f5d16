"""Vibrations of an interval in Legendre polynomials, whatever its ends are held by."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import scipy_of
from structlin.bases import Chebyshev, legendre_gauss


@dataclass(frozen=True)
class LegendreLine:
    """Eigenfunctions of ``−u″`` on ``[−1, 1]`` among the polynomials of degree below ``n``.

    Attributes
    ----------
    eigenvalues : (m,) array
        Ascending. About the first 2/π of them are those of the differential equation.
    coefficients : (n, m) array
        Of the eigenfunctions, orthonormal in ``L²``, in orthonormal Legendre polynomials.
    ends : (2, m) array
        Their values at −1 and 1.
    """

    eigenvalues: Any
    coefficients: Any
    ends: Any


@dataclass(frozen=True)
class LegendrePoints:
    """Legendre polynomials, orthonormal on ``[−1, 1]``, at points.

    Attributes
    ----------
    values : (n, n) array
        At the points in rows.
    coefficients : (n, n) array
        From values at the points to the coefficients of the polynomial through them.
    weights : (n,) array
        Of the quadrature at the points that is exact for these polynomials.
    ends : (2, n) array
        Values of the polynomials at −1 and 1.
    """

    values: Any
    coefficients: Any
    weights: Any
    ends: Any


@functools.lru_cache(maxsize=8)
def legendre_points(n: int, kind: str) -> LegendrePoints:
    """Return the polynomials of degree below ``n`` at Gauss or Chebyshev points."""
    x, w = legendre_gauss(n)
    size = np.sqrt(np.arange(n) + 0.5)  # of the orthonormal polynomials over the usual ones
    values = np.polynomial.legendre.legvander(x, n - 1) * size
    coefficients = values.T * w
    if kind == "chebyshev":
        basis = Chebyshev()
        coefficients = coefficients @ (basis.vander(x, n) @ basis.coefficients(np.eye(n)))
        values = np.polynomial.legendre.legvander(basis.points(n), n - 1) * size
        w = basis.weights(n)
    ends = size * np.stack([(-1.0) ** np.arange(n), np.ones(n)])
    found = LegendrePoints(values, coefficients, w, ends)
    for array in (found.values, found.coefficients, found.weights, found.ends):
        array.flags.writeable = False
    return found


@functools.lru_cache(maxsize=8)
def legendre_line(n: int, low: float | None, high: float | None) -> LegendreLine:
    """Return the eigenfunctions of ``−u″`` among the polynomials of degree below ``n``.

    Parameters
    ----------
    n : int
        3 or more.
    low, high : float or None
        None where the function vanishes at that end; the number ``a`` of ``∂u/∂n + a u = 0``, which
        is the natural condition of the energy.

    Returns
    -------
    LegendreLine
        Its arrays are kept, and read-only.

    Notes
    -----
    Galerkin's method in integrated Legendre polynomials: the derivatives of
    ``φₖ = (Pₖ − Pₖ₊₂)/√(4k + 6)`` are orthonormal, and so is that of ``(1 ± x)/√2`` with them. In
    orthonormal Legendre polynomials every ``φₖ`` has two coefficients. Written down in turn,
    functions and polynomials make chains in which neighbours have a coefficient: with the matrix
    ``B`` of coefficients, ``BᵀB`` is tridiagonal, ``λ = 1/‖B q‖²`` for its eigenvectors ``q``, and
    ``B q`` are the eigenfunctions, where a matrix of second derivatives would lose ``n⁴`` rounding
    errors. They are orthogonalised in their order. ``O(n²)``, and products of matrices.

    With ``∂u/∂n + a u = 0`` at both ends there is no chain: singular vectors of a full matrix,
    ``O(n³)``.

    References
    ----------
    .. [1] J. Shen, "Efficient spectral-Galerkin method I", SIAM J. Sci. Comput. 15 (1994).
    """
    if n < 3:
        raise ValueError(f"an axis has {n} nodes: a spectral axis needs 3 or more")
    if low is None and high is None:
        parts = [_dirichlet_chain(n, 0), _dirichlet_chain(n, 1)]
    elif low == 0 and high == 0:
        parts = [_constant(n), _neumann_chain(n, 0), _neumann_chain(n, 1)]
    elif (low is None or high is None) and (low or high or 0.0) >= 0:
        parts = [_mixed_chain(n, low, high)]
    else:
        parts = [_general(n, low, high)]
    eigenvalues = np.concatenate([part[0] for part in parts])
    order = np.argsort(eigenvalues, kind="stable")
    modes = np.concatenate([part[1] for part in parts], axis=1)[:, order]
    size = np.sqrt(np.arange(n) + 0.5)
    ends = np.stack([size * (-1.0) ** np.arange(n), size]) @ modes
    for row, side in enumerate((low, high)):
        if side is None:
            ends[row] = 0
    line = LegendreLine(eigenvalues[order], modes, ends)
    for array in (line.eigenvalues, line.coefficients, line.ends):
        array.flags.writeable = False
    return line


@functools.lru_cache(maxsize=8)
def legendre_values(n: int, kind: str, low: float | None, high: float | None) -> Any:
    """Return the (n, m) values of the eigenfunctions at Gauss or Chebyshev points, read-only."""
    # half of the points are enough; most of the functions are even or odd polynomials
    P, modes = legendre_points(n, kind).values, legendre_line(n, low, high).coefficients
    half = -(-n // 2)
    even, odd = np.zeros((2, half, modes.shape[1]))
    for parity, part in enumerate((even, odd)):
        here = np.any(modes[parity::2] != 0, axis=0)
        part[:, here] = P[:half, parity::2] @ modes[parity::2, here]
    values = np.concatenate([even + odd, (even - odd)[: n - half][::-1]])
    values.flags.writeable = False
    return values


def bubble(k: Any) -> tuple[Any, Any]:
    """Return the two coefficients of ``φₖ``, of degree ``k`` and ``k + 2``."""
    unit = np.sqrt(4.0 * k + 6)
    return 1 / (unit * np.sqrt(k + 0.5)), -1 / (unit * np.sqrt(k + 2.5))


def _dirichlet_chain(n: int, parity: int) -> tuple[Any, Any]:
    """Return eigenvalues and coefficients of one parity that vanish at both ends."""
    # P₀ φ₀ P₂ φ₂ P₄ …
    degrees = np.arange(parity, n, 2)
    weights = np.stack(bubble(degrees[:-1]), axis=1).reshape(-1)
    return _chain(n, degrees, weights, first=0)


def _neumann_chain(n: int, parity: int) -> tuple[Any, Any]:
    """Return those of one parity that are free at both ends, without the constant."""
    # φ₀ is P₂ and a constant: φ₀ P₂ φ₂ P₄ …; an odd one is x: x P₁ φ₁ P₃ …
    degrees = np.arange(2 - parity, n, 2)
    links = np.stack(bubble(degrees[:-1]), axis=1).reshape(-1)
    start = np.sqrt(1 / 3) if parity else bubble(0)[1]
    return _chain(n, degrees, np.concatenate([[start], links])[: 2 * len(degrees) - 1], first=1)


def _mixed_chain(n: int, low: float | None, high: float | None) -> tuple[Any, Any]:
    """Return those that vanish at one end."""
    # … P₂ φ₀ P₀ (1 ± x) P₁ φ₁ P₃ …
    a, sign = (high, 1.0) if low is None else (low, -1.0)
    even, odd = np.arange(0, n, 2), np.arange(1, n, 2)
    left = np.stack(bubble(even[:-1]), axis=1).reshape(-1)[::-1]
    right = np.stack(bubble(odd[:-1]), axis=1).reshape(-1)
    unit = np.sqrt(1 + 2 * (a or 0.0))  # the energy of (1 ± x)/√2
    middle = np.asarray([1.0, sign / np.sqrt(3)]) / unit
    degrees = np.concatenate([even[::-1], odd])
    return _chain(n, degrees, np.concatenate([left, middle, right]), first=0)


def _constant(n: int) -> tuple[Any, Any]:
    return np.zeros(1), np.eye(n, 1)


def _chain(n: int, degrees: Any, weights: Any, first: int) -> tuple[Any, Any]:
    """Return eigenvalues and coefficients of a chain; the polynomials begin at place ``first``."""
    linalg = scipy_of(np, "linalg")
    # of every function with the polynomial before it, and with the one behind it
    padded = np.concatenate([np.zeros(first), weights])
    left, right = padded[::2], padded[1::2]
    modes = np.zeros((n, len(left)))
    if not len(left):
        return np.empty(0), modes
    _, Q = linalg.eigh_tridiagonal(left**2 + right**2, right[:-1] * left[1:])
    Q = Q[:, ::-1]
    U = np.zeros((len(left) + 1, len(left)))
    U[:-1] = left[:, None] * Q
    U[1:] += right[:, None] * Q
    U = U[first:]
    sigma = np.linalg.norm(U, axis=0)
    U /= sigma
    # the smooth ones first: errors of the others, large as n² rounding errors, stay with these
    R = linalg.cholesky(U.T @ U, lower=False)
    modes[degrees] = linalg.solve_triangular(R, U.T, trans="T", lower=False).T
    return 1 / sigma**2, modes


def _general(n: int, low: float | None, high: float | None) -> tuple[Any, Any]:
    """Return those of any conditions."""
    free = [end for end, a in enumerate((low, high)) if a is not None]
    robin = np.asarray([(low, high)[end] for end in free], dtype=float)
    # rows: a function that is 1 at one end, for each that is free, and the φₖ
    T = np.zeros((len(free) + n - 2, n))
    for row, end in enumerate(free):
        T[row, :2] = 1 / np.sqrt(2), (2 * end - 1) / np.sqrt(6)
    k = np.arange(n - 2)
    T[len(free) + k, k], T[len(free) + k, k + 2] = bubble(k)
    energy = np.eye(len(T))
    energy[: len(free), : len(free)] = np.diag(robin) + 0.5 * np.asarray(
        [[1.0 if i == j else -1.0 for j in free] for i in free]
    )
    # |a| u(±1)² <= ‖u′‖²/4 + 4 a² ‖u‖² + |a| ‖u‖²/2 for each end: the sum is definite
    fed = np.minimum(robin, 0)
    shift = float(1 + np.sum(4 * fed**2 + np.abs(fed)))
    L = np.linalg.cholesky(energy + shift * (T @ T.T))
    Q, sigma, modes = np.linalg.svd(np.linalg.solve(L, T), full_matrices=False)
    functions = np.linalg.solve(L.T, Q) / sigma
    eigenvalues = np.sum(functions * (energy @ functions), axis=0)
    return eigenvalues, modes.T

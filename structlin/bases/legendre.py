"""Nodes and weights of Legendre polynomials."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin.bases._basis import place


def legendre_lobatto(
    n: int, low: float = -1.0, high: float = 1.0, like: Any = None
) -> tuple[Any, Any]:
    """Return the nodes and weights of Gauss-Lobatto-Legendre quadrature, ends included.

    Parameters
    ----------
    n : int
        How many, 2 or more.
    low, high : float
        The ends of the interval, ``low < high``.
    like : array, optional
        Gives the array library and the device; by default NumPy.

    Returns
    -------
    nodes, weights : (n,) array
        Ascending, in float64. Polynomials of degree ``2n − 3`` are integrated exactly.

    Raises
    ------
    ValueError
        If there are fewer than two nodes, or the interval is empty.

    Notes
    -----
    The inner nodes are the zeros of ``P'`` of the Legendre polynomial ``P`` of degree ``n − 1``,
    found by Newton's method from Chebyshev points; the weights are ``2 / (n (n − 1) P(x)²)``.
    ``O(n²)``.

    Examples
    --------
    >>> x, w = legendre_lobatto(3, 0.0, 2.0)
    >>> x, w * 3
    (array([0., 1., 2.]), array([1., 4., 1.]))
    """
    if not isinstance(n, int) or n < 2:
        raise ValueError(f"n is {n!r}: both ends are nodes, pass 2 or more")
    return _on_interval(*_lobatto_reference(n), low, high, like)


def legendre_gauss(
    n: int, low: float = -1.0, high: float = 1.0, like: Any = None
) -> tuple[Any, Any]:
    """Return the nodes and weights of Gauss-Legendre quadrature, which has no node at the ends.

    Parameters
    ----------
    n : int
        How many, 1 or more.
    low, high : float
        The ends of the interval, ``low < high``.
    like : array, optional
        Gives the array library and the device; by default NumPy.

    Returns
    -------
    nodes, weights : (n,) array
        Ascending, in float64. Polynomials of degree ``2n − 1`` are integrated exactly.

    Raises
    ------
    ValueError
        If there is no node, or the interval is empty.

    Notes
    -----
    The nodes are the zeros of the Legendre polynomial ``P`` of degree ``n``, found by Newton's
    method from Chebyshev points; the weights are ``2 / ((1 − x²) P'(x)²)``. ``O(n²)``.

    Examples
    --------
    >>> x, w = legendre_gauss(3)
    >>> (x[2] ** 2 * 5).round(12), (w * 9).round(12)
    (np.float64(3.0), array([5., 8., 5.]))
    """
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"n is {n!r}: pass 1 node or more")
    return _on_interval(*_gauss_reference(n), low, high, like)


def _on_interval(t: Any, w: Any, low: float, high: float, like: Any) -> tuple[Any, Any]:
    """Return nodes and weights of ``[−1, 1]`` as those of an interval."""
    if not low < high:
        raise ValueError(f"the interval is [{low:g}, {high:g}]: the first end must be the smaller")
    xp, where = place(like)
    nodes = low * ((1 - t) / 2) + high * ((1 + t) / 2)
    return xp.asarray(nodes, device=where), xp.asarray(w * ((high - low) / 2), device=where)


@functools.lru_cache(maxsize=32)
def _gauss_reference(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Gauss nodes and weights of ``[−1, 1]``."""
    x = -np.cos(np.pi * (4 * np.arange(n) + 3) / (4 * n + 2))
    slope = np.ones(n)
    for _ in range(20):  # five or six are enough
        before, P = _legendre(x, n)
        slope = n * (before - x * P) / (1 - x * x)
        step = P / slope
        x = x - step
        if np.max(np.abs(step)) < 2 * np.finfo(np.float64).eps:
            break
    x = (x - x[::-1]) / 2
    before, P = _legendre(x, n)
    slope = n * (before - x * P) / (1 - x * x)
    return x, 2 / ((1 - x * x) * slope * slope)


@functools.lru_cache(maxsize=32)
def _lobatto_reference(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Lobatto nodes and weights of ``[−1, 1]``."""
    degree = n - 1
    x = np.sin(np.pi * (2 * np.arange(n) - degree) / (2 * degree))
    for _ in range(20):  # six or seven are enough
        before, P = _legendre(x, degree)
        # (x² − 1) P' = degree (x P − before); its derivative is degree n P
        step = (x * P - before) / (n * P)
        x = x - step
        if np.max(np.abs(step)) < 2 * np.finfo(np.float64).eps:
            break
    x[0], x[-1] = -1.0, 1.0
    x = (x - x[::-1]) / 2
    _, P = _legendre(x, degree)
    return x, 2 / (degree * n * P * P)


def _legendre(x: NDArray[np.float64], degree: int) -> tuple[Any, Any]:
    """Return the Legendre polynomials of one degree less and of a degree, 1 or more."""
    before, P = np.ones_like(x), x
    for k in range(2, degree + 1):
        before, P = P, ((2 * k - 1) * x * P - (k - 1) * before) / k
    return before, P

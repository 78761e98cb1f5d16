"""Kernels that are functions of the distance of two vectors of features."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace


def _matern(coefficients: tuple[float, ...]) -> Callable[[Any], Any]:
    """Return the Matérn kernel of smoothness ``p + 1/2``, a polynomial times an exponential."""
    rate = math.sqrt(2 * len(coefficients) - 1)

    def kernel(squares: Any) -> Any:
        xp = namespace(squares)
        r = rate * xp.sqrt(squares)
        polynomial = xp.full_like(r, coefficients[-1])
        for c in reversed(coefficients[:-1]):
            polynomial = polynomial * r + c
        return polynomial * xp.exp(-r)

    return kernel


def _matern_slope(coefficients: tuple[float, ...]) -> Callable[[Any], Any]:
    """Return the derivative of a Matérn kernel by the squared distance.

    It is ``rate²/2 (p'(r) − p(r))/r e⁻ʳ`` with the polynomial ``p``, whose first two coefficients
    are equal unless it is constant.
    """
    rate = math.sqrt(2 * len(coefficients) - 1)
    following = [(k + 1) * c for k, c in enumerate(coefficients[1:])] + [0.0]
    quotient = [a - b for a, b in zip(following, coefficients, strict=True)][1:]

    def slope(squares: Any) -> Any:
        xp = namespace(squares)
        r = rate * xp.sqrt(squares)
        if not quotient:
            return -(rate**2) / 2 * xp.exp(-r) / xp.maximum(r, xp.full_like(r, 1e-8))
        polynomial = xp.full_like(r, quotient[-1])
        for c in reversed(quotient[:-1]):
            polynomial = polynomial * r + c
        return rate**2 / 2 * polynomial * xp.exp(-r)

    return slope


_polynomials = {
    "matern12": (1.0,),
    "matern32": (1.0, 1.0),
    "matern52": (1.0, 1.0, 1 / 3),
    "matern72": (1.0, 1.0, 2 / 5, 1 / 15),
    "matern92": (1.0, 1.0, 3 / 7, 2 / 21, 1 / 105),
}
# of the squared distance in units of the length scale; all are 1 at 0
kernels: dict[str, Callable[[Any], Any]] = {
    **{name: _matern(coefficients) for name, coefficients in _polynomials.items()},
    "rbf": lambda squares: namespace(squares).exp(-squares / 2),
    "rq": lambda squares: 1 / (1 + squares / 2),
    "imq": lambda squares: 1 / namespace(squares).sqrt(1 + squares),
}
# their derivatives
slopes: dict[str, Callable[[Any], Any]] = {
    **{name: _matern_slope(coefficients) for name, coefficients in _polynomials.items()},
    "rbf": lambda squares: -0.5 * namespace(squares).exp(-squares / 2),
    "rq": lambda squares: -0.5 / (1 + squares / 2) ** 2,
    "imq": lambda squares: -0.5 / (1 + squares) ** 1.5,
}


def require_kernel(name: Any) -> Callable[[Any], Any]:
    """Return the kernel of that name."""
    if name not in kernels:
        raise ValueError(f"kernel is {name!r}: it is one of {', '.join(map(repr, kernels))}")
    return kernels[name]


def squared_distances(A: Any, B: Any) -> Any:
    """Return the (n, m) squared distances of the rows of ``A``, (n, r), and of ``B``, (m, r)."""
    xp = namespace(A, B)
    squares = xp.matmul(A, xp.matrix_transpose(B))
    squares *= -2.0
    squares += xp.sum(A * A, axis=1)[:, None]
    squares += xp.sum(B * B, axis=1)[None, :]
    return xp.where(squares > 0, squares, xp.zeros_like(squares))

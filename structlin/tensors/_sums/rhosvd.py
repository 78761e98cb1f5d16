"""Sums of terms of rank one, reduced to a core and orthonormal factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import kernel as compiled, namespace
from structlin._kernels.khatri_rao_core import khatri_rao_core
from structlin._norm import column_norms, norm
from structlin.matrices._base import adjoint_of
from structlin.tensors._arrays.ranges import by_qr, rank_within
from structlin.tensors._memory import require_memory

# what the choice of the factors may take of the tolerance
_share = 0.1


def normalized(weights: Any, factors: Sequence[Any]) -> tuple[Any, list[Any], float]:
    """Return weights of at most 1 and columns of norm 1 or 0, and what the sum is to be times.

    Raises
    ------
    OverflowError
        If a term is too large for Python's floats.
    """
    xp = namespace(weights, *factors)
    columns, sizes = [], []
    for U in factors:
        norms = column_norms(U)
        columns.append(U / xp.where(norms == 0, xp.ones_like(norms), norms))
        sizes.append(norms)
    weights, unit = scaled(weights, sizes)
    return weights, columns, unit


def scaled(weights: Any, sizes: Sequence[Any]) -> tuple[Any, float]:
    """Return weights times sizes in units of the largest of these products, and that one.

    Only the products have to be in range, not what they are made of.

    Parameters
    ----------
    weights : (R,) array
        Real or complex.
    sizes : sequence of (R,) arrays
        Numbers of 0 or more.

    Raises
    ------
    OverflowError
        If the largest product is too large for Python's floats.
    """
    xp = namespace(weights, *sizes)
    out, powers = _fractions(weights)
    for size in sizes:
        fraction, power = _fractions(size)
        out, powers = out * xp.astype(fraction, out.dtype), powers + power
    there = out != 0
    if not bool(xp.any(there)):
        return out, 0.0
    highest = xp.max(powers[there])
    powers = xp.where(there, powers - highest, xp.zeros_like(powers))
    out = out * xp.astype(2**powers, out.dtype)
    largest = float(xp.max(xp.abs(out)))
    try:
        return out / largest, math.ldexp(largest, int(highest))
    except OverflowError:
        raise OverflowError("a term of the sum is too large for a float: scale it first") from None


def _fractions(x: Any) -> tuple[Any, Any]:
    """Return numbers of an absolute value between 1/2 and 4, or 0, and powers of 2 they lack."""
    xp = namespace(x)
    size = xp.abs(x)
    powers = xp.floor(xp.log2(xp.where(size > 0, size, xp.ones_like(size))))
    return x / xp.astype(2**powers, x.dtype), powers


def rhosvd(
    weights: Any, columns: Sequence[Any], tol: float, max_bytes: int
) -> tuple[Any, list[Any], float]:
    """Return a core, orthonormal factors, and the error relative to the norm of the sum.

    Parameters
    ----------
    weights, columns : (R,) array, sequence of (n, R) arrays
        A sum as `normalized` gives it.
    tol : float
        The error that is asked for; where terms cancel, rounding errors may be larger.
    max_bytes : int
        The largest core.

    Notes
    -----
    The columns that span an axis are the leading left singular vectors of ``U diag(weights)``. As
    the columns of the other axes have norm 1, what is left out of ``R`` terms adds up to no more
    than ``√R`` times its Frobenius norm. It is measured against the norm of the sum, first that of
    the weights; if the core turns out much smaller, terms cancel, and smaller vectors are needed.
    """
    xp, d = namespace(weights, *columns), len(columns)
    eps, terms = float(xp.finfo(weights.dtype).eps), norm(weights)
    sides = [by_qr(U * weights, 0) for U in columns]
    expected = terms
    while True:
        budget = (_share * tol * expected) ** 2 / (d * weights.shape[0])
        factors = []
        for U, squares in sides:
            floor = (eps * math.sqrt(float(squares[0]))) ** 2
            rank, _ = rank_within(squares, max(budget, floor), len(squares))
            factors.append(U[:, :rank])
        shape = [Q.shape[1] for Q in factors]
        cure = "pass a larger tol, or a larger max_bytes"
        require_memory(shape, weights.dtype, "the core", cure, max_bytes)
        inside = [xp.matmul(adjoint_of(Q, xp), U) for Q, U in zip(factors, columns, strict=True)]
        core = compiled(xp, khatri_rao_core)(weights, inside)
        size = norm(core)
        if size >= expected / 2 or tol * expected <= eps * terms:
            achieved = max(tol, eps * terms / size) if size else math.inf
            return core, factors, achieved
        expected = size

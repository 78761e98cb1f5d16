"""Sums of terms of rank one, reduced to a core and orthonormal factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import kernel as compiled, namespace
from structlin._kernels.khatri_rao_core import khatri_rao_core
from structlin._norm import column_norms, norm
from structlin.matrices._base import adjoint_of
from structlin.tensors._memory import require_memory
from structlin.tensors._ranges import by_qr, rank_within

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
    unit = float(xp.max(xp.abs(weights))) if weights.shape[0] else 0.0
    if unit == 0:
        return xp.zeros_like(weights), list(factors), 0.0
    weights, columns, units = weights / unit, [], [unit]
    for U in factors:
        norms = column_norms(U)
        largest = float(xp.max(norms))
        if largest == 0:
            return xp.zeros_like(weights), list(factors), 0.0
        columns.append(U / xp.where(norms == 0, xp.ones_like(norms), norms))
        weights = weights * xp.astype(norms / largest, weights.dtype)
        units.append(largest)
    largest = float(xp.max(xp.abs(weights)))
    return (weights / largest if largest else weights), columns, product([*units, largest])


def product(sizes: Sequence[float]) -> float:
    """Return the product of numbers, of which only the product itself must be in range.

    Raises
    ------
    OverflowError
        If it is not.
    """
    fractions, exponents = zip(*map(math.frexp, sizes), strict=True)
    try:
        return math.ldexp(math.prod(fractions), sum(exponents))
    except OverflowError:
        raise OverflowError("a term of the sum is too large for a float: scale it first") from None


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

"""Products and quotients of functions of several variables."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from structlin._backend import namespace
from structlin.tensors import _core
from structlin.tensors._function.common import on_one_box
from structlin.tensors._function.representation import Representation
from structlin.tensors.composition import apply
from structlin.tensors.tensor_train import TensorTrain

F = TypeVar("F", bound=Representation)

_largest = 2**24  # entries of the core, or of a core of the train, before it is compressed


def multiplied(f: F, g: F) -> F:
    """Return the product of two functions on one box.

    Along every axis either all pairs of columns are multiplied, as many as the product of the
    ranks, or all values that determine the product: whichever are less. A product that would be
    too large before its compression is sampled.
    """
    f, g = on_one_box([f, g])
    lengths = [
        basis.product_length(U.shape[0], V.shape[0])
        for basis, U, V in zip(f.bases, f.factors, g.factors, strict=True)
    ]
    pairs = [r * s for r, s in zip(f.ranks, g.ranks, strict=True)]
    a, b = _core.of_one_kind(f.core, g.core)
    if isinstance(a, TensorTrain):
        by_values = [sum(lengths) < sum(pairs)] * f.ndim
        bonds = [1, *(r * s for r, s in zip(a.ranks, b.ranks, strict=True)), 1]
        sizes = lengths if by_values[0] else pairs
        entries = max(r * n * s for r, n, s in zip(bonds, sizes, bonds[1:], strict=False))
    else:
        by_values = [n < r for n, r in zip(lengths, pairs, strict=True)]
        entries = math.prod(map(min, lengths, pairs))
    if entries > _largest:
        return apply(operator.mul, f, g)
    factors, to_values = [], []
    for axis, basis in enumerate(f.bases):
        U, V, n = f.factors[axis], g.factors[axis], lengths[axis]
        if by_values[axis]:
            to_values.append((basis.values(U, n), basis.values(V, n)))
            unit = f.xp.eye(n, dtype=U.dtype, device=f.device)
            factors.append(basis.coefficients(unit))
        else:
            to_values.append((None, None))
            factors.append(basis.product(U, V))
    a = _core.mode_products(a, [left for left, _ in to_values])
    b = _core.mode_products(b, [right for _, right in to_values])
    # the mean square of a function is at least 2⁻ᵈ of the sum of its squared coefficients
    error = max(f.report.tol, g.report.tol) * f._size() * g._size() / 2**f.ndim
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is found below
        core = _product(a, b, by_values)
    return f._new(core, factors, method="product", others=[g])._compressed(error)


def divided(f: F, g: F) -> F:
    """Return the quotient of two functions on one box, from its values.

    Raises
    ------
    ValueError
        If the divisor has a zero: it takes values of both signs, or a value of the quotient is not
        finite, or these grow without a bound.
    """
    low, high = math.inf, -math.inf

    def quotient(numerator: Any, divisor: Any) -> Any:
        nonlocal low, high
        xp = namespace(divisor)
        if xp.isdtype(divisor.dtype, "real floating") and 0 not in divisor.shape:
            low, high = min(low, float(xp.min(divisor))), max(high, float(xp.max(divisor)))
            if low < 0 < high:
                raise ValueError(
                    f"the divisor has values from {low:.3g} to {high:.3g}: where it is zero the "
                    "quotient has a pole; restrict both functions to a box without one"
                )
        return numerator / divisor

    return apply(quotient, f, g)


def _product(a: Any, b: Any, by_values: Sequence[bool]) -> Any:
    """Return the entrywise product along some axes, and the Kronecker product along the others."""
    if isinstance(a, TensorTrain):
        return a * b if by_values[0] else a.kronecker(b)
    xp = namespace(a, b)
    left, right, shape = [], [], []
    for m, n, entrywise in zip(a.shape, b.shape, by_values, strict=True):
        left += [m] if entrywise else [m, 1]
        right += [n] if entrywise else [1, n]
        shape += [m] if entrywise else [m * n]
    return xp.reshape(xp.reshape(a, tuple(left)) * xp.reshape(b, tuple(right)), tuple(shape))

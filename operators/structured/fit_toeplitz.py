"""Toeplitz matrices of any number of levels, fitted to pairs of inputs and outputs."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.matrices import BlockToeplitz, LinearOperator, Toeplitz
from structlin.operators.structured._fitting import (
    Estimate,
    StructuredFit,
    fitted,
    solve_hermitian,
)
from structlin.operators.structured._pairs import Pairs, pairs_of

# numbers in one input, or one output, up to which the moments of the data are formed
_largest = 4096


def fit_toeplitz(
    inputs: Any,
    outputs: Any,
    *,
    reach: int | Sequence[int] | None = None,
    ridge: float | Sequence[float] = 1e-12,
    held_out: float = 0.2,
) -> StructuredFit:
    """Fit a convolution that is not periodic, ``y[i] = Σ_j c[i − j] x[j]``, to samples.

    Parameters
    ----------
    inputs : (n, n1, …, nd) array
        Samples of the input on a regular grid, up to 4096 points.
    outputs : (n, m1, …, md) array
        The outputs, with as many axes; they may be longer or shorter.
    reach : int or sequence of int, optional
        The largest difference ``|i − j|`` that has an entry, for all axes or for each. By default
        all of them have.
    ridge : float or sequence of float
        The weight of ``‖A‖_F²``, relative to the mean of ``Σ |x_j|²``. Of several, that with the
        least error on samples held out for this choice is taken.
    held_out : float
        What part of the samples, the last ones, measures the error.

    Returns
    -------
    StructuredFit
        With a `structlin.Toeplitz` operator for one axis, a `structlin.BlockToeplitz` for more.

    Raises
    ------
    ValueError
        If numbers of samples or axes differ, a sample has a NaN or Inf, there are too few samples
        to hold some out, or the grid is too large.

    Notes
    -----
    The coefficients ``c`` minimise ``Σ ‖y − A x‖² + μ ‖A‖_F²``, a linear problem. Its normal
    equations ``Σ_i S[i − k, i − l]`` need the moments ``S = Σ x xᴴ`` and ``Σ y xᴴ`` of the data
    only: ``O(N (s + M))`` operations to form them for ``s`` samples of ``N`` and ``M`` numbers, and
    ``(N₁ + M₁ − 1)³ ⋯ / 3`` to solve them. The squares of the data limit errors to some 1e-8 of
    what the inputs excite least.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((20, 5))
    >>> fit = fit_toeplitz(x, np.cumsum(x, axis=1))
    >>> fit.operator.column.round(6), bool(fit.held_out_error < 1e-9)
    (array([1., 1., 1., 1., 1.]), True)
    """
    pairs = pairs_of(inputs, outputs)
    ends = [pairs.input_shape, pairs.output_shape]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(
            f"inputs have {len(ends[0])} axes and outputs {len(ends[1])}: differences of indices "
            "need the same axes in both"
        )
    if max(map(math.prod, ends)) > _largest:
        raise ValueError(
            f"samples of shape {ends[0]} and {ends[1]} are too large: up to {_largest} numbers "
            "are fitted; MultigridOperator and fit_tucker_multiplier take larger grids"
        )
    reaches = _reaches(reach, len(ends[0]))
    return fitted(
        pairs, lambda p, value: _estimate(p, value, reaches), ridge, held_out, "fit_toeplitz"
    )


def _reaches(reach: Any, axes: int) -> list[float]:
    if reach is None:
        return [math.inf] * axes
    each = [reach] * axes if isinstance(reach, numbers.Integral) else list(reach)
    if len(each) != axes or not all(isinstance(r, numbers.Integral) and int(r) >= 0 for r in each):
        raise ValueError(
            f"reach is {reach!r}: pass an integer >= 0, or one for each of {axes} axes"
        )
    return [int(r) for r in each]


def _estimate(pairs: Pairs, ridge: float, reaches: Sequence[float]) -> Estimate:
    xp, n, m = pairs.xp, pairs.input_shape, pairs.output_shape
    d = len(n)
    S, C = pairs.moments()
    differences = tuple(a + b - 1 for a, b in zip(m, n, strict=True))
    # c[i − j + n − 1] multiplies x[j]: reversed, the places of row i are those from i on
    S = xp.flip(xp.reshape(S, (*n, *n)))
    C = xp.flip(xp.reshape(C, (*m, *n)), axis=tuple(range(d, 2 * d)))
    G = xp.zeros((*differences, *differences), dtype=S.dtype, device=S.device)
    right = xp.zeros(differences, dtype=S.dtype, device=S.device)
    count = xp.zeros(differences, dtype=S.dtype, device=S.device)
    for i in itertools.product(*map(range, m)):
        places = tuple(slice(a, a + b) for a, b in zip(i, n, strict=True))
        G[places + places] = G[places + places] + S
        right[places] = right[places] + C[(*i, ...)]
        count[places] = count[places] + 1
    used, place_of = (
        xp.asarray(places, dtype=xp.int64, device=S.device)
        for places in _used(differences, n, reaches)
    )
    size = math.prod(differences)
    G = xp.reshape(G, (size, size))
    G = xp.take(xp.take(G, used, axis=0), used, axis=1)
    weights = pairs.penalty(ridge) * xp.take(xp.reshape(count, (-1,)), used)
    G = G + weights[:, None] * xp.eye(G.shape[0], dtype=G.dtype, device=G.device)
    found = solve_hermitian(G, xp.take(xp.reshape(right, (-1,)), used)[None, :])[0, :]
    whole = xp.take(xp.concat([found, xp.zeros_like(found[:1])]), place_of)
    return Estimate(_operator(pairs.restored(xp.reshape(whole, differences)), m, n))


def _used(
    differences: tuple[int, ...], n: tuple[int, ...], reaches: Sequence[float]
) -> tuple[Any, Any]:
    """Return the places, in C order, of the differences within reach, and where each stands then.

    Those out of reach stand behind the last one.
    """
    within = np.ones((), dtype=bool)
    for size, b, r in zip(differences, n, reaches, strict=True):
        within = within[..., None] & (np.abs(np.arange(size) - (b - 1)) <= r)
    used = np.flatnonzero(within)
    return used, np.where(within, np.cumsum(within).reshape(within.shape) - 1, len(used)).ravel()


def _operator(c: Any, m: tuple[int, ...], n: tuple[int, ...]) -> LinearOperator:
    if len(m) > 1:
        return BlockToeplitz(c, list(zip(m, n, strict=True)))
    first = n[0] - 1
    return Toeplitz(c[first:], namespace(c).flip(c[: first + 1]))

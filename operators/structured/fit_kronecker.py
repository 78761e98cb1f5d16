"""Kronecker products, and sums of several, fitted to pairs of inputs and outputs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin._validation import require_count
from structlin.matrices import Kronecker, SumOfKroneckers, nearest_kronecker
from structlin.matrices._base import adjoint_of
from structlin.operators.structured._fitting import (
    Estimate,
    StructuredFit,
    dense_estimate,
    fitted,
    solve_hermitian,
)
from structlin.operators.structured._pairs import Pairs, energy, pairs_of
from structlin.tensors._arrays.unfoldings import mode_product

# entries of the matrix up to which the iteration starts at the product nearest to a dense fit
_dense = 2**22
# a sweep that lowers the misfit by less than this part of it, or a misfit of so many rounding
# errors, ends the iteration; chosen by trial
_settled, _rounding = 1e-5, 100


def fit_kronecker(
    inputs: Any,
    outputs: Any,
    *,
    terms: int = 1,
    ridge: float | Sequence[float] = 1e-12,
    held_out: float = 0.2,
    max_iterations: int = 500,
    rng: Any = None,
) -> StructuredFit:
    """Fit ``Y = Σₜ (Aₜ₁ ⊗ … ⊗ A_td) X`` to samples: a matrix along every axis.

    Parameters
    ----------
    inputs : (n, n1, …, nd) array
        Samples of the input, with two axes or more each.
    outputs : (n, m1, …, md) array
        The outputs, with as many axes.
    terms : int
        How many products are added up.
    ridge : float or sequence of float
        The weight of ``‖A‖_F²``, relative to the mean of ``Σ |x_j|²``. Of several, that with the
        least error on samples held out for this choice is taken.
    held_out : float
        What part of the samples, the last ones, measures the error.
    max_iterations : int
        Sweeps of alternating least squares at most.
    rng : None, int or numpy.random.Generator, optional
        The start of matrices of more than 2²² entries.

    Returns
    -------
    StructuredFit
        With a `structlin.Kronecker` operator, or a `structlin.SumOfKroneckers` for several terms.

    Raises
    ------
    ValueError
        If numbers of samples or axes differ, there are fewer than two axes, a sample has a NaN or
        Inf, or there are too few samples to hold some out.

    Warns
    -----
    ConvergenceWarning
        If alternating least squares did not settle.

    Notes
    -----
    Alternating least squares: with the factors of all other axes fixed, those of one axis, of all
    terms together, solve a linear problem of ``terms · n_k`` unknowns for each of their ``m_k``
    rows. A sweep costs about ``2 s Σ_k m_k Π n`` operations for ``s`` samples. The start is the
    product nearest to the dense least-squares matrix, as `structlin.nearest_kronecker` finds it,
    which is the answer itself where the inputs are white. The optimum found may be a local one.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> A, B = rng.standard_normal((3, 4)), rng.standard_normal((2, 5))
    >>> X = rng.standard_normal((30, 4, 5))
    >>> fit = fit_kronecker(X, A @ X @ B.T)
    >>> fit.operator, bool(fit.held_out_error < 1e-9)
    (<Kronecker 6x20 float64 = 3x4 ⊗ 2x5>, True)
    """
    pairs = pairs_of(inputs, outputs)
    n, m = pairs.input_shape, pairs.output_shape
    if len(n) != len(m) or len(n) < 2:
        raise ValueError(
            f"inputs have shape {n} and outputs {m}: a matrix along every axis needs the same "
            "number of axes in both, two at least"
        )
    terms = require_count("terms", terms)
    max_iterations = require_count("max_iterations", max_iterations)
    generator = np.random.default_rng(rng)

    def estimate(p: Pairs, value: float) -> Estimate:
        return _estimate(p, p.penalty(value), terms, max_iterations, generator)

    return fitted(pairs, estimate, ridge, held_out, "fit_kronecker")


def _estimate(
    pairs: Pairs, penalty: float, terms: int, sweeps: int, rng: np.random.Generator
) -> Estimate:
    """Return the operator that alternating least squares finds."""
    size = math.sqrt(energy(pairs.outputs))
    floor = _rounding * float(pairs.xp.finfo(pairs.inputs.dtype).eps) * size
    factors, before, done = _start(pairs, penalty, terms, rng), math.inf, 0
    converged = False
    while done < sweeps and not converged:
        done += 1
        for axis in range(len(factors)):
            factors[axis], misfit = _updated(pairs, penalty, factors, axis)
        factors = _balanced(factors, pairs)
        converged = misfit <= floor or before - misfit <= _settled * misfit
        before = misfit
    share = abs(pairs.gain) ** (1 / len(factors))
    xp = pairs.xp
    products = [
        Kronecker(*(xp.astype(F[t, :, :] * share, pairs.dtype) for F in factors))
        for t in range(terms)
    ]
    made = products[0] if terms == 1 else SumOfKroneckers(*products)
    return Estimate(made, converged, done)


def _start(pairs: Pairs, penalty: float, terms: int, rng: np.random.Generator) -> list[Any]:
    """Return (terms, m_k, n_k) factors: those nearest to a dense fit, or random ones."""
    xp, like = pairs.xp, pairs.inputs
    shapes = list(zip(pairs.output_shape, pairs.input_shape, strict=True))
    random = [
        xp.asarray(rng.standard_normal((terms, *shape)), dtype=like.dtype, device=like.device)
        for shape in shapes
    ]
    if math.prod(m * n for m, n in shapes) > _dense:
        return random
    most = min(m * n for m, n in shapes) if len(shapes) == 2 else terms
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is only a start
        near, _ = nearest_kronecker(
            dense_estimate(pairs, penalty), shapes, terms=min(terms, most), max_iterations=20,
            rng=0,
        )  # fmt: skip
    found: Any = near.terms if isinstance(near, SumOfKroneckers) else (near,)
    factors = []
    for axis, made in enumerate(random):
        known = [term.factors[axis].todense() for term in found]
        factors.append(xp.stack(known + [made[t, ...] for t in range(len(known), terms)]))
    return factors


def _updated(pairs: Pairs, penalty: float, factors: list[Any], axis: int) -> tuple[Any, float]:
    """Return the best factors of one axis, and the misfit ``‖Y − A X‖`` with them."""
    xp, where, (terms, m, n) = pairs.xp, pairs.inputs.device, factors[axis].shape
    parts, weights = [], xp.ones((terms, terms), dtype=pairs.inputs.dtype, device=where)
    for t in range(terms):
        Z = pairs.inputs
        for other, F in enumerate(factors):
            if other != axis:
                Z = mode_product(Z, F[t, :, :], other + 1)
        parts.append(xp.reshape(xp.moveaxis(Z, axis + 1, 0), (n, -1)))
    Z = xp.concat(parts) if terms > 1 else parts[0]
    Y = xp.reshape(xp.moveaxis(pairs.outputs, axis + 1, 0), (m, -1))
    for other, F in enumerate(factors):
        if other != axis:  # the products of the terms' other factors with each other
            rows = xp.reshape(F, (terms, -1))
            weights = weights * xp.matmul(rows, adjoint_of(rows, xp))
    eye = xp.eye(n, dtype=Z.dtype, device=where)
    ridge = xp.reshape(weights[:, None, :, None] * eye[None, :, None, :], (terms * n, terms * n))
    Zh = adjoint_of(Z, xp)
    found = solve_hermitian(xp.matmul(Z, Zh) + penalty * ridge, xp.matmul(Y, Zh))
    misfit = math.sqrt(energy(Y - xp.matmul(found, Z)))
    return xp.permute_dims(xp.reshape(found, (m, terms, n)), (1, 0, 2)), misfit


def _balanced(factors: list[Any], pairs: Pairs) -> list[Any]:
    """Return the factors of every term with equal norms, so that none overflows."""
    xp = pairs.xp
    norms = [xp.linalg.vector_norm(F, axis=(1, 2), keepdims=True) for F in factors]
    mean = norms[0] * 0 + 1
    for size in norms:
        mean = mean * xp.where(size > 0, size, xp.ones_like(size)) ** (1 / len(factors))
    safe = [xp.where(size > 0, size, xp.ones_like(size)) for size in norms]
    return [F * xp.astype(mean / s, F.dtype) for F, s in zip(factors, safe, strict=True)]

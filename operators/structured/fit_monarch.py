"""Monarch matrices of two factors, fitted to pairs of inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import namespace
from structlin._validation import require_count
from structlin.matrices import Monarch
from structlin.matrices._base import adjoint_of
from structlin.operators.structured._fitting import (
    Estimate,
    StructuredFit,
    applied,
    dense_estimate,
    fitted,
    solve_hermitian,
)
from structlin.operators.structured._pairs import Pairs, energy, pairs_of

# as for Kronecker products: a sweep that lowers the misfit by less than this part of it, or a
# misfit of so many rounding errors, ends the iteration; chosen by trial
_settled, _rounding = 1e-4, 100
# unknowns of one linear system up to which it is formed
_largest = 4096


def fit_monarch(
    inputs: Any,
    outputs: Any,
    blocks: int | tuple[int, int],
    *,
    rank: int = 1,
    ridge: float | Sequence[float] = 1e-12,
    held_out: float = 0.2,
    max_iterations: int = 200,
) -> StructuredFit:
    """Fit a Monarch matrix, a product of two block diagonal ones with a permutation, to samples.

    Parameters
    ----------
    inputs : (n, …) array
        Samples of the input; each is a vector in C order.
    outputs : (n, …) array
        The outputs.
    blocks : int or (int, int)
        How many blocks the left and the right factor have; they divide the numbers of an output
        and of an input. One number stands for both. ``√size`` is the usual choice.
    rank : int
        The rank of every block of the matrix.
    ridge : float or sequence of float
        The weight of ``‖A‖_F²``, relative to the mean of ``Σ |x_j|²``. Of several, that with the
        least error on samples held out for this choice is taken.
    held_out : float
        What part of the samples, the last ones, measures the error.
    max_iterations : int
        Sweeps of alternating least squares at most.

    Returns
    -------
    StructuredFit
        With a `structlin.Monarch` operator, of ``(n + m) · blocks · rank`` parameters.

    Raises
    ------
    ValueError
        If numbers of samples differ, blocks do not divide the sizes, a sample has a NaN or Inf,
        there are too few samples to hold some out, or ``rank`` times the size of an input is
        above 4096.

    Warns
    -----
    ConvergenceWarning
        If alternating least squares did not settle.

    Notes
    -----
    The matrix consists of ``l k`` blocks of the rank given: the rows that are equal modulo ``l``
    and ``k`` ranges of columns, see `structlin.Monarch`. With one factor fixed, the other one
    solves linear least squares, apart for every block of rows; both steps need the moments
    ``Σ x xᴴ`` and ``Σ y xᴴ`` of the data only. A sweep costs ``l (rank · n)³ / 3`` operations for
    inputs of size ``n``, whatever the number of samples. The start is `structlin.Monarch.nearest`
    of the dense least-squares matrix, which is the answer itself where the inputs are white. The
    optimum found may be a local one.

    References
    ----------
    Dao, Chen, Sohoni, Desai, Poli, Grogan, Liu, Rao, Rudra, Ré: Monarch: Expressive structured
    matrices for efficient and accurate training. ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Monarch
    >>> rng = np.random.default_rng(0)
    >>> A = Monarch(rng.standard_normal((3, 2, 4)), rng.standard_normal((4, 3, 2)))
    >>> X = rng.standard_normal((40, 8))
    >>> fit_monarch(X, (A @ X.T).T, (3, 4)).operator
    <Monarch 6x8 float64 = 3 of 2x4 · 4 of 3x2>
    """
    pairs = pairs_of(inputs, outputs)
    n, m = math.prod(pairs.input_shape), math.prod(pairs.output_shape)
    b, k = blocks if isinstance(blocks, tuple) else (blocks, blocks)
    b, k = require_count("blocks", b), require_count("blocks", k)
    if m % b or n % k:
        raise ValueError(
            f"blocks is {blocks}: the numbers of blocks must divide {m}, the size of an output, "
            f"and {n}, that of an input"
        )
    most = min(m // b, n // k)
    if require_count("rank", rank) > most:
        raise ValueError(f"rank is {rank}: blocks of {m // b}x{n // k} have ranks from 1 to {most}")
    if rank * n > _largest:
        raise ValueError(
            f"rank · size is {rank * n}: systems of up to {_largest} unknowns are formed; take "
            "fewer points, or fit_toeplitz or fit_kronecker"
        )
    max_iterations = require_count("max_iterations", max_iterations)

    def estimate(p: Pairs, value: float) -> Estimate:
        return _estimate(p, p.penalty(value), (b, k, rank), max_iterations)

    return fitted(pairs, estimate, ridge, held_out, "fit_monarch")


def _estimate(pairs: Pairs, penalty: float, counts: tuple[int, int, int], sweeps: int) -> Estimate:
    xp, (b, k, c) = pairs.xp, counts
    W = dense_estimate(pairs, penalty)
    m, n = W.shape
    start = Monarch.nearest(W, (b, k), rank=c).operator
    left, right = (xp.astype(F, W.dtype) for F in start.factors)  # type: ignore[attr-defined]
    L, R = xp.reshape(left, (b, m // b, k * c)), _by_rows(right, counts)
    S, C = pairs.moments()
    S = S + penalty * xp.eye(n, dtype=S.dtype, device=S.device)
    X, Y = pairs.rows()
    size = math.sqrt(energy(Y))
    floor = _rounding * float(xp.finfo(X.dtype).eps) * size

    def misfit() -> float:
        made = Monarch(L, _by_blocks(R, counts))
        return math.sqrt(energy(Y - applied(made, X, (m,))))

    before, converged, done = misfit(), False, 0
    while done < sweeps and not (converged := before <= floor):
        done += 1
        R = _right_factors(L, S, C, counts)
        L, R = _balanced(_left_factors(R, S, C, counts), R)
        after = misfit()
        converged = before - after <= _settled * after
        before = after
        if converged:
            break
    share = math.sqrt(pairs.gain)
    made = Monarch(*(xp.astype(F * share, pairs.dtype) for F in (L, _by_blocks(R, counts))))
    return Estimate(made, converged, done)


# L is (b, s, k c); R, by the blocks of rows of the matrix, is (b, k c, p): row (k, c) of R[l] takes
# the k-th range of the input to one number, which column (k, c) of L[l] takes to the rows of l


def _by_rows(R: Any, counts: tuple[int, int, int]) -> Any:
    """Return the right factor (k, c b, p) as (b, k c, p)."""
    (b, k, c), p, xp = counts, R.shape[-1], namespace(R)
    split = xp.permute_dims(xp.reshape(R, (k, c, b, p)), (2, 0, 1, 3))
    return xp.reshape(split, (b, k * c, p))


def _by_blocks(R: Any, counts: tuple[int, int, int]) -> Any:
    """Return the right factor (b, k c, p) as (k, c b, p)."""
    (b, k, c), p, xp = counts, R.shape[-1], namespace(R)
    split = xp.permute_dims(xp.reshape(R, (b, k, c, p)), (1, 2, 0, 3))
    return xp.reshape(split, (k, c * b, p))


def _left_factors(R: Any, S: Any, C: Any, counts: tuple[int, int, int]) -> Any:
    """Return the best left factor: ``L = (C Rᴴ) (R S Rᴴ)⁻¹`` for every block of rows."""
    (b, k, c), p, xp = counts, R.shape[-1], namespace(R)
    s = C.shape[0] // b
    split = xp.reshape(R, (b, k, c, p))
    ranges = xp.reshape(xp.permute_dims(split, (1, 0, 2, 3)), (k, b * c, p))
    half = xp.matmul(ranges, xp.reshape(S, (k, p, k * p)))  # R S, range by range
    half = xp.permute_dims(xp.reshape(half, (k, b, c, k, p)), (1, 3, 0, 2, 4))
    split_adjoint = adjoint_of(split, xp)
    gram = xp.matmul(xp.reshape(half, (b, k, k * c, p)), split_adjoint)
    gram = xp.reshape(xp.permute_dims(gram, (0, 2, 1, 3)), (b, k * c, k * c))
    rows = xp.permute_dims(xp.reshape(C, (s, b, k, p)), (1, 2, 0, 3))
    right = xp.matmul(rows, split_adjoint)
    right = xp.reshape(xp.permute_dims(right, (0, 2, 1, 3)), (b, s, k * c))
    return solve_hermitian(gram, right)


def _right_factors(L: Any, S: Any, C: Any, counts: tuple[int, int, int]) -> Any:
    """Return the best right factor, by one system for every block ``l`` of rows.

    Its matrix is ``(Lᴴ L)[(k, c), (k', c')] S[(k', p'), (k, p)]``.
    """
    (b, k, c), xp = counts, namespace(L)
    (n, _), s = S.shape, L.shape[1]
    p = n // k
    rows = xp.permute_dims(xp.reshape(C, (s, b, n)), (1, 0, 2))
    moments = xp.reshape(S, (k, 1, p, k, 1, p))
    own = xp.eye(k, dtype=L.dtype, device=L.device)
    found = []
    for number in range(b):
        adjoint = adjoint_of(L[number, ...], xp)
        Q = xp.reshape(xp.matrix_transpose(xp.matmul(adjoint, L[number, ...])), (k, c, 1, k, c, 1))
        matrix = xp.reshape(Q * moments, (k * c * p, k * c * p))
        seen = xp.reshape(xp.matmul(adjoint, rows[number, ...]), (k, c, k, p))
        right = xp.sum(seen * own[:, None, :, None], axis=2)  # of range k by its own row
        found.append(solve_hermitian(matrix, xp.reshape(right, (1, k * c * p))))
    return xp.reshape(xp.concat(found), (b, k * c, p))


def _balanced(L: Any, R: Any) -> tuple[Any, Any]:
    """Return the factors with equal norms of columns of ``L`` and rows of ``R``."""
    xp = namespace(L)
    left = xp.linalg.vector_norm(L, axis=1, keepdims=True)
    right = xp.linalg.vector_norm(R, axis=2, keepdims=True)
    safe = (left > 0) & (xp.matrix_transpose(right) > 0)
    ratio = xp.where(
        safe, xp.matrix_transpose(right) / xp.where(safe, left, xp.ones_like(left)), 1.0
    )
    factor = xp.astype(xp.sqrt(ratio), L.dtype)
    return L * factor, R / xp.matrix_transpose(factor)

"""Interpolative decomposition: a matrix from some of its own columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from structlin._norm import norm as euclidean
from structlin.matrices import LinearOperator, Triangular, solve
from structlin.sketching._krylov import rank_of
from structlin.sketching._operand import as_matrix, needing_adjoint
from structlin.sketching._pivoting import numerical_rank, pivoted_qr, trailing_norms
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report
from structlin.sketching._whitening import dense_of
from structlin.sketching.gaussian import Gaussian
from structlin.sketching.row_blocks import RowBlocks
from structlin.sketching.sparse_stack import SparseStack

# rows of the independent sketch that tells the error: it falls below half of it once in 900 times
_probes = 16


@dataclass(frozen=True, eq=False, kw_only=True)
class Interpolation(Report):
    """Columns of a matrix, and how the others are combined from them: ``A ≈ A[:, indices] @ X``.

    It unpacks: ``indices, X = interpolative(A, 10)``. ``error_estimate`` is that of
    ``‖A − A[:, indices] X‖ / ‖A‖`` in the Frobenius norm, from an independent sketch (of a
    sketch that is all of ``A``, the error of its truncation).

    Attributes
    ----------
    indices : (k,) array
        The columns, the most important first.
    coefficients : (k, n) array
        ``X``, which has the identity in these columns.
    """

    indices: Any
    coefficients: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.indices, self.coefficients))

    def __repr__(self) -> str:
        k, n = self.coefficients.shape
        return (
            f"<Interpolation: {k} of {n} columns by {self.method}, "
            f"relative error {self.error_estimate:.2g}>"
        )


def interpolative(
    A: Any, rank: int | None = None, *, tol: float | None = None, rng: Any = None
) -> Interpolation:
    """Return columns of a matrix that all of them are nearly combinations of.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix. Of an operator, products with its adjoint are needed.
    rank : int, optional
        How many columns.
    tol : float, optional
        Instead of the rank: the error ``‖A − A[:, indices] X‖ / ‖A‖`` in the Frobenius norm.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of the sketches.

    Returns
    -------
    Interpolation
        ``indices`` and ``coefficients``.

    Raises
    ------
    ValueError
        If not one of ``rank`` and ``tol`` is given, the rank exceeds ``min(m, n)``, or entries
        are not finite.

    Notes
    -----
    A sketch of ``2 k + 16`` rows is factored by QR with column pivoting, ``S A P = Q [R₁ R₂]``, and
    ``X = [I  R₁⁻¹ R₂] Pᵀ``: one pass over ``A`` and ``O(k² n)``. The error is at most ``√(1 + k
    (n − k))`` times a modest factor the best of rank ``k``, and rarely more than a few times. With
    ``tol``, sketches double, in one pass each, until half their rows are enough; the error is held
    against ``tol/2`` by an independent sketch. Where a sketch would have as many rows as ``A``,
    ``A`` itself is factored.

    ``interpolative(A.T, k)`` selects rows.

    References
    ----------
    N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with randomness", SIAM Rev. 53
    (2011), section 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 200)
    >>> A = 1 / (1 + x[:, None] + x[:100])
    >>> J, X = interpolative(A, tol=1e-6, rng=0)
    >>> len(J) < 9, bool(np.linalg.norm(A - A[:, J] @ X) < 1e-6 * np.linalg.norm(A))
    (True, True)
    """
    A = as_matrix(A)
    if (rank is None) == (tol is None):
        raise ValueError("give either rank or tol: the number of columns, or the error")
    if tol is not None:
        if not tol >= 0:
            raise ValueError(f"tol is {tol!r}: a relative error is not negative")
        return _to_tolerance(A, tol, seed_of(rng))
    k = rank_of(rank, A)
    d = sketch_rows(k)
    if d >= A.shape[0]:
        return _direct(A, k)
    seed = seed_of(rng)
    Y, Z = sketches_of(
        A, "interpolative", SparseStack(d, A.shape[0], rng=seed, like=A), probe(A, seed)
    )
    _, R, pivots = pivoted_qr(Y, A.xp, k)
    return _from_sketch(A, R, pivots, k, Y, Z, 1, seed)


def sketch_rows(k: int) -> int:
    """Return the rows of a sketch that shows ``k`` columns: a multiple of 8."""
    return 8 * (-(-2 * k // 8) + 2)


def sketches_of(A: LinearOperator, name: str, *sketches: Any) -> list[Any]:
    """Return the sketches of a matrix, in one pass where it is read by rows."""
    if isinstance(A, RowBlocks):
        sums, _ = A.one_pass([S.summand(A) for S in sketches])
        return [Y * S.scale for Y, S in zip(sums, sketches, strict=True)]
    with needing_adjoint(A, name):
        return [S.apply(A) for S in sketches]


def probe(A: LinearOperator, seed: int) -> Gaussian:
    """Return the sketch that tells errors."""
    return Gaussian(_probes, A.shape[0], rng=seed, like=A)


def relative(error: Any, whole: Any) -> float:
    """Return the ratio of two Frobenius norms: 0 where both are."""
    size = euclidean(whole)
    return euclidean(error) / size if size else 0.0


def _from_sketch(
    A: LinearOperator, R: Any, pivots: Any, k: int, Y: Any, Z: Any, passes: int, seed: int
) -> Interpolation:
    xp = A.xp
    J, X = pivots[:k], _coefficients(R, pivots, k, xp)
    # both sketches keep norms, and the larger one that of A better
    error = relative(Z - xp.take(Z, J, axis=1) @ X, Y)
    return Interpolation(
        indices=J,
        coefficients=X,
        method=f"pivoted QR of a sketch of {Y.shape[0]} rows",
        error_estimate=error,
        passes=passes,
        seed=seed,
    )


def _to_tolerance(A: LinearOperator, tol: float, seed: int) -> Interpolation:
    xp, (m, n) = A.xp, A.shape
    d, passes = 32, 0
    while d < m:
        S = SparseStack(d, m, rng=seed, like=A)
        Y, Z = sketches_of(A, "interpolative", S, probe(A, seed))
        passes += 1
        unit = euclidean(Y)
        if not unit:
            return _from_sketch(A, Y, xp.arange(n, device=A.device), 0, Y, Z, passes, seed)
        _, R, pivots = pivoted_qr(Y, xp)
        tails = trailing_norms(R / unit, xp)
        k = int(xp.sum(xp.astype(tails > tol / 2, xp.int64)))
        while sketch_rows(k) <= d:
            found = _from_sketch(A, R, pivots, k, Y, Z, passes, seed)
            if found.error_estimate <= tol / 2:
                return found
            k = min(n, k + 1 + k // 8)  # all columns leave no error
        d *= 2
    return _direct(A, None, tol, passes)


def _direct(A: LinearOperator, k: int | None, tol: float = 0.0, passes: int = 0) -> Interpolation:
    """Return the decomposition by a factorization of the matrix itself."""
    xp, array = A.xp, dense_of(A)
    _, R, pivots = pivoted_qr(array, xp)
    unit = euclidean(array)
    tails = trailing_norms(R / (unit or 1.0), xp)
    if k is None:
        k = min(int(xp.sum(xp.astype(tails > tol, xp.int64))), R.shape[0])
    return Interpolation(
        indices=pivots[:k],
        coefficients=_coefficients(R[:k, :], pivots, k, xp),
        method="pivoted QR",
        error_estimate=float(tails[k]),
        passes=passes + 1,
    )


def _coefficients(R: Any, pivots: Any, k: int, xp: Any) -> Any:
    """Return ``X`` by the first rows of a triangle; pivots that are negligible give nothing."""
    n = pivots.shape[0]
    r = numerical_rank(R[:k, :], xp)
    rest = xp.zeros((k, n - k), dtype=R.dtype, device=R.device)
    if r and n > k:
        rest[:r, :] = solve(Triangular(R[:r, :r], lower=False), R[:r, k:])
    eye = xp.eye(k, dtype=R.dtype, device=R.device)
    return xp.take(xp.concat([eye, rest], axis=1), xp.argsort(pivots), axis=1)

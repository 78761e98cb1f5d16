"""The diagonal of a matrix that is known by its products with vectors."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

from structlin._norm import norm
from structlin.matrices import LinearOperator, diagonal as exact_diagonal
from structlin.matrices._base import adjoint_of, conjugate
from structlin.matrices.fallback import structured
from structlin.matrices.systems import square
from structlin.sketching._estimate import not_finite, standard_error
from structlin.sketching._leave_one_out import (
    Range,
    ScaledProducts,
    columnwise,
    remainders,
    signed,
)
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.row_blocks import RowBlocks, Summand

# products without and with a tolerance, and those of the first round
_products, _most, _first = 60, 4000, 30


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DiagonalEstimate(Report):
    """An estimate of a diagonal.

    Attributes
    ----------
    value : (n,) array
        The estimate.
    standard_error : (n,) array
        What chance is expected to do to each entry; 0 where nothing was left to chance.
    matvecs : int
        Products with single vectors.
    error_estimate : float
        ``‖standard_error‖₂``, absolute.
    """

    value: Any
    standard_error: Any
    matvecs: int = 0

    def __repr__(self) -> str:
        n = self.value.shape[0]
        return f"<DiagonalEstimate of {n} entries ± {self.error_estimate:.2g}: {self.method}>"


def diagonal(
    A: Any,
    *,
    method: str = "auto",
    matvecs: int | None = None,
    tol: float | None = None,
    rng: Any = None,
) -> DiagonalEstimate:
    """Estimate the diagonal of a square matrix by products with random vectors.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix; ``"xdiag"`` also multiplies with its adjoint.
    method : {"auto", "xdiag", "hutchinson"}
        ``"auto"`` reads the diagonal where the entries or the structure tell it, and is
        ``"xdiag"`` otherwise.
    matvecs : int, optional
        Products with vectors, 60 by default; with ``tol``, the most that are spent, 4000 by
        default. With ``n`` products the diagonal is exact: then no method is asked.
    tol : float, optional
        Double the products until ``‖standard_error‖ <= tol ‖value‖``.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the test vectors.

    Returns
    -------
    DiagonalEstimate
        ``value``, ``standard_error`` of every entry, ``error_estimate`` of the whole, ``matvecs``.

    Raises
    ------
    ValueError
        If ``A`` is not square or not finite, or options make no sense.
    NotImplementedError
        If the adjoint is needed, and the operator has none: ``"hutchinson"`` does without.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached.

    Notes
    -----
    With vectors ``ω`` of random signs, ``E ω ∘ A ω`` is the diagonal: that is the estimator of
    Bekas, Kokiopoulou and Saad, named ``"hutchinson"`` here; its error in entry ``i`` is the norm
    of the rest of row ``i`` over ``√m``. XDiag takes the diagonal of ``Q Qᴴ A`` exactly, where
    ``Q`` is an orthonormal basis of ``A Ω``, and estimates that of ``(I − Q Qᴴ) A``, with each
    test vector left out of the basis in turn; it costs ``O(n m²)`` beside the products. Standard
    errors come from the spread of the ``m`` or ``m/2`` terms; as in `trace`, those of XDiag are
    geometric means with the jackknife's.

    References
    ----------
    C. Bekas, E. Kokiopoulou and Y. Saad, "An estimator for the diagonal of a matrix", Applied
    Numerical Mathematics 57 (2007).

    E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every sample in
    stochastic trace estimation", SIAM Journal on Matrix Analysis and Applications 45 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.outer(np.arange(100.0), np.ones(100))
    >>> result = diagonal(A, method="xdiag", matvecs=20, rng=0)
    >>> bool(np.allclose(result.value, np.arange(100.0)))
    True
    """
    A = square(as_matrix(A), "diagonal")
    xp, n, seed = A.xp, A.shape[0], seed_of(rng)
    if method not in ("auto", "xdiag", "hutchinson"):
        raise ValueError(f"method is {method!r}: choose one of 'auto', 'xdiag', 'hutchinson'")
    if tol is not None and not tol > 0:
        raise ValueError(f"tol is {tol}: it has to be positive")
    cost = 1 if method == "hutchinson" else 2
    budget = operator.index((_products if tol is None else _most) if matvecs is None else matvecs)
    if budget < 2 * cost:
        raise ValueError(f"matvecs is {budget}: a standard error takes {2 * cost}")
    known = isinstance(A, RowBlocks) or structured(exact_diagonal, A)
    total = budget if tol is None else min(budget, _first)
    if n <= total or (known and method == "auto"):
        return _exactly(A, known)
    estimator = _Signs(A) if method == "hutchinson" else _XDiag(A)
    terms, count, rounds = 0, total // cost, 0
    while True:
        estimator.grow(count, seed if rounds == 0 else seed_of([seed, rounds]))
        terms, rounds = terms + count, rounds + 1
        value, error = estimator.value_and_error()
        size, accuracy = norm(value), norm(error)
        if not math.isfinite(size):
            raise not_finite()
        reached = tol is None or accuracy <= tol * size
        count = min(2 * terms, budget // cost) - terms
        if reached or count < 1:
            break
        if n <= cost * count:  # all of them are no more than the next round
            return _exactly(A, known, estimator.product)
    product = estimator.product
    result = DiagonalEstimate(
        value=xp.astype(value * product.unit, A.dtype),
        standard_error=xp.astype(error * product.unit, A.real_dtype),
        method=estimator.name,
        converged=reached,
        error_estimate=accuracy * product.unit,
        passes=product.passes,
        iterations=rounds,
        seed=seed,
        matvecs=product.matvecs,
    )
    warn_unconverged(result, "allow more matvecs, or ask for less")
    return result


def diagonal_of_rows(A: RowBlocks) -> Any:
    """Return the diagonal of a matrix that is read by rows, in one pass."""
    xp, n = A.xp, A.shape[0]

    def add(total: Any, block: Any, start: int) -> Any:
        stop = start + block.shape[0]
        total[start:stop] = xp.linalg.diagonal(block[:, start:stop])
        return total

    summand = Summand(lambda: xp.zeros(n, dtype=A.dtype, device=A.device), add)
    return A.one_pass([summand])[0][0]


def _exactly(
    A: LinearOperator, known: bool, spent: ScaledProducts | None = None
) -> DiagonalEstimate:
    xp = A.xp
    value = diagonal_of_rows(A) if isinstance(A, RowBlocks) else exact_diagonal(A)
    if not bool(xp.all(xp.isfinite(value))):
        raise ValueError("the diagonal of A has a NaN or Inf")
    matvecs, passes = (spent.matvecs, spent.passes) if spent else (0, 0)
    n = 0 if known else A.shape[0]
    how = "the diagonal itself" if known else "products with the n unit vectors"
    return DiagonalEstimate(
        value=value,
        standard_error=xp.zeros(A.shape[0], dtype=A.real_dtype, device=A.device),
        method=f"exact: {how}",
        error_estimate=0.0,
        passes=passes + (1 if n or isinstance(A, RowBlocks) else 0),
        matvecs=matvecs + n,
    )


class _Signs:
    """Random signs times what they are taken to."""

    name = "Hutchinson's diagonal"

    def __init__(self, A: LinearOperator) -> None:
        self.A = A
        self.product = ScaledProducts(A)
        self._terms: list[Any] = []

    def grow(self, count: int, seed: int) -> None:
        Omega = signed(self.A, count, seed)
        self._terms.append(Omega * self.product(Omega))

    def value_and_error(self) -> tuple[Any, Any]:
        xp = self.A.xp
        terms = xp.concat(self._terms, axis=1)
        return xp.mean(terms, axis=1), standard_error(terms, axis=1)


class _XDiag:
    """The diagonal on a random range, and of the rest, each test vector left out in turn."""

    name = "XDiag"

    def __init__(self, A: LinearOperator) -> None:
        self.A = A
        self.product = ScaledProducts(A)
        self._range = Range(self.product, adjoint=True)

    def grow(self, count: int, seed: int) -> None:
        self._range.grow(signed(self.A, count, seed))

    def value_and_error(self) -> tuple[Any, Any]:
        """Return the mean of the terms and its standard errors, in the unit of the products.

        The term of ``ω_i`` on the range ``Q (I − s_i s_iᴴ)`` is
        ``diag(Q Qᴴ A) − u_i ∘ v̄_i + ω_i ∘ u_i (s_iᴴ r_i)`` with ``u_i = Q s_i``,
        ``v_i = Aᴴ Q s_i``. Without ``ω_j`` as well, the direction ``s_i`` is replaced by the
        normalised ``s_i − s_j s_jᴴ s_i``: the sums over ``i`` are products of matrices.
        """
        xp, basis = self.A.xp, self._range
        k = basis.Omega.shape[1]
        S = basis.left_out()
        whole = xp.sum(basis.Q * conjugate(basis.Z, xp), axis=1)[:, None]
        U, V, Omega = basis.Q @ S, conjugate(basis.Z @ S, xp), basis.Omega
        along = columnwise(S, basis.R)
        UV = U * V
        terms = whole - UV + Omega * U * along
        # row j: cosines and weights of the directions i ≠ j
        g = adjoint_of(S, xp) @ S
        off = 1 - xp.eye(k, dtype=g.dtype, device=self.A.device)
        rest = xp.astype(remainders(xp.concat((g, g[:1, :])), xp)[:k, :], g.dtype)
        g, weights = g * off, off / rest
        cosines = xp.matrix_transpose(g * weights)
        conjugates = xp.matrix_transpose(conjugate(g, xp) * weights)
        squares = xp.sum(conjugate(g, xp) * g * weights, axis=1)
        plain = xp.matrix_transpose(weights)
        inside = UV @ plain - (U @ conjugates) * V - U * (V @ cosines) + UV * squares
        outside = (Omega * U * along) @ plain - U * ((Omega * along) @ cosines)
        without = whole - UV - (inside - outside) / max(k - 1, 1)
        jackknife = standard_error(without, axis=1) * (k - 1)
        return xp.mean(terms, axis=1), xp.sqrt(standard_error(terms, axis=1) * jackknife)

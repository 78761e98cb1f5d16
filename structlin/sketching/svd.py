"""The truncated singular value decomposition, by the method that suits the matrix."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import Dense, LinearOperator, LowRank, Sparse
from structlin.matrices._base import adjoint_of, conjugate, size_text
from structlin.matrices.fallback import fits
from structlin.sketching._block_lanczos import fits as lanczos_fits, lanczos, require_lanczos
from structlin.sketching._krylov import (
    Krylov,
    known_norm,
    largest_phases,
    oversampling_of,
    probes,
    rank_of,
)
from structlin.sketching._operand import as_matrix
from structlin.sketching._orth import orthonormalize
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.qb import BLOCK, grown, require_tolerance
from structlin.sketching.row_blocks import RowBlocks

_methods = ("auto", "krylov", "subspace", "exact", "lanczos")
# rows or columns up to which LAPACK decomposes all of a matrix, and the part of their number
# from which it does so with larger ones
_small, _part = 256, 4
# blocks after which it is asked whether the values have settled, those that are kept before the
# basis is restarted, and those after which the iteration gives up
_first, _kept, _most = 4, 8, 32
# the excess of the squared error, half of it of the error, at which values have settled
_excess = 1e-5


@dataclass(frozen=True, eq=False, kw_only=True)
class SVD(Report):
    """A truncated singular value decomposition, which unpacks: ``U, s, Vt = svd(A, 10)``.

    Attributes
    ----------
    U : (m, k) array
        Left singular vectors; the largest entry of each is positive.
    s : (k,) array
        Singular values in descending order.
    Vt : (k, n) array
        Adjoint right singular vectors.
    error_estimate : float
        ``‖A − U diag(s) Vt‖_F / ‖A‖_F``.
    """

    U: Any
    s: Any
    Vt: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.U, self.s, self.Vt))

    @property
    def operator(self) -> LowRank:
        """The approximation ``U diag(s) Vt`` as an operator."""
        xp = namespace(self.U)
        scaled = self.U * xp.astype(self.s, self.U.dtype)
        return LowRank(scaled, adjoint_of(self.Vt, xp))

    def __repr__(self) -> str:
        size = size_text((self.U.shape[0], self.Vt.shape[1]))
        return (
            f"<SVD of {size}, rank {self.s.shape[0]}: {self.method}, "
            f"error {self.error_estimate:.2g}>"
        )


def svd(
    A: Any,
    rank: int | None = None,
    *,
    tol: float | None = None,
    oversampling: int = 10,
    passes: int | None = None,
    method: str = "auto",
    rng: Any = None,
) -> SVD:
    """Return the largest singular values and their vectors, to a rank or to a tolerance.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix.
    rank : int, optional
        How many singular values are wanted, up to ``min(m, n)``.
    tol : float, optional
        Instead of a rank: the error ``‖A − U S Vᴴ‖_F / ‖A‖_F`` to reach, with as few singular
        values as that takes, from the basis of `qb`.
    oversampling : int
        Columns of the random block beyond the rank.
    passes : int, optional
        How often ``"krylov"`` and ``"subspace"`` multiply the matrix, two at least. By default
        8 times, and for the first more until the values have settled.
    method : {"auto", "krylov", "subspace", "exact", "lanczos"}
        What is done; see the notes.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the random block.

    Returns
    -------
    SVD
        ``U, s, Vt``, and the report: ``error_estimate`` is relative, in the Frobenius norm.

    Raises
    ------
    ValueError
        If the rank is not between 0 and ``min(m, n)``, not exactly one of rank and tolerance is
        given, a tolerance comes with a method or passes, or the matrix has NaN or Inf.
    NotImplementedError
        If an operator has no product with its adjoint.

    Warns
    -----
    ConvergenceWarning
        If the values have not settled, or the tolerance is not reached.

    Notes
    -----
    ``"krylov"``: a Gaussian block ``Ω`` of ``k + p`` columns spans with its images
    ``A Ω, (A Aᴴ) A Ω, …`` a space with the orthonormal basis ``Q``; the decomposition is that of
    ``Q Qᴴ A`` [1]_. Each block of the basis costs two products with the matrix and, with the
    others, ``O((m + n) K²)`` operations for ``K`` columns. Values have settled where the last two
    gains let expect that the error exceeds the smallest one possible by no more than 1e-5 of it,
    counted from the fourth block on; for ``σ_j = 1/j`` the excess then is below 1e-6. ``converged``
    tells whether they have; after 64 passes the iteration gives up. What an explicit number of
    passes gives counts as converged.

    ``"subspace"``: the same without earlier blocks (less memory, less accurate).
    ``"exact"``: LAPACK's, truncated. ``"lanczos"``, for sparse matrices on the host: a block
    Lanczos iteration with restarts on the smaller one of ``Aᴴ A`` and ``A Aᴴ``, to full accuracy;
    what the square loses of small values, two steps of ``"krylov"`` win back. It is faster as a
    rule than SciPy's ARPACK and PROPACK, and finds the copies of repeated values that single
    vectors miss.

    ``"auto"`` is LAPACK up to 256 rows or columns and where ``4 (k + p) ≥ min(m, n)``,
    ``"lanczos"`` for sparse matrices on the host, and block Krylov for the rest and wherever
    ``passes`` is given; matrices read by blocks of rows are never formed.

    The error estimate is ``√(‖A‖² − Σ s_j²)`` for arrays and sparse matrices. Where that is lost
    in rounding errors, and for operators and blocks of rows, it is the ratio of
    ``‖(A − U S Vᴴ) G‖`` and ``‖A G‖`` with a block ``G`` of ten Gaussian columns that was held
    out: its square has the right mean, and it may be off by a factor of two where one direction
    dominates the error.

    References
    ----------
    .. [1] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster
       approximate singular value decomposition", Advances in Neural Information Processing
       Systems 28 (2015), algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> U, s, Vt = svd(np.diag([4.0, 3.0, 0.0]), 1)
    >>> s, round(float(abs(U[0, 0] * Vt[0, 0])), 12)
    (array([4.]), 1.0)
    >>> svd(np.diag([4.0, 3.0, 0.0]), tol=1e-8).s
    array([4., 3.])
    """
    if (rank is None) == (tol is None):
        raise ValueError(f"rank is {rank} and tol is {tol}: give exactly one of them")
    if method not in _methods:
        raise ValueError(f"method is {method!r}: it is one of {', '.join(_methods)}")
    if passes is not None and operator.index(passes) < 2:
        raise ValueError(
            f"passes is {passes}: two at least are needed; generalized_nystrom has one"
        )
    if tol is not None and (method != "auto" or passes is not None):
        raise ValueError("method and passes go with a rank: a tolerance has its own, of qb")
    A = as_matrix(A)
    p, seed = oversampling_of(oversampling), seed_of(rng)
    if tol is not None:
        require_tolerance(tol)
        result = _to_tolerance(A, tol, seed)
        warn_unconverged(result, "rounding errors do not allow it: raise tol")
        return result
    k = rank_of(rank, A)
    if method == "auto":
        method = _chosen(A, k, k + p, passes)
    if k == 0:
        result = empty(A)
    elif method == "exact":
        result = exact(A, k)
    elif method == "lanczos":
        result = _by_lanczos(A, k, p, seed)
    else:
        result = _iterated(A, k, p, seed, method, passes)
    warn_unconverged(result, "pass a larger oversampling, or method='exact'")
    return result


def _chosen(A: LinearOperator, k: int, width: int, passes: int | None) -> str:
    least = min(A.shape)
    formable = isinstance(A, Dense) or (not isinstance(A, RowBlocks) and fits(A))
    if passes is not None:
        return "krylov"
    if formable and (least <= _small or _part * width >= least):
        return "exact"
    sparse = isinstance(A, Sparse) and is_numpy(A.xp)
    return "lanczos" if sparse and lanczos_fits(k, least) else "krylov"


def empty(A: LinearOperator) -> SVD:
    """Return the decomposition of rank 0."""
    m, n = A.shape
    xp, where = A.xp, A.device
    return SVD(
        U=xp.zeros((m, 0), dtype=A.dtype, device=where),
        s=xp.zeros(0, dtype=A.real_dtype, device=where),
        Vt=xp.zeros((0, n), dtype=A.dtype, device=where),
        method="none: rank 0",
        error_estimate=0.0 if known_norm(A) == 0.0 or 0 in A.shape else 1.0,
    )


def with_signs(U: Any, Vt: Any, A: LinearOperator) -> tuple[Any, Any]:
    """Return singular vectors turned so that the largest entry of each ``U`` is positive."""
    if 0 in U.shape:
        return U, Vt
    phase = largest_phases(U)
    return U * conjugate(phase, A.xp), Vt * phase[:, None]


def _missing_part(
    A: LinearOperator,
    found: tuple[Any, Any, Any],
    size: float | None,
    held_out: tuple[Any, Any] | None,
    seed: int,
) -> tuple[float, int]:
    """Return the relative error of a projection of ``A``, and how many passes that took.

    ``size`` is the norm of ``A`` where it is known, and ``held_out`` is ``G`` and ``A G``.
    """
    xp, (U, s, Vt), used = A.xp, found, 0
    if size is not None:
        rest = 1.0 - norm(s / size) ** 2 if size else 0.0
        if rest > 1e4 * float(xp.finfo(A.dtype).eps):
            return math.sqrt(rest), 0
    if held_out is None:
        G = probes(A, seed)
        held_out, used = (G, A._matmat(G)), 1
    G, image = held_out
    scale = norm(image)
    scaled = U * xp.astype(s, U.dtype)
    error = norm(image - xp.matmul(scaled, xp.matmul(Vt, G)))
    return (error / scale if scale else 0.0), used


def exact(A: LinearOperator, k: int) -> SVD:
    """Return LAPACK's decomposition, truncated."""
    xp = A.xp
    matrix = A.array if isinstance(A, Dense) else A.todense()
    require_finite("A", matrix)
    U, s, Vt = xp.linalg.svd(matrix, full_matrices=False)
    size = norm(s)
    U, Vt = with_signs(U[:, :k], Vt[:k, :], A)
    return SVD(
        U=U,
        s=s[:k],
        Vt=Vt,
        method="exact",
        error_estimate=norm(s[k:]) / size if size else 0.0,
        passes=1,
    )


def _iterated(A: LinearOperator, k: int, p: int, seed: int, method: str, passes: int | None) -> SVD:
    odd = passes is not None and passes % 2 == 1
    space = Krylov(A, min(k + p, *A.shape), seed, "svd", keep=method == "krylov", odd=odd)
    blocks = _first if passes is None else passes // 2
    size, held_out = known_norm(A), None
    if size is None:
        G = probes(A, seed)
        held_out = G, space.grow(G)
    else:
        space.grow()
    steps = 1
    while steps < blocks and (not space.full or method == "subspace"):
        space.grow()
        steps += 1
    factors = space.factors()
    converged = True
    if passes is None and method == "krylov":
        scale = norm(held_out[1]) if held_out else size
        while not (converged := space.full or _settled(space, factors, k, scale or 0.0)):
            if steps == _most:
                break
            space.grow(best=factors[0] if len(space.sizes) == _kept else None)
            steps += 1
            factors = space.factors()
    found = _truncated(space, factors, k, size, held_out, seed)
    return replace(found, method=method, converged=converged, iterations=steps)


def _truncated(
    space: Krylov,
    factors: tuple[Any, ...],
    k: int,
    size: float | None,
    held_out: tuple[Any, Any] | None,
    seed: int,
) -> SVD:
    xp = space.A.xp
    P, s, Z, _ = factors
    U, V = xp.matmul(space.Q, P[:, :k]), Z[:, :k]
    if space.tall:
        U, V = V, U
    return _measured(space.A, U, s[:k], V, size, held_out, seed, space.passes)


def _measured(
    A: LinearOperator,
    U: Any,
    s: Any,
    V: Any,
    size: float | None,
    held_out: tuple[Any, Any] | None,
    seed: int,
    passes: int,
) -> SVD:
    """Return the decomposition with its signs fixed and its error estimated."""
    U, Vt = with_signs(U, adjoint_of(V, A.xp), A)
    error, used = _missing_part(A, (U, s, Vt), size, held_out, seed)
    return SVD(
        U=U, s=s, Vt=Vt, method="krylov", error_estimate=error, passes=passes + used, seed=seed
    )


def _settled(space: Krylov, factors: tuple[Any, ...], k: int, size: float) -> bool:
    """Tell whether the next blocks will hardly lessen the error, by the gains of the last two."""
    if len(space.sizes) < 3 or size == 0.0:
        return size == 0.0
    xp, R = space.A.xp, factors[3]
    *_, before, last, _ = space.sizes
    # R belongs to the images in their order: its leading blocks tell what fewer had captured
    earlier, later = (
        norm(xp.linalg.svdvals(R[:r, :r])[: min(k, r)] / size) ** 2 for r in (before, last)
    )
    captured = norm(factors[1][:k] / size) ** 2
    first, second = later - earlier, captured - later
    rounding = 4 * float(xp.finfo(space.A.dtype).eps)
    if second <= rounding * captured:
        return True
    if not second < first:
        return False
    rest = max(1.0 - captured, rounding)
    return second**2 / (first - second) <= _excess * rest


def _by_lanczos(A: LinearOperator, k: int, p: int, seed: int) -> SVD:
    matrix, size = require_lanczos(A, k), known_norm(A)
    if not size:
        return _iterated(A, k, p, seed, "krylov", 2)
    # the smaller one of Aᴴ A and A Aᴴ
    tall = matrix if A.shape[1] < A.shape[0] else matrix.T.conj(copy=False)
    wide = tall.T.conj(copy=False)

    def gram(X: Any) -> Any:
        # divided twice by the norm: the square may overflow or vanish
        return wide @ (tall @ (X / size)) / size

    found = lanczos(gram, tall.shape[1], A.dtype, k, seed)
    if found is None:
        return replace(
            _iterated(A, k, p, seed, "krylov", None), method="krylov (lanczos did not converge)"
        )
    V, steps, _ = found
    return _projected(A, tall, V, p, size, seed, steps)


def _projected(
    A: LinearOperator, tall: Any, V: Any, p: int, size: float, seed: int, steps: int
) -> SVD:
    """Return the decomposition of the matrix in the span of its singular vectors."""
    xp, k, method = A.xp, V.shape[1], "lanczos"
    V, _ = orthonormalize(V)
    U, R = orthonormalize(tall @ V)
    P, s, Zh = xp.linalg.svd(R)
    eps = float(xp.finfo(A.dtype).eps)
    if s[-1] < eps**0.25 * s[0]:
        # the square of the matrix has lost the smallest: two blocks about what was found
        more = np.random.default_rng(seed).standard_normal((U.shape[0], p)).astype(U.dtype)
        start = np.concatenate((U, more), axis=1)[:, : min(A.shape)]
        space = Krylov(A, start.shape[1], seed, "svd", start=start)
        space.grow()
        if not space.full:
            space.grow()
        found = _truncated(space, space.factors(), k, size, None, seed)
        method += ", refined by krylov"
    else:
        U, V = xp.matmul(U, P), xp.matmul(V, adjoint_of(Zh, xp))
        if A.shape[1] >= A.shape[0]:
            U, V = V, U
        found = _measured(A, U, s, V, size, None, seed, 0)
    return replace(found, method=method, passes=2 * steps + 1 + found.passes, iterations=steps)


def _to_tolerance(A: LinearOperator, tol: float, seed: int) -> SVD:
    xp = A.xp
    basis = grown(A, tol, min(BLOCK, *A.shape), min(A.shape), seed)
    W, R = orthonormalize(adjoint_of(basis.B, xp))
    P, s, Zh = xp.linalg.svd(adjoint_of(R, xp), full_matrices=False)
    k, left_out = _needed(s, basis.error_estimate, tol)
    U, V = xp.matmul(basis.Q, P[:, :k]), xp.matmul(W, adjoint_of(Zh, xp)[:, :k])
    U, Vt = with_signs(U, adjoint_of(V, xp), A)
    return SVD(
        U=U,
        s=s[:k],
        Vt=Vt,
        method="qb",
        converged=basis.converged,
        error_estimate=math.hypot(basis.error_estimate, left_out),
        passes=basis.passes,
        iterations=basis.iterations,
        seed=seed,
    )


def _needed(s: Any, error: float, tol: float) -> tuple[int, float]:
    """Return how many values the tolerance needs, and the part that the others are."""
    k, size = s.shape[0], norm(s)
    if not error < tol:
        return k, 0.0
    # what the basis captures is √(1 − error²) of the matrix
    unit = math.sqrt(1.0 - error**2) / size if size else 0.0
    left_out = 0.0
    while k:
        more = norm(s[k - 1 :]) * unit
        if math.hypot(more, error) > tol:
            break
        k, left_out = k - 1, more
    return k, left_out

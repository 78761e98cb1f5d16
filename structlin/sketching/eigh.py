"""A few eigenpairs of a Hermitian matrix, by the method that suits it."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from structlin._backend import is_numpy
from structlin._norm import column_norms, norm
from structlin._validation import require_finite
from structlin.matrices import Dense, LinearOperator, Sparse
from structlin.matrices._base import adjoint_of, size_text
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices.fallback import fits
from structlin.matrices.operations import is_hermitian
from structlin.sketching._block_lanczos import lanczos, require_lanczos
from structlin.sketching._krylov import (
    known_norm,
    largest_phases,
    oversampling_of,
    random_block,
    rank_of,
)
from structlin.sketching._operand import as_matrix
from structlin.sketching._orth import orthonormalize, orthonormalize_against
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.qb import require_tolerance
from structlin.sketching.row_blocks import RowBlocks

_methods = ("auto", "krylov", "exact", "lanczos")
_which = ("LM", "LA", "SA")
# as for singular values: what LAPACK takes over, and when the basis is restarted
_small, _part = 256, 4
_kept = 8
# passes after which the iteration gives up
_most = 100


@dataclass(frozen=True, eq=False, kw_only=True)
class Eigenpairs(Report):
    """Some eigenpairs of a Hermitian matrix, which unpack: ``w, V = eigh(A, 10)``.

    Attributes
    ----------
    w : (k,) array
        Eigenvalues, the most wanted ones first.
    V : (n, k) array
        Orthonormal eigenvectors; the largest entry of each is positive.
    error_estimate : float
        For `eigh`: the largest ``‖A v − w v‖``, relative to the largest ``|w|`` that was met.
        For `nystrom`: ``tr(A − V diag(w) Vᴴ) / tr A``.
    """

    w: Any
    V: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.w, self.V))

    def __repr__(self) -> str:
        n, k = self.V.shape
        return (
            f"<Eigenpairs of {size_text((n, n))}, rank {k}: {self.method}, "
            f"error {self.error_estimate:.2g}>"
        )


def eigh(
    A: Any,
    rank: int,
    *,
    which: str = "LM",
    tol: float | None = None,
    oversampling: int = 10,
    passes: int | None = None,
    method: str = "auto",
    rng: Any = None,
) -> Eigenpairs:
    """Return some eigenvalues of a Hermitian matrix and their vectors.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix, Hermitian.
    rank : int
        How many eigenpairs are wanted, up to ``n``.
    which : {"LM", "LA", "SA"}
        Those of largest modulus, or the largest, or the smallest ones.
    tol : float, optional
        The residual ``‖A v − w v‖`` to reach, relative to the largest ``|w|`` that was met, wanted
        or not; ``√eps`` by default, at which well-separated eigenvalues have all digits.
    oversampling : int
        Columns of the random block beyond the rank.
    passes : int, optional
        How often ``"krylov"`` multiplies the matrix at most, 100 by default.
    method : {"auto", "krylov", "exact", "lanczos"}
        What is done; see the notes.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the random block.

    Returns
    -------
    Eigenpairs
        ``w, V``, and the report.

    Raises
    ------
    ValueError
        If the matrix is not square or not Hermitian, the rank is not between 0 and ``n``, the
        tolerance is not positive, or there is a NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If a residual is larger than the tolerance.

    Notes
    -----
    ``"krylov"``: a Gaussian block of ``k + p`` columns and its images ``A Ω, A² Ω, …`` span a
    space with the orthonormal basis ``Q``; the pairs are those of ``Qᴴ A Q``, one product with
    the matrix for each block of the basis. After 8 blocks it is restarted with its best vectors.
    ``"exact"``: LAPACK's. ``"lanczos"``, for sparse matrices on the host: a block Lanczos iteration
    with restarts to full accuracy, which finds repeated eigenvalues as often as they are there.
    ``"auto"`` is LAPACK up to 256 rows and where ``4 (k + p) >= n``, ``"lanczos"`` for sparse
    matrices on the host, and block Krylov for the rest and wherever ``passes`` is given.

    What has entries is checked to be Hermitian; of operators, ``Qᴴ A Q`` is.

    Examples
    --------
    >>> import numpy as np
    >>> w, V = eigh(np.diag([1.0, -5.0, 3.0]), 2)
    >>> w, np.abs(V).argmax(axis=0)
    (array([-5.,  3.]), array([1, 2]))
    """
    A = require_square(as_matrix(A), "eigh")
    for name, value, known in (("method", method, _methods), ("which", which, _which)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}: it is one of {', '.join(known)}")
    if passes is not None and operator.index(passes) < 1:
        raise ValueError(f"passes is {passes}: one at least is needed")
    if isinstance(A, Dense | Sparse) and not is_hermitian(A):
        raise ValueError(f"{A!r} is not Hermitian: take svd, or eigh of (A + A.H) / 2")
    k, p, seed = rank_of(rank, A), oversampling_of(oversampling), seed_of(rng)
    if tol is None:
        tol = float(A.xp.finfo(A.dtype).eps) ** 0.5
    require_tolerance(tol)
    if method == "auto":
        method = _chosen(A, k, p) if passes is None else "krylov"
    if k == 0 or known_norm(A) == 0.0:
        result = _zero(A, k)
    elif method == "exact":
        result = _exact(A, k, which)
    elif method == "lanczos":
        result = _by_lanczos(A, k, p, which, tol, seed)
    else:
        result = _iterated(A, k, p, which, tol, _most if passes is None else passes, seed)
    warn_unconverged(result, "raise tol, passes or oversampling")
    return result


def require_square(A: LinearOperator, name: str) -> LinearOperator:
    """Return a matrix, which has to be square."""
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A is {size_text(A.shape)}: {name} needs a square matrix")
    return A


def _chosen(A: LinearOperator, k: int, p: int) -> str:
    n = A.shape[0]
    formable = isinstance(A, Dense) or (not isinstance(A, RowBlocks) and fits(A))
    if formable and (n <= _small or _part * (k + p) >= n):
        return "exact"
    return "lanczos" if isinstance(A, Sparse) and is_numpy(A.xp) else "krylov"


def _zero(A: LinearOperator, k: int) -> Eigenpairs:
    xp, n = A.xp, A.shape[0]
    return Eigenpairs(
        w=xp.zeros(k, dtype=A.real_dtype, device=A.device),
        V=xp.eye(n, k, dtype=A.dtype, device=A.device),
        method="none: " + ("rank 0" if k == 0 else "the matrix is zero"),
        error_estimate=0.0,
    )


def _order(w: Any, which: str, xp: Any) -> Any:
    key = {"LM": xp.abs(w), "LA": w, "SA": -w}[which]
    return xp.argsort(key, descending=True)


def _exact(A: LinearOperator, k: int, which: str) -> Eigenpairs:
    xp = A.xp
    matrix = A.array if isinstance(A, Dense) else A.todense()
    require_finite("A", matrix)
    w, V = xp.linalg.eigh(_require_hermitian(A, matrix, 0.0))
    best, scale = _order(w, which, xp)[:k], float(xp.max(xp.abs(w)))
    w, V = xp.take(w, best), xp.take(V, best, axis=1)
    return _measured(A, w, V, xp.matmul(matrix, V), scale, "exact", float("inf"), 1, None)


def _require_hermitian(A: LinearOperator, core: Any, scale: float) -> Any:
    """Return the Hermitian part of ``Qᴴ A Q``, which has to be all of it, in terms of ``‖A‖``."""
    xp = A.xp
    gap = norm(core - adjoint_of(core, xp))
    if gap > float(xp.finfo(A.dtype).eps) ** 0.5 * max(norm(core), scale):
        raise ValueError(f"{A!r} is not Hermitian: take svd, or eigh of (A + A.H) / 2")
    return hermitian_part(core, xp)


def _measured(
    A: LinearOperator,
    w: Any,
    V: Any,
    images: Any,
    scale: float,
    method: str,
    tol: float,
    passes: int,
    seed: int | None,
    iterations: int = 0,
) -> Eigenpairs:
    xp = A.xp
    gaps = column_norms(images - V * xp.astype(w, V.dtype))
    error = float(xp.max(gaps)) / scale if scale else 0.0
    return Eigenpairs(
        w=w,
        V=V / largest_phases(V),
        method=method,
        converged=error <= tol,
        error_estimate=error,
        passes=passes,
        iterations=iterations,
        seed=seed,
    )


def _by_lanczos(A: LinearOperator, k: int, p: int, which: str, tol: float, seed: int) -> Eigenpairs:
    xp, matrix = A.xp, require_lanczos(A, k)
    size = (-1.0 if which == "SA" else 1.0) * (known_norm(A) or 1.0)
    found = lanczos(
        lambda X: matrix @ (X / size), A.shape[0], A.dtype, k, seed, modulus=which == "LM"
    )
    if found is None:
        return _iterated(A, k, p, which, tol, _most, seed)
    V, steps, scale = found
    V, _ = orthonormalize(V)
    images = matrix @ V
    w, P = xp.linalg.eigh(hermitian_part(xp.matmul(adjoint_of(V, xp), images), xp))
    order = _order(w, which, xp)
    w, P = w[order], P[:, order]
    scale *= abs(size)
    return _measured(
        A, w, V @ P, images @ P, scale, "lanczos", tol, steps + 1, seed, iterations=steps
    )


def _iterated(
    A: LinearOperator, k: int, p: int, which: str, tol: float, passes: int, seed: int
) -> Eigenpairs:
    xp, n = A.xp, A.shape[0]
    width = min(k + p, n)
    Q = xp.zeros((n, 0), dtype=A.dtype, device=A.device)
    images, block, blocks, best = Q, random_block(width, A, seed), 0, None
    scale = 0.0
    for used in range(1, passes + 1):
        room = min(block.shape[1], n - Q.shape[1])
        block, _, _ = orthonormalize_against(Q, block[:, :room])
        if best is not None:
            # only now: the new block has to be orthogonal to what is dropped, too
            Q, images, best = xp.matmul(Q, best), xp.matmul(images, best), None
        new = A._matmat(block)
        Q, images = xp.concat((Q, block), axis=1), xp.concat((images, new), axis=1)
        core = _require_hermitian(A, xp.matmul(adjoint_of(Q, xp), images), scale)
        w, P = xp.linalg.eigh(core)
        order, scale = _order(w, which, xp), max(scale, float(xp.max(xp.abs(w))))
        w, P = xp.take(w, order), xp.take(P, order, axis=1)
        found = _measured(
            A,
            w[:k],
            xp.matmul(Q, P[:, :k]),
            xp.matmul(images, P[:, :k]),
            scale,
            "krylov",
            tol,
            used,
            seed,
            iterations=used,
        )
        if found.converged or Q.shape[1] >= n:
            break
        blocks += 1
        # columns of norm one: powers of the matrix may overflow or vanish
        size = column_norms(new)
        block = new / xp.where(size > 0, size, xp.ones_like(size))
        if blocks == _kept:
            best, blocks = P[:, :width], 1
    return found

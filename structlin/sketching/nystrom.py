"""Nyström approximation of a positive semidefinite matrix, from a sketch or from columns."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import Dense, LinearOperator
from structlin.matrices._base import adjoint_of, conjugate
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices.functions import diagonal
from structlin.matrices.operations import is_hermitian
from structlin.sketching._krylov import (
    known_norm,
    largest_phases,
    oversampling_of,
    probes,
    random_block,
    rank_of,
)
from structlin.sketching._operand import as_matrix
from structlin.sketching._orth import divide, orthonormalize
from structlin.sketching._random import random_words, seed_of, uniforms
from structlin.sketching.eigh import Eigenpairs, require_square

# columns that are drawn at a time, and the stream of random numbers that draws them
_block, _stream = 64, 40
# how often the shift is enlarged before a matrix is called indefinite
_tries = 4


def nystrom(
    A: Any,
    rank: int,
    *,
    oversampling: int = 10,
    method: str = "gaussian",
    rng: Any = None,
) -> Eigenpairs:
    """Return the dominant eigenpairs of a positive semidefinite matrix, seen once.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix, Hermitian and positive semidefinite.
    rank : int
        The rank of the approximation, up to ``n``.
    oversampling : int
        Columns of the sketch beyond the rank.
    method : {"gaussian", "rpcholesky"}
        Products with a random block, or columns of ``A`` drawn by randomly pivoted Cholesky.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed.

    Returns
    -------
    Eigenpairs
        ``w, V`` with ``A ≈ V diag(w) Vᴴ``, and the report: ``error_estimate`` is
        ``tr(A − V diag(w) Vᴴ) / tr A``, the error in the nuclear norm.

    Raises
    ------
    ValueError
        If the matrix is not square, Hermitian and positive semidefinite, the rank is not between
        0 and ``n``, or there is a NaN or Inf.

    Notes
    -----
    ``"gaussian"``: ``Y = A Ω + ν Ω`` with ``Ω`` an orthonormal basis of ``k + p`` random columns,
    ``L Lᴴ = Ωᴴ Y``, ``Y L⁻ᴴ = U Σ Wᴴ``, and ``w = max(Σ² − ν, 0)``: the shift
    ``ν = √n eps ‖A Ω‖`` keeps the Cholesky factorisation from rounding errors [1]_. One product
    with a block of ``k + p + 10`` columns, of which the last ten measure the error: its estimate
    has the right mean.

    ``"rpcholesky"``: pivots are drawn in proportion to the diagonal of what is left of ``A``,
    an eighth of them at a time and 64 at most, and only those ``k + p`` columns and the diagonal
    are read [2]_; the error is known then. Of an operator that is not stored, the columns are
    products with unit vectors.

    References
    ----------
    .. [1] J. A. Tropp, A. Yurtsever, M. Udell and V. Cevher, "Fixed-rank approximation of a
       positive-semidefinite matrix from streaming data", NeurIPS 2017.
    .. [2] Y. Chen, E. N. Epperly, J. A. Tropp and R. J. Webber, "Randomly pivoted Cholesky:
       practical approximation of a kernel matrix with few entry evaluations", Communications on
       Pure and Applied Mathematics 78 (2025).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 100)
    >>> A = np.exp(-((x[:, None] - x) ** 2))
    >>> nystrom(A, 5, rng=0).error_estimate < 1e-5
    True
    """
    A = require_square(as_matrix(A), "nystrom")
    if method not in ("gaussian", "rpcholesky"):
        raise ValueError(f"method is {method!r}: it is 'gaussian' or 'rpcholesky'")
    if isinstance(A, Dense) and not is_hermitian(A):
        raise ValueError(f"{A!r} is not Hermitian: nystrom needs A = Aᴴ, positive semidefinite")
    k, seed = rank_of(rank, A), seed_of(rng)
    width = min(k + oversampling_of(oversampling), A.shape[0])
    if method == "gaussian":
        return _sketched(A, k, width, seed)
    return _pivoted(A, k, width, seed)


def _indefinite(A: LinearOperator) -> ValueError:
    return ValueError(f"{A!r} is not positive semidefinite: take eigh")


def _sketched(A: LinearOperator, k: int, width: int, seed: int) -> Eigenpairs:
    xp = A.xp
    omega, _ = orthonormalize(random_block(width, A, seed))
    G = probes(A, seed)
    Y = A._matmat(xp.concat((omega, G), axis=1))
    Y, image = Y[:, :width], Y[:, width:]
    size = norm(Y)
    if not math.isfinite(size):
        raise ValueError("A has a NaN or Inf: every entry must be finite")
    if size == 0.0:
        w, V = xp.zeros(k, dtype=A.real_dtype, device=A.device), omega[:, :k]
    else:
        w, V = _decomposed(A, omega, Y / size, k)
        w = w * size
    scaled = V * xp.astype(w, V.dtype)
    total = _inner(G, image, xp)
    missing = _inner(G, image - xp.matmul(scaled, xp.matmul(adjoint_of(V, xp), G)), xp)
    return Eigenpairs(
        w=w,
        V=V,
        method="gaussian",
        error_estimate=max(missing / total, 0.0) if total else 0.0,
        passes=1,
        seed=seed,
    )


def _inner(G: Any, Y: Any, xp: ModuleType) -> float:
    terms = conjugate(G, xp) * Y
    return float(xp.sum(xp.real(terms) if xp.isdtype(terms.dtype, "complex floating") else terms))


def _decomposed(A: LinearOperator, omega: Any, Y: Any, k: int) -> tuple[Any, Any]:
    """Return the eigenpairs that ``A Ω``, of norm one, tells of."""
    xp = A.xp
    eps = float(xp.finfo(A.dtype).eps)
    core = xp.matmul(adjoint_of(omega, xp), Y)
    if norm(core - adjoint_of(core, xp)) > math.sqrt(eps):
        raise ValueError(f"{A!r} is not Hermitian: nystrom needs A = Aᴴ, positive semidefinite")
    core = hermitian_part(core, xp)
    one = xp.eye(core.shape[0], dtype=A.dtype, device=A.device)
    shift = math.sqrt(A.shape[0]) * eps
    for _ in range(_tries):
        L = _cholesky(core + shift * one, xp)
        if L is not None:
            break
        shift *= 100.0
    else:
        raise _indefinite(A)
    V, s = _factored(divide(Y + shift * omega, L, xp), k)
    w = s**2 - shift
    return xp.where(w > 0, w, xp.zeros_like(w)), V


def _cholesky(core: Any, xp: ModuleType) -> Any:
    try:
        L = xp.linalg.cholesky(core)
    except np.linalg.LinAlgError:
        return None
    return L if bool(xp.all(xp.isfinite(L))) else None  # CuPy's leaves NaN


def _factored(F: Any, k: int) -> tuple[Any, Any]:
    """Return the first eigenvectors of ``F Fᴴ``, and the roots of its eigenvalues."""
    xp = namespace(F)
    W, R = orthonormalize(F)
    P, s, _ = xp.linalg.svd(R)
    V = xp.matmul(W, P[:, :k])
    return V / largest_phases(V) if k else V, s[:k]


def _pivoted(A: LinearOperator, k: int, width: int, seed: int) -> Eigenpairs:
    xp, n = A.xp, A.shape[0]
    eps = float(xp.finfo(A.dtype).eps)
    left = diagonal(A)
    left = xp.real(left) if A.is_complex else left
    require_finite("the diagonal of A", left)
    largest = float(xp.max(xp.abs(left))) if n else 0.0
    F, blocks = xp.zeros((n, 0), dtype=A.dtype, device=A.device), 0
    unit = largest or 1.0
    left = left / unit
    trace = float(xp.sum(left))
    if (n and float(xp.min(left)) < -n * eps) or (not largest and known_norm(A)):
        raise _indefinite(A)
    while F.shape[1] < width:
        left = xp.where(left > 0, left, xp.zeros_like(left))
        rest = float(xp.sum(left))
        if rest <= n * eps * trace:
            break
        count = min(_block, -(-width // 8), width - F.shape[1])
        words = random_words(seed, _stream, blocks, 1, 0, count, xp, A.device)
        levels = xp.astype(uniforms(words, xp)[0, :] * rest, left.dtype)
        places = xp.searchsorted(xp.cumulative_sum(left), levels)
        pivots = xp.unique_values(xp.minimum(places, xp.asarray(n - 1, device=A.device)))
        columns = _columns(A, pivots) / unit
        columns = columns - xp.matmul(F, adjoint_of(xp.take(F, pivots, axis=0), xp))
        core = hermitian_part(xp.take(columns, pivots, axis=0), xp)
        one = xp.eye(core.shape[0], dtype=A.dtype, device=A.device)
        shift = 10 * count * eps * (1.0 if blocks else float(norm(core)))
        L = _cholesky(core + shift * one, xp)
        if L is None:
            raise _indefinite(A)
        new = divide(columns, L, xp)
        F, blocks = xp.concat((F, new), axis=1), blocks + 1
        left = left - xp.sum(xp.abs(new) ** 2, axis=1)
        if float(xp.min(left)) < -math.sqrt(eps):
            raise _indefinite(A)
    lost = float(xp.sum(xp.where(left > 0, left, xp.zeros_like(left)))) if n else 0.0
    missing_columns = max(k - F.shape[1], 0)
    zeros = xp.zeros((n, missing_columns), dtype=A.dtype, device=A.device)
    V, s = _factored(xp.concat((F, zeros), axis=1), max(k, F.shape[1]))
    lost += norm(s[k:]) ** 2
    return Eigenpairs(
        w=s[:k] ** 2 * unit,
        V=V[:, :k],
        method="rpcholesky",
        error_estimate=lost / trace if trace else 0.0,
        passes=blocks,
        iterations=blocks,
        seed=seed,
    )


def _columns(A: LinearOperator, pivots: Any) -> Any:
    xp = A.xp
    if isinstance(A, Dense):
        return xp.take(A.array, pivots, axis=1)
    place = xp.arange(A.shape[0], device=A.device)[:, None]
    return A._matmat(xp.astype(place == pivots[None, :], A.dtype))

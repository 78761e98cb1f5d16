"""What holds for decompositions, least squares and norms, by comparison with the dense matrix."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from structlin.matrices._pade import exponential
from structlin.matrices.functions import (
    cholesky,
    cond,
    eig,
    eigh,
    expm,
    lstsq,
    norm,
    pinv,
    rank,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.operations import is_hermitian
from structlin.testing._case import Case, holds, refused, require


@holds("an operator that counts as Hermitian is Hermitian, and eigh works for it", of="square")
def _eigh(c: Case) -> None:
    if not is_hermitian(c.A):
        return
    c.close(c.D, c.mirror(c.D), c.norm)
    pairs, n = eigh(c.A), c.A.shape[0]
    ascending = pairs.sorted()
    c.close(ascending.eigenvalues, c.xp.linalg.eigvalsh(c.half), c.norm)
    for w, V in (pairs, ascending):
        Q = V.todense()
        c.close(c.mirror(Q) @ Q, c.eye(n), math.sqrt(n))
        c.close(c.A @ Q, Q * c.xp.astype(w, c.D.dtype), c.norm * math.sqrt(n))


@holds("eig gives A V = V diag(w) with columns of norm 1, all complex", of="square")
def _eig(c: Case) -> None:
    xp, n = c.xp, c.A.shape[0]
    if not hasattr(xp.linalg, "eig") and not is_hermitian(c.A):
        return
    w, V = eig(c.A)
    vectors = V.todense()
    matrix = xp.astype(c.D, xp.result_type(c.D.dtype, xp.complex64))
    c.close(matrix @ vectors, vectors * w, max(c.norm * math.sqrt(n), _graded(c, vectors)))
    ones = xp.ones(n, dtype=c.A.real_dtype, device=c.A.device)
    c.close(xp.linalg.vector_norm(vectors, axis=0), ones, math.sqrt(n))
    c.close(xp.sum(w), xp.astype(c.array(trace(c.A)), w.dtype), c.norm * n)


def _graded(c: Case, vectors: Any) -> float:
    """Return what multiplies rounding errors in ``A V`` if LAPACK has balanced the matrix.

    The pairs of ``B = S⁻¹ A S`` are exact for ``B + E`` with ``‖E‖`` of the size of ``eps ‖B‖``:
    those of ``A`` then miss by ``S E S⁻¹ V``, which is more than ``eps ‖A‖`` where ``S`` is graded.
    """
    n, moduli = c.A.shape[0], c.xp.abs(c.D)
    if n == 0:
        return 0.0
    host = np.array([[float(moduli[i, j]) for j in range(n)] for i in range(n)])
    balanced, scaling = importlib.import_module("scipy.linalg").matrix_balance(host)
    s = np.sum(scaling, axis=1)  # one entry in each row: a permutation is in it
    unscaled = vectors / c.array(s, c.A.real_dtype)[:, None]
    return float(np.linalg.norm(balanced) * np.max(s)) * c.size(unscaled)


@holds("svd gives U diag(S) Vh with orthonormal columns and rows, also when sorted", of="functions")
def _svd(c: Case) -> None:
    for U, S, Vh in (triplets := svd(c.A), triplets.sorted()):
        left, right, r = U.todense(), Vh.todense(), S.shape[0]
        c.close(c.mirror(left) @ left, c.eye(r), math.sqrt(r))
        c.close(right @ c.mirror(right), c.eye(r), math.sqrt(r))
        c.close((left * c.xp.astype(S, left.dtype)) @ right, c.D, c.norm * math.sqrt(r))
    c.close(triplets.sorted().S, _values(c)[:r], c.norm)


@holds("svdvals, norms, rank and cond are those of the dense matrix", of="functions")
def _measures(c: Case) -> None:
    xp, (m, n) = c.xp, c.A.shape
    c.close(svdvals(c.A), _values(c), c.norm)
    for ord in _norms:
        size = norm(c.A, ord)
        c.close(c.array(size), c.array(_norm(c, c.D, ord), c.A.real_dtype), float(size))
    if c.rank is not None:
        require(rank(c.A) == c.rank, f"rank {rank(c.A)} instead of {c.rank}")
    if 0 in (m, n):
        require(refused(lambda: cond(c.A)), "an empty matrix has a condition number")
        return
    largest = max(m, n) * c.eps
    if c.rank is not None and c.rank < min(m, n):
        require(float(cond(c.A)) > 1e-3 / largest, f"cond {float(cond(c.A)):.1e} of a singular A")
    if c.condition * largest * 1e4 >= 1:
        return
    expected = {2: c.condition}
    if m == n:
        D = c.double(c.D)
        sizes = {ord: (_norm(c, D, ord), _norm(c, xp.linalg.inv(D), ord)) for ord in _norms[:3]}
        expected |= {ord: math.prod(pair) for ord, pair in sizes.items()}
    for ord, size in expected.items():
        c.close(c.array(cond(c.A, ord)), c.array(size, c.A.real_dtype), size * c.condition)


_norms: Any = ("fro", 1, math.inf, 2, "nuc")


def _norm(c: Case, matrix: Any, ord: Any) -> float:
    """Return a norm by its definition."""
    if 0 in matrix.shape:
        return 0.0
    if ord in (1, math.inf):
        return float(c.xp.max(c.xp.sum(c.xp.abs(matrix), axis=0 if ord == 1 else 1)))
    return c.size(matrix) if ord == "fro" else max(c.values) if ord == 2 else sum(c.values)


def _values(c: Case) -> Any:
    return c.xp.astype(c.svd[1], c.A.real_dtype)


@holds("lstsq and pinv are those of the dense matrix, where rounding leaves no doubt of its rank",
       of="functions")  # fmt: skip
def _least_squares(c: Case) -> None:
    m = c.A.shape[0]
    if c.rank is None:
        b = c.random(m, 2)
        c.finite(lstsq(c.A, b), "the least-squares solution")
        c.finite(pinv(c.A) @ b, "the product with the pseudoinverse")
        return
    expected, noise = c.pinv
    expected = c.xp.astype(expected, c.A.dtype)
    c.same(pinv(c.A), expected, noise)
    for right in (c.random(m), c.random(2, m, 1), c.random(m, 0)):
        c.close(lstsq(c.A, right), expected @ right, noise * c.size(right))
    require(m == 0 or refused(lambda: lstsq(c.A, c.random(m) + math.nan)), "lstsq accepts NaN")


@holds("cholesky gives the triangular factor of a positive definite matrix, else an error",
       of="square")  # fmt: skip
def _cholesky(c: Case) -> None:
    xp, n = c.xp, c.A.shape[0]
    if not is_hermitian(c.A):
        if c.size(c.D - c.mirror(c.D)) > 1e-2 * c.norm:
            require(refused(lambda: cholesky(c.A)), "a matrix with A ≠ Aᴴ has a Cholesky factor")
        return
    w = [float(x) for x in _each(xp.linalg.eigvalsh(c.half))]
    noise = 1e4 * n * c.eps * max(map(abs, w), default=1.0)
    if min(w, default=1.0) < -noise:
        try:
            cholesky(c.A)
        except np.linalg.LinAlgError:
            pass
        else:
            raise AssertionError(f"eigenvalue {min(w)}, but there is a Cholesky factor")
    # an integer, so that structures of exact entries stay exact
    shift = 0 if min(w, default=1.0) > noise else 1 + 2 * math.ceil(c.norm)
    B = c.A + shift * Identity(n, like=c.A) if shift else c.A
    dense = c.D + shift * c.eye(n)
    L = cholesky(B)
    c.same(L, (lower := L.todense()), c.norm + shift)
    c.close(lower @ c.mirror(lower), dense, math.sqrt(n) * (c.norm + shift * n))
    require(not bool(xp.any(xp.triu(lower, k=1) != 0)), "the Cholesky factor is not triangular")
    pivots = xp.linalg.diagonal(lower)
    positive = bool(xp.all(xp.real(pivots) > 0)) if c.A.is_complex else bool(xp.all(pivots > 0))
    require(positive, "a diagonal entry of the Cholesky factor is not positive")


def _each(x: Any) -> list[Any]:
    return [x[i] for i in range(x.shape[0])]


@holds("expm is that of the dense matrix", of="square")
def _expm(c: Case) -> None:
    xp, n = c.xp, c.A.shape[0]
    # larger ones are scaled, exactly: their exponential may overflow
    factor = 1 if c.norm <= 30 else 2.0 ** -math.ceil(math.log2(c.norm / 30))
    B = factor * c.A if factor < 1 else c.A
    D = factor * c.double(c.D)
    exact = exponential(D, xp)
    # a change E of A changes exp(A) by at most ‖E‖ exp(λ), λ the largest eigenvalue of (A + Aᴴ)/2
    growth = max([0.0, *(factor * float(x) for x in _each(xp.linalg.eigvalsh(c.half)))])
    c.same(expm(B), xp.astype(exact, c.A.dtype), (1 + factor * c.norm) * math.exp(growth) * n)

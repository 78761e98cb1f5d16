"""What is computed with Khatri–Rao and face-splitting products."""

from __future__ import annotations

import math
from typing import Any

from structlin._norm import column_norms, norm as euclidean
from structlin.matrices._base import LinearOperator, coarser, conjugate, times
from structlin.matrices._indices import Index, is_all, take
from structlin.matrices.dense import Dense, lstsq_within
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.face_splitting import FaceSplitting
from structlin.matrices.fallback import dense_limit
from structlin.matrices.functions import diagonal, lstsq, norm, pinv, svd, svdvals
from structlin.matrices.khatri_rao import KhatriRao, hadamard, spread
from structlin.matrices.kronecker import Kronecker, outer
from structlin.matrices.kronecker_rules import unravel
from structlin.matrices.operations import adjoint, multiply, scale, select, transpose
from structlin.matrices.rules import answer, rule

# algebra: the transpose of either is the other


@rule(transpose, KhatriRao)
def _transpose(A: KhatriRao) -> FaceSplitting:
    return FaceSplitting(*map(A.xp.matrix_transpose, A.factors))


@rule(transpose, FaceSplitting)
def _transpose_rows(A: FaceSplitting) -> KhatriRao:
    return KhatriRao(*map(A.xp.matrix_transpose, A.factors))


@rule(adjoint, KhatriRao)
@rule(adjoint, FaceSplitting)
def _adjoint(A: KhatriRao | FaceSplitting) -> LinearOperator:
    return transpose(type(A)(*(conjugate(F, A.xp) for F in A.factors)))


@rule(scale, KhatriRao)
@rule(scale, FaceSplitting)
def _scale(A: KhatriRao | FaceSplitting, scalar: complex) -> LinearOperator:
    first, *others = A.factors
    return type(A)(times(first, scalar, A.xp), *others)


@rule(multiply, FaceSplitting, KhatriRao)
def _multiply(A: FaceSplitting, B: KhatriRao) -> Any:
    # the Gram matrix and its like: (A₁ • A₂)(B₁ ⊙ B₂) = A₁B₁ ∘ A₂B₂
    if [F.shape[1] for F in A.factors] != [G.shape[0] for G in B.factors]:
        return NotImplemented
    pairs = zip(A.factors, B.factors, strict=True)
    return Dense(hadamard([A.xp.matmul(F, G) for F, G in pairs]))


@rule(multiply, Kronecker, KhatriRao)
def _multiply_kronecker(A: Kronecker, B: KhatriRao) -> Any:
    # (A₁ ⊗ A₂)(B₁ ⊙ B₂) = A₁B₁ ⊙ A₂B₂
    if [F.shape[1] for F in A.factors] != [G.shape[0] for G in B.factors]:
        return NotImplemented
    return KhatriRao(*(F.matmat(G) for F, G in zip(A.factors, B.factors, strict=True)))


@rule(multiply, KhatriRao, Diagonal)
def _multiply_diagonal(A: KhatriRao, B: Diagonal) -> KhatriRao:
    first, *others = A.factors
    return KhatriRao(first * B.entries, *others)


@rule(multiply, FaceSplitting, Kronecker)
@rule(multiply, Diagonal, FaceSplitting)
def _multiply_transposed(A: LinearOperator, B: LinearOperator) -> Any:
    product = answer(multiply, transpose(B), transpose(A))
    return transpose(product) if isinstance(product, KhatriRao) else NotImplemented


@rule(select, KhatriRao)
def _select(A: KhatriRao, rows: Index, columns: Index) -> Any:
    xp = A.xp
    if isinstance(rows, int):
        digits = unravel(rows, [F.shape[0] for F in A.factors])
        row = hadamard([F[i, :] for F, i in zip(A.factors, digits, strict=True)])
        return row[columns] if isinstance(columns, int) else take(row, columns, xp)
    if isinstance(columns, int):
        A._require_formable(A.shape[0])
        return take(outer([F[:, columns] for F in A.factors], xp.multiply, xp), rows, xp)
    if not is_all(rows, A.shape[0]):
        return NotImplemented
    turned = (take(xp.matrix_transpose(F), columns, xp) for F in A.factors)
    return KhatriRao(*map(xp.matrix_transpose, turned))


@rule(select, FaceSplitting)
def _select_rows(A: FaceSplitting, rows: Index, columns: Index) -> Any:
    if isinstance(rows, int) or isinstance(columns, int):
        return select(transpose(A), columns, rows)
    if not is_all(columns, A.shape[1]):
        return NotImplemented
    return FaceSplitting(*(take(F, rows, A.xp) for F in A.factors))


# entries


@rule(diagonal, KhatriRao, how="products of entries", cost="d min(m, n)", memory="min(m, n)")
def _diagonal(A: KhatriRao) -> Any:
    xp, n = A.xp, A.shape[1]
    columns = xp.arange(min(A.shape), device=A.device)
    rows, parts = columns, []
    for F in reversed(A.factors):
        size = max(F.shape[0], 1)
        parts.append(xp.take(xp.reshape(F, (-1,)), rows % size * n + columns))
        rows = rows // size
    return hadamard(parts)


@rule(
    norm,
    KhatriRao,
    how="fro, 1 and inf: from the columns of the factors; inf by a product with moduli",
    cost="n Σ mᵢ; inf 2 n m",
    memory="n d; inf n √m + m",
    may_decline=True,
)
def _norm(A: KhatriRao, ord: str | float) -> Any:
    xp = A.xp
    if ord == "fro":
        sizes = hadamard([column_norms(F) for F in A.factors])
        return A._scalar(euclidean(sizes), A.real_dtype)
    moduli = [xp.abs(F) for F in A.factors]
    if ord == 1:
        return xp.max(hadamard([xp.sum(F, axis=0) for F in moduli]))
    if ord == math.inf:
        A._require_formable(A.shape[0])
        ones = xp.ones((A.shape[1], 1), dtype=A.real_dtype, device=A.device)
        return xp.max(spread(moduli, ones))
    return NotImplemented


_turned: dict[str, Any] = {"cost": "that of the transpose", "memory": "that of the transpose"}

rule(diagonal, FaceSplitting, how="that of the transpose", **_turned)(
    lambda A: diagonal(transpose(A))
)


@rule(norm, FaceSplitting, how="that of the transpose", may_decline=True, **_turned)
def _norm_rows(A: FaceSplitting, ord: str | float) -> Any:
    if ord in (2, "nuc"):
        return NotImplemented
    return norm(transpose(A), ord if ord == "fro" else math.inf if ord == 1 else 1)


# least squares and singular values: A = Q core, where Q has orthonormal columns


def _is_reducible(A: Any) -> bool:
    """Tell whether a factor has more rows than columns, and the core may be formed."""
    n = A.shape[1]
    rows = math.prod(min(F.shape[0], n) for F in A.factors)
    return bool(rows < A.shape[0] and rows * n <= dense_limit**2)


def _in_precision_of(A: KhatriRao, B: Any) -> KhatriRao:
    xp = A.xp
    if not coarser(A, B):
        return A
    real = xp.finfo(B.dtype).dtype
    return KhatriRao(*(xp.astype(F, xp.result_type(F.dtype, real)) for F in A.factors))


@rule(
    lstsq,
    KhatriRao,
    when=lambda A: A.shape[0] >= A.shape[1] > 0,
    how="normal equations with one step of refinement, if well-conditioned; kept",
    cost="n² Σ mᵢ + 9 n³ once, then 8 n m",
    memory="n² + 2 m",
    may_decline=True,
)
def _lstsq_by_gram(A: KhatriRao, B: Any) -> Any:
    xp, eps = A.xp, A.xp.finfo(A.dtype).eps
    A = _in_precision_of(A, B)
    scales, w, V = A._gram
    # σₙ and σ₁ are at least and at most these: none counts as zero
    least, most = (f(scales) * xp.sqrt(xp.abs(f(w))) for f in (xp.min, xp.max))
    if not bool(least > max(A.shape) * eps * most):
        return NotImplemented
    # refinement makes up for the squared condition number up to here
    limit = 0.01 / math.sqrt(xp.finfo(A.dtype).eps)
    if not bool((xp.min(w) > 0) & (xp.max(w) <= limit * xp.min(w))):
        return NotImplemented

    def solution(residual: Any) -> Any:
        C = A._rmatmat(residual) / scales[:, None]
        return V._matmat(V._rmatmat(C) / w[:, None]) / scales[:, None]

    X = solution(B)
    return X + solution(B - A._matmat(X))


_by_core: dict[str, Any] = {
    "when": _is_reducible,
    "how": "QR factorisations of the factors, then the core of Π min(mᵢ, n) rows",
    "cost": "2 n² Σ mᵢ + 10 n² Π min(mᵢ, n)",
    "memory": "3 n Π min(mᵢ, n)",
}


@rule(lstsq, KhatriRao, **_by_core)
def _lstsq(A: KhatriRao, B: Any) -> Any:
    Q, core = _in_precision_of(A, B)._reduced
    return lstsq_within(core, Q._rmatmat(B), A.dtype)


@rule(svd, KhatriRao, **_by_core)
def _svd(A: KhatriRao) -> Any:
    Q, core = A._reduced
    U, S, Vh = svd(core)
    return Q @ U, S, Vh


rule(svdvals, KhatriRao, **_by_core)(lambda A: svdvals(A._reduced[1]))
rule(pinv, KhatriRao, **_by_core)(lambda A: pinv(A._reduced[1]) @ A._reduced[0].H)

_by_transpose: dict[str, Any] = {
    "when": lambda A: _is_reducible(transpose(A)),
    "how": "that of the transpose",
    **_turned,
}


@rule(svd, FaceSplitting, **_by_transpose)
def _svd_rows(A: FaceSplitting) -> Any:
    U, S, Vh = svd(transpose(A))
    return transpose(Vh), S, transpose(U)


rule(svdvals, FaceSplitting, **_by_transpose)(lambda A: svdvals(transpose(A)))
rule(pinv, FaceSplitting, **_by_transpose)(lambda A: transpose(pinv(transpose(A))))

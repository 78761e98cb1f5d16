"""What the public functions do with an operator without rules: spectra, norms and entries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin._errors import ConvergenceError
from structlin._norm import norm as euclidean
from structlin.matrices._base import LinearOperator
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.fallback import (
    fits,
    formed,
    has_eigh,
    has_svd,
    refuse_the_rest,
    structured,
)
from structlin.matrices.functions import (
    cholesky,
    cond,
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    norm,
    rank,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.rules import rule
from structlin.matrices.systems import negligible

# columns of the blocks of unit vectors
_width = 50

# eigenvalues and singular values


def _densely(function: Any, how: str, cost: str, memory: str) -> None:
    """Register that the dense matrix answers, up to its limit."""
    rule(
        function,
        LinearOperator,
        when=fits,
        how=f"dense {how}",
        cost=f"n products with A, then {cost}",
        memory=memory,
    )(lambda A: function(formed(A)))


_densely(eigh, "eigendecomposition, if A = Aᴴ holds", "9 n³", "3 n²")


@rule(
    eig,
    LinearOperator,
    when=has_eigh,
    how="eigh, since A = Aᴴ",
    cost="that of eigh",
    memory="that of eigh",
)
def _eig_of_hermitian(A: LinearOperator) -> Any:
    return eigh(A)


_densely(eig, "eigendecomposition (Hermitian, if A = Aᴴ)", "25 n³", "4 n²")


@rule(
    svd,
    LinearOperator,
    when=has_eigh,
    how="V diag(sign λ), |λ| and Vᴴ of eigh, since A = Aᴴ",
    cost="that of eigh",
    memory="that of eigh",
)
def _svd_of_hermitian(A: LinearOperator) -> Any:
    xp = A.xp
    w, V = eigh(A)
    sign = xp.where(w < 0, -xp.ones_like(w), xp.ones_like(w))
    return V @ Diagonal(sign), xp.abs(w), V.H


_densely(svd, "singular value decomposition", "about 10 m n min(m, n)", "4 m n")

rule(
    svdvals,
    LinearOperator,
    when=has_svd,
    how="those of the structure's svd",
    cost="that of svd",
    memory="that of svd",
)(lambda A: svd(A).S)
_densely(svdvals, "singular values", "about 4 m n min(m, n)", "2 m n")

_densely(cholesky, "Cholesky factorisation, if A = Aᴴ holds", "n³/3", "3 n²")


@rule(
    expm,
    LinearOperator,
    when=has_eigh,
    how="V diag(exp λ) Vᴴ of eigh, since A = Aᴴ",
    cost="that of eigh",
    memory="that of eigh",
)
def _expm_of_hermitian(A: LinearOperator) -> LinearOperator:
    w, V = eigh(A)
    exponential: LinearOperator = V @ Diagonal(A.xp.exp(w)) @ V.H
    return exponential


_densely(expm, "scaling and squaring", "20 n³ and more", "10 n²")
refuse_the_rest(eigh, eig, svd, svdvals, cholesky, expm)


# rank, condition and norms, from the singular values


def _has_svdvals(A: LinearOperator) -> bool:
    return fits(A) or structured(svdvals, A) or has_svd(A)


_from_values: dict[str, Any] = {
    "when": _has_svdvals,
    "cost": "that of svdvals",
    "memory": "that of svdvals",
}


@rule(rank, LinearOperator, how="singular values above max(m, n) eps σ₁", **_from_values)
def _rank(A: LinearOperator) -> int:
    xp, values = A.xp, svdvals(A)
    return int(xp.count_nonzero(~negligible(values, A.shape, xp)))


@rule(
    cond,
    LinearOperator,
    how="2: σ₁ / σₙ",
    may_decline=True,
    **_from_values,
)
def _cond(A: LinearOperator, ord: str | float) -> Any:
    if ord != 2:
        return NotImplemented
    values = svdvals(A)
    with np.errstate(all="ignore"):  # ∞ if σₙ is zero, or all but
        ratio = values[0] / values[-1]
    return ratio if bool(values[0] > 0) else A._scalar(math.inf, A.real_dtype)


@rule(
    cond,
    LinearOperator,
    how="‖A‖ ‖A⁻¹‖",
    cost="that of inv and norm",
    memory="that of inv",
    may_decline=True,
)
def _cond_of_inverse(A: LinearOperator, ord: str | float) -> Any:
    if ord == 2:
        return NotImplemented
    try:
        inverse = norm(inv(A), ord)
    except np.linalg.LinAlgError:
        return A._scalar(math.inf, A.real_dtype)
    with np.errstate(over="ignore"):
        return norm(A, ord) * inverse


@rule(
    norm,
    LinearOperator,
    how="fro, 1 and inf: products with blocks of unit vectors",
    cost="min(m, n) products with A or Aᴴ",
    memory=f"{_width} max(m, n)",
    may_decline=True,
)
def _norm(A: LinearOperator, ord: str | float) -> Any:
    if ord in ("nuc", 2):
        return NotImplemented
    xp, (m, n), product = A.xp, A.shape, A._matmat
    if m < n:  # the columns of Aᴴ are fewer
        m, n, product = n, m, A._rmatmat
        ord = ord if ord == "fro" else 1 if ord == math.inf else math.inf
    A._require_formable(m)
    sizes, largest = [], []
    rows = xp.zeros(m, dtype=A.real_dtype, device=A.device)
    for start in range(0, n, _width):
        width = min(_width, n - start)
        moduli = xp.abs(product(xp.eye(n, width, k=-start, dtype=A.dtype, device=A.device)))
        if ord == "fro":
            sizes.append(euclidean(moduli))
        elif ord == 1:
            largest.append(xp.max(xp.sum(moduli, axis=0)))
        else:
            rows = rows + xp.sum(moduli, axis=1)
    if ord == "fro":
        return A._scalar(math.hypot(*sizes), A.real_dtype)
    return xp.max(xp.stack(largest) if ord == 1 else rows)


@rule(
    norm,
    LinearOperator,
    how="2 and nuc: from the singular values",
    may_decline=True,
    **_from_values,
)
def _norm_of_values(A: LinearOperator, ord: str | float) -> Any:
    if ord not in ("nuc", 2):
        return NotImplemented
    values = svdvals(A)
    return values[0] if ord == 2 else A.xp.sum(values)


@rule(
    norm,
    LinearOperator,
    when=lambda A: is_numpy(A.xp),
    how="2: Lanczos' iteration (ARPACK) from a fixed vector",
    cost="some tens of products with A and with Aᴴ",
    memory="20 min(m, n)",
    may_decline=True,
)
def _norm_iteratively(A: LinearOperator, ord: str | float) -> Any:
    if ord != 2:
        return NotImplemented
    arpack = scipy_of(A.xp, "sparse.linalg")
    tall = A if A.shape[0] >= A.shape[1] else A.H
    start = np.random.default_rng(0).standard_normal(tall.shape[1]).astype(A.real_dtype)
    with np.errstate(all="ignore"):
        gain = euclidean(tall.matvec(start)) / euclidean(start)
    if not math.isfinite(gain):
        raise ValueError(f"{A!r} takes a finite vector to NaN or Inf: it has no 2-norm")
    if gain == 0 or tall.shape[1] == 1:  # zero, or a single column
        return A._scalar(gain, A.real_dtype)
    # squares of the singular values have to stay within the range of numbers
    unit = arpack.LinearOperator(
        tall.shape,
        matvec=lambda x: tall.matvec(x) / gain,
        rmatvec=lambda y: tall.rmatvec(y) / gain,
        dtype=A.dtype,
    )
    try:
        (largest,) = arpack.svds(unit, k=1, v0=start, return_singular_vectors=False)
    except arpack.ArpackError as error:
        raise ConvergenceError(f"ARPACK did not find the 2-norm of {A!r}: {error}") from error
    return A._scalar(float(largest) * gain, A.real_dtype)


refuse_the_rest(norm, rank, cond)


# entries

_exact: dict[str, Any] = {"cost": "n products with A", "memory": f"{_width} n"}


@rule(diagonal, LinearOperator, how="products with blocks of unit vectors", **_exact)
def _diagonal(A: LinearOperator) -> Any:
    xp, (m, n) = A.xp, A.shape
    A._require_formable(n)
    parts = []
    for start in range(0, min(m, n), _width):
        block = A[:, start : min(start + _width, m, n)]
        size = block.shape[1]
        unit = xp.eye(size, dtype=A.dtype, device=A.device)
        parts.append(xp.linalg.diagonal(block._matmat(unit)[start : start + size, :]))
    return xp.concat(parts) if parts else xp.zeros(0, dtype=A.dtype, device=A.device)


@rule(trace, LinearOperator, how="sum of the diagonal", **_exact)
def _trace(A: LinearOperator) -> Any:
    return A.xp.sum(diagonal(A))

"""Kronecker products of any number of rectangular factors."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices._indices import Index, take
from structlin.matrices.dense import Dense
from structlin.matrices.functions import diagonal, eigh, inv, singular, slogdet, solve, trace
from structlin.matrices.identity import Identity
from structlin.matrices.operations import (
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    select,
    transpose,
)
from structlin.matrices.rules import answer, rule


class Kronecker(LinearOperator):
    """The Kronecker product ``A₁ ⊗ A₂ ⊗ … ⊗ A_d``.

    Parameters
    ----------
    *factors : (mᵢ, nᵢ) array, sparse matrix or operator
        At least one. Factors that are Kronecker products are taken apart, and operators are
        applied by their own structure.

    Attributes
    ----------
    factors : tuple of LinearOperator
        The factors; arrays have become `Dense`.
    contraction_order : tuple of int
        The order in which the factors are applied: that of the fewest operations.

    Notes
    -----
    Vectors are C-ordered: for two factors, ``A @ x`` is ``(A₁ X A₂ᵀ).reshape(-1)`` with
    ``X = x.reshape(n₁, n₂)``. One factor after another multiplies its axis of the tensor of
    ``x``, at ``2 mᵢ`` operations per entry of the tensor; the sum over the factors is least when
    they are applied by decreasing ``1/mᵢ − 1/nᵢ``. For ``d`` square factors of size ``n`` the
    cost is ``2 d n^(d+1)``, instead of ``2 n^(2d)`` for the dense matrix. Extra memory: at most
    twice the larger of input and output.

    Examples
    --------
    >>> import numpy as np
    >>> A = Kronecker(np.ones((4, 4)), np.ones((5, 4)))
    >>> A
    <Kronecker 20x16 float64 = 4x4 ⊗ 5x4>
    >>> A.contraction_order
    (0, 1)
    """

    factors: tuple[LinearOperator, ...]

    def __init__(self, *factors: Any) -> None:
        if not factors:
            raise ValueError("Kronecker() has no factors: give one matrix at least")
        parts = map(aslinearoperator, factors)
        self.factors = tuple(
            factor for F in parts for factor in (F.factors if isinstance(F, Kronecker) else (F,))
        )
        rows, columns = zip(*(F.shape for F in self.factors), strict=True)
        super().__init__((math.prod(rows), math.prod(columns)), like=self.factors)

    @functools.cached_property
    def contraction_order(self) -> tuple[int, ...]:
        """The factors in the order in which they are applied."""
        return _order(self.factors)

    @functools.cached_property
    def _steps(self) -> Steps:
        return _plan(self.factors, self.contraction_order)

    @functools.cached_property
    def _adjoint_steps(self) -> Steps:
        adjoints = tuple(F.H for F in self.factors)
        return _plan(adjoints, _order(adjoints))

    def _matmat(self, X: Any) -> Any:
        return self._contract(X, self._steps, self.shape[0])

    def _rmatmat(self, X: Any) -> Any:
        return self._contract(X, self._adjoint_steps, self.shape[1])

    def _contract(self, X: Any, steps: Steps, rows: int) -> Any:
        xp, k = self.xp, X.shape[1]
        if 0 in self.shape:
            return xp.zeros((rows, k), dtype=X.dtype, device=self.device)
        if not steps:
            return xp.asarray(X, copy=True)
        for F, left, right in steps:
            X = mode_product(F, X, left, right * k)
        return xp.reshape(X, (rows, k))

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        return functools.reduce(
            lambda a, b: self.xp.reshape(
                a[:, None, :, None] * b[None, :, None, :],
                (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]),
            ),
            (F.todense() for F in self.factors),
        )

    def _formula(self) -> str:
        return joined(self.factors, "⊗")


# factor, and the sizes of the tensor before and after its axis
Steps = tuple[tuple[LinearOperator, int, int], ...]


def _order(factors: Sequence[LinearOperator]) -> tuple[int, ...]:
    # Neighbours i, j cost S mᵢ + S mᵢ mⱼ / nᵢ in this order: exchanging them shows that the
    # larger 1/m - 1/n goes first. In a tie the last one does: its axis is contiguous.
    def key(i: int) -> tuple[Fraction, int]:
        m, n = factors[i].shape
        return Fraction(m - n, m * n or 1), -i

    return tuple(sorted(range(len(factors)), key=key))


def _plan(factors: Sequence[LinearOperator], order: Sequence[int]) -> Steps:
    sizes = [F.shape[1] for F in factors]
    steps = []
    for i in order:
        F = factors[i]
        if not isinstance(F, Identity):
            steps.append((F, math.prod(sizes[:i]), math.prod(sizes[i + 1 :])))
        sizes[i] = F.shape[0]
    return tuple(steps)


def mode_product(F: LinearOperator, X: Any, left: int, right: int) -> Any:
    """Return the (left, m, right) tensor ``Σⱼ F[i, j] X[:, j, :]`` of a (left, n, right) tensor.

    Shapes are those of the memory: axes of length 1 may be missing from the result.
    """
    xp, n = F.xp, F.shape[1]
    if not isinstance(F, Dense):
        return F.matvec(xp.reshape(X, (left, n, right)))
    if right == 1:
        return xp.matmul(xp.reshape(X, (left, n)), xp.matrix_transpose(F.array))
    if left == 1:
        return xp.matmul(F.array, xp.reshape(X, (n, right)))
    return xp.matmul(F.array, xp.reshape(X, (left, n, right)))


def outer(vectors: Sequence[Any], combine: Callable[[Any, Any], Any], xp: ModuleType) -> Any:
    """Return ``combine(v₁[i₁], v₂[i₂], …)`` for all indices, as one C-ordered vector."""
    return functools.reduce(
        lambda a, b: xp.reshape(combine(a[:, None], b[None, :]), (a.shape[0] * b.shape[0],)),
        vectors,
    )


def joined(factors: Sequence[LinearOperator], sign: str) -> str:
    """Return the sizes of the factors as they stand in a `repr`."""
    sizes = [size_text(F.shape) for F in factors]
    if len(sizes) > 8:
        sizes[3:-1] = ["…"]
        return f" {sign} ".join(sizes) + f" ({len(factors)} factors)"
    return f" {sign} ".join(sizes)


def all_square(A: Any) -> bool:
    """Tell whether every factor is square."""
    return all(F.shape[0] == F.shape[1] for F in A.factors)


_factors = operator.attrgetter("factors")
_by_factor: dict[str, Any] = {"when": all_square, "parts": _factors}
_lopsided = "a product of factors that are not square has rank Π min(mᵢ, nᵢ)"

# algebra

rule(adjoint, Kronecker)(lambda A: Kronecker(*(F.H for F in A.factors)))
rule(transpose, Kronecker)(lambda A: Kronecker(*(F.T for F in A.factors)))
rule(is_hermitian, Kronecker)(lambda A: all(map(is_hermitian, A.factors)))


@rule(multiply, Kronecker, Kronecker)
def _multiply(A: Kronecker, B: Kronecker) -> Any:
    # (A₁ ⊗ A₂)(B₁ ⊗ B₂) = A₁B₁ ⊗ A₂B₂
    inner = [F.shape[1] for F in A.factors]
    if inner != [G.shape[0] for G in B.factors]:
        return NotImplemented
    return Kronecker(*(F @ G for F, G in zip(A.factors, B.factors, strict=True)))


@rule(select, Kronecker)
def _select(A: Kronecker, rows: Index, columns: Index) -> Any:
    i = _unravel(rows, [F.shape[0] for F in A.factors]) if isinstance(rows, int) else None
    j = _unravel(columns, [F.shape[1] for F in A.factors]) if isinstance(columns, int) else None
    if i is not None and j is not None:
        entries = (F[a, b] for F, a, b in zip(A.factors, i, j, strict=True))
        return functools.reduce(operator.mul, entries)
    if i is not None:
        A._require_formable(A.shape[1])
        row = outer([F[a, :] for F, a in zip(A.factors, i, strict=True)], operator.mul, A.xp)
        return take(row, columns, A.xp)
    if j is not None:
        A._require_formable(A.shape[0])
        column = outer([F[:, b] for F, b in zip(A.factors, j, strict=True)], operator.mul, A.xp)
        return take(column, rows, A.xp)
    return NotImplemented


def _unravel(index: int, sizes: Sequence[int]) -> list[int]:
    digits = []
    for size in reversed(sizes):
        index, digit = divmod(index, size)
        digits.append(digit)
    return digits[::-1]


# functions


@rule(
    solve,
    Kronecker,
    how="factor after factor",
    cost="Σ solve(Aᵢ) with N/nᵢ columns",
    memory="2 N",
    **_by_factor,
)
def _solve(A: Kronecker, B: Any) -> Any:
    steps, k, shape = _plan(A.factors, range(len(A.factors))), B.shape[1], B.shape
    if not steps or A.shape[0] == 0:
        return A.xp.asarray(B, copy=True)
    for F, left, right in steps:
        tensor = A.xp.reshape(B, (left, F.shape[0], right * k))
        B = F._product(functools.partial(_solve_factor, F), tensor, F.shape[0], "solve")
    return A.xp.reshape(B, shape)


def _solve_factor(F: LinearOperator, B: Any) -> Any:
    return answer(solve, F, then=(B,))


@rule(solve, Kronecker, how="singular", cost="0", memory="0")
def _solve_lopsided(A: Kronecker, B: Any) -> Any:
    if A.shape[0] == 0:
        return A.xp.asarray(B, copy=True)
    raise singular(A, _lopsided)


@rule(
    inv,
    Kronecker,
    how="Kronecker product of the inverses",
    cost="Σ inv(Aᵢ)",
    memory="Σ nᵢ²",
    **_by_factor,
)
def _inv(A: Kronecker) -> Kronecker:
    return Kronecker(*map(inv, A.factors)) if A.shape[0] else A


@rule(inv, Kronecker, how="singular", cost="0", memory="0")
def _inv_lopsided(A: Kronecker) -> Kronecker:
    if A.shape[0] == 0:
        return A
    raise singular(A, _lopsided)


@rule(
    slogdet, Kronecker, how="sum over the factors", cost="Σ slogdet(Aᵢ)", memory="1", **_by_factor
)
def _slogdet(A: Kronecker) -> Any:
    # det(A₁ ⊗ A₂) = det(A₁)^n₂ det(A₂)^n₁
    sign, logarithm = A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    sizes = [F.shape[0] for F in A.factors]
    for i, F in enumerate(A.factors):
        power = math.prod(sizes[:i]) * math.prod(sizes[i + 1 :])
        if power:
            factor_sign, factor_logarithm = slogdet(F)
            # for a real sign only the parity counts
            sign = sign * _power(factor_sign, power if F.is_complex else 2 - power % 2, A.xp)
            logarithm = logarithm + float(power) * factor_logarithm
    return sign, logarithm


def _power(sign: Any, power: int, xp: ModuleType) -> Any:
    """Return a power of a number of modulus 1 (or 0), exactly for ±1 and ±i."""
    result = 1
    while power:
        if power % 2:
            result = sign * result
        sign = sign * sign
        modulus = xp.abs(sign)
        sign = sign / xp.where(modulus == 0, 1, modulus)
        power //= 2
    return result


@rule(slogdet, Kronecker, how="singular", cost="0", memory="0")
def _slogdet_lopsided(A: Kronecker) -> Any:
    if A.shape[0] == 0:
        return A._scalar(1.0), A._scalar(0.0, A.real_dtype)
    return A._scalar(0.0), A._scalar(-math.inf, A.real_dtype)


@rule(
    eigh,
    Kronecker,
    when=is_hermitian,
    how="products of the factors' eigenvalues",
    cost="Σ eigh(Aᵢ) + N",
    memory="Σ nᵢ² + N",
    parts=_factors,
)
def _eigh(A: Kronecker) -> Any:
    A._require_formable(A.shape[0])
    values, vectors = zip(*map(eigh, A.factors), strict=True)
    return outer(values, operator.mul, A.xp), Kronecker(*vectors)


@rule(trace, Kronecker, how="product of the traces", cost="Σ trace(Aᵢ)", memory="1", **_by_factor)
def _trace(A: Kronecker) -> Any:
    return functools.reduce(operator.mul, map(trace, A.factors))


@rule(diagonal, Kronecker, how="products of the diagonals", cost="N", memory="N", **_by_factor)
def _diagonal(A: Kronecker) -> Any:
    A._require_formable(A.shape[0])
    return outer([diagonal(F) for F in A.factors], operator.mul, A.xp)

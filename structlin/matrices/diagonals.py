"""Diagonal matrices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace
from structlin._norm import norm as euclidean
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, conjugate, times
from structlin.matrices.algebra import Scaled
from structlin.matrices.decompositions import not_positive
from structlin.matrices.dense import Dense
from structlin.matrices.functions import (
    cholesky,
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    lstsq,
    norm,
    pinv,
    rank,
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.operations import add, adjoint, is_hermitian, multiply, scale, transpose
from structlin.matrices.rules import rule
from structlin.matrices.systems import negligible


class Diagonal(LinearOperator):
    """A diagonal matrix.

    Parameters
    ----------
    entries : (n,) array
        The diagonal; integers become float64. It is not copied: leave it unchanged.

    Attributes
    ----------
    entries : (n,) array
        The diagonal.

    Raises
    ------
    ValueError
        If the array has not one dimension.

    Examples
    --------
    >>> import numpy as np
    >>> Diagonal(np.array([1.0, 2.0])) @ np.array([3.0, 4.0])
    array([3., 8.])
    """

    entries: Any

    def __init__(self, entries: Any) -> None:
        xp = namespace(entries)
        if entries.ndim != 1:
            raise ValueError(
                f"entries have shape {tuple(entries.shape)}: a diagonal has one dimension"
            )
        self.entries = inexact(xp.asarray(entries), xp)
        super().__init__(entries.shape * 2, like=self.entries)

    def _matmat(self, X: Any) -> Any:
        return self.entries[:, None] * X

    def _rmatmat(self, X: Any) -> Any:
        return conjugate(self.entries, self.xp)[:, None] * X

    def todense(self) -> Any:
        """Return the matrix as an (n, n) array."""
        self._require_formable(*self.shape)
        one = self.xp.eye(self.shape[0], dtype=self.dtype, device=self.device)
        return self.xp.where(one != 0, self.entries, one)


# algebra

rule(adjoint, Diagonal)(lambda A: Diagonal(conjugate(A.entries, A.xp)))
rule(transpose, Diagonal)(lambda A: A)
rule(add, Diagonal, Diagonal)(lambda A, B: Diagonal(A.entries + B.entries))
rule(add, Diagonal, Dense)(lambda A, B: Dense(A.todense() + B.array))
rule(add, Dense, Diagonal)(lambda A, B: Dense(A.array + B.todense()))
rule(scale, Diagonal)(lambda A, scalar: Diagonal(times(A.entries, scalar, A.xp)))
rule(multiply, Diagonal, Diagonal)(lambda A, B: Diagonal(A.entries * B.entries))
rule(multiply, Diagonal, Dense)(lambda A, B: Dense(A.entries[:, None] * B.array))
rule(multiply, Dense, Diagonal)(lambda A, B: Dense(A.array * B.entries))


@rule(is_hermitian, Diagonal)
def _is_hermitian(A: Diagonal) -> bool:
    return not A.is_complex or bool(A.xp.all(A.xp.imag(A.entries) == 0))


# A + c I


def is_multiple_of_one(A: LinearOperator) -> bool:
    """Tell whether an operator is ``I`` or ``c I``."""
    return isinstance(A.operator if isinstance(A, Scaled) else A, Identity)


def as_diagonal(A: LinearOperator) -> Diagonal:
    """Return ``I`` or ``c I`` with its entries written out."""
    return Diagonal(diagonal(A))


def rule_of_shifts(structure: type, shifted: Callable[[Any, LinearOperator], Any]) -> None:
    """Register ``A + c I`` and ``c I + A`` for a structure."""
    for one in (Identity, Scaled):
        rule(add, structure, one, when=lambda A, B: is_multiple_of_one(B))(shifted)
        rule(add, one, structure, when=lambda A, B: is_multiple_of_one(A))(
            lambda A, B: shifted(B, A)
        )


def _add_multiples(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    scalar = sum(one.scalar if isinstance(one, Scaled) else 1 for one in (A, B))
    return scalar * Identity(A.shape[0], dtype=A.xp.result_type(A.dtype, B.dtype), like=A)


for _pair in itertools.product((Identity, Scaled), repeat=2):
    rule(add, *_pair, when=lambda A, B: is_multiple_of_one(A) and is_multiple_of_one(B))(
        _add_multiples
    )
rule_of_shifts(Dense, lambda A, one: A + as_diagonal(one))
rule_of_shifts(Diagonal, lambda A, one: A + as_diagonal(one))


# functions


def _require_invertible(A: Diagonal) -> None:
    require_finite("A", A.entries)
    if not bool(A.xp.all(A.entries != 0)):
        raise singular(A, "an entry is zero")


_by_entry: dict[str, Any] = {"how": "entry by entry", "cost": "n", "memory": "n"}


@rule(solve, Diagonal, **_by_entry)
def _solve(A: Diagonal, B: Any) -> Any:
    _require_invertible(A)
    return B / A.entries[:, None]


@rule(inv, Diagonal, **_by_entry)
def _inv(A: Diagonal) -> Diagonal:
    _require_invertible(A)
    return Diagonal(1 / A.entries)


@rule(slogdet, Diagonal, **_by_entry)
def _slogdet(A: Diagonal) -> Any:
    require_finite("A", A.entries)
    return slogdet_of(A.entries, A.xp)


def slogdet_of(eigenvalues: Any, xp: Any) -> tuple[Any, Any]:
    """Return sign and logarithm of a product."""
    moduli = xp.abs(eigenvalues)
    zero = moduli == 0
    limits = xp.finfo(moduli.dtype)
    # quotients of complex subnormal numbers overflow
    lift = xp.where(moduli < limits.smallest_normal, 1 / limits.eps, xp.ones_like(moduli))
    lifted = xp.where(zero, 1, xp.abs(eigenvalues * lift))
    sign = xp.prod(eigenvalues * lift / lifted)
    logarithm = xp.sum(xp.log(lifted) - xp.log(lift))
    return sign, xp.where(xp.any(zero), -math.inf, logarithm)


def phases(numbers: Any, xp: Any) -> Any:
    """Return ``z / |z|``, and 1 for 0."""
    moduli = xp.abs(numbers)
    return xp.where(moduli == 0, 1, numbers / xp.where(moduli == 0, 1, moduli))


@rule(eigh, Diagonal, when=is_hermitian, how="the entries", cost="0", memory="n")
def _eigh(A: Diagonal) -> Any:
    require_finite("A", A.entries)
    w = A.xp.real(A.entries) if A.is_complex else A.xp.asarray(A.entries, copy=True)
    return w, Identity(A.shape[0], dtype=A.dtype, like=A)


@rule(eig, Diagonal, how="the entries", cost="0", memory="n")
def _eig(A: Diagonal) -> Any:
    require_finite("A", A.entries)
    return A.xp.asarray(A.entries, copy=True), Identity(A.shape[0], dtype=A.dtype, like=A)


def _moduli(A: Diagonal) -> Any:
    require_finite("A", A.entries)
    return A.xp.abs(A.entries)


rule(svdvals, Diagonal, how="moduli of the entries", cost="n", memory="n")(_moduli)


@rule(svd, Diagonal, how="phases and moduli of the entries", cost="n", memory="2 n")
def _svd(A: Diagonal) -> Any:
    xp, S = A.xp, _moduli(A)
    return Diagonal(phases(A.entries, xp)), S, Identity(A.shape[0], dtype=A.dtype, like=A)


@rule(pinv, Diagonal, **_by_entry)
def _pinv(A: Diagonal) -> Diagonal:
    xp, zero = A.xp, negligible(_moduli(A), A.shape, A.xp)
    return Diagonal(xp.where(zero, 0, 1 / xp.where(zero, 1, A.entries)))


@rule(lstsq, Diagonal, **_by_entry)
def _lstsq(A: Diagonal, B: Any) -> Any:
    xp, zero = A.xp, negligible(_moduli(A), A.shape, A.xp)[:, None]
    return xp.where(zero, 0, B / xp.where(zero, 1, A.entries[:, None]))


@rule(cholesky, Diagonal, how="square roots of the entries", cost="n", memory="n")
def _cholesky(A: Diagonal) -> Diagonal:
    require_finite("A", A.entries)
    if not is_hermitian(A):
        raise ValueError(f"{A!r} is not Hermitian: an entry is not real")
    values = A.xp.real(A.entries) if A.is_complex else A.entries
    if not bool(A.xp.all(values > 0)):
        raise not_positive(A)
    return Diagonal(A.xp.astype(A.xp.sqrt(values), A.dtype, copy=False))


@rule(expm, Diagonal, **_by_entry)
def _expm(A: Diagonal) -> Diagonal:
    require_finite("A", A.entries)
    return Diagonal(A.xp.exp(A.entries))


@rule(norm, Diagonal, how="that of the vector of moduli", cost="n", memory="n")
def _norm(A: Diagonal, ord: str | float) -> Any:
    xp = A.xp
    if ord == "fro":
        return A._scalar(euclidean(A.entries), A.real_dtype)
    return xp.sum(_moduli(A)) if ord == "nuc" else xp.max(xp.abs(A.entries))


@rule(rank, Diagonal, how="moduli above n eps of the largest", cost="n", memory="n")
def _rank(A: Diagonal) -> int:
    return int(A.xp.count_nonzero(~negligible(_moduli(A), A.shape, A.xp)))


rule(trace, Diagonal, how="sum of the entries", cost="n", memory="1")(lambda A: A.xp.sum(A.entries))
rule(diagonal, Diagonal, how="the entries", cost="0", memory="n")(
    lambda A: A.xp.asarray(A.entries, copy=True)
)

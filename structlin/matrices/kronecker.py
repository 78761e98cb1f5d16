"""Kronecker products of any number of rectangular factors."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices._modes import Step, mode_products
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.identity import Identity
from structlin.matrices.operations import aslinearoperator


class Kronecker(LinearOperator):
    """The Kronecker product ``A₁ ⊗ A₂ ⊗ … ⊗ A_d``.

    Parameters
    ----------
    *factors : (mᵢ, nᵢ) array, sparse matrix or operator
        At least one. Factors that are Kronecker products are taken apart, and operators are
        applied by their own structure. Arrays of mixed precision take the highest.

    Attributes
    ----------
    factors : tuple of LinearOperator
        The factors; arrays have become `Dense`.
    contraction_order : tuple of int
        The order in which the factors are applied: that of the fewest operations.

    Raises
    ------
    ValueError
        If there are no factors.

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
        self.factors = of_one_precision(
            factor for F in parts for factor in (F.factors if isinstance(F, Kronecker) else (F,))
        )
        rows, columns = zip(*(F.shape for F in self.factors), strict=True)
        super().__init__((math.prod(rows), math.prod(columns)), like=self.factors)

    @functools.cached_property
    def contraction_order(self) -> tuple[int, ...]:
        """The factors in the order in which they are applied."""
        return _order(self.factors)

    @functools.cached_property
    def _steps(self) -> tuple[Step, ...]:
        return _plan(self.factors, self.contraction_order)

    @functools.cached_property
    def _adjoint_steps(self) -> tuple[Step, ...]:
        adjoints = tuple(F.H for F in self.factors)
        return _plan(adjoints, _order(adjoints))

    def _matmat(self, X: Any) -> Any:
        return self._contract(X, self._steps, self.shape[0])

    def _rmatmat(self, X: Any) -> Any:
        return self._contract(X, self._adjoint_steps, self.shape[1])

    def _contract(self, X: Any, steps: tuple[Step, ...], rows: int) -> Any:
        xp, k = self.xp, X.shape[1]
        if 0 in self.shape:
            return xp.zeros((rows, k), dtype=X.dtype, device=self.device)
        if not steps:
            return xp.asarray(X, copy=True)
        return xp.reshape(mode_products(steps, X, k), (rows, k))

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


def _order(factors: Sequence[LinearOperator]) -> tuple[int, ...]:
    # Neighbours i, j cost S mᵢ + S mᵢ mⱼ / nᵢ in this order: exchanging them shows that the
    # larger 1/m - 1/n goes first. In a tie the last one does, whose axis is contiguous; but of
    # factors that enlarge the first one, so that the largest step is on a contiguous axis.
    def key(i: int) -> tuple[Fraction, int]:
        m, n = factors[i].shape
        return Fraction(m - n, m * n or 1), i if m > n else -i

    return tuple(sorted(range(len(factors)), key=key))


def _plan(factors: Sequence[LinearOperator], order: Sequence[int]) -> tuple[Step, ...]:
    sizes = [F.shape[1] for F in factors]
    steps = []
    for i in order:
        F = factors[i]
        if not isinstance(F, Identity):
            steps.append((F, math.prod(sizes[:i]), math.prod(sizes[i + 1 :])))
        sizes[i] = F.shape[0]
    return tuple(steps)


def of_one_precision(factors: Iterable[LinearOperator]) -> tuple[LinearOperator, ...]:
    """Return factors of which those that are stored have the highest precision of all."""
    factors = tuple(factors)
    if len({F.xp.finfo(F.dtype).bits for F in factors}) == 1:
        return factors
    return tuple(in_precision(F, F.xp.float64) for F in factors)


def in_precision(F: LinearOperator, real_dtype: Any) -> LinearOperator:
    """Return a factor in another precision if it is stored, otherwise as it is."""
    if F.real_dtype == real_dtype:
        return F
    xp, dtype = F.xp, F.xp.result_type(F.dtype, real_dtype)
    if isinstance(F, Dense):
        return Dense(xp.astype(F.array, dtype))
    if isinstance(F, Diagonal):
        return Diagonal(xp.astype(F.entries, dtype))
    return Identity(F.shape[0], dtype=dtype, like=F) if isinstance(F, Identity) else F


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

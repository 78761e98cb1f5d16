"""Khatri–Rao products: Kronecker products column by column."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import column_norms
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, conjugate, size_text
from structlin.matrices.dense import Dense
from structlin.matrices.functions import eigh
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker


class KhatriRao(LinearOperator):
    """The Khatri–Rao product: column ``j`` is ``A₁[:, j] ⊗ A₂[:, j] ⊗ …``.

    Parameters
    ----------
    *factors : (mᵢ, n) array
        At least one, all of ``n`` columns; integers become float64. They are not copied: leave
        them unchanged.

    Attributes
    ----------
    factors : tuple of (mᵢ, n) array
        The factors.

    Raises
    ------
    ValueError
        If there are no factors, or they are no matrices of as many columns.

    Notes
    -----
    Rows are C-ordered, the index of the first factor being the slowest, as in
    `scipy.linalg.khatri_rao`: for two factors, ``A @ x`` is ``(A₁ diag(x) A₂ᵀ).reshape(-1)``. With
    ``M = Π mᵢ`` rows a product with ``k`` vectors costs ``2 M n k``, as one matrix product between
    the halves of the factors: of the matrix itself no more is formed than these halves,
    ``n (m_left + k m_right)`` numbers.

    ``A.T`` is a `FaceSplitting` product. The Gram matrix ``A.H @ A`` is the entrywise product of
    those of the factors. `svd` and `lstsq` reduce the factors that have more rows than columns by
    QR factorisations.

    References
    ----------
    .. [1] T. G. Kolda and B. W. Bader, "Tensor decompositions and applications", SIAM Review 51
       (2009), 455–500, section 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> KhatriRao(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0]])) @ np.ones(2)
    array([21., 43.])
    """

    factors: tuple[Any, ...]

    def __init__(self, *factors: Any) -> None:
        self.factors = matrices(factors, "KhatriRao", 1)
        rows = math.prod(F.shape[0] for F in self.factors)
        super().__init__((rows, self.factors[0].shape[1]), like=self.factors)

    def _matmat(self, X: Any) -> Any:
        return spread(self.factors, X)

    def _rmatmat(self, X: Any) -> Any:
        return gather([conjugate(F, self.xp) for F in self.factors], X)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        return self.xp.astype(product(self.factors), self.dtype)

    # factorisations, kept for the next right-hand side

    @functools.cached_property
    def _gram(self) -> tuple[Any, Any, LinearOperator]:
        """The norms of the columns, and the eigenvalues and vectors of the scaled Gram matrix."""
        xp = self.xp
        self._require_finite()
        grams = []
        scales = xp.ones(self.shape[1], dtype=self.real_dtype, device=self.device)
        for F in self.factors:
            sizes = column_norms(F)
            unit = F / xp.where(sizes == 0, 1, sizes)
            grams.append(xp.matmul(adjoint_of(unit, xp), unit))
            scales = scales * sizes
        w, V = eigh(Dense(hadamard(grams)))
        return scales, w, V

    @functools.cached_property
    def _reduced(self) -> tuple[Kronecker, Dense]:
        """``A = Q core``, where ``Q`` has orthonormal columns: QR factorisations of the factors."""
        self._require_finite()
        n, bases, cores = self.shape[1], [], []
        for F in self.factors:
            Q, R = self.xp.linalg.qr(F) if F.shape[0] > n else (Identity(F.shape[0], like=F), F)
            bases.append(Q)
            cores.append(R)
        return Kronecker(*bases), Dense(product(cores))

    def _require_finite(self) -> None:
        for i, F in enumerate(self.factors):
            require_finite(f"factors[{i}]", F)

    def _formula(self) -> str:
        return " ⊙ ".join(size_text(tuple(F.shape)) for F in self.factors)


def matrices(factors: Sequence[Any], name: str, axis: int) -> tuple[Any, ...]:
    """Return arrays that have to be matrices and to agree in the length of an axis."""
    if not factors:
        raise ValueError(f"{name}() has no factors: give one matrix at least")
    xp = namespace(*factors)
    for F in factors:
        if F.ndim != 2:
            raise ValueError(f"a factor has shape {tuple(F.shape)}: a matrix has two dimensions")
    if len({F.shape[axis] for F in factors}) > 1:
        sizes = ", ".join(size_text(tuple(F.shape)) for F in factors)
        what = ("rows", "columns")[axis]
        raise ValueError(f"factors of shapes {sizes}: {name} needs as many {what} in all")
    return tuple(inexact(xp.asarray(F), xp) for F in factors)


def product(factors: Sequence[Any]) -> Any:
    """Return the Khatri–Rao product as an array, in fresh memory where there are several."""
    xp = namespace(*factors)
    return functools.reduce(
        lambda A, B: xp.reshape(
            A[:, None, :] * B[None, :, :], (A.shape[0] * B.shape[0], A.shape[1])
        ),
        factors,
    )


def _halves(factors: Sequence[Any], X: Any) -> tuple[Any, Any]:
    """Return the products of the first and of the last factors, whose sizes balance the memory.

    They have the precision of the block with which they are multiplied, if it is the higher one.
    """
    xp, k = namespace(X), X.shape[1]
    real = xp.finfo(X.dtype).dtype
    factors = [xp.astype(F, xp.result_type(F.dtype, real), copy=False) for F in factors]
    first, rows = factors[0], [F.shape[0] for F in factors]
    cut = min(range(1, len(rows) + 1), key=lambda i: math.prod(rows[:i]) + k * math.prod(rows[i:]))
    one = xp.ones((1, first.shape[1]), dtype=first.dtype, device=device(first))
    return product(factors[:cut]), product([*factors[cut:]] or [one])


def spread(factors: Sequence[Any], X: Any) -> Any:
    """Return the product of the Khatri–Rao product with a block ``X``, (n, k)."""
    xp, (n, k) = namespace(X), X.shape
    L, R = _halves(factors, X)
    p, q = L.shape[0], R.shape[0]
    # Y[a, b, k] = Σⱼ L[a, j] (R[b, j] X[j, k])
    right = xp.reshape(xp.matrix_transpose(R)[:, :, None] * X[:, None, :], (n, q * k))
    return xp.reshape(xp.matmul(L, right), (p * q, k))


def gather(factors: Sequence[Any], Y: Any) -> Any:
    """Return the product of the transposed Khatri–Rao product with a block ``Y``, (m, k)."""
    xp, k = namespace(Y), Y.shape[1]
    L, R = _halves(factors, Y)
    (p, n), q = L.shape, R.shape[0]
    # X[j, k] = Σ_b R[b, j] (Σₐ L[a, j] Y[a, b, k])
    left = xp.reshape(xp.matmul(xp.matrix_transpose(L), xp.reshape(Y, (p, q * k))), (n, q, k))
    return xp.sum(xp.matrix_transpose(R)[:, :, None] * left, axis=1)


def hadamard(parts: Sequence[Any]) -> Any:
    """Return the entrywise product of arrays."""
    return functools.reduce(operator.mul, parts)

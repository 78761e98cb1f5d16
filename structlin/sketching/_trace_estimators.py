"""Estimators of a trace: terms of random test vectors, of which it is the mean."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from structlin._norm import column_norms, norm
from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of, conjugate
from structlin.sketching._estimate import mean_and_error
from structlin.sketching._leave_one_out import (
    Range,
    ScaledProducts,
    columnwise,
    dimensions,
    jackknifed,
    remainders,
    signed,
    spherical,
)


class TraceEstimator:
    """Terms of which the mean is the trace, from more and more test vectors."""

    name: ClassVar[str]
    cost: ClassVar[int]  # products for a term

    def __init__(self, A: LinearOperator) -> None:
        self.A = A
        self.product = ScaledProducts(A)

    def grow(self, count: int, seed: int) -> None:
        """Add ``count`` terms."""
        raise NotImplementedError

    def value_and_error(self) -> tuple[Any, float]:
        """Return the mean of the terms and its standard error, in the unit of the products."""
        raise NotImplementedError


class Hutchinson(TraceEstimator):
    """Quadratic forms of random signs."""

    name, cost = "Hutchinson", 1

    def __init__(self, A: LinearOperator) -> None:
        super().__init__(A)
        self._forms: list[Any] = []

    def grow(self, count: int, seed: int) -> None:
        """Add ``count`` terms."""
        Omega = signed(self.A, count, seed)
        self._forms.append(columnwise(Omega, self.product(Omega)))

    def value_and_error(self) -> tuple[Any, float]:
        """Return the mean of the terms and its standard error, in the unit of the products."""
        return mean_and_error(self.A.xp.concat(self._forms))


class HutchPlusPlus(TraceEstimator):
    """The trace on a random range, and quadratic forms of random signs outside."""

    name, cost = "Hutch++", 3

    def __init__(self, A: LinearOperator) -> None:
        super().__init__(A)
        self._range = Range(self.product)
        self._parts: list[tuple[Any, Any]] = []

    def grow(self, count: int, seed: int) -> None:
        """Add ``count`` terms."""
        self._range.grow(spherical(self.A, count, seed))
        G = signed(self.A, count, seed)
        self._parts.append((G, self.product(G)))

    def value_and_error(self) -> tuple[Any, float]:
        """Return the mean of the terms and its standard error, in the unit of the products."""
        xp, Q, Z = self.A.xp, self._range.Q, self._range.Z
        G, AG = (xp.concat(part, axis=1) for part in zip(*self._parts, strict=True))
        W = adjoint_of(Q, xp) @ G
        inside = xp.linalg.trace(adjoint_of(Q, xp) @ Z)
        return mean_and_error(inside + columnwise(G - Q @ W, AG - Z @ W))


class XTrace(TraceEstimator):
    """Hutch++ with every test vector left out of the range in turn."""

    name, cost = "XTrace", 2

    def __init__(self, A: LinearOperator) -> None:
        super().__init__(A)
        self._range = Range(self.product)

    def grow(self, count: int, seed: int) -> None:
        """Add ``count`` terms."""
        self._range.grow(spherical(self.A, count, seed))

    def value_and_error(self) -> tuple[Any, float]:
        """Return the mean of the terms and its standard error, in the unit of the products.

        Entry ``[j, i]`` of the matrices below belongs to the form of ``ω_i`` on the range
        ``Q (I − s_j s_jᴴ − u uᴴ)`` without ``ω_i`` and ``ω_j``, where ``u`` is the normalised
        ``s_i − s_j s_jᴴ s_i``. In the last row only ``ω_i`` is left out: there ``s_j = 0``.
        """
        xp, basis = self.A.xp, self._range
        n, k = basis.Omega.shape
        Qh = adjoint_of(basis.Q, xp)
        H, W, T = Qh @ basis.Z, Qh @ basis.Omega, adjoint_of(basis.Z, xp) @ basis.Omega
        S = basis.left_out()
        J = xp.concat((S, 0 * S[:, :1]), axis=1)
        left, HS, HJ, HW = adjoint_of(J, xp), H @ S, H @ J, H @ W
        ji, jHi, jw, jHw = (left @ X for X in (S, HS, W, HW))  # s_jᴴ (s_i, H s_i, w_i, H w_i)
        # (s_i, w_i, t_i)ᴴ (H s_j, H s_j, s_j)
        iHj, wHj, tj = (
            xp.matrix_transpose(adjoint_of(X, xp) @ Y) for X, Y in ((S, HJ), (W, HJ), (T, J))
        )
        iHi, jHj = columnwise(S, HS), columnwise(J, HJ)[:, None]
        remaining = remainders(ji, xp)
        uw = (columnwise(S, W) - conjugate(ji, xp) * jw) / xp.sqrt(remaining)
        # x = w_i − a s_i − b s_j is the part of w_i in the range
        a = uw / xp.sqrt(remaining)
        b = jw - ji * a
        ca, cb, cji = (conjugate(X, xp) for X in (a, b, ji))
        uHu = (iHi - cji * jHi - ji * iHj + xp.abs(ji) ** 2 * jHj) / remaining
        xHx = columnwise(W, HW) - ca * columnwise(S, HW) - cb * jHw - a * columnwise(W, HS)
        xHx = xHx - b * wHj + xp.abs(a) ** 2 * iHi + xp.abs(b) ** 2 * jHj
        xHx = xHx + ca * b * iHj + cb * a * jHi
        tx = columnwise(T, W) - a * columnwise(T, S) - b * tj
        # ω_iᴴ (I − P) A (I − P) ω_i with A ω_i = Q r_i, to which s_j is orthogonal
        form = ca * columnwise(S, basis.R) + xHx - tx
        length = n - column_norms(W) ** 2 + xp.abs(jw) ** 2 + xp.abs(uw) ** 2
        terms = xp.linalg.trace(H) - jHj - uHu + dimensions(n, k, self.A) / length * form
        return jackknifed(terms)


class XNysTrace(TraceEstimator):
    """Nyström approximations of a semidefinite matrix, each test vector left out in turn."""

    name, cost = "XNysTrace", 1

    def __init__(self, A: LinearOperator) -> None:
        super().__init__(A)
        self._parts: list[tuple[Any, Any]] = []

    def grow(self, count: int, seed: int) -> None:
        """Add ``count`` terms."""
        Omega = spherical(self.A, count, seed)
        self._parts.append((Omega, self.product(Omega)))

    def value_and_error(self) -> tuple[Any, float]:
        """Return the mean of the terms and its standard error, in the unit of the products.

        With ``Y = A Ω`` and ``N = (Ωᴴ Y)⁻¹``, the approximation ``Y N Yᴴ`` without some of the
        test vectors is ``Y (N − N E C⁻¹ Eᴴ N) Yᴴ``, where ``E`` selects them and ``C = Eᴴ N E``;
        the form of ``ω_i`` with what remains of ``A`` is an entry of ``C⁻¹``. Entries ``[j, i]``
        leave ``ω_i`` and ``ω_j`` out, the last row ``ω_i`` alone.

        Raises
        ------
        ValueError
            If the matrix is not positive semidefinite.
        """
        xp = self.A.xp
        Omega, Y = (xp.concat(part, axis=1) for part in zip(*self._parts, strict=True))
        n, k = Omega.shape
        # A + νI is definite in spite of rounding
        shift = math.sqrt(n) * float(xp.finfo(Y.dtype).eps) * norm(Y) or 1.0
        Y = Y + shift * Omega
        M = adjoint_of(Omega, xp) @ Y
        try:
            L = xp.linalg.cholesky((M + adjoint_of(M, xp)) / 2)
            if not bool(xp.all(xp.isfinite(L))):
                raise np.linalg.LinAlgError
        except np.linalg.LinAlgError:
            raise ValueError(
                "A is not positive semidefinite, as method 'xnystrace' needs it: use 'xtrace'"
            ) from None
        G = xp.linalg.solve(L, xp.eye(k, dtype=Y.dtype, device=self.A.device))
        B = Y @ adjoint_of(G, xp)
        N, P = adjoint_of(G, xp) @ G, B @ G
        P = adjoint_of(P, xp) @ P
        K = xp.linalg.inv(adjoint_of(Omega, xp) @ Omega)
        (n_i, n_j, n_ji), (p_i, p_j, p_ji), (k_i, k_j, k_ji) = (_pairs(X, xp) for X in (N, P, K))
        n_j, k_j = n_j + _last(n_j, xp), k_j + _last(k_j, xp)
        corner = n_i * n_j * remainders(xp.abs(n_ji) / xp.sqrt(n_i * n_j), xp)
        square = k_i * k_j * remainders(xp.abs(k_ji) / xp.sqrt(k_i * k_j), xp)
        cross = xp.real(conjugate(n_ji, xp) * p_ji) if self.A.is_complex else n_ji * p_ji
        lost = (n_j * p_i + n_i * p_j - 2 * cross) / corner
        outside = n_j / corner * dimensions(n, k, self.A) * (square / k_j)
        return jackknifed(norm(B) ** 2 - shift * n - lost + outside)


def _pairs(X: Any, xp: Any) -> tuple[Any, Any, Any]:
    """Return ``X_ii``, ``X_jj`` and ``X_ji`` over the pairs, a row of zeros the last."""
    own = xp.abs(xp.linalg.diagonal(X))
    below = xp.concat((X, 0 * X[:1, :]))
    return own, xp.concat((own, 0 * own[:1]))[:, None], below


def _last(column: Any, xp: Any) -> Any:
    """Return one in the last row, and zeros."""
    k = column.shape[0] - 1
    return xp.concat((0 * column[:k, :], 0 * column[k:, :] + 1))

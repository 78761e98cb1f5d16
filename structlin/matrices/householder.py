"""Elementary reflectors."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import namespace
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, coarser, conjugate
from structlin.matrices.diagonals import Diagonal, phases, slogdet_of
from structlin.matrices.functions import (
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    lstsq,
    norm,
    pinv,
    singular,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.operations import adjoint, is_hermitian, transpose
from structlin.matrices.rules import rule


class Householder(LinearOperator):
    """An elementary reflector ``I − τ v vᴴ``.

    Parameters
    ----------
    vector : (n,) array
        The vector ``v``; integers become float64.
    tau : number or 0-d array, optional
        The factor ``τ``. By default ``2 / vᴴv``, which makes the operator unitary and Hermitian:
        the reflection that takes ``v`` to ``−v``. That of ``v = 0`` is the identity (``τ = 0``).

    Attributes
    ----------
    vector : (n,) array
        The vector; divided by its largest modulus if ``tau`` is left out.
    tau : 0-d array
        The factor.

    Raises
    ------
    ValueError
        If the vector has not one dimension or ``tau`` is not one number, or if ``tau`` is left out
        and the vector has NaN or Inf.

    Notes
    -----
    A product costs ``4 n``. With ``s = vᴴv``, the eigenvalues are ``1 − τ s``, of ``v``, and 1;
    the inverse is ``I + τ/(1 − τ s) v vᴴ``.

    Examples
    --------
    >>> import numpy as np
    >>> Householder(np.array([1.0, 1.0])) @ np.array([3.0, 4.0])
    array([-4., -3.])
    """

    vector: Any
    tau: Any

    def __init__(self, vector: Any, tau: Any = None) -> None:
        xp = namespace(vector, tau)
        if vector.ndim != 1:
            raise ValueError(
                f"vector has shape {tuple(vector.shape)}: a reflector is made of one vector"
            )
        if getattr(tau, "ndim", 0):
            raise ValueError(f"tau has shape {tuple(tau.shape)}: it is one number")
        vector = inexact(xp.asarray(vector), xp)
        dtype = vector.dtype
        if isinstance(tau, complex):
            dtype = xp.result_type(dtype, xp.complex64)
        elif hasattr(tau, "dtype") and not isinstance(tau, float):
            dtype = xp.result_type(dtype, inexact(xp.asarray(tau), xp).dtype)
        super().__init__(vector.shape * 2, dtype, like=vector)
        if tau is None:
            vector, tau = self._reflector(vector)
        self.vector = xp.astype(vector, dtype, copy=False)
        self.tau = xp.asarray(tau, dtype=dtype, device=self.device)

    def _reflector(self, vector: Any) -> tuple[Any, Any]:
        xp = self.xp
        require_finite("vector", vector)
        largest = float(xp.max(xp.abs(vector))) if self.shape[0] else 0.0
        if largest == 0:
            return vector, 0.0
        vector = vector / largest  # so that the square neither overflows nor underflows
        return vector, 2 / xp.real(xp.vecdot(vector, vector))

    def _matmat(self, X: Any) -> Any:
        return self._apply(self.tau, X)

    def _rmatmat(self, X: Any) -> Any:
        return self._apply(conjugate(self.tau, self.xp), X)

    def _apply(self, tau: Any, X: Any) -> Any:
        xp, v = self.xp, self.vector
        # τ times the block, which may have the higher precision
        return X - v[:, None] * (tau * xp.matmul(conjugate(v, xp)[None, :], X))

    def todense(self) -> Any:
        """Return the matrix as an (n, n) array."""
        self._require_formable(*self.shape)
        xp, v = self.xp, self.vector
        one = xp.eye(self.shape[0], dtype=self.dtype, device=self.device)
        return one - (self.tau * v)[:, None] * conjugate(v, xp)[None, :]


def _in_precision_of(A: Householder, B: Any) -> Householder:
    """Return ``A`` in the precision of a block of columns, if that is higher."""
    xp = A.xp
    if not coarser(A, B):
        return A
    wide = xp.result_type(A.dtype, xp.finfo(B.dtype).dtype)
    return Householder(xp.astype(A.vector, wide), xp.astype(A.tau, wide))


def _square(A: Householder) -> Any:
    """Return ``s = vᴴv``, as a scalar of the operator's data type."""
    return A.xp.vecdot(A.vector, A.vector)


def _eigenvalue(A: Householder) -> Any:
    """Return the eigenvalue ``1 − τ s`` of ``v``: zero where that is within rounding."""
    xp = A.xp
    require_finite("vector", A.vector)
    require_finite("tau", A.tau)
    product = A.xp.vecdot(A.vector, A.tau * A.vector)  # vᴴv alone may overflow
    noise = 4 * xp.finfo(A.dtype).eps * (1 + xp.abs(product))
    value = 1 - product
    return xp.where(xp.abs(value) <= noise, 0, value)


def _eigenvalues(A: Householder) -> Any:
    """Return the eigenvalues, that of ``v`` first."""
    w = A.xp.ones(A.shape[0], dtype=A.dtype, device=A.device)
    if A.shape[0]:
        w[0] = _eigenvalue(A)
    return w


def _eigenvectors(A: Householder) -> Householder:
    """Return the reflector that takes e₁ to a multiple of ``v``, and the others across it."""
    xp = A.xp
    if not bool(xp.any(A.vector != 0)):
        return Householder(A.vector)
    v = A.vector / xp.max(xp.abs(A.vector))
    v[0] += phases(v[0], xp) * xp.linalg.vector_norm(v)
    return Householder(v)


# algebra

rule(adjoint, Householder)(lambda A: Householder(A.vector, conjugate(A.tau, A.xp)))
rule(transpose, Householder)(lambda A: Householder(conjugate(A.vector, A.xp), A.tau))
rule(is_hermitian, Householder)(lambda A: not A.is_complex or bool(A.xp.imag(A.tau) == 0))

# functions


@rule(inv, Householder, how="I + τ/(1 − τ vᴴv) v vᴴ", cost="2 n", memory="0")
def _inv(A: Householder) -> Householder:
    if A.shape[0] == 0:
        return A
    value = _eigenvalue(A)
    if not bool(value != 0):
        raise singular(A, "τ vᴴv is 1")
    return Householder(A.vector, -A.tau / value)


@rule(solve, Householder, how="b + τ/(1 − τ vᴴv) v (vᴴb)", cost="6 n", memory="n")
def _solve(A: Householder, B: Any) -> Any:
    return inv(_in_precision_of(A, B))._matmat(B)


@rule(pinv, Householder, how="the inverse, or I − v vᴴ / vᴴv", cost="2 n", memory="0")
def _pinv(A: Householder) -> Any:
    return Householder(A.vector, 1 / _square(A)) if _projects(A) else inv(A)


def _projects(A: Householder) -> bool:
    """Tell whether ``A`` projects along ``v``: the only case without an inverse."""
    return A.shape[0] > 0 and bool(_eigenvalue(A) == 0)


@rule(lstsq, Householder, how="product with the Moore–Penrose inverse", cost="6 n", memory="n")
def _lstsq(A: Householder, B: Any) -> Any:
    # the precision of A decides whether it has an inverse
    wide = _in_precision_of(A, B)
    return (Householder(wide.vector, 1 / _square(wide)) if _projects(A) else inv(wide))._matmat(B)


@rule(slogdet, Householder, how="log |1 − τ vᴴv|", cost="2 n", memory="1")
def _slogdet(A: Householder) -> Any:
    return slogdet_of(A.xp.reshape(_eigenvalue(A), (1,)), A.xp)


_eigenbasis: dict[str, Any] = {
    "how": "1 − τ vᴴv and ones; another reflector has the vectors",
    "cost": "5 n",
    "memory": "2 n",
}


@rule(eigh, Householder, when=is_hermitian, **_eigenbasis)
def _eigh(A: Householder) -> Any:
    w = _eigenvalues(A)
    return A.xp.real(w) if A.is_complex else w, _eigenvectors(A)


@rule(eig, Householder, **_eigenbasis)
def _eig(A: Householder) -> Any:
    return _eigenvalues(A), _eigenvectors(A)


@rule(svd, Householder, **_eigenbasis)
def _svd(A: Householder) -> Any:
    # A = V diag(λ) Vᴴ is normal: the phases of the eigenvalues go to the left
    w, V = _eigenvalues(A), _eigenvectors(A)
    return V @ Diagonal(phases(w, A.xp)), A.xp.abs(w), V.H


@rule(svdvals, Householder, how="|1 − τ vᴴv| and ones", cost="2 n", memory="n")
def _svdvals(A: Householder) -> Any:
    return A.xp.abs(_eigenvalues(A))


@rule(expm, Householder, how="e (I + (e^(−τ vᴴv) − 1) / vᴴv · v vᴴ)", cost="2 n", memory="0")
def _expm(A: Householder) -> Any:
    require_finite("vector", A.vector)
    require_finite("tau", A.tau)
    xp, s = A.xp, _square(A)
    zero = s == 0
    tau = xp.where(zero, 0, -xp.expm1(-A.tau * s) / xp.where(zero, 1, s))
    return math.e * Householder(A.vector, tau)


@rule(diagonal, Householder, how="1 − τ |vᵢ|²", cost="3 n", memory="n")
def _diagonal(A: Householder) -> Any:
    return 1 - A.tau * A.vector * conjugate(A.vector, A.xp)


@rule(trace, Householder, how="n − τ vᴴv", cost="2 n", memory="1")
def _trace(A: Householder) -> Any:
    return A.shape[0] - A.xp.vecdot(A.vector, A.tau * A.vector)


@rule(
    norm,
    Householder,
    how="sums of moduli, in closed form",
    cost="4 n",
    memory="n",
    may_decline=True,
)
def _norm(A: Householder, ord: Any) -> Any:
    xp = A.xp
    if ord == "fro":
        return xp.linalg.vector_norm(_svdvals(A))
    if ord in (1, math.inf):
        moduli = xp.abs(A.vector)
        others = xp.abs(A.tau) * moduli * (xp.sum(moduli) - moduli)
        return xp.max(xp.abs(diagonal(A)) + others)
    return NotImplemented

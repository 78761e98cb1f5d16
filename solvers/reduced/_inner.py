"""Inner products of fields, and orthonormal rows in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._norm import norm
from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of
from structlin.matrices._hermitian import hermitian_part
from structlin.sketching._operand import as_matrix
from structlin.solvers.reduced._fields import positive_weights

# deflations of a block: each resolves its singular values over a range of eps^(-1/4)
_deflations = 8
_indefinite = "mass is not Hermitian and positive definite: an inner product needs that"


class InnerProduct:
    """``⟨u, v⟩ = uᴴ M v`` of fields that stand in the rows of matrices.

    Parameters
    ----------
    mass : None, array of the shape of a field, or (n, n) matrix or operator
        Nothing for the Euclidean product, positive weights of the entries, or a Hermitian positive
        definite matrix.
    shape : tuple of int
        The shape of a field.
    like : array
        A field: its array library, device and data type.
    """

    def __init__(self, mass: Any, shape: tuple[int, ...], like: Any) -> None:
        self.mass = mass
        self.weights: Any = None
        self.operator: LinearOperator | None = None
        self.shape = shape
        n, xp = math.prod(shape), namespace(like)
        if mass is None:
            return
        if tuple(getattr(mass, "shape", ())) == shape and not hasattr(mass, "tocsr"):
            self.weights = positive_weights("mass", mass, like)
        elif len(getattr(mass, "shape", (n, n))) != 2:
            raise ValueError(_misfitting(tuple(mass.shape), shape))
        else:
            self.operator = as_matrix(mass, "mass")
            namespace(self.operator, like)
            if tuple(self.operator.shape) != (n, n):
                raise ValueError(_misfitting(tuple(self.operator.shape), shape))
            # weights of the inner product of real fields are real
            if xp.isdtype(self.operator.dtype, "complex floating") and not xp.isdtype(
                like.dtype, "complex floating"
            ):
                raise TypeError("mass is complex but fields are real: pass a real mass")

    @property
    def diagonal(self) -> bool:
        """Whether the product is Euclidean up to weights."""
        return self.operator is None

    def applied(self, U: Any) -> Any:
        """Return ``M u`` for every row ``u`` of a (k, n) array."""
        if self.weights is not None:
            return U * self.weights
        if self.operator is not None:
            xp = namespace(U)
            return xp.astype((self.operator @ U.T).T, U.dtype, copy=False)
        return U

    def between(self, U: Any, V: Any) -> Any:
        """Return the (k, l) array of ``⟨v_j, u_i⟩`` of the rows of (k, n) and (l, n) arrays."""
        xp = namespace(U, V)
        return xp.matmul(self.applied(U), adjoint_of(V, xp))

    def squares(self, U: Any) -> Any:
        """Return ``‖u‖²`` of the rows of a (k, n) array."""
        xp = namespace(U)
        terms = self.applied(U) * (xp.conj(U) if xp.isdtype(U.dtype, "complex floating") else U)
        return xp.sum(_real(terms, xp), axis=1)

    def norm(self, U: Any) -> float:
        """Return the norm of all rows of a (k, n) array together."""
        if self.mass is None:
            return norm(U)
        return norm(self.norms(U))

    def norms(self, U: Any) -> Any:
        """Return the norms of the rows of a (k, n) array."""
        xp = namespace(U)
        if 0 in U.shape:
            return xp.sqrt(self.squares(U))
        unit = row_units(U)
        squares = self.squares(U / unit)
        return unit[:, 0] * xp.sqrt(xp.where(squares > 0, squares, xp.zeros_like(squares)))


def _misfitting(got: tuple[int, ...], shape: tuple[int, ...]) -> str:
    n = math.prod(shape)
    size = "x".join(map(str, got)) if len(got) != 1 else f"a vector of {got[0]}"
    return (
        f"mass is {size} but a field has shape {shape}: pass None, positive weights of that shape, "
        f"or a matrix of {n}x{n}"
    )


def _real(x: Any, xp: Any) -> Any:
    return xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x


def row_units(U: Any) -> Any:
    """Return the largest entry of every row ``(…, m)``, as ``(…, 1)``; to divide by it is safe."""
    xp = namespace(U)
    unit = xp.max(xp.abs(U), axis=-1, keepdims=True)
    least = float(xp.finfo(U.dtype).smallest_normal)
    return xp.where(unit < least, xp.full_like(unit, least), unit)


def without(U: Any, basis: Any, inner: InnerProduct) -> Any:
    """Return rows without their components in a basis of orthonormal rows."""
    if not basis.shape[0]:
        return U
    return U - namespace(U).matmul(inner.between(U, basis), basis)


def extended(
    basis: Any, U: Any, inner: InnerProduct, *, floor: float, rank: int | None = None
) -> Any:
    """Return a basis followed by orthonormal rows, such that all together span some rows.

    Parameters
    ----------
    basis : (r, n) array
        Orthonormal rows.
    U : (k, n) array
        What is to be spanned.
    inner : InnerProduct
    floor : float
        What is left of all rows together, in the Frobenius norm, need not be spanned.
    rank : int, optional
        As many rows are enough, those of the largest singular values.

    Returns
    -------
    (r', n) array

    Notes
    -----
    The Gram matrix of the rows resolves singular values down to a small part of the largest. Those
    within ``eps^(1/4)`` of it give rows that are orthonormal up to ``√eps``, which a Cholesky
    factorisation of their Gram matrix repairs; the others follow after these have been taken away.
    Each turn costs ``O(k² n)``.
    """
    xp, n = namespace(basis, U), basis.shape[1]
    cut = math.sqrt(float(xp.finfo(U.dtype).eps))
    enough = n if rank is None else min(n, rank)
    for _ in range(_deflations):
        if basis.shape[0] >= enough:
            break
        U = without(U, basis, inner)
        if inner.norm(U) <= floor:
            break
        gram = inner.between(U, U)
        w, W = xp.linalg.eigh(hermitian_part(gram, xp))
        largest = float(w[-1])
        lopsided = float(xp.max(xp.abs(gram - adjoint_of(gram, xp))))
        if not largest > 0 or float(w[0]) < -cut * largest or lopsided > cut * largest:
            raise ValueError(_indefinite)
        found = int(xp.sum(xp.astype(w > cut * largest, xp.int64)))
        found = min(found, enough - basis.shape[0])
        first = w.shape[0] - found
        combinations = adjoint_of(xp.flip(W[:, first:] / xp.sqrt(w[first:]), axis=1), xp)
        new = xp.matmul(combinations, U)
        for _ in range(2):  # the second time removes what rounding left
            new = without(new, basis, inner)
        try:
            L = xp.linalg.cholesky(hermitian_part(inner.between(new, new), xp))
        except np.linalg.LinAlgError:
            raise ValueError(_indefinite) from None
        # the rows are orthonormal up to a small part: L is nearly the identity
        basis = xp.concat((basis, xp.matmul(xp.linalg.inv(L), new)), axis=0)
    return basis

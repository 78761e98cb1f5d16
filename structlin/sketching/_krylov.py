"""Block Krylov spaces, and what the drivers of low rank have in common."""

from __future__ import annotations

import math
import operator
from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import column_norms, norm
from structlin.matrices import Dense, LinearOperator, Sparse
from structlin.matrices._base import adjoint_of, size_text
from structlin.sketching._operand import needing_adjoint
from structlin.sketching._orth import orthonormalize, orthonormalize_against
from structlin.sketching._random import normals, seed_of
from structlin.sketching.sparse_stack import SparseStack

# probes that are held out for the estimate of an error
_probes = 10
# the stream of their random numbers
_stream = 41


def rank_of(rank: Any, A: LinearOperator, name: str = "rank") -> int:
    """Return a rank as an integer, which must fit the matrix."""
    k: int = operator.index(rank)
    if not 0 <= k <= min(A.shape):
        raise ValueError(
            f"{name} is {k}, but A is {size_text(A.shape)}: it must lie between 0 and "
            f"min(m, n) = {min(A.shape)}"
        )
    return k


def oversampling_of(oversampling: Any) -> int:
    """Return the number of columns beyond the rank, which must not be negative."""
    p: int = operator.index(oversampling)
    if p < 0:
        raise ValueError(f"oversampling is {p}: it cannot be negative")
    return p


def adjoint_product(A: LinearOperator, Y: Any, name: str) -> Any:
    """Return ``Aᴴ Y``; say which driver needs it of an operator that has no adjoint."""
    with needing_adjoint(A, name):
        return A._rmatmat(Y)


def largest_phases(U: Any) -> Any:
    """Return the sign (the phase, of complex numbers) of the largest entry of every column."""
    xp = namespace(U)
    rows = xp.argmax(xp.abs(U), axis=0)
    columns = xp.arange(U.shape[1], dtype=rows.dtype, device=device(U))
    entries = xp.take(xp.reshape(U, (-1,)), rows * U.shape[1] + columns)
    return entries / xp.astype(xp.abs(entries), U.dtype)


def random_block(columns: int, A: LinearOperator, seed: int, *, use: int = 0, side: int = 1) -> Any:
    """Return normal columns ``G``, (n, columns), with ``E ‖A G‖² = ‖A‖_F²``; (m, …) for side 0."""
    key = seed_of([seed, use]) if use else seed
    return normal_block(columns, A.shape[side], A, key) / math.sqrt(columns or 1)


def normal_block(columns: int, rows: int, A: LinearOperator, seed: int) -> Any:
    """Return independent normal numbers of variance one, (rows, columns), as complex as ``A``."""
    xp = A.xp
    if 0 in (columns, rows):
        return xp.zeros((rows, columns), dtype=A.dtype, device=A.device)
    wanted = 2 * columns if A.is_complex else columns
    values = normals(seed, _stream, 0, rows, wanted, xp, A.device, A.real_dtype)
    if not A.is_complex:
        return values
    parts = xp.astype(values, A.dtype) * math.sqrt(0.5)
    return parts[:, :columns] + 1j * parts[:, columns:]


def probes(A: LinearOperator, seed: int) -> Any:
    """Return the columns with which the error of an approximation is measured, (n, 10)."""
    return random_block(_probes, A, seed, use=1)


def known_norm(A: LinearOperator) -> float | None:
    """Return the Frobenius norm of a matrix with entries, and None of one without."""
    if isinstance(A, Dense):
        return norm(A.array)
    if isinstance(A, Sparse):
        if not A.matrix.has_canonical_format:
            total = A.matrix.copy()
            total.sum_duplicates()
            return norm(total.data)
        return norm(A.matrix.data)
    return None


class Krylov:
    """A growing basis of a block Krylov space on the shorter side of a matrix, with its images.

    The basis ``Q`` is one of ``A Aᴴ``, with the images ``Aᴴ Q``; where ``A`` is ``tall``, it is
    one of ``Aᴴ A``, with the images ``A Q``. A basis of the longer side would pick up rounding
    errors outside the range, once few directions are left.

    Parameters
    ----------
    A : LinearOperator
        The matrix, (m, n).
    width : int
        Columns of the first block.
    seed : int
        Of the first block.
    name : str
        The driver, for messages.
    keep : bool
        Whether earlier blocks stay in the basis; without them it is subspace iteration.
    odd : bool
        Whether one product more comes first.
    start : (n, w) or (m, w) array, optional
        What ``A`` (for tall ones, ``Aᴴ``) is first multiplied with, instead of a random block.
    limit : int, optional
        The largest number of columns of the basis, by default ``min(m, n)``.
    """

    def __init__(
        self,
        A: LinearOperator,
        width: int,
        seed: int,
        name: str,
        *,
        keep: bool = True,
        odd: bool = False,
        start: Any = None,
        limit: int | None = None,
    ) -> None:
        xp, (m, n) = A.xp, A.shape
        self.A, self.name, self.keep, self.width = A, name, keep, width
        self.tall = m > n
        self.limit = min(m, n) if limit is None else limit
        self.passes, self.sizes = 0, list[int]()  # columns of the basis after each step
        self.Q = xp.zeros((min(m, n), 0), dtype=A.dtype, device=A.device)
        self.images = xp.zeros((max(m, n), 0), dtype=A.dtype, device=A.device)
        self._X, self._Y = start, None
        if start is None:
            self._start(seed, odd)

    def _start(self, seed: int, odd: bool) -> None:
        """Make the first block: a factor, or a product where signs are cheaper than numbers."""
        A = self.A
        rows = 8 * -(-self.width // 8)
        if self.tall != odd and 4 * rows > A.shape[0]:
            first = adjoint_product(A, random_block(self.width, A, seed, side=0), self.name)
        elif self.tall != odd:
            S = SparseStack(rows, A.shape[0], rng=seed, like=A)
            with needing_adjoint(A, self.name):
                first = adjoint_of(S.apply(A)[: self.width, :], A.xp)
        elif odd:
            first = A._matmat(random_block(self.width, A, seed))
        else:
            self._X = random_block(self.width, A, seed)
            return
        self.passes += 1
        if odd:
            self._X = _normalized(first, A.xp)
        else:
            self._Y = first

    @property
    def full(self) -> bool:
        """Whether the basis can have no more columns."""
        return bool(self.Q.shape[1] >= self.limit)

    def grow(self, held_out: Any = None, best: Any = None) -> Any:
        """Add a block by two products with the matrix; return ``A`` times columns given aside.

        Where ``best`` is given, whose columns combine the basis, the old basis is left with as many
        of them as the first block has.
        """
        xp, A = self.A.xp, self.A
        if not self.keep:
            self.Q, self.images = self.Q[:, :0], self.images[:, :0]
        aside = None
        if self._Y is not None:
            Y, self._Y = self._fitting(self._Y), None
        elif self.tall:
            Y = adjoint_product(A, self._fitting(self._X), self.name)
            self.passes += 1
        else:
            Y, aside = _with_aside(A, self._fitting(self._X), held_out)
            self.passes += 1
        block, _, _ = orthonormalize_against(self.Q, Y)
        if best is not None:
            # only now: the new block has to be orthogonal to what is dropped, too
            best = best[:, : min(self.width, best.shape[1])]
            self.Q, self.images = xp.matmul(self.Q, best), xp.matmul(self.images, best)
            self.sizes = [best.shape[1]]
        if self.tall:
            images, aside = _with_aside(A, block, held_out)
        else:
            images = adjoint_product(A, block, self.name)
        self.passes += 1
        self._X = _normalized(images, xp)
        self.Q = xp.concat((self.Q, block), axis=1)
        self.images = xp.concat((self.images, images), axis=1)
        self.sizes.append(self.Q.shape[1])
        return aside

    def _fitting(self, block: Any) -> Any:
        return block[:, : min(block.shape[1], self.limit - self.Q.shape[1])]

    def project(self, G: Any) -> Any:
        """Return the product of the approximation of ``A`` with a block."""
        xp = self.A.xp
        left, right = (self.images, self.Q) if self.tall else (self.Q, self.images)
        return xp.matmul(left, xp.matmul(adjoint_of(right, xp), G))

    def factors(self) -> tuple[Any, Any, Any, Any]:
        """Return ``P, s, Z, R``: the matrix is ``(Q P) s Zᴴ`` in the basis (its adjoint, if tall).

        ``R`` is the triangular factor of the images in their order.
        """
        xp = self.A.xp
        W, R = orthonormalize(self.images)
        P, s, Zh = xp.linalg.svd(adjoint_of(R, xp), full_matrices=False)
        return P, s, xp.matmul(W, adjoint_of(Zh, xp)), R


def _normalized(X: Any, xp: ModuleType) -> Any:
    # columns of norm one: products with A Aᴴ alone may overflow or vanish
    size = column_norms(X)
    return X / xp.where(size > 0, size, xp.ones_like(size))


def _with_aside(A: LinearOperator, X: Any, held_out: Any) -> tuple[Any, Any]:
    """Return ``A X`` and ``A`` times what is held out, by one product."""
    if held_out is None:
        return A._matmat(X), None
    Y = A._matmat(A.xp.concat((X, held_out), axis=1))
    return Y[:, : X.shape[1]], Y[:, X.shape[1] :]

"""Monarch matrices: products of block diagonal matrices with the axes of a tensor between them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import kernel, namespace
from structlin._kernels.monarch import multiply_stacks
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, conjugate, size_text, times
from structlin.matrices._indices import Index
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.nearest import monarch as projection
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.operations import adjoint, multiply, scale, select, transpose
from structlin.matrices.rules import rule
from structlin.matrices.systems import at_once, negligible


class Monarch(LinearOperator):
    """A Monarch matrix: two or more stacks of blocks, each of which acts on one axis of a tensor.

    Parameters
    ----------
    *factors : (bᵢ, sᵢ, rᵢ) array
        Two stacks of blocks at least, in the order in which matrices are multiplied: the last one
        acts first. Two stacks ``L`` (l, s, r) and ``R`` (k, q, p) need ``l r = k q``; more of them
        need the sizes of a tensor, see Notes. Integers become float64. They are not copied: leave
        them unchanged.
    reverse : bool
        Whether the factors act on the axes in the opposite order: the leftmost on the last axis.
        ``A.H`` and ``inv(A)`` are such.

    Attributes
    ----------
    factors : tuple of (bᵢ, sᵢ, rᵢ) array
        The stacks, of one data type.
    reverse : bool
        As given.
    parameters : int
        How many entries the stacks have together.

    Raises
    ------
    ValueError
        If there are fewer than two factors, or they are no stacks of blocks whose sizes fit.

    Notes
    -----
    **Two factors**, ``Monarch(L, R)`` with ``L`` (l, s, r) and ``R`` (k, q, p), have ``l s`` rows
    and ``k p`` columns. With ``x`` in C order as (k, p), and ``y`` as (s, l)::

        t[k, q] = Σ_p R[k, q, p] x[k, p]
        u[l, r] = t[k, q]   where both have one place in memory, r·l_count + l = k·q_count + q
        y[s, l] = Σ_r L[l, s, r] u[l, r]

    For square blocks of size ``b = √n`` this is ``P L P R``, where ``P`` transposes b × b tables
    and ``L`` and ``R`` stand for the block diagonal matrices. In general, if ``q = c l``, then
    ``r = c k`` and the matrix consists of ``l k`` blocks of rank ``c``: that of the rows
    ``s·l_count + l`` and the columns ``k·p_count + p`` is ``L[l, :, k c:(k+1) c]`` times
    ``R[k, l::l_count, :]``.

    **More factors** ``F₁, …, F_d`` take a tensor of shape ``(r₁, …, r_d)`` to one of shape
    ``(s₁, …, s_d)``: first ``F_d`` replaces the last axis, at last ``F₁`` the first one, and every
    place along the other axes has its own block::

        Y[i₁, …, i_d] = Σ_j F_a[(i₁, …, i_{a−1}, i_{a+1}, …, i_d), i_a, j] X[…, i_{a−1}, j, …]

    Blocks are numbered in C order of the other axes: ``b_a = r₁ ⋯ r_{a−1} · s_{a+1} ⋯ s_d``. Every
    entry of the matrix is one product of ``d`` numbers. With ``d`` factors of size ``n^(1/d)``,
    a matrix has ``d n^(1 + 1/d)`` parameters; ``d = log₂ n`` makes a butterfly.

    A product costs two operations per parameter and column, and for one vector it takes as long
    as reading the parameters once. Square blocks give `solve`, `inv` and `slogdet` by blocks.

    References
    ----------
    Dao, Chen, Sohoni, Desai, Poli, Grogan, Liu, Rao, Rudra, Ré: Monarch: Expressive structured
    matrices for efficient and accurate training. ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> A = Monarch(np.ones((2, 3, 4)), np.ones((4, 2, 5)))
    >>> A
    <Monarch 6x20 float64 = 2 of 3x4 · 4 of 2x5>
    >>> A @ np.ones(20)
    array([20., 20., 20., 20., 20., 20.])
    """

    factors: tuple[Any, ...]
    reverse: bool

    def __init__(self, *factors: Any, reverse: bool = False) -> None:
        if len(factors) < 2:
            raise ValueError(f"Monarch() got {len(factors)} factors: give two stacks at least")
        xp = namespace(*factors)
        stacks = [inexact(xp.asarray(F), xp) for F in factors]
        for F in stacks:
            if F.ndim != 3:
                raise ValueError(
                    f"a factor has shape {tuple(F.shape)}: a stack of blocks has three dimensions"
                )
        places = _places([F.shape for F in stacks], reverse)
        (b, s, _), (c, _, p) = stacks[0].shape, stacks[-1].shape
        super().__init__((b * s, c * p), like=tuple(stacks))
        self.factors = tuple(xp.astype(F, self.dtype, copy=False) for F in stacks)
        self.reverse = bool(reverse)
        self._places = places

    @functools.cached_property
    def _steps(self) -> tuple[Any, ...]:
        """The stacks as (a, d, s, r), for the axes before and after theirs, as they act."""
        steps = zip(self.factors, self._places, strict=True)
        return tuple(self.xp.reshape(F, (*places, *F.shape[1:])) for F, places in steps)[::-1]

    @functools.cached_property
    def _transposed_steps(self) -> tuple[Any, ...]:
        return tuple(self.xp.matrix_transpose(F) for F in reversed(self._steps))

    def _matmat(self, X: Any) -> Any:
        return kernel(self.xp, multiply_stacks)(self._steps, X)

    def _rmatmat(self, X: Any) -> Any:
        # the conjugates of the operands are smaller than that of the matrix
        X = conjugate(X, self.xp) if self.is_complex else X
        Y = kernel(self.xp, multiply_stacks)(self._transposed_steps, X)
        return conjugate(Y, self.xp) if self.is_complex else Y

    @functools.cached_property
    def _rank(self) -> int:
        """The rank ``c`` of the blocks of which the matrix consists; 0 if it is not made so."""
        if len(self.factors) > 2:
            return 1
        L, R = self.factors if not self.reverse else self.T.factors  # type: ignore[attr-defined]
        b, q = L.shape[0], R.shape[1]
        return q // b if b and q % b == 0 else 0

    @functools.cached_property
    def _inverse(self) -> Monarch:
        """The inverses of square blocks, kept for the next right-hand side."""
        for F in self.factors:
            require_finite("A", F)
        return _turned(self, lambda F: at_once(self, self.xp.linalg.inv, F))

    @functools.cached_property
    def _pseudoinverse(self) -> Monarch | None:
        """The pseudoinverses of the blocks, or None if one of them has not its full rank."""
        xp, parts = self.xp, []
        for F in self.factors:
            require_finite("A", F)
            U, S, Vh = xp.linalg.svd(F, full_matrices=False)
            if bool(xp.any(negligible(S, F.shape[1:], xp))):
                return None
            adjoint_of_u = adjoint_of(U / S[:, None, :], xp)
            parts.append(xp.matmul(adjoint_of(Vh, xp), adjoint_of_u))
        return Monarch(*reversed(parts), reverse=not self.reverse)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        if len(self.factors) > 2 or not self._rank:
            return super().todense()
        self._require_formable(*self.shape)
        xp = self.xp
        if self.reverse:
            return xp.asarray(xp.matrix_transpose(self.T.todense()), copy=True)
        L, R = self.factors
        (b, s, _), (k, _, p) = L.shape, R.shape
        left = xp.permute_dims(xp.reshape(L, (b, s, k, self._rank)), (0, 2, 1, 3))
        right = xp.permute_dims(xp.reshape(R, (k, self._rank, b, p)), (2, 0, 1, 3))
        return xp.reshape(xp.permute_dims(xp.matmul(left, right), (2, 0, 1, 3)), self.shape)

    @classmethod
    def nearest(cls, W: Any, blocks: int | tuple[int, int], *, rank: int = 1) -> Nearest:
        """Return the Monarch matrix of two factors that is nearest to a matrix.

        Parameters
        ----------
        W : (m, n) array, sparse matrix or operator
            The matrix. What is no array is made dense, up to 4096 rows and columns.
        blocks : int or (int, int)
            How many blocks ``L`` and ``R`` have; one number stands for both. The usual choice for
            a square matrix is ``√n``.
        rank : int
            The rank of every block of the result: ``R`` has ``rank`` times as many rows in a block
            as ``L`` has blocks.

        Returns
        -------
        Nearest
            ``operator`` and ``relative_error``, which is measured, so that matrices of the class
            give some 1e-16. Where ``blocks`` do not divide the shape, as with prime sizes, ``W``
            is padded with zeros and the operator is ``A[:m, :n]`` of the larger Monarch matrix
            ``A``, as its ``repr`` says; among these it is still the nearest.

        Raises
        ------
        ValueError
            If ``W`` has NaN or Inf, ``blocks`` or ``rank`` are out of range, or ``W`` is no array
            and too large to be made dense.

        Notes
        -----
        The rows ``s·l_count + l`` and columns ``k·p_count + p`` of a Monarch matrix form a block
        of rank 1 for every ``(l, k)``. So the nearest one in the Frobenius norm takes the first
        singular triplet of each of these blocks of ``W``, with the root of the singular value on
        both sides. For ``rank=1`` on NumPy, Lanczos finds each one to ``1e-11`` of what it leaves
        of the block; elsewhere, and where Lanczos is slow, an eigendecomposition of the Gram
        matrix does, and for higher ranks a singular value decomposition. The result does not
        depend on chance. Cost for ``n × n`` and ``√n`` blocks: ``2 n^2.5`` for the Gram matrices,
        and some ``50 n²``.

        Examples
        --------
        >>> import numpy as np
        >>> H = np.array([[1.0, 1.0], [1.0, -1.0]])
        >>> A, error = Monarch.nearest(np.kron(H, H), 2)
        >>> A, float(error) < 1e-15
        (<Monarch 4x4 float64 = 2 of 2x2 · 2 of 2x2>, True)
        """
        L, R, error, (m, n) = projection.factors(W, blocks, rank)
        A = cls(L, R)
        return Nearest(A if A.shape == (m, n) else A[:m, :n], error)

    def _formula(self) -> str:
        stacks = " · ".join(f"{F.shape[0]} of {size_text(F.shape[1:])}" for F in self.factors)
        return stacks + ", reversed" * self.reverse


def _places(shapes: Sequence[tuple[int, int, int]], reverse: bool) -> list[tuple[int, int]]:
    """Return for every stack how many places the axes before and after its own have."""
    if len(shapes) == 2:
        (b, s, r), (k, q, p) = shapes
        if b * r != k * q:
            raise ValueError(
                f"stacks of {b} blocks {size_text((s, r))} and {k} blocks {size_text((q, p))} "
                f"do not fit: the first takes {b * r} numbers, the second gives {k * q}"
            )
        return [(b, 1), (1, k)] if reverse else [(1, b), (k, 1)]
    places = []
    for i, (b, s, r) in enumerate(shapes):
        left = math.prod(shape[2] for shape in shapes[:i])
        right = math.prod(shape[1] for shape in shapes[i + 1 :])
        if b != left * right:
            raise ValueError(
                f"stack {i} has {b} blocks {size_text((s, r))}: it needs {left * right}, the "
                f"columns of the blocks before it ({left}) times the rows of those after it "
                f"({right})"
            )
        places.append((right, left) if reverse else (left, right))
    return places


# algebra


def _turned(A: Monarch, flip: Any) -> Monarch:
    return Monarch(*(flip(F) for F in reversed(A.factors)), reverse=not A.reverse)


rule(transpose, Monarch)(lambda A: _turned(A, A.xp.matrix_transpose))
rule(adjoint, Monarch)(lambda A: _turned(A, lambda F: adjoint_of(F, A.xp)))


@rule(scale, Monarch)
def _scale(A: Monarch, scalar: complex) -> Monarch:
    if scalar == 1 and not isinstance(scalar, complex):
        return A
    sizes = [math.prod(F.shape) for F in A.factors]
    least = sizes.index(min(sizes))
    parts = [times(F, scalar, A.xp) if i == least else F for i, F in enumerate(A.factors)]
    return Monarch(*parts, reverse=A.reverse)


@rule(multiply, Diagonal, Monarch)
def _scale_rows(D: Diagonal, A: Monarch) -> Monarch:
    xp, (a, d, s, _) = A.xp, A._steps[-1].shape
    rows = xp.permute_dims(xp.reshape(D.entries, (a, s, d)), (0, 2, 1))
    first = xp.reshape(rows, (a * d, s, 1)) * A.factors[0]
    return Monarch(first, *A.factors[1:], reverse=A.reverse)


@rule(multiply, Monarch, Diagonal)
def _scale_columns(A: Monarch, D: Diagonal) -> Monarch:
    xp, (a, d, _, r) = A.xp, A._steps[0].shape
    columns = xp.permute_dims(xp.reshape(D.entries, (a, r, d)), (0, 2, 1))
    last = A.factors[-1] * xp.reshape(columns, (a * d, 1, r))
    return Monarch(*A.factors[:-1], last, reverse=A.reverse)


def _no_larger(A: Monarch, B: Dense, product: tuple[int, int]) -> bool:
    return math.prod(product) <= A.parameters + math.prod(B.shape)


rule(multiply, Monarch, Dense, when=lambda A, B: _no_larger(A, B, (A.shape[0], B.shape[1])))(
    lambda A, B: Dense(A @ B.array)
)
rule(multiply, Dense, Monarch, when=lambda B, A: _no_larger(A, B, (B.shape[0], A.shape[1])))(
    lambda B, A: Dense(A.__rmatmul__(B.array))
)


# entries


def entries(A: Monarch, rows: Any, columns: Any) -> Any:
    """Return ``A[rows[i], columns[i]]`` for two (k,) integer arrays; ``A`` has blocks of a rank."""
    if A.reverse:
        return entries(A.T, columns, rows)  # type: ignore[arg-type]
    xp, d = A.xp, len(A.factors)
    total = None
    for c in range(A._rank):
        term = None
        for i, (F, (_, spacing)) in enumerate(zip(A.factors, A._places, strict=True)):
            s, r = F.shape[1:]
            after = math.prod(G.shape[2] for G in A.factors[i + 1 :])
            before, row = columns // (r * after), rows // spacing % s
            column = columns // after % r
            if d == 2 and i == 0:
                before, column = 0, columns // after * A._rank + c
            elif d == 2:
                row = rows % A._places[0][1] + A._places[0][1] * c
            block = before * spacing + rows % spacing
            values = xp.take(xp.reshape(F, (-1,)), (block * s + row) * r + column)
            term = values if term is None else term * values
        total = term if total is None else total + term
    return total


@rule(select, Monarch)
def _select(A: Monarch, rows: Index, columns: Index) -> Any:
    if not (isinstance(rows, int) and isinstance(columns, int) and A._rank):
        return NotImplemented
    place = (A.xp.asarray([i], dtype=A.xp.int64, device=A.device) for i in (rows, columns))
    return entries(A, *place)[0]

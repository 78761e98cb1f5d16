"""Kronecker-sparse matrices, and chains of them: butterfly and Monarch matrices among others."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

from structlin._backend import is_numpy, kernel, namespace
from structlin._kernels import kronecker_sparse as kernels
from structlin._norm import norm as euclidean
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, conjugate, size_text
from structlin.matrices.dense import Dense
from structlin.matrices.nearest import kronecker_sparse as projection
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.patterns import Pattern, Seam, as_pattern, runs_forward, transposed

# Blocks of so many entries, or of so many products, go to a kernel: the loop of `matmul` over the
# blocks would cost more than what it does with each.
_few_entries, _few_products = 4, 64


class KroneckerSparse(LinearOperator):
    """A matrix on the support ``I_a ⊗ 1_{b×c} ⊗ I_d``.

    Parameters
    ----------
    values : (a, b, c, d) array
        Entry ``values[i, j, k, l]`` stands in row ``i b d + j d + l`` and column
        ``i c d + k d + l``. Integers become float64. The array is not copied: leave it unchanged.

    Attributes
    ----------
    values : (a, b, c, d) array
        The entries on the support.
    pattern : Pattern
        The sizes ``(a, b, c, d)``.

    Raises
    ------
    ValueError
        If the array has not four dimensions.

    Notes
    -----
    Up to a permutation of the rows and one of the columns, this is a block-diagonal matrix of
    ``a d`` blocks ``values[i, :, :, l]``; if ``b = c``, the two permutations are the same. So
    products cost ``2 a b c d``, and whatever is asked of the matrix is asked of its blocks.

    The product ``A @ B`` of two chainable matrices (see `Pattern`) is a `KroneckerSparseChain`,
    or one `KroneckerSparse` matrix where that has fewer entries than the two together.

    Examples
    --------
    >>> import numpy as np
    >>> A = KroneckerSparse(np.ones((2, 1, 3, 2)))
    >>> A
    <KroneckerSparse 4x12 float64 = (2, 1, 3, 2)>
    >>> A @ np.arange(12.0)
    array([ 6.,  9., 24., 27.])
    """

    values: Any
    pattern: Pattern

    def __init__(self, values: Any) -> None:
        xp = namespace(values)
        if values.ndim != 4:
            raise ValueError(
                f"values have shape {tuple(values.shape)}: "
                "a Kronecker-sparse matrix has values of shape (a, b, c, d)"
            )
        self.values = inexact(xp.asarray(values), xp)
        self.pattern = Pattern(*self.values.shape)
        super().__init__(self.pattern.shape, like=self.values)

    @classmethod
    def from_blocks(cls, blocks: Any) -> KroneckerSparse:
        """Return the matrix of the blocks ``blocks[i, l] = values[i, :, :, l]``.

        Parameters
        ----------
        blocks : (a, d, b, c) array
            The blocks.

        Returns
        -------
        KroneckerSparse
            The matrix.

        Raises
        ------
        ValueError
            If the array has not four dimensions.

        Examples
        --------
        >>> import numpy as np
        >>> KroneckerSparse.from_blocks(np.ones((2, 3, 1, 4)))
        <KroneckerSparse 6x24 float64 = (2, 1, 4, 3)>
        """
        xp = namespace(blocks)
        if blocks.ndim != 4:
            raise ValueError(
                f"blocks have shape {tuple(blocks.shape)}: they are an (a, d, b, c) array"
            )
        return cls(xp.permute_dims(blocks, (0, 2, 3, 1)))

    @functools.cached_property
    def blocks(self) -> Any:
        """The blocks ``values[i, :, :, l]``: an (a, d, b, c) array, C-contiguous."""
        return _contiguous(self.xp.permute_dims(self.values, (0, 3, 1, 2)), self.xp)

    @functools.cached_property
    def _contiguous_values(self) -> Any:
        return _contiguous(self.values, self.xp)

    @functools.cached_property
    def _mirror(self) -> KroneckerSparse:
        return KroneckerSparse(conjugate(turned(self.values, self.xp), self.xp))

    def _matmat(self, X: Any) -> Any:
        if self._is_small(X):
            return _small_product([self], X)
        return self.unstacked(self._block_product(self.blocks, self.stacked(X, self.pattern.c)))

    def _rmatmat(self, X: Any) -> Any:
        if self._is_small(X):
            return _small_product([self._mirror], X)
        # the conjugates of the operands are smaller than those of the blocks
        xp = self.xp
        operand = xp.conj(X) if self.is_complex else X
        blocks = xp.matrix_transpose(self.blocks)
        Y = self.unstacked(self._block_product(blocks, self.stacked(operand, self.pattern.b)))
        return xp.conj(Y) if self.is_complex else Y

    def _is_small(self, X: Any) -> bool:
        entries = self.pattern.b * self.pattern.c
        products = entries * int(X.shape[1])
        return products > 0 and (entries <= _few_entries or products <= _few_products)

    def _block_product(self, blocks: Any, stack: Any) -> Any:
        if not is_numpy(self.xp):
            return self.xp.matmul(blocks, stack)
        # straight to where it is wanted: rows of one block are d apart
        (a, d, m, _), n = blocks.shape, stack.shape[-1]
        Y = self.xp.permute_dims(self.xp.empty((a, m, d, n), dtype=stack.dtype), (0, 2, 1, 3))
        return self.xp.matmul(blocks, stack, out=Y)

    def stacked(self, X: Any, size: int) -> Any:
        """Return a block of columns (a·size·d, k) as one for each block: (a, d, size, k)."""
        a, _, _, d = self.pattern
        apart = self.xp.reshape(X, (a, size, d, X.shape[1]))
        return self.xp.permute_dims(apart, (0, 2, 1, 3))

    def unstacked(self, Y: Any) -> Any:
        """Return what `stacked` takes apart: (a, d, size, k) as (a·size·d, k)."""
        a, d, size, k = Y.shape
        return self.xp.reshape(self.xp.permute_dims(Y, (0, 2, 1, 3)), (a * size * d, k))

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        return projection.embedded(self.values, self.xp)

    def _formula(self) -> str:
        return str(tuple(self.pattern))

    @classmethod
    def nearest(cls, W: Any, chain: Any) -> Nearest:
        """Approximate a matrix by a chain of Kronecker-sparse factors.

        Parameters
        ----------
        W : (m, n) array, sparse matrix or operator
            The matrix; it is made dense.
        chain : KroneckerSparseChain or sequence of (int, int, int, int)
            The architecture: a chain, of which only the patterns matter, or the patterns
            ``(a, b, c, d)`` from left to right, such as `butterfly_patterns` and
            `monarch_patterns` return. Neighbours have to be chainable, or those of the transposed
            product (see `Pattern`).

        Returns
        -------
        Nearest
            The `KroneckerSparseChain` and its relative error in the Frobenius norm; they unpack.

        Raises
        ------
        ValueError
            If the patterns are not chainable (the message tells which condition fails), do not
            fit ``W``, or ``W`` has NaN or Inf or its norm overflows.

        Notes
        -----
        One factor is split off after another: at a seam of rank ``r``, each block ``M`` of what
        remains is truncated to ``U Uᴴ M``, its best approximation of rank ``r``; ``U`` goes to
        the factor, and ``Uᴴ M`` is what remains. For ``L`` factors,

            ``lower_bound ≤ best error ≤ error ≤ √(L − 1) best error``,

        where redundant seams do not count in ``L``; with two factors the result is optimal.

        Proof. Let ``τ_s`` be the norm of the singular values beyond the rank in the blocks of
        ``W`` at seam ``s``, and ``ω`` that of ``W`` off the support. Every product has blocks
        of that rank at each seam, so ``best² ≥ ω² + max τ_s²``. For the upper bound, fix the
        first factor of orthonormal ``U``. Entries of the rest with different ``(i, σ)`` act on
        different columns of the product, and for each ``(i, σ)`` the columns of the factor are
        orthonormal; so it maps the rest isometrically, into the range to which ``W`` was
        projected, and the squared errors of the two steps add up. Blocks of the rest at a later
        seam are those of ``W`` times the adjoint of a matrix with orthonormal columns, which
        increases no singular value. Hence, by induction,
        ``error² ≤ ω² + Σ τ_s² ≤ (L − 1) best²``.

        Cost: for an ``n × n`` matrix and a butterfly ``O(n²)``; in general the decompositions of
        ``a₂ d₁`` blocks of ``b₁ × c`` at each seam, where ``c`` belongs to all factors to its
        right.

        References
        ----------
        .. [1] Q.-T. Le, L. Zheng, E. Riccietti, R. Gribonval, "Butterfly factorization with
           error guarantees", 2024, hal-04763712: chains, and orthonormal factors on the way.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.matrices import butterfly_patterns
        >>> H = np.array([[1.0, 1.0], [1.0, -1.0]])
        >>> A, error = KroneckerSparse.nearest(np.kron(H, np.kron(H, H)), butterfly_patterns(8))
        >>> A, bool(error < 1e-15)
        (<KroneckerSparseChain 8x8 float64 = (1, 2, 2, 4) @ (2, 2, 2, 2) @ (4, 2, 2, 1)>, True)
        """
        W, patterns, forward, size = _scaled(W, chain)
        xp = namespace(W)
        *others, last = projection.factorise(W, patterns, forward, xp)
        found = KroneckerSparseChain(*others, last)
        norm = xp.linalg.vector_norm(W)
        error = xp.linalg.vector_norm(W - found.todense()) / xp.where(norm == 0, 1.0, norm)
        return Nearest(KroneckerSparseChain(*others, last * size), error)

    @classmethod
    def lower_bound(cls, W: Any, chain: Any) -> Any:
        """Return a relative error that no chain of these patterns can fall below.

        Parameters
        ----------
        W : (m, n) array, sparse matrix or operator
            The matrix; it is made dense.
        chain : KroneckerSparseChain or sequence of (int, int, int, int)
            The architecture, as for `nearest`.

        Returns
        -------
        scalar
            ``(ω² + max τ_s²)^½ / ‖W‖`` in the terms of `nearest`: from it to its ``√(L − 1)``-fold
            lies the relative error that `nearest` returns.

        Notes
        -----
        Cost: all singular values of the ``a₂ d₁`` blocks at each seam, of size ``b × c`` for all
        factors to its left and to its right.

        Examples
        --------
        A column times a row has rank 1:

        >>> import numpy as np
        >>> chain = [(1, 2, 1, 1), (1, 1, 2, 1)]
        >>> float(KroneckerSparse.lower_bound(np.diag([4.0, 3.0]), chain))
        0.6
        """
        W, patterns, forward, _ = _scaled(W, chain)
        xp = namespace(W)
        norm = xp.linalg.vector_norm(W)
        tail = projection.largest_tail(W, patterns, forward, xp)
        return tail / xp.where(norm == 0, 1.0, norm)


class KroneckerSparseChain(LinearOperator):
    """The product ``A₁ @ A₂ @ … @ A_L`` of chainable Kronecker-sparse factors.

    Parameters
    ----------
    *factors : KroneckerSparse, KroneckerSparseChain or (a, b, c, d) array
        At least one. Neighbours have to be chainable (see `Pattern`), all of them or all of
        those of the transposed product. Chains are taken apart.

    Attributes
    ----------
    factors : tuple of KroneckerSparse
        The factors.
    patterns : tuple of Pattern
        Their patterns.

    Raises
    ------
    ValueError
        If there are no factors, one of them is empty, or neighbours are not chainable.

    Notes
    -----
    Products cost ``2 Σ aᵢ bᵢ cᵢ dᵢ``; for a butterfly that is ``4 n log₂ n``. The transpose and
    the inverse of a chain whose ``a`` grows from left to right are chains whose ``a`` shrinks.
    `KroneckerSparse.nearest` approximates a matrix by a chain.

    Examples
    --------
    >>> import numpy as np
    >>> A = KroneckerSparseChain(np.ones((1, 2, 2, 4)), np.ones((2, 2, 2, 2)))
    >>> A
    <KroneckerSparseChain 8x8 float64 = (1, 2, 2, 4) @ (2, 2, 2, 2)>
    >>> A.ranks, A.parameters, A.fused()
    ((1,), 32, <KroneckerSparse 8x8 float64 = (1, 4, 4, 2)>)
    """

    factors: tuple[KroneckerSparse, ...]
    patterns: tuple[Pattern, ...]

    def __init__(self, *factors: Any) -> None:
        self.factors = tuple(
            factor
            for F in factors
            for factor in (
                F.factors
                if isinstance(F, KroneckerSparseChain)
                else (F if isinstance(F, KroneckerSparse) else KroneckerSparse(F),)
            )
        )
        self.patterns = tuple(factor.pattern for factor in self.factors)
        self._forward = runs_forward(self.patterns)
        rows, columns = self.patterns[0].shape[0], self.patterns[-1].shape[1]
        super().__init__((rows, columns), like=self.factors)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The rank of the blocks of the product at each seam between neighbours."""
        return tuple(seam.rank for seam in self._seams)

    @property
    def is_redundant(self) -> bool:
        """Whether some neighbours could be one factor: a rank bounds nothing."""
        return any(seam.redundant for seam in self._seams)

    @property
    def _seams(self) -> list[Seam]:
        patterns = self.patterns if self._forward else transposed(self.patterns)
        seams = [Seam(*pair) for pair in itertools.pairwise(patterns)]
        return seams if self._forward else seams[::-1]

    def fused(self) -> KroneckerSparse:
        """Return the product as one Kronecker-sparse matrix."""
        return functools.reduce(fuse, self.factors)

    def _matmat(self, X: Any) -> Any:
        if all(factor._is_small(X) for factor in self.factors):
            return _small_product(self.factors[::-1], X)
        for factor in reversed(self.factors):
            X = factor._matmat(X)
        return X

    def _rmatmat(self, X: Any) -> Any:
        if all(factor._is_small(X) for factor in self.factors):
            return _small_product([factor._mirror for factor in self.factors], X)
        for factor in self.factors:
            X = factor._rmatmat(X)
        return X

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        return self.fused().todense()

    def _formula(self) -> str:
        sizes = [str(tuple(pattern)) for pattern in self.patterns]
        if len(sizes) > 4:
            sizes[2:-1] = ["…"]
            return " @ ".join(sizes) + f" ({len(self.factors)} factors)"
        return " @ ".join(sizes)


def _small_product(factors: Sequence[KroneckerSparse], X: Any) -> Any:
    """Return the product with factors of small blocks, in the order in which they are applied."""
    xp = factors[0].xp
    values = [xp.astype(factor._contiguous_values, X.dtype, copy=False) for factor in factors]
    return kernel(xp, kernels.small_blocks)(values, X)


def turned(values: Any, xp: Any) -> Any:
    """Return the values of the transpose."""
    return xp.permute_dims(values, (0, 2, 1, 3))


def _contiguous(x: Any, xp: Any) -> Any:
    # a reshape copies only what is not in order already
    return xp.reshape(xp.reshape(x, (-1,)), x.shape)


def _scaled(W: Any, chain: Any) -> tuple[Any, tuple[Pattern, ...], bool, Any]:
    """Return a matrix with largest modulus 1, the patterns, their direction, and the modulus."""
    patterns = (
        chain.patterns if isinstance(chain, KroneckerSparseChain) else tuple(map(as_pattern, chain))
    )
    forward = runs_forward(patterns)
    A = aslinearoperator(W)
    fit = patterns[0].shape[0], patterns[-1].shape[1]
    if A.shape != fit:
        raise ValueError(f"W is {size_text(A.shape)}: the chain approximates {size_text(fit)}")
    xp, W = A.xp, A.array if isinstance(A, Dense) else A.todense()
    require_finite("W", W)
    if not math.isfinite(euclidean(W)):  # entries of the factors may be as large
        raise ValueError("the norm of W overflows: divide W by a large number first")
    size = xp.max(xp.abs(W))
    return W / xp.where(size == 0, 1.0, size), patterns, forward, size


def fuse(A: KroneckerSparse, B: KroneckerSparse) -> KroneckerSparse:
    """Return the product of chainable factors as one."""
    xp, backward = A.xp, bool(A.pattern.obstacle(B.pattern))
    left, right = A.values, B.values
    if backward:  # then the transposes are chainable
        left, right = turned(right, xp), turned(left, xp)
    seam = Seam(Pattern(*left.shape), Pattern(*right.shape))
    blocks = xp.matmul(seam.left_blocks(left, xp), seam.right_blocks(right, xp))
    values = seam.values(blocks, xp)
    return KroneckerSparse(turned(values, xp) if backward else values)

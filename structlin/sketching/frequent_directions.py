"""Frequent directions: a small matrix in place of a long one, with a bound that always holds."""

from __future__ import annotations

import math
import operator
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._norm import norm
from structlin._validation import common_type
from structlin.matrices._base import size_text
from structlin.sketching._operand import rows_as_blocks
from structlin.sketching._sources import in_type


class FrequentDirections:
    """A sketch ``B`` of the rows seen so far, whose ``‖B x‖²`` is nearly ``‖A x‖²`` for all ``x``.

    Rows come in any order and in portions of any size. Nothing is random.

    Parameters
    ----------
    rank : int
        ``ℓ``: the sketch has fewer than ``2 ℓ`` rows. Take twice the number of components wanted,
        or more.
    columns : int
        ``n``, the length of a row.
    dtype : data type, optional
        Of the sketch; by default that of ``like``, or float64.
    like : array or operator, optional
        Gives array library, device and data type of the rows to come.

    Attributes
    ----------
    rank, columns : int
        As given.
    rows : int
        How many rows have been seen.
    error_bound : float
        ``√(Σ δ)``, what the shrinking has taken away: ``0 ≤ ‖A x‖² − ‖B x‖² ≤ error_bound²`` for
        every ``x`` of norm 1, up to rounding.

    Raises
    ------
    ValueError
        If ``rank`` is less than 1, or ``columns`` negative.

    Notes
    -----
    Rows fill a buffer of ``2 ℓ``. When it is full, the squares of its singular values are reduced
    by ``δ = σ_ℓ²``, and those below vanish: at least ``ℓ + 1`` rows are free again. This takes
    ``ℓ δ`` at least from the squared Frobenius norm, hence for every ``k < ℓ``

        ``Σ δ ≤ ‖A − A_k‖_F² / (ℓ − k)``

    where ``A_k`` is the best approximation of rank ``k``. With ``ℓ > n`` the sketch is exact.

    It costs ``O(m n ℓ)`` operations for ``m`` rows, and ``2 ℓ n`` numbers of memory.

    References
    ----------
    M. Ghashami, E. Liberty, J. M. Phillips and D. P. Woodruff, "Frequent directions: simple and
    deterministic matrix sketching", SIAM Journal on Computing 45 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.random.default_rng(0).standard_normal((1000, 20)) * 0.7 ** np.arange(20)
    >>> B = FrequentDirections(10, 20)
    >>> B.update(A[:600])
    >>> B.update(A[600:])
    >>> gap = np.linalg.norm(A.T @ A - B.sketch.T @ B.sketch, 2)
    >>> bool(gap <= B.error_bound**2 <= np.linalg.norm(A) ** 2 / 10)
    True
    """

    def __init__(self, rank: int, columns: int, *, dtype: Any = None, like: Any = None) -> None:
        self.rank, self.columns = operator.index(rank), operator.index(columns)
        if self.rank < 1 or self.columns < 0:
            raise ValueError(
                f"rank is {rank} and columns is {columns}: they are at least 1 and at least 0"
            )
        like = np.empty(0) if like is None else like
        xp = namespace(like)
        self._buffer = xp.zeros(
            (2 * self.rank, self.columns),
            dtype=common_type(xp, like.dtype if dtype is None else dtype),
            device=device(like),
        )
        self._filled = 0
        self.rows = 0
        self.error_bound = 0.0

    @property
    def sketch(self) -> Any:
        """``B``, an (r, n) array with ``r < 2 ℓ``: a copy."""
        return self._xp.asarray(self._buffer[: self._filled, :], copy=True)

    @property
    def _xp(self) -> ModuleType:
        return namespace(self._buffer)

    def __repr__(self) -> str:
        size = size_text((self._filled, self.columns))
        bound = f"error bound {self.error_bound:.3g}"
        return f"<FrequentDirections {size} of {self.rows} rows, rank {self.rank}, {bound}>"

    def update(self, rows: Any) -> None:
        """Take more rows.

        Parameters
        ----------
        rows : (n,) or (r, n) array, sparse matrix, LinearOperator or RowBlocks
            One row, or a block of them.

        Raises
        ------
        ValueError
            If their length is not ``columns``, or an entry is not finite or too large.
        TypeError
            If they are complex, but the sketch is real.
        OverflowError
            If the singular values become too large for the data type.
        """
        for _, block in rows_as_blocks(rows, self.columns, self._buffer).pieces():
            self._append(block)
            self.rows += block.shape[0]

    def merge(self, other: FrequentDirections) -> None:
        """Take the rows that another sketch has seen: the bounds add.

        Raises
        ------
        ValueError
            If its rows have another length, or an entry is too large.
        TypeError
            If it is complex, but this one is real.
        OverflowError
            If the singular values become too large for the data type.
        """
        for _, block in rows_as_blocks(other.sketch, self.columns, self._buffer).pieces():
            self._append(block)
        self.rows += other.rows
        self.error_bound = math.hypot(self.error_bound, other.error_bound)

    def components(self, k: int) -> tuple[Any, Any]:
        """Return estimates of the largest singular values of ``A``, and their right vectors.

        Parameters
        ----------
        k : int
            How many.

        Returns
        -------
        s : (k,) array
            ``s_i² ≤ σ_i(A)² ≤ s_i² + error_bound²``.
        Vh : (k, n) array
            Orthonormal rows.

        Raises
        ------
        ValueError
            If ``k`` is larger than ``min(rows, n)`` or than ``ℓ``.
        """
        k = operator.index(k)
        most = min(self.rows, self.columns, self.rank)
        if not 0 <= k <= most:
            raise ValueError(
                f"k is {k}, but {self.rows} rows of {self.columns} columns in a sketch of rank "
                f"{self.rank} have {most} components at most"
            )
        s, Vh = self._svd(max(k, self._filled))
        return s[:k], Vh[:k, :]

    def _append(self, block: Any) -> None:
        block = in_type(block, self._buffer.dtype)
        taken = 0
        while taken < block.shape[0]:
            stop = min(taken + self._buffer.shape[0] - self._filled, block.shape[0])
            filled = self._filled + stop - taken
            self._buffer[self._filled : filled, :] = block[taken:stop, :]
            self._filled, taken = filled, stop
            if self._filled == self._buffer.shape[0]:
                self._shrink()

    def _shrink(self) -> None:
        """Reduce the squares of the singular values by that of the ``ℓ``-th."""
        xp = self._xp
        s, Vh = self._svd(self._filled)
        if s.shape[0] >= self.rank:
            lost = float(s[self.rank - 1])
            self.error_bound = math.hypot(self.error_bound, lost)
            kept = self.rank - 1
            # √(σ² − δ) whose squares may neither overflow nor vanish
            s = xp.sqrt(s[:kept] - lost) * xp.sqrt(s[:kept] + lost)
            Vh = Vh[:kept, :]
        self._filled = s.shape[0]
        self._buffer[: self._filled, :] = s[:, None] * Vh
        self._buffer[self._filled :, :] = 0

    def _svd(self, rows: int) -> tuple[Any, Any]:
        """Return singular values and right vectors of the first rows, which may be zero."""
        buffer = self._buffer[:rows, :]
        if not math.isfinite(norm(buffer)):
            raise OverflowError(f"the rows exceed what {buffer.dtype} can hold: scale them down")
        _, s, Vh = self._xp.linalg.svd(buffer, full_matrices=False)
        return s, Vh

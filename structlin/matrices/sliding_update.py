"""A matrix plus a sliding window of rank-one terms."""

from __future__ import annotations

import operator
from typing import Any

from structlin._backend import namespace
from structlin._validation import require_finite
from structlin.matrices._base import adjoint_of, size_text
from structlin.matrices.dense import Dense
from structlin.matrices.functions import solve
from structlin.matrices.low_rank import as_factor, entries
from structlin.matrices.low_rank_update import Factors, LowRankUpdate
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import answer


class SlidingUpdate(LowRankUpdate):
    """A matrix plus the rank-one terms of the newest vectors: ``B + c Σⱼ uⱼ uⱼᴴ``.

    `slide` adds a vector and drops the oldest one once the window is full, as in online
    covariances and in approximations of the Fisher matrix by the last gradients.

    Parameters
    ----------
    base : (n, n) array, sparse matrix or operator
        The matrix ``B``, which does not move.
    vectors : (n, k) array
        The vectors in the window, the oldest first; ``k`` may be 0.
    window : int, optional
        The number of vectors that are kept, at least 1; by default ``k``.
    weight : float, default 1
        The factor ``c``.

    Attributes
    ----------
    vectors : (n, k) array
        The vectors in the window, the oldest first.
    window : int
        The number of vectors that are kept.
    weight : float
        The factor ``c``.

    Raises
    ------
    ValueError
        If base and vectors do not fit, or there are more vectors than the window holds.

    Notes
    -----
    Products and, through Woodbury's formula, solutions cost ``O(n w)`` for a window of ``w``
    vectors, besides one solution with ``B``. A step costs one solution with ``B`` and ``O(n w)``
    operations: ``B⁻¹ U`` and the capacitance matrix ``I + c Uᴴ B⁻¹ U`` move with the window and
    get one new column (and row), each from its own vector, so that rounding errors do not add up
    over the steps. The capacitance matrix is factorised anew at the first solution after a step,
    in ``2/3 w³`` operations.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Identity, solve
    >>> A = SlidingUpdate(Identity(3), np.eye(3)[:, :2])
    >>> A = A.slide(np.array([0.0, 0.0, 1.0]))
    >>> solve(A, np.ones(3))
    array([1. , 0.5, 0.5])
    """

    vectors: Any
    window: int
    weight: float

    def __init__(
        self, base: Any, vectors: Any, *, window: int | None = None, weight: float = 1.0
    ) -> None:
        base = aslinearoperator(base)
        U = as_factor(vectors)
        if base.shape != (U.shape[0], U.shape[0]):
            raise ValueError(
                f"base is {size_text(base.shape)} but the vectors have {U.shape[0]} entries: "
                "the base needs as many rows and columns"
            )
        k = U.shape[1]
        self.window = k if window is None else operator.index(window)
        if not max(k, 1) <= self.window:
            raise ValueError(
                f"window is {self.window} for {k} vectors: it needs to be at least {max(k, 1)}"
            )
        self.weight = float(weight)
        self.vectors = entries(U)
        super().__init__(base, U, V=U if self.weight == 1 else self.weight * U)

    @property
    def parameters(self) -> int:
        """How many numbers base and update store."""
        return self.base.parameters + self.update.parameters

    def slide(self, vector: Any) -> SlidingUpdate:
        """Return the operator whose window has moved on by one vector.

        Parameters
        ----------
        vector : (n,) array
            The newest vector; the oldest one leaves if the window is full.

        Returns
        -------
        SlidingUpdate
            A new operator; what Woodbury's formula keeps moves with the window.

        Raises
        ------
        ValueError
            If the vector has another length, or NaN or Inf.

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.matrices import Identity
        >>> A = SlidingUpdate(Identity(2), np.array([[1.0, 2.0], [0.0, 0.0]]))
        >>> A.slide(np.array([0.0, 3.0])).vectors
        array([[2., 0.],
               [0., 3.]])
        """
        xp, n = namespace(self, vector), self.shape[0]
        if tuple(vector.shape) != (n,):
            raise ValueError(f"vector has shape {tuple(vector.shape)}: the window needs ({n},)")
        require_finite("vector", vector)
        new = Dense(vector[:, None]).array
        first = self.vectors.shape[1] + 1 - self.window
        old = self.vectors[:, max(first, 0) :]
        moved = SlidingUpdate(
            self.base, xp.concat((old, new), axis=1), window=self.window, weight=self.weight
        )
        kept = vars(self).get("_factors")
        if kept is not None and moved.dtype == self.dtype:
            vars(moved)["_factors"] = self._moved(kept, moved, max(first, 0))
        return moved

    def _moved(self, kept: Factors, moved: SlidingUpdate, first: int) -> Factors:
        """Return the factors without the first columns, and with one for the newest vector."""
        xp, low = self.xp, moved.update
        new = moved.vectors[:, -1:]
        Z = kept.Z[:, first:]
        z = answer(solve, self.base, then=(xp.astype(new, Z.dtype, copy=False),))
        K = kept.capacitance.array[first:, first:]
        one = xp.ones((1, 1), dtype=K.dtype, device=self.device)
        row = self.weight * xp.matmul(adjoint_of(new, xp), Z)
        column = low.V._rmatmat(z)
        K = xp.concat(
            (xp.concat((K, column[:-1, :]), axis=1), xp.concat((row, one + column[-1:, :]), axis=1))
        )
        return Factors(self.base, low, xp.concat((Z, z), axis=1), Dense(K))

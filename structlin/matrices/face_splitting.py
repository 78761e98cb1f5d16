"""Face-splitting products: Kronecker products row by row."""

from __future__ import annotations

import math
from typing import Any

from structlin.matrices._base import LinearOperator, conjugate, size_text
from structlin.matrices.khatri_rao import gather, matrices, product, spread


class FaceSplitting(LinearOperator):
    """The face-splitting (transposed Khatri–Rao) product: row ``i`` is ``A₁[i, :] ⊗ A₂[i, :] ⊗ …``.

    Parameters
    ----------
    *factors : (m, nᵢ) array
        At least one, all of ``m`` rows; integers become float64. They are not copied: leave them
        unchanged.

    Attributes
    ----------
    factors : tuple of (m, nᵢ) array
        The factors.

    Raises
    ------
    ValueError
        If there are no factors, or they are no matrices of as many rows.

    Notes
    -----
    Columns are C-ordered, the index of the first factor being the slowest. This is the matrix of
    products of features: ``A @ c`` evaluates ``Σ c[j₁, j₂, …] f_j₁(xᵢ) g_j₂(yᵢ) …`` at the points
    ``(xᵢ, yᵢ, …)``, where the rows of the factors are the values of the functions. Costs are those
    of its transpose, a `KhatriRao` product.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.array([1.0, 2.0]), np.array([10.0, 100.0])
    >>> A = FaceSplitting(np.vander(x, 2), np.vander(y, 2))
    >>> A.todense()
    array([[ 10.,   1.,  10.,   1.],
           [200.,   2., 100.,   1.]])
    """

    factors: tuple[Any, ...]

    def __init__(self, *factors: Any) -> None:
        self.factors = matrices(factors, "FaceSplitting", 0)
        columns = math.prod(F.shape[1] for F in self.factors)
        super().__init__((self.factors[0].shape[0], columns), like=self.factors)

    @property
    def _columns(self) -> list[Any]:
        """The factors of the transpose."""
        return [self.xp.matrix_transpose(F) for F in self.factors]

    def _matmat(self, X: Any) -> Any:
        return gather(self._columns, X)

    def _rmatmat(self, X: Any) -> Any:
        return spread([conjugate(F, self.xp) for F in self._columns], X)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        dense = self.xp.matrix_transpose(product(self._columns))
        return self.xp.asarray(dense, dtype=self.dtype, copy=True)

    def _formula(self) -> str:
        return " • ".join(size_text(tuple(F.shape)) for F in self.factors)

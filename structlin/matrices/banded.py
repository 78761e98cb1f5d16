"""Band matrices."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from structlin._backend import device, namespace, scipy_of
from structlin._validation import inexact, require_finite
from structlin.matrices._band_factors import LU, band_lu
from structlin.matrices._base import LinearOperator, conjugate, times
from structlin.matrices._hermitian import equal_up_to_rounding
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, as_diagonal, rule_of_shifts
from structlin.matrices.operations import (
    add,
    adjoint,
    is_hermitian,
    multiply,
    scale,
    transpose,
)
from structlin.matrices.rules import rule


class Banded(LinearOperator):
    """A square matrix whose entries stand on a few diagonals.

    Parameters
    ----------
    bands : (lower + upper + 1, n) array
        The diagonals in the order of LAPACK and SciPy: ``bands[upper + i - j, j] = A[i, j]``. Row
        ``upper`` is the main diagonal, those above it are the upper diagonals, and column ``j``
        has the entries of column ``j`` of the matrix. What stands where the matrix has no entry
        is not looked at. They are copied; integers become float64.
    lower, upper : int
        The number of diagonals below and above the main one.

    Attributes
    ----------
    bands : (lower + upper + 1, n) array
        The diagonals, with zeros where the matrix has no entry.
    lower, upper : int
        The number of diagonals below and above the main one; at most n − 1.

    Raises
    ------
    ValueError
        If ``bands`` has not ``lower + upper + 1`` rows, or one of these is negative.

    See Also
    --------
    scipy.linalg.solve_banded : has the same layout.

    Notes
    -----
    A product costs ``2 n (lower + upper + 1)``. On NumPy, LAPACK's band factorisations solve
    systems at a cost that is linear in ``n`` as well, and are kept for further right-hand sides.
    Other array libraries have none: there, `solve` tries block cyclic reduction, which is sound
    for matrices that are positive definite or diagonally dominant, and checks the residual; the
    other functions, and `solve` where that fails, do what they do for an operator without
    structure. Sums and products of band matrices are band matrices.

    Examples
    --------
    >>> import numpy as np
    >>> A = Banded(np.array([[0.0, 1.0, 1.0], [4.0, 4.0, 4.0]]), lower=0, upper=1)
    >>> A.todense()
    array([[4., 1., 0.],
           [0., 4., 1.],
           [0., 0., 4.]])
    """

    bands: Any
    lower: int
    upper: int

    def __init__(self, bands: Any, *, lower: int, upper: int) -> None:
        xp = namespace(bands)
        lower, upper = operator.index(lower), operator.index(upper)
        if lower < 0 or upper < 0 or bands.ndim != 2 or bands.shape[0] != lower + upper + 1:
            raise ValueError(
                f"bands have shape {tuple(bands.shape)}: with lower={lower} and upper={upper} "
                f"they need {lower + upper + 1} rows"
            )
        bands = inexact(xp.asarray(bands), xp)
        n = bands.shape[1]
        super().__init__((n, n), like=bands)
        self.lower, self.upper = (min(width, max(n - 1, 0)) for width in (lower, upper))
        kept = bands[upper - self.upper : upper + self.lower + 1, :]
        self.bands = xp.asarray(kept, copy=True)
        for d in range(1, self.upper + 1):
            self.bands[self.upper - d, :d] = 0.0
        for d in range(1, self.lower + 1):
            self.bands[self.upper + d, n - d :] = 0.0

    @classmethod
    def tridiagonal(cls, lower: Any, diagonal: Any, upper: Any) -> Banded:
        """Return the tridiagonal matrix of three diagonals.

        Parameters
        ----------
        lower : (n − 1,) array
            The entries ``A[i + 1, i]``.
        diagonal : (n,) array
            The entries ``A[i, i]``.
        upper : (n − 1,) array
            The entries ``A[i, i + 1]``.

        Returns
        -------
        Banded
            The matrix.

        Raises
        ------
        ValueError
            If the diagonals have not ``n − 1``, ``n`` and ``n − 1`` entries.

        Examples
        --------
        >>> import numpy as np
        >>> Banded.tridiagonal(np.ones(2), np.full(3, 4.0), np.ones(2)) @ np.ones(3)
        array([5., 6., 5.])
        """
        xp = namespace(lower, diagonal, upper)
        for x in (lower, diagonal, upper):
            namespace(x)  # numbers and None pass above
        sizes = tuple(x.shape[0] if x.ndim == 1 else -1 for x in (lower, diagonal, upper))
        n = sizes[1]
        if n < 0 or sizes != (max(n - 1, 0), n, max(n - 1, 0)):
            shapes = ", ".join(str(tuple(x.shape)) for x in (lower, diagonal, upper))
            raise ValueError(f"diagonals of shapes {shapes}: they need n - 1, n and n - 1 entries")
        parts = [inexact(x, xp) for x in (lower, diagonal, upper)]
        wide = xp.result_type(*parts)
        below, middle, above = (xp.astype(x, wide, copy=False) for x in parts)
        corner = xp.zeros(min(n, 1), dtype=wide, device=device(middle))
        rows = xp.concat((corner, above)), middle, xp.concat((below, corner))
        return cls(xp.stack(rows), lower=1, upper=1)

    def _matmat(self, X: Any) -> Any:
        n = self.shape[0]
        Y = self.bands[self.upper, :, None] * X
        for row in range(self.lower + self.upper + 1):
            d = self.upper - row  # A[i, i + d]
            if d:
                start, stop = max(d, 0), min(n, n + d)
                Y[start - d : stop - d, :] += self.bands[row, start:stop, None] * X[start:stop, :]
        return Y

    def _rmatmat(self, X: Any) -> Any:
        return self._adjoint._matmat(X)

    @functools.cached_property
    def _adjoint(self) -> Banded:
        return Banded(conjugate(self._turned(), self.xp), lower=self.upper, upper=self.lower)

    def _turned(self) -> Any:
        """Return the bands of the transpose, with anything where it has no entry."""
        # Aᵀ[j - d, j] = A[j, j - d]
        xp, rows = self.xp, range(self.lower + self.upper, -1, -1)
        return xp.stack([xp.roll(self.bands[row, :], row - self.upper) for row in rows])

    def todense(self) -> Any:
        """Return the matrix as an (n, n) array."""
        self._require_formable(*self.shape)
        xp, n = self.xp, self.shape[0]
        flat = xp.zeros(n * n, dtype=self.dtype, device=self.device)
        for row in range(self.lower + self.upper + 1):
            d = self.upper - row  # A[i, i + d]
            start, stop = (d, (n - d) * n) if d > 0 else (-d * n, n * n)
            flat[start : stop : n + 1] = self.bands[row, max(d, 0) : min(n, n + d)]
        return xp.reshape(flat, (n, n))

    def _formula(self) -> str:
        return f"diagonals {-self.lower} to {self.upper}"

    @functools.cached_property
    def _hermitian(self) -> bool:
        width = max(self.lower, self.upper)
        bands, adjoint_bands = (_padded(A, width, width) for A in (self, self._adjoint))
        return equal_up_to_rounding(bands, adjoint_bands, self.xp)

    # LAPACK's factorisations, kept for the next right-hand side

    @functools.cached_property
    def _lower_half(self) -> Any:
        """The diagonal and what is below it, of the mean of the matrix and its adjoint."""
        mean = _sum(_scaled(self, 0.5), _scaled(self._adjoint, 0.5))
        return mean.bands[mean.upper :, :]

    @functools.cached_property
    def _cholesky(self) -> Any:
        """The bands of the Cholesky factor, or None if there is no such factor."""
        require_finite("A", self.bands)
        middle = self.bands[self.upper, :]
        if not (self._hermitian and bool(self.xp.all(middle.real > 0))):
            return None
        try:
            return scipy_of(self.xp, "linalg").cholesky_banded(
                self._lower_half, lower=True, check_finite=False
            )
        except np.linalg.LinAlgError:
            return None

    @functools.cached_property
    def _lu(self) -> LU:
        """LU factorisation with exchanges of rows."""
        require_finite("A", self.bands)
        if max(self.lower, self.upper) == 1:
            return band_lu(_padded(self, 1, 1), 1, 1)
        return band_lu(self.bands, self.lower, self.upper)


# algebra

rule(adjoint, Banded)(lambda A: A._adjoint)
rule(transpose, Banded)(lambda A: Banded(A._turned(), lower=A.upper, upper=A.lower))
rule(is_hermitian, Banded)(lambda A: A._hermitian)


@rule(scale, Banded)
def _scaled(A: Banded, scalar: complex) -> Banded:
    return Banded(times(A.bands, scalar, A.xp), lower=A.lower, upper=A.upper)


@rule(add, Banded, Banded)
def _sum(A: Banded, B: Banded) -> Banded:
    lower, upper = max(A.lower, B.lower), max(A.upper, B.upper)
    return Banded(_padded(A, lower, upper) + _padded(B, lower, upper), lower=lower, upper=upper)


def _padded(A: Banded, lower: int, upper: int) -> Any:
    """Return the bands between rows of zeros."""
    xp, n = A.xp, A.shape[0]
    above, below = (
        xp.zeros((rows, n), dtype=A.dtype, device=A.device)
        for rows in (upper - A.upper, lower - A.lower)
    )
    return xp.concat((above, A.bands, below))


@rule(multiply, Banded, Banded)
def _multiply(A: Banded, B: Banded) -> Banded:
    # with k = j - d: C[i, j] is the sum over the diagonals d of B of A[i, k] B[k, j]
    xp, (height, n) = A.xp, A.bands.shape
    rows = height + B.lower + B.upper
    C = xp.zeros((rows, n), dtype=xp.result_type(A.dtype, B.dtype), device=A.device)
    for row in range(B.lower + B.upper + 1):
        C[row : row + height, :] += xp.roll(A.bands, B.upper - row, axis=1) * B.bands[row, :]
    return Banded(C, lower=A.lower + B.lower, upper=A.upper + B.upper)


def _banded(A: Diagonal) -> Banded:
    return Banded(A.entries[None, :], lower=0, upper=0)


rule(add, Banded, Diagonal)(lambda A, B: A + _banded(B))
rule(add, Diagonal, Banded)(lambda A, B: _banded(A) + B)
rule(add, Banded, Dense)(lambda A, B: Dense(A.todense() + B.array))
rule(add, Dense, Banded)(lambda A, B: Dense(A.array + B.todense()))
rule_of_shifts(Banded, lambda A, one: A + as_diagonal(one))
rule(multiply, Banded, Diagonal)(lambda A, B: A @ _banded(B))
rule(multiply, Diagonal, Banded)(lambda A, B: _banded(A) @ B)

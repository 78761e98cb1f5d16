"""Cauchy matrices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import inexact, require_finite
from structlin.matrices._base import LinearOperator, conjugate
from structlin.matrices._differences import (
    all_distinct,
    row_blocks,
    row_products,
    unit,
)
from structlin.matrices._indices import take
from structlin.matrices.algebra import Product
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.functions import diagonal, inv, singular, slogdet, solve
from structlin.matrices.operations import adjoint, is_hermitian, select, transpose
from structlin.matrices.rules import rule

# up to this size products keep the matrix: 8 MiB in double precision
_kept_entries = 2**20

_out_of_range = "numbers of its inverse exceed the range of the data type"


class Cauchy(LinearOperator):
    """The matrix of entries ``A[i, j] = 1 / (x[i] − y[j])``.

    Parameters
    ----------
    x : (m,) array
        Points of the rows; integers become float64. It is not copied: leave it unchanged.
    y : (n,) array
        Points of the columns: none of them among those of the rows.

    Attributes
    ----------
    x, y : (m,) and (n,) array
        The points.

    Raises
    ------
    ValueError
        If a point of the rows is a point of the columns as well.

    Notes
    -----
    Mind the sign: ``1 / (x[i] + y[j])``, as others write it, is ``Cauchy(x, -y)``. Products take
    ``3 m n`` operations; above 2²⁰ entries they form a few rows of the matrix at a time. Transpose
    and adjoint are Cauchy matrices, and so are submatrices.

    With ``a(t) = Π (t − x[k])`` and ``b(t) = Π (t − y[k])`` the inverse of a square one is a Cauchy
    matrix between diagonal ones [1]_:

        ``A⁻¹[i, j] = a(y[i]) / b'(y[i]) · 1 / (y[i] − x[j]) · b(x[j]) / a'(x[j])``.

    The products are worked out through logarithms, so that they do not overflow. Every entry of
    the inverse then has a small relative error, however ill-conditioned the matrix is, and the
    error of a solution is at most of the size ``n eps |A⁻¹| |b|``; residuals may be larger than
    those of a factorisation. The determinant comes from such products as well. The matrix is
    singular if points repeat. All of them are worked out pair by pair, ``x[i]`` with ``y[i]``:
    where points of rows and columns alternate, this order loses least.

    References
    ----------
    .. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM, 2002,
       section 28.1.

    Examples
    --------
    >>> import numpy as np
    >>> hilbert = Cauchy(np.arange(1, 4), -np.arange(3))
    >>> 1 / hilbert.todense()
    array([[1., 2., 3.],
           [2., 3., 4.],
           [3., 4., 5.]])
    """

    x: Any
    y: Any

    def __init__(self, x: Any, y: Any) -> None:
        xp = namespace(x, y)
        for name, points in (("x", x), ("y", y)):
            namespace(points)  # numbers and None pass above
            if points.ndim != 1:
                raise ValueError(f"{name} has shape {tuple(points.shape)}: points are (n,) arrays")
        x, y = inexact(xp.asarray(x), xp), inexact(xp.asarray(y), xp)
        super().__init__((x.shape[0], y.shape[0]), like=(x, y))
        self.x, self.y = (xp.astype(points, self.dtype, copy=False) for points in (x, y))
        _require_apart(self.x, self.y, xp)

    def _matmat(self, X: Any) -> Any:
        return _product(self, X)

    def _rmatmat(self, X: Any) -> Any:
        return _product(self._adjoint, X)

    @functools.cached_property
    def _adjoint(self) -> Cauchy:
        xp = self.xp
        return Cauchy(-conjugate(self.y, xp), -conjugate(self.x, xp))

    @functools.cached_property
    def _swapped(self) -> Cauchy:
        return Cauchy(self.y, self.x)

    @functools.cached_property
    def _array(self) -> Any:
        return self.todense()

    @functools.cached_property
    def _inverse_scales(self) -> tuple[Any, Any]:
        """The diagonals on the left and on the right of the Cauchy matrix in the inverse."""
        xp, x, y = self.xp, self.x, self.y
        require_finite("x", x)
        require_finite("y", y)
        for name, points in (("x", x), ("y", y)):
            if not all_distinct(points, xp):
                raise singular(self, f"a point of {name} repeats")
        n = x.shape[0]
        index = xp.arange(n, device=self.device)
        scales = []
        for points, others in ((y, x), (x, y)):

            def ratios(block: slice, p: Any = points, q: Any = others) -> Any:
                # factor by factor: where rows and columns alternate, all ratios are moderate
                own = index[block, None] == index
                divisors = p[block, None] - p
                numerators = p[block, None] - q
                return numerators / xp.where(own, xp.ones_like(divisors), divisors)

            scales.append(row_products(ratios, n, n, xp))
        # what one side has too much of, the other lacks
        (left, over), (right, under) = scales
        shift = (xp.mean(over) - xp.mean(under)) / 2 if n else 0.0
        with np.errstate(over="ignore"):
            over, under = xp.exp(over - shift), xp.exp(under + shift)
        if not bool(xp.all(xp.isfinite(over) & xp.isfinite(under))):
            raise singular(self, _out_of_range)
        left, right = unit(left, xp), unit(right, xp)
        return left * xp.astype(over, left.dtype), right * xp.astype(under, right.dtype)

    def _of_precision(self, dtype: Any) -> Cauchy:
        xp = self.xp
        if xp.finfo(self.dtype).bits == xp.finfo(dtype).bits:
            return self
        wide = xp.result_type(self.dtype, xp.finfo(dtype).dtype)
        return Cauchy(xp.astype(self.x, wide), xp.astype(self.y, wide))

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        return 1 / (self.x[:, None] - self.y)


def _require_apart(x: Any, y: Any, xp: Any) -> None:
    both = xp.concat([xp.unique_values(x), xp.unique_values(y)])
    if all_distinct(both, xp):
        return
    for block in row_blocks(x.shape[0], y.shape[0], xp):
        equal = x[block, None] == y
        if bool(xp.any(equal)):
            i, j = divmod(int(xp.argmax(xp.astype(xp.reshape(equal, (-1,)), xp.int8))), y.shape[0])
            i += block.start
            raise ValueError(
                f"x[{i}] equals y[{j}]: 1 / (x - y) needs points of rows and columns that differ"
            )


def _product(A: Cauchy, X: Any) -> Any:
    xp, (m, n) = A.xp, A.shape
    A = A._of_precision(X.dtype)
    if m * n <= _kept_entries:
        return xp.matmul(A._array, X)
    Y = xp.empty((m, X.shape[1]), dtype=X.dtype, device=A.device)
    for block in row_blocks(m, n, xp):
        Y[block, :] = xp.matmul(1 / (A.x[block, None] - A.y), X)
    return Y


# algebra

rule(adjoint, Cauchy)(lambda A: A._adjoint)
rule(transpose, Cauchy)(lambda A: Cauchy(-A.y, -A.x))


@rule(is_hermitian, Cauchy)
def _is_hermitian(A: Cauchy) -> bool:
    # x[i] − y[j] is the conjugate of x[j] − y[i] if x + conj(y) is one real constant, in exact
    # numbers: the rounded sums and what rounding took from them
    xp, x, y = A.xp, A.x, conjugate(A.y, A.xp)
    if A.shape[0] == 0:
        return True
    total = x + y
    part = total - x
    rest = (x - (total - part)) + (y - part)
    same = xp.all(total == total[0]) & xp.all(rest == rest[0])
    return bool(same) and not (A.is_complex and bool(xp.any(xp.imag(total) != 0)))


@rule(select, Cauchy)
def _select(A: Cauchy, rows: Any, columns: Any) -> Any:
    x = A.x[rows] if isinstance(rows, int) else take(A.x, rows, A.xp)
    y = A.y[columns] if isinstance(columns, int) else take(A.y, columns, A.xp)
    return 1 / (x - y) if isinstance(rows, int) or isinstance(columns, int) else Cauchy(x, y)


# functions

_explicit: dict[str, Any] = {
    "how": "the explicit inverse: diagonal, Cauchy, diagonal",
    "cost": "10 n² once, then 3 n²",
    "memory": "2 n",
}


@rule(solve, Cauchy, **_explicit)
def _solve(A: Cauchy, B: Any) -> Any:
    A = A._of_precision(B.dtype)
    left, right = A._inverse_scales
    with np.errstate(over="ignore", invalid="ignore"):
        X = left[:, None] * A._swapped._matmat(right[:, None] * B)
    if not bool(A.xp.all(A.xp.isfinite(X))):
        raise singular(A, _out_of_range)
    return X


@rule(inv, Cauchy, **_explicit)
def _inv(A: Cauchy) -> Product:
    left, right = A._inverse_scales
    return Product(Diagonal(left), A._swapped, Diagonal(right))


@rule(slogdet, Cauchy, how="products of the differences", cost="10 n²", memory="n")
def _slogdet(A: Cauchy) -> Any:
    # Π_{i>j} (x_i − x_j)(y_j − y_i) / Π (x_i − y_j), the quotients pair by pair
    xp, n, x, y = A.xp, A.shape[0], A.x, A.y
    require_finite("x", x)
    require_finite("y", y)
    index = xp.arange(n, device=A.device)

    def factors(block: slice) -> Any:
        xi, yi, i = x[block, None], y[block, None], index[block, None]
        pairs = (xi - x) / (xi - y) * ((y - yi) / (x - yi))
        return xp.where(i > index, pairs, xp.where(i == index, 1 / (xi - y), xp.ones_like(pairs)))

    signs, logarithms = row_products(factors, n, n, xp)
    return unit(xp.prod(signs), xp), xp.sum(logarithms)


@rule(diagonal, Cauchy, how="the entries", cost="n", memory="n")
def _diagonal(A: Cauchy) -> Any:
    size = min(A.shape)
    return 1 / (A.x[:size] - A.y[:size])

"""Vandermonde matrices."""

from __future__ import annotations

import functools
import math
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
from structlin.matrices._indices import is_all, take
from structlin.matrices.algebra import Adjoint, Inverse, Transpose
from structlin.matrices.dense import Dense
from structlin.matrices.fallback import dense_limit
from structlin.matrices.functions import diagonal, inv, lstsq, singular, slogdet, solve
from structlin.matrices.operations import select
from structlin.matrices.rules import answer, rule

# powers that are formed at once; Horner's scheme steps over as many
_width = 64


class Vandermonde(LinearOperator):
    """The matrix of the powers of nodes, in the order of `numpy.vander`.

    Parameters
    ----------
    nodes : (m,) array
        One node for each row; integers become float64. It is not copied: leave it unchanged.
    columns : int, optional
        The number of powers; by default that of the nodes.
    increasing : bool
        Whether the powers increase along a row, ``A[i, j] = nodes[i] ** j``. As for
        `numpy.vander` they decrease unless told so: ``nodes[i] ** (columns - 1 - j)``, which is
        the order of `numpy.polyval`.

    Attributes
    ----------
    nodes : (m,) array
        The nodes.
    increasing : bool
        Whether the powers increase.

    Raises
    ------
    ValueError
        If the nodes are no vector.

    Notes
    -----
    ``A @ c`` is the polynomial of coefficients ``c`` at the nodes, by Horner's scheme that steps
    over 64 powers at a time: ``2 m n`` operations and ``64`` numbers per node, a few nodes at a
    time.

    Square systems, ``A c = f`` as well as those of transpose and adjoint, are solved by the
    algorithm of Björck and Pereyra [1]_ (Newton's interpolation and its transpose) in ``5/2 n²``
    operations. Nodes of one sign are taken by increasing modulus: then entries are accurate far
    beyond what the condition number promises if the right-hand side alternates in sign [2]_. All
    others are taken in Leja's order, in which each node is farthest from those before it (by the
    product of the distances); without it, even well-conditioned matrices, such as those of the
    roots of unity, would lose all digits.

    The determinant is the product of the differences of nodes; its logarithm is summed, so that it
    does not overflow. Equal nodes make the matrix singular. Least-squares problems form the
    matrix. Powers of many degrees are nearly dependent, so that their coefficients are ill
    determined: fit in an orthogonal basis instead.

    References
    ----------
    .. [1] Å. Björck and V. Pereyra, "Solution of Vandermonde systems of equations", Math. Comp.
       24 (1970), 893-903.
    .. [2] N. J. Higham, "Error analysis of the Björck-Pereyra algorithms for solving Vandermonde
       systems", Numer. Math. 50 (1987), 613-632.

    Examples
    --------
    >>> import numpy as np
    >>> A = Vandermonde(np.array([1.0, 2.0, 3.0]))
    >>> A @ np.array([1.0, 0.0, -1.0])  # x² − 1
    array([0., 3., 8.])
    """

    nodes: Any
    increasing: bool

    def __init__(self, nodes: Any, columns: int | None = None, *, increasing: bool = False) -> None:
        xp = namespace(nodes)
        if nodes.ndim != 1:
            raise ValueError(f"nodes have shape {tuple(nodes.shape)}: they are an (m,) array")
        self.nodes = inexact(xp.asarray(nodes), xp)
        self.increasing = bool(increasing)
        m = nodes.shape[0]
        super().__init__((m, m if columns is None else columns), like=self.nodes)

    def _matmat(self, X: Any) -> Any:
        xp, (m, n) = self.xp, self.shape
        Y = xp.zeros((m, X.shape[1]), dtype=X.dtype, device=self.device)
        if n == 0:
            return Y
        X = X if self.increasing else xp.flip(X, axis=0)
        *starts, last = range(0, n, _width)
        for block in row_blocks(m, _width, xp):
            nodes = self._nodes_of(X.dtype)[block]
            P = powers(nodes, min(n, _width), xp)
            value = xp.matmul(P[:, : n - last], X[last:, :])
            step = P[:, -1:] * nodes[:, None] if starts else None
            for start in reversed(starts):
                value = value * step + xp.matmul(P, X[start : start + _width, :])
            Y[block, :] = value
        return Y

    def _rmatmat(self, X: Any) -> Any:
        xp, (m, n) = self.xp, self.shape
        Y = xp.zeros((n, X.shape[1]), dtype=X.dtype, device=self.device)
        for block in row_blocks(m, _width, xp):
            nodes, weighted = conjugate(self._nodes_of(X.dtype)[block], xp), X[block, :]
            P = powers(nodes, min(n, _width), xp)
            for start in range(0, n, _width):
                if start:
                    weighted = weighted * (P[:, -1:] * nodes[:, None])
                size = min(_width, n - start)
                Y[start : start + size, :] += xp.matmul(xp.matrix_transpose(P[:, :size]), weighted)
        return Y if self.increasing else xp.flip(Y, axis=0)

    def _nodes_of(self, dtype: Any) -> Any:
        """Return the nodes in the precision of an operand: real ones stay real."""
        xp = self.xp
        return xp.astype(
            self.nodes, dtype if self.is_complex else xp.finfo(dtype).dtype, copy=False
        )

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        P = powers(self.nodes, self.shape[1], self.xp)
        return P if self.increasing else self.xp.flip(P, axis=1)

    def _require_distinct(self) -> None:
        require_finite("nodes", self.nodes)
        if not all_distinct(self.nodes, self.xp):
            raise singular(self, "a node repeats")

    @functools.cached_property
    def _order(self) -> Any:
        """The nodes in the order in which they are eliminated."""
        xp, x, n = self.xp, self.nodes, self.shape[0]
        self._require_distinct()
        moduli = xp.abs(x)
        if n == 0 or (not self.is_complex and bool(xp.all(x >= 0) | xp.all(x <= 0))):
            return xp.argsort(moduli)
        order = [int(xp.argmax(moduli))]
        distances = xp.zeros_like(moduli)  # the logarithm of their product
        taken = xp.zeros(n, dtype=xp.bool, device=self.device)
        for _ in range(n - 1):
            taken[order[-1]] = True
            new = xp.where(taken, xp.ones_like(moduli), xp.abs(x - x[order[-1]]))
            distances = xp.where(taken, xp.full_like(moduli, -math.inf), distances + xp.log(new))
            order.append(int(xp.argmax(distances)))
        return xp.asarray(order, device=self.device)

    def _formula(self) -> str:
        return "increasing" if self.increasing else ""


def powers(x: Any, count: int, xp: Any) -> Any:
    """Return the powers 0, 1, …, ``count − 1`` of nodes, one row for each."""
    rows = xp.ones((min(count, 1), x.shape[0]), dtype=x.dtype, device=x.device)
    while (known := rows.shape[0]) < count:
        step = rows[-1, :] * x
        rows = xp.concat([rows, rows[: min(known, count - known), :] * step])
    return xp.matrix_transpose(rows)  # long vectors are joined faster than short ones


def _raised(x: Any, exponents: Any, xp: Any) -> Any:
    """Return ``x ** exponents`` by squaring: right for every library, 0 and complex numbers."""
    result, square, one = xp.ones_like(x), x, xp.ones_like(x)
    while bool(xp.any(exponents > 0)):
        result = result * xp.where(exponents % 2 == 1, square, one)
        exponents = exponents // 2
        square = xp.where(exponents > 0, square, one)
        square = square * square
    return result


@rule(select, Vandermonde)
def _select(A: Vandermonde, rows: Any, columns: Any) -> Any:
    xp, n = A.xp, A.shape[1]
    if isinstance(rows, int):
        row = powers(A.nodes[rows : rows + 1], n, xp)[0, :]
        row = row if A.increasing else xp.flip(row)
        return row[columns] if isinstance(columns, int) else take(row, columns, xp)
    nodes = take(A.nodes, rows, xp)
    if isinstance(columns, int):
        exponent = columns if A.increasing else n - 1 - columns
        return _raised(nodes, xp.full(nodes.shape, exponent, device=A.device), xp)
    if is_all(columns, n):
        return Vandermonde(nodes, n, increasing=A.increasing)
    return NotImplemented


# square systems

_bjorck_pereyra: dict[str, Any] = {
    "how": "Björck and Pereyra's algorithm, nodes in the order of their moduli or in Leja's",
    "cost": "5/2 n², and 6 n² once for the order",
    "memory": "2 n",
}


@rule(solve, Vandermonde, **_bjorck_pereyra)
def _solve(A: Vandermonde, B: Any) -> Any:
    # divided differences, then from Newton's form to that of monomials
    xp, n = A.xp, A.shape[0]
    x = xp.take(A._nodes_of(B.dtype), A._order)[:, None]
    c = xp.take(B, A._order, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(n - 1):
            c[k + 1 :, :] = (c[k + 1 :, :] - c[k:-1, :]) / (x[k + 1 :, :] - x[: n - k - 1, :])
        for k in range(n - 2, -1, -1):
            c[k:-1, :] -= x[k, :] * c[k + 1 :, :]
    _require_range(A, c)
    return c if A.increasing else xp.flip(c, axis=0)


def _solve_transposed(A: Vandermonde, x: Any, B: Any) -> Any:
    # the transposes of the same steps, in reverse order
    xp, n = A.xp, A.shape[0]
    x = xp.take(x, A._order)[:, None]
    c = xp.asarray(B if A.increasing else xp.flip(B, axis=0), copy=True)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(n - 1):
            c[k + 1 :, :] -= x[k, :] * c[k:-1, :]
        for k in range(n - 2, -1, -1):
            c[k + 1 :, :] /= x[k + 1 :, :] - x[: n - k - 1, :]
            c[k:-1, :] -= c[k + 1 :, :]
    _require_range(A, c)
    return xp.take(c, xp.argsort(A._order), axis=0)


def _require_range(A: Vandermonde, solution: Any) -> None:
    if not bool(A.xp.all(A.xp.isfinite(solution))):
        raise singular(A, "numbers of the solution exceed the range of the data type")


def _of_vandermonde(A: Adjoint | Transpose) -> bool:
    return isinstance(A.operator, Vandermonde)


@rule(solve, Adjoint, when=_of_vandermonde, **_bjorck_pereyra)
def _solve_adjoint(A: Adjoint, B: Any) -> Any:
    V: Any = A.operator
    return _solve_transposed(V, conjugate(V._nodes_of(B.dtype), A.xp), B)


@rule(solve, Transpose, when=_of_vandermonde, **_bjorck_pereyra)
def _solve_transpose(A: Transpose, B: Any) -> Any:
    V: Any = A.operator
    return _solve_transposed(V, V._nodes_of(B.dtype), B)


@rule(inv, Vandermonde, **_bjorck_pereyra)
def _inv(A: Vandermonde) -> Inverse:
    A._require_distinct()
    return Inverse(A)


@rule(slogdet, Vandermonde, how="product of the differences of nodes", cost="4 n²", memory="n")
def _slogdet(A: Vandermonde) -> Any:
    require_finite("nodes", A.nodes)
    xp, n, x = A.xp, A.shape[0], A.nodes
    index = xp.arange(n, device=A.device)

    def factors(block: slice) -> Any:
        differences = x[block, None] - x
        return xp.where(index[block, None] > index, differences, xp.ones_like(differences))

    signs, logarithms = row_products(factors, n, n, xp)
    sign = xp.prod(signs)
    if not A.increasing and n % 4 > 1:  # flipping the columns exchanges ⌊n/2⌋ pairs
        sign = -sign
    return unit(sign, xp), xp.sum(logarithms)


@rule(diagonal, Vandermonde, how="the entries", cost="n log₂ n", memory="n")
def _diagonal(A: Vandermonde) -> Any:
    xp, size = A.xp, min(A.shape)
    exponents = xp.arange(size, device=A.device)
    return _raised(A.nodes[:size], exponents if A.increasing else A.shape[1] - 1 - exponents, xp)


@rule(
    lstsq,
    Vandermonde,
    when=lambda A: min(A.shape) <= dense_limit,
    how="singular value decomposition of the matrix, which is formed",
    cost="about 10 m n min(m, n)",
    memory="4 m n",
)
def _lstsq(A: Vandermonde, B: Any) -> Any:
    require_finite("nodes", A.nodes)
    V = Vandermonde(A._nodes_of(B.dtype), A.shape[1], increasing=A.increasing)
    return answer(lstsq, Dense(V.todense()), then=(B,))

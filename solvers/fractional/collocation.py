"""Riesz fractional diffusion by collocation of B-splines."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace, on_host
from structlin._validation import inexact, require_array, require_positive
from structlin.bases import Grid
from structlin.bases._basis import place
from structlin.matrices import (
    Banded,
    Dense,
    Inverse,
    LinearOperator,
    LowRank,
    Product,
    Toeplitz,
    solve,
)
from structlin.solvers.fractional._operator import RieszOperator
from structlin.solvers.fractional._parameters import per_axis, require_number, require_scale
from structlin.solvers.fractional._splines import (
    design,
    greville,
    open_knots,
    riesz_derivative,
    spline_symbol,
)

# unknowns of an axis up to which its matrix is stored: a product is then a product of matrices
_stored = 256


class RieszCollocation(RieszOperator):
    """The operator of `RieszDiffusion`, on splines that vanish at the ends of the box.

    Parameters
    ----------
    box : sequence of (low, high)
        The interval of every axis.
    cells : int or sequence of int
        Equal cells, for all axes or for each; twice the degree or more.
    alpha : float or sequence of float
        The orders of differentiation, between 1 and 2, likewise.
    degree : int, default 3
        Of the splines, 2 to 9.
    diffusivity : float or sequence of float, default 1
        ``K``, positive, for all axes or for each.
    shift : float, default 0
        Nonnegative.
    preconditioner : {"auto", "sine", "eigen"}
        As for `RieszDiffusion`.
    rtol : float, default 1e-8
        Iterations stop when ``‖b − A x‖₂ ≤ rtol · ‖b‖₂``, or at what rounding allows.
    like : array, optional
        Gives the array library, the device, and single precision if that is its own.

    Attributes
    ----------
    box, cells, alpha, degree, diffusivity, shift, preconditioner, rtol
        As given, or chosen, with an entry for every axis.
    grid : Grid
        The collocation points: means of ``degree`` neighbouring knots, ``cells + degree − 2`` on
        every axis, none at the ends. Right-hand sides and solutions are values there.
    sizes : tuple of int
        Unknowns along each axis.
    operator : LinearOperator
        The (N, N) matrix, shift included, of the unknowns in C order: ``operator @ v`` is a product
        with it.
    eigenvalues : array
        Of the preconditioner, in the shape of the unknowns: samples of the symbol at evenly spread
        angles, or the true ones.

    Raises
    ------
    ValueError
        If an interval is empty, there are too few cells, or a number is out of range.

    See Also
    --------
    RieszDiffusion : finite differences, for every order up to 2, on nodes.

    Notes
    -----
    The error is ``O(h^(p+2−α))`` for splines of even degree ``p`` and ``O(h^(p+1−α))`` for odd
    ``p``, where ``u`` is smooth enough on the line.

    For one axis, ``A = (T + U Vᴴ) M⁻¹`` in terms of values at the collocation points: ``T`` is
    Toeplitz, with the fractional derivatives of equal B-splines; ``U Vᴴ``, of rank ``4 p − 6`` at
    most, has what is different for splines and points near the ends; the band matrix ``M`` has the
    values of splines. For several axes, ``A`` is their Kronecker sum. It is not symmetric:
    systems are solved by GMRES, preconditioned as for `RieszDiffusion`, at ``O(N log N)`` for an
    iteration. With sine transforms, several axes need more iterations than one, and the more the
    higher the degree, since splines at the ends are no waves. Matrices of axes of up to 256
    unknowns are stored.

    References
    ----------
    M. Mazza, M. Donatelli, C. Manni and H. Speleers, "On the matrices in B-spline collocation
    methods for Riesz fractional equations and their spectral properties", Numer. Linear Algebra
    Appl. 30 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> riesz = RieszCollocation([(-1, 1)], 64, 1.5, degree=4)
    >>> u = riesz.solve(np.ones(66))
    >>> float(riesz.evaluate(u, np.zeros(1))[0])  # 1/Γ(5/2) = 0.7523, from a rough solution
    0.75...
    """

    box: tuple[tuple[float, float], ...]
    cells: tuple[int, ...]
    degree: int
    _hermitian = False
    _widths: tuple[float, ...]
    _scales: tuple[float, ...]
    _knots: tuple[Any, ...]
    _points: tuple[Any, ...]

    def __init__(
        self,
        box: Sequence[tuple[float, float]],
        cells: int | Sequence[int],
        alpha: float | Sequence[float],
        *,
        degree: int = 3,
        diffusivity: float | Sequence[float] = 1.0,
        shift: float = 0.0,
        preconditioner: Literal["auto", "sine", "eigen"] = "auto",
        rtol: float = 1e-8,
        like: Any = None,
    ) -> None:
        if not isinstance(degree, numbers.Integral) or not 2 <= degree <= 9:
            raise ValueError(f"degree is {degree!r}: pass a whole number from 2 to 9")
        self.degree = int(degree)
        ends = Grid.uniform(box, 2).box  # checks the box
        self.box, count = ends, len(ends)
        self.cells = per_axis("cells", cells, count)
        for axis, n in enumerate(self.cells):
            if not isinstance(n, numbers.Integral) or n < 2 * degree:
                raise ValueError(
                    f"axis {axis} has {n!r} cells: splines of degree {degree} need a whole number "
                    f"of {2 * degree} or more"
                )
        self.alpha = tuple(
            require_number("alpha", a, 1.0, 2.0, inclusive=False)
            for a in per_axis("alpha", alpha, count)
        )
        if 2.0 in self.alpha:
            raise ValueError("alpha is 2: pass less, or use RieszDiffusion, which goes that far")
        self.diffusivity = tuple(
            require_positive("diffusivity", K) for K in per_axis("diffusivity", diffusivity, count)
        )
        self._widths = tuple(
            (high - low) / n for (low, high), n in zip(ends, self.cells, strict=True)
        )
        self._scales = tuple(
            require_scale(axis, K, h, a)
            for axis, (K, a, h) in enumerate(
                zip(self.diffusivity, self.alpha, self._widths, strict=True)
            )
        )
        self._knots = tuple(open_knots(int(n), self.degree) for n in self.cells)
        self._points = tuple(greville(knots, self.degree)[1:-1] for knots in self._knots)
        xp, where = place(like)
        single = like is not None and inexact(like).dtype in (xp.float32, xp.complex64)
        axes = (
            xp.asarray(low + h * points, dtype=xp.float32 if single else xp.float64, device=where)
            for (low, _), h, points in zip(ends, self._widths, self._points, strict=True)
        )
        self._prepare(
            Grid(*axes), [len(points) for points in self._points], shift, rtol, preconditioner
        )

    def __repr__(self) -> str:
        orders = ", ".join(f"{a:g}" for a in self.alpha)
        size = "x".join(map(str, self.cells))
        return f"<RieszCollocation of order {orders}, degree {self.degree}, {size} cells>"

    def evaluate(self, U: Any, *points: Any) -> Any:
        """Return the spline that has given values at the collocation points, elsewhere.

        Parameters
        ----------
        U : (…, n₁, n₂, …) array
            Values at the collocation points.
        *points : (k_j,) array
            Coordinates along each axis, within the box.

        Returns
        -------
        (…, k₁, k₂, …) array
            Values on the tensor grid of the points.

        Raises
        ------
        ValueError
            If a shape does not fit, a value is NaN or Inf, or a point is not in the box.
        """
        if len(points) != len(self.sizes):
            raise ValueError(f"{len(points)} vectors of points are given: pass {len(self.sizes)}")
        U = self._checked("U", U)
        xp, dtype = namespace(U), U.dtype
        first = U.ndim - len(self.sizes)
        for axis, x in enumerate(points):
            require_array(f"points of axis {axis}", x, "a vector of coordinates")
            if x.ndim != 1:
                raise ValueError(
                    f"points of axis {axis} have shape {tuple(x.shape)}: pass a vector of "
                    "coordinates; values come on the tensor grid of those of all axes"
                )
            (low, high), h = self.box[axis], self._widths[axis]
            local = (on_host(x) - low) / h
            n = float(self.cells[axis])
            slack = 1e-9 * n  # of rounding
            if not np.all((local >= -slack) & (local <= n + slack)):
                raise ValueError(f"points of axis {axis} are not all in [{low:g}, {high:g}]")
            values, start = np.empty((0, self.degree + 1)), np.empty(0, dtype=np.int64)
            if len(local):
                values, start = design(np.clip(local, 0, n), self._knots[axis], self.degree)
            C = xp.moveaxis(U, first + axis, 0)
            shape = tuple(C.shape[1:])
            C = xp.reshape(C, (C.shape[0], math.prod(shape)))
            C = solve(self._mass(axis, xp.finfo(U.dtype).dtype), C)
            zeros = xp.zeros_like(C[:1, :])  # the splines that do not vanish at the ends
            C = xp.concat([zeros, C, zeros])
            total = 0
            for j in range(self.degree + 1):
                weight = xp.asarray(values[:, j], device=self.grid.device)
                index = xp.asarray(start + j, device=self.grid.device)
                total = total + xp.astype(weight, dtype)[:, None] * xp.take(C, index, axis=0)
            U = xp.moveaxis(xp.reshape(total, (len(local), *shape)), 0, first + axis)
        return U

    def _axis_symbol(self, axis: int, angles: Any) -> Any:
        values = spline_symbol(angles, self.degree, 0.0)
        return self._scales[axis] * spline_symbol(angles, self.degree, self.alpha[axis]) / values

    def _array(self, x: Any, dtype: Any) -> Any:
        return self.grid.xp.asarray(x, dtype=dtype, device=self.grid.device)

    def _mass(self, axis: int, dtype: Any) -> Banded:
        """Return the values of splines at the collocation points."""
        m, width = self.sizes[axis], self.degree - 1
        values, start = design(self._points[axis], self._knots[axis], self.degree)
        rows = np.repeat(np.arange(m), self.degree + 1)
        columns = (start[:, None] + np.arange(-1, self.degree)).ravel()
        kept = (columns >= 0) & (columns < m) & (np.abs(rows - columns) <= width)
        bands = np.zeros((2 * width + 1, m))
        bands[(width + rows - columns)[kept], columns[kept]] = values.ravel()[kept]
        return Banded(self._array(bands, dtype), lower=width, upper=width)

    def _factor(self, axis: int, dtype: Any) -> LinearOperator:
        if self.sizes[axis] <= _stored:
            return Dense(self._array(self._dense(axis), dtype))
        scale = self._scales[axis]
        column, U, V = self._stiffness(axis)
        T = Toeplitz(self._array(scale * column, dtype))
        S = T + LowRank(self._array(scale * U, dtype), self._array(V, dtype))
        return Product(S, Inverse(self._mass(axis, dtype)))

    def _dense(self, axis: int) -> NDArray[Any]:
        column, U, V = self._stiffness(axis)
        n = np.arange(self.sizes[axis])
        S = column[np.abs(n[:, None] - n)] + U @ V.T
        values, start = design(self._points[axis], self._knots[axis], self.degree)
        M = np.zeros((n.size, n.size + 2))
        np.put_along_axis(M, start[:, None] + np.arange(self.degree + 1), values, axis=1)
        dense: NDArray[Any] = self._scales[axis] * np.linalg.solve(M[:, 1:-1].T, S.T).T
        return dense

    def _stiffness(self, axis: int) -> tuple[Any, Any, Any]:
        """Return the first column of ``T``, and ``U`` and ``V`` with the matrix ``T + U Vᵀ``."""
        p, alpha, m = self.degree, self.alpha[axis], self.sizes[axis]
        knots, points = self._knots[axis], self._points[axis]
        equal = np.arange(p + 2.0)
        middle = (p + 1) / 2
        column = riesz_derivative(middle + np.arange(m), equal, alpha)
        near = p - 1  # unequal splines at either end, and one unequal point less
        exact = np.stack(
            [riesz_derivative(points, knots[j + 1 : j + p + 3], alpha) for j in range(near)], axis=1
        )
        index = np.arange(m)
        columns = exact - column[np.abs(index[:, None] - index[:near])]
        # points near an end: the splines there are known already
        rows = np.zeros((near - 1, m))
        inner = index[near : m - near]
        for i in range(near - 1):
            # spline j begins at knot j + 1 − p
            at = points[i] - (inner + 1 - p)
            rows[i, inner] = riesz_derivative(at, equal, alpha) - column[np.abs(i - inner)]
        ends, starts = np.eye(m, near), np.eye(m, near - 1)
        # the matrix looks the same from the other end
        U = np.concatenate([columns, columns[::-1], starts, starts[::-1]], axis=1)
        V = np.concatenate([ends, ends[::-1], rows.T, rows.T[::-1]], axis=1)
        return column, U, V

"""Poisson's equation in ultraspherical polynomials, by alternating directions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace, scipy_of
from structlin._kernels import alternating_directions
from structlin._validation import require_real
from structlin.bases import Grid
from structlin.solvers.elliptic._corners import warn_means
from structlin.solvers.elliptic._legendre_line import bubble, legendre_points
from structlin.solvers.elliptic._samples import along_axes, checked_samples, largest
from structlin.solvers.elliptic._side_values import Data, side_values
from structlin.solvers.elliptic._zolotarev import zolotarev_shifts


class UltrasphericalADI:
    """Solve ``−Δu + shift u = f`` on a rectangle, with ``u`` given on its sides.

    Parameters
    ----------
    grid : Grid
        Of Chebyshev points, as `Grid.chebyshev` makes it, with two axes of 3 points or more.
    shift : float
        Larger than minus the smallest eigenvalue of ``−Δ``.
    tol : float, optional
        Of the solution, in the norm of its coefficients; rounding errors of the precision of ``F``
        by default.

    Attributes
    ----------
    iterations : int
        Double sweeps for the tolerance of double precision.

    Raises
    ------
    ValueError
        If the grid is another one, or the shift makes the equation singular or indefinite.

    Notes
    -----
    In the polynomials ``φₖ = (Pₖ − Pₖ₊₂)/√(4k + 6)``, multiples of ``(1 − x²) Cₖ⁽³ᐟ²⁾(x)``, the
    energy of an axis is the identity and the inner products are a matrix ``M`` that couples every
    second unknown:

        ``α X M₂ + β M₁ X + shift M₁ X M₂ = F``.

    Every sweep of alternating directions solves with shifted ``M₁`` and ``M₂``, ``O(n²)``
    operations, and the best shifts are known: ``⌈log(16γ) log(4/tol)/π²⌉`` sweeps, ``γ ~ n⁴``.
    That is ``O(n² log n log(1/tol))``, without a matrix of eigenvectors and its set-up. The
    change from Chebyshev points to Legendre polynomials and back is by products of matrices,
    ``8 n³`` operations at the rate of such products. `LegendreGalerkin`, which takes other
    conditions, other shifts and more axes as well, is faster once its set-up is paid.

    References
    ----------
    .. [1] D. Fortunato and A. Townsend, "Fast Poisson solvers for spectral methods", IMA J. Numer.
       Anal. 40 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.chebyshev([(0, 1), (0, 1)], 24)
    >>> u = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y))
    >>> bool(np.allclose(UltrasphericalADI(grid).solve(2 * np.pi**2 * u), u, atol=1e-13))
    True
    """

    def __init__(self, grid: Grid, shift: float = 0.0, *, tol: float | None = None) -> None:
        if grid.ndim != 2 or set(grid.kinds) != {"chebyshev"}:
            raise ValueError(
                f"grid is {grid!r}: alternating directions need two axes of Chebyshev points, as "
                "Grid.chebyshev makes them; LegendreGalerkin takes any number of axes"
            )
        for axis, n in enumerate(grid.shape):
            if n < 3:
                raise ValueError(f"axis {axis} has {n} nodes: a spectral axis needs 3 or more")
        if tol is not None and not 0 < tol < 1:
            raise ValueError(f"tol is {tol!r}: pass a number between 0 and 1")
        self.grid, self.shift, self.tol = grid, require_real("shift", shift), tol
        if self.shift < 0:
            raise ValueError(
                f"shift is {self.shift:g}: alternating directions need 0 or more, take "
                "LegendreGalerkin"
            )
        # −u″ and the shift in a unit in which both axes have scales about 1
        scales = [(2 / (high - low)) ** 2 for low, high in grid.box]
        self._unit = math.sqrt(scales[0]) * math.sqrt(scales[1])
        self._axes = [
            _Axis(n, scale / self._unit, self.shift / self._unit / 2)
            for n, scale in zip(grid.shape, scales, strict=True)
        ]
        self.iterations = len(self._shifts(2.0**-52)[0])

    def __repr__(self) -> str:
        named = f", shift {self.shift:g}" if self.shift else ""
        return f"<UltrasphericalADI on {self.grid!r}{named}, {self.iterations} sweeps>"

    def solve(self, F: Any, boundary: Any = 0.0) -> Any:
        """Return the solution at the points of the grid.

        Parameters
        ----------
        F : (..., *grid.shape) array
            Right-hand sides at the points, real or complex.
        boundary : number, callable, or sequence of pairs
            The values on the sides: see `LegendreGalerkin.solve`.

        Returns
        -------
        (..., *grid.shape) array
            In the precision of ``F``.

        Raises
        ------
        ValueError
            If an entry is NaN or Inf (its sample and place are named), a shape does not fit, or the
            solution overflows.

        Warns
        -----
        UserWarning
            If values of two sides disagree where these meet.
        """
        F = checked_samples("F", F, self.grid)
        xp = namespace(F)
        data = side_values(self.grid, boundary, F)
        dtype = xp.result_type(F.dtype, *(g.dtype for g in data.values()))
        F = xp.astype(F, dtype, copy=False)
        points = [legendre_points(n, "chebyshev") for n in self.grid.shape]
        with np.errstate(over="ignore", invalid="ignore"):
            w: Any = 0.0
            if data:
                planes, corners = self._planes(data, F)
                w = self._interpolated(planes, corners)
                F = F - self.shift * w
            loads = along_axes([self._moved(each.coefficients, dtype) for each in points], F)
            loads = self._tested(self._tested(loads, -2), -1) / self._unit
            if data:
                loads = loads - self._energy(planes)
            C = self._expanded(self._expanded(self._swept(loads), -2), -1)
            u = along_axes([self._moved(each.values, dtype) for each in points], C) + w
        if not bool(xp.all(xp.isfinite(u))):
            raise ValueError(f"the solution overflows {u.dtype}: scale F")
        return u

    def _planes(self, data: Data, F: Any) -> tuple[list[list[Any]], list[list[Any]]]:
        """Return the values on the sides of both axes, and those at the corners."""
        xp = namespace(F)
        batch = tuple(F.shape[:-2])
        planes, ends = [], (slice(0, 1), slice(-1, None))
        for axis in (0, 1):
            shape = (*batch, *(1 if k == axis else n for k, n in enumerate(self.grid.shape)))
            none = xp.zeros((1, 1), dtype=F.dtype, device=self.grid.device)
            given = [data.get((axis, end), none) for end in (0, 1)]
            planes.append(
                [xp.astype(xp.broadcast_to(g, shape), F.dtype, copy=False) for g in given]
            )
        gap, size = 0.0, max(largest(g) for pair in planes for g in pair)
        corners: list[list[Any]] = [[None, None], [None, None]]
        for i in (0, 1):
            for j in (0, 1):
                one, other = planes[0][i][..., :, ends[j]], planes[1][j][..., ends[i], :]
                corners[i][j] = (one + other) / 2
                gap = max(gap, largest(one - other))
        warn_means(gap, size, stacklevel=3)
        for i in (0, 1):
            inner = planes[0][i][..., :, 1:-1]
            planes[0][i] = xp.concat([corners[i][0], inner, corners[i][1]], axis=-1)
            inner = planes[1][i][..., 1:-1, :]
            planes[1][i] = xp.concat([corners[0][i], inner, corners[1][i]], axis=-2)
        return planes, corners

    def _interpolated(self, planes: Any, corners: Any) -> Any:
        """Return a function with the values on the sides, linear between opposite ones."""
        total: Any = 0.0
        like = corners[0][0]
        x, y = ([self._linear(axis, end, like) for end in (0, 1)] for axis in (0, 1))
        for i in (0, 1):
            total = total + x[i] * planes[0][i] + y[i] * planes[1][i]
            for j in (0, 1):
                total = total - x[i] * y[j] * corners[i][j]
        return total

    def _linear(self, axis: int, end: int, like: Any) -> Any:
        """Return the linear function that is 1 at an end of an axis and 0 at the other one."""
        low, high = self.grid.box[axis]
        x = self.grid.mesh()[axis]
        return self._moved((x - low if end else high - x) / (high - low), like.dtype)

    def _energy(self, planes: Any) -> Any:
        """Return the energy of such a function with the products of the ``φₖ``."""
        total: Any = 0.0
        for axis, part in enumerate(self._axes):
            other = self._axes[1 - axis]
            for end in (0, 1):
                g = planes[axis][end]
                matrices = [None, None]
                matrices[axis] = self._moved(part.linear[end][:, None], g.dtype)
                matrices[1 - axis] = self._moved(other.slope, g.dtype)
                total = total + other.scale * along_axes(matrices, g)
        return total

    def _shifts(self, tol: float) -> tuple[Any, Any]:
        return zolotarev_shifts(self._axes[0].interval, self._axes[1].interval, tol)

    def _moved(self, array: Any, dtype: Any) -> Any:
        xp = self.grid.xp
        real = xp.float32 if dtype in (xp.float32, xp.complex64) else xp.float64
        return xp.asarray(array, dtype=real, device=self.grid.device)

    def _links(self, axis: int, like: Any) -> tuple[Any, Any]:
        """Return the two coefficients of every ``φₖ``, shaped to multiply along an axis."""
        k = np.arange(self.grid.shape[axis] - 2)
        shape = (-1, 1) if axis == -2 else (-1,)
        first, second = (self._moved(each, like.dtype) for each in bubble(k))
        return self.grid.xp.reshape(first, shape), self.grid.xp.reshape(second, shape)

    def _tested(self, C: Any, axis: int) -> Any:
        """Return inner products with the ``φₖ`` for coefficients in orthonormal polynomials."""
        first, second = self._links(axis, C)
        if axis == -2:
            return first * C[..., :-2, :] + second * C[..., 2:, :]
        return first * C[..., :-2] + second * C[..., 2:]

    def _expanded(self, C: Any, axis: int) -> Any:
        """Return coefficients in orthonormal polynomials for those of the ``φₖ``."""
        xp, (first, second) = self.grid.xp, self._links(axis, C)
        shape = list(C.shape)
        shape[axis] = 2
        none = xp.zeros(tuple(shape), dtype=C.dtype, device=self.grid.device)
        return xp.concat([first * C, none], axis=axis) + xp.concat([none, second * C], axis=axis)

    def _swept(self, loads: Any) -> Any:
        """Return the coefficients of the ``φₖ``, for every sample."""
        xp = namespace(loads)
        if xp.isdtype(loads.dtype, "complex floating"):
            real, imaginary = (self._swept(part) for part in (xp.real(loads), xp.imag(loads)))
            return xp.astype(real, loads.dtype) + 1j * imaginary
        tol = float(xp.finfo(loads.dtype).eps) if self.tol is None else self.tol
        q, p = self._shifts(tol)
        x, y = self._steps(0, p, loads), self._steps(1, q, loads)
        each = xp.reshape(loads, (-1, *loads.shape[-2:]))
        made = [self._sample(each[i, ...], x, y, p, q) for i in range(each.shape[0])]
        return xp.reshape(xp.stack(made), loads.shape) if made else loads

    def _steps(self, axis: int, shifts: Any, like: Any) -> list[_Step]:
        """Return a half step for every shift."""
        part = self._axes[axis]
        ratios, inverses = part.factored(np.asarray([part.delta(float(p)) for p in shifts]))
        return [
            _Step(part, float(p), factors, like, self._moved)
            for p, *factors in zip(shifts, ratios, inverses, strict=True)
        ]

    def _sample(self, F: Any, x: list[Any], y: list[Any], p: Any, q: Any) -> Any:
        """Solve ``N₁ X M₂ + M₁ X N₂ = F`` with ``N = scale I + part M``.

        ``Z = N₁ X N₂`` after half a sweep is ``(M₁/N₁ + p)⁻¹ R``, ``R = F − Z (M₂/N₂ − p)``, and
        the next ``R = F − (M₁/N₁ − q) Z`` is ``F − R + (p + q) Z``: products are not needed. Every
        half step returns transposes, so that it solves along columns.
        """
        xp = namespace(F)
        FT = xp.asarray(xp.matrix_transpose(F), copy=True)
        zero, zeroT = xp.zeros_like(F), xp.zeros_like(FT)
        R = F
        for j in range(len(p)):
            R = x[j].advanced(R, FT, p[j] + q[j])
            last = j + 1 == len(p)
            R = y[j].result(R, zero) if last else y[j].advanced(R, F, q[j] + p[j + 1])
        for axis, none in ((0, zeroT), (1, zero)):
            part = self._axes[axis]
            if part.part:  # X = N₁⁻¹ Z N₂⁻¹
                R = self._steps(axis, np.asarray([math.inf]), F)[0].result(R, none)
        if not self._axes[0].part:
            R = R / (self._axes[0].scale * self._axes[1].scale)
        return R


class _Axis:
    """One axis in the polynomials ``φₖ`` of ``[−1, 1]``.

    Attributes
    ----------
    scale, part : float
        ``N = scale I + part M``.
    diagonal, beside : (m,) array
        ``M[k, k]`` and ``M[k, k + 2]``.
    interval : (low, high)
        That holds the eigenvalues of ``M/N``.
    linear : list of (m,) array
        Inner products with the linear functions that are 1 at one end.
    slope : (m, n) array
        From values at Chebyshev points to the energy with every ``φₖ``.
    """

    def __init__(self, n: int, scale: float, part: float) -> None:
        self.scale, self.part = scale, part
        k = np.arange(n - 2)
        first, second = bubble(k)
        self.diagonal = first**2 + second**2
        self.beside = np.zeros(n - 2)
        self.beside[:-2] = second[:-2] * first[2:]
        ends = []
        for parity in (0, 1):
            d, e = self.diagonal[parity::2], self.beside[parity::2][:-1]
            for place in (0, len(d) - 1):
                if len(d):
                    ends += list(_eigenvalue(d, e, place))
        low, high = min(ends), max(ends)
        self.interval = (low / (scale + part * low), high / (scale + part * high))
        self._n = n

    def delta(self, p: float) -> float:
        """Return ``δ`` with ``(M/N + p) N = (1 + p part) (M + δ)``."""
        if math.isinf(p):
            return self.scale / self.part
        return p * self.scale / (1 + p * self.part)

    def factored(self, deltas: Any) -> tuple[Any, Any]:
        """Return ``L[k + 2, k]`` and ``1/D`` of ``L D Lᵀ = M + δ``, a row for every ``δ``."""
        m = len(self.diagonal)
        ratio, inverse = np.zeros((2, m, len(deltas)))
        for k in range(m):
            pivot = self.diagonal[k] + deltas
            if k >= 2:
                pivot -= ratio[k - 2] * self.beside[k - 2]
            inverse[k] = 1 / pivot
            ratio[k] = self.beside[k] / pivot
        return np.ascontiguousarray(ratio.T), np.ascontiguousarray(inverse.T)

    @property
    def linear(self) -> list[Any]:
        """Return the inner products with the two linear functions."""
        found = []
        first, second = bubble(np.arange(self._n - 2))
        for sign in (-1, 1):
            C = np.zeros(self._n)
            C[:2] = math.sqrt(0.5), sign / math.sqrt(6)
            found.append(first * C[:-2] + second * C[2:])
        return found

    @property
    def slope(self) -> Any:
        """Return ``∫ g′ φₖ′``, where ``φₖ′`` is minus an orthonormal Legendre polynomial."""
        n = self._n
        i, j = np.arange(1, n - 1)[:, None], np.arange(n)
        slopes = np.sqrt((2 * i + 1.0) * (2 * j + 1)) * ((j > i) & ((j - i) % 2 == 1))
        return -slopes @ legendre_points(n, "chebyshev").coefficients


def _eigenvalue(d: Any, e: Any, place: int) -> Any:
    if len(d) == 1:
        return d
    return scipy_of(np, "linalg").eigvalsh_tridiagonal(
        d, e, select="i", select_range=(place, place)
    )


class _Step:
    """``(M/N + p)⁻¹`` of an axis, as ``keep + add (M + δ)⁻¹``; ``N⁻¹`` for an infinite ``p``."""

    def __init__(self, axis: _Axis, p: float, factors: Any, like: Any, moved: Any) -> None:
        if math.isinf(p):
            self.keep, self.add = 0.0, 1 / axis.part
        else:
            whole = 1 + p * axis.part
            self.keep = axis.part / whole
            self.add = (axis.scale - axis.part * axis.delta(p)) / whole
        self._ratio, self._inverse = (moved(v, like.dtype) for v in factors)
        self._run = kernel(namespace(like), alternating_directions.half_step)

    def advanced(self, R: Any, F: Any, shifts: float) -> Any:
        """Return ``F − R + shifts Z``, transposed, for the right-hand side ``R``."""
        keep = shifts * self.keep - 1
        return self._run(R, F, self._ratio, self._inverse, float(keep), float(shifts * self.add))

    def result(self, R: Any, zero: Any) -> Any:
        """Return ``Z``, transposed."""
        return self._run(R, zero, self._ratio, self._inverse, float(self.keep), float(self.add))

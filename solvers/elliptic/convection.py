"""Convection and diffusion along the axes of a box, by Schur forms of the axes."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin._validation import called, require_real
from structlin.bases import Grid
from structlin.matrices import KroneckerSum, solve
from structlin.solvers.elliptic._collocation import CollocatedAxis, collocated_axis
from structlin.solvers.elliptic._corners import warn_corners
from structlin.solvers.elliptic._samples import along_axes, checked_samples
from structlin.solvers.elliptic._side_values import side_values
from structlin.solvers.elliptic.boundary import Robin, sides_of


class ConvectionDiffusion:
    """Solve ``Σ_j (−a_j ∂_j²u + b_j ∂_j u) + shift u = f``, which need not be symmetric.

    Parameters
    ----------
    grid : Grid
        Of nodes or cells, evenly spaced or not, periodic, or of Chebyshev points.
    diffusion, convection : number, callable, or sequence of these
        ``a`` and ``b``: for all axes, or for each. A callable is a function of the coordinate of
        its own axis alone, as ``b(y)`` for the second one; that keeps the equation separable.
    shift : float
        Of any sign.
    bc : None, str, Robin, or sequence of these or of pairs of these
        The conditions at the sides: see `Poisson`.

    Attributes
    ----------
    peclet : float
        The largest ``|b| h/(2 a)`` on the grid, with the spacing ``h``. Where it is larger than 1,
        second-order differences may oscillate.

    Raises
    ------
    ValueError
        If a coefficient has the wrong shape, is not finite or, for the diffusion, not positive; if
        the conditions do not fit the grid; or if constants solve the homogeneous equation.

    Notes
    -----
    Derivatives are those of the parabola through three neighbours, of second order on even grids,
    or of the polynomial through all Chebyshev points of an axis, where errors fall exponentially.
    What holds at the sides is solved for the nodes there (Robin and Neumann by a one-sided
    parabola), which leaves ``A₁ U + U A₂ᵀ = F``. Real Schur forms of the ``A_j``, ``25 n³``
    operations once, make it triangular; every right-hand side costs ``O(n³)`` in two dimensions,
    ``O(n⁴)`` in three.

    Schur forms exist for NumPy arrays; other libraries take the general solver for Kronecker sums.

    References
    ----------
    .. [1] R. H. Bartels and G. W. Stewart, "Solution of the matrix equation AX + XB = C", Comm.
       ACM 15, 820–826, 1972.
    .. [2] A. Townsend and S. Olver, "The automatic solution of partial differential equations using
       a global spectral method", J. Comput. Phys. 299, 106–123, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.chebyshev([(0, 1)], 24)
    >>> u = ConvectionDiffusion(grid, convection=10.0).solve(np.zeros(24), [(0.0, 1.0)])
    >>> bool(np.allclose(u, np.expm1(10 * grid.axes[0]) / np.expm1(10)))
    True
    """

    def __init__(
        self,
        grid: Grid,
        *,
        diffusion: Any = 1.0,
        convection: Any = 0.0,
        shift: float = 0.0,
        bc: Any = None,
    ) -> None:
        self.grid = grid
        self.shift = require_real("shift", shift)
        self.sides = sides_of(grid, bc)
        a = [_along(grid, axis, "diffusion", each) for axis, each in _each(grid, diffusion)]
        b = [_along(grid, axis, "convection", each) for axis, each in _each(grid, convection)]
        for axis, values in enumerate(a):
            if not bool(np.all(values > 0)):
                i = int(np.argmin(values > 0))
                raise ValueError(
                    f"diffusion is {values[i]:g} at node {i} of axis {axis}: it must be positive"
                )
        if self.shift == 0 and all(s in ("neumann", "periodic") for p in self.sides for s in p):
            raise ValueError(
                "constants solve the homogeneous equation: with Neumann or periodic conditions on "
                "all axes pass a shift, or a condition that holds the solution somewhere"
            )
        self.peclet = max(
            float(np.max(np.abs(b[axis]) * _spacing(grid, axis) / (2 * a[axis])))
            for axis in range(grid.ndim)
        )
        self._axes: list[CollocatedAxis] = [
            collocated_axis(grid, axis, self.sides[axis], a[axis], b[axis])
            for axis in range(grid.ndim)
        ]
        # a power of two, in which entries are about 1: solvers take tiny ones for zero
        largest = max(float(np.max(np.abs(part.matrix))) for part in self._axes)
        self._unit = math.ldexp(1.0, math.frexp(max(largest, abs(self.shift)))[1])
        self._systems: dict[Any, KroneckerSum] = {}

    def __repr__(self) -> str:
        named = f", shift {self.shift:g}" if self.shift else ""
        return (
            f"<ConvectionDiffusion on {self.grid!r}{named}, cell Péclet number {self.peclet:.3g}>"
        )

    def solve(self, F: Any, boundary: Any = 0.0) -> Any:
        """Return the solution at the points of the grid.

        Parameters
        ----------
        F : (..., *grid.shape) array
            Right-hand sides. Values at nodes on the sides do not count.
        boundary : number, callable, or sequence of pairs
            What is given on the sides: see `LegendreGalerkin.solve`.

        Returns
        -------
        (..., *grid.shape) array
            In the precision of ``F``.

        Raises
        ------
        ValueError
            If an entry is NaN or Inf (its sample and place are named), a shape does not fit, or the
            solution overflows.
        LinAlgError
            If minus the shift is an eigenvalue of convection and diffusion on the grid, up to
            rounding errors. Strong convection makes eigenvalues so sensitive that one may be
            missed: a solution is then huge, and wrong in every digit.

        Warns
        -----
        UserWarning
            If Dirichlet data of two sides differ where these meet.
        """
        F = checked_samples("F", F, self.grid)
        xp = namespace(F)
        data = side_values(self.grid, boundary, F)
        warn_corners(self.grid, self.sides, data, stacklevel=2)
        dtype = xp.result_type(F.dtype, *(g.dtype for g in data.values()))
        right = xp.astype(F, dtype, copy=False)[self._inside()]
        sides: list[Any] = [None] * self.grid.ndim
        for axis, part in enumerate(self._axes):
            pair = [data.get((axis, end)) for end in (0, 1)]
            if any(g is not None for g in pair):
                shape = (*F.shape[: F.ndim - self.grid.ndim], *self._side_shape(axis))
                made = [
                    xp.zeros(shape, dtype=dtype, device=self.grid.device)
                    if g is None
                    else xp.astype(xp.broadcast_to(g, shape), dtype, copy=False)
                    for g in pair
                ]
                sides[axis] = xp.concat(made, axis=axis - self.grid.ndim)
                inner = self._inside(without=axis)
                right = right - self._applied(part.lift, axis, sides[axis][inner])
        u = self._solved(right)
        for axis, part in enumerate(self._axes):
            u_all = self._applied(part.extend, axis, u)
            if sides[axis] is not None and part.held:
                # axes before this one have their ends already
                inner = self._inside(without=axis, start=axis)
                u_all = u_all + self._applied(part.hold, axis, sides[axis][inner])
            u = u_all
        if not bool(xp.all(xp.isfinite(u))):
            raise ValueError(f"the solution overflows {u.dtype}: scale F")
        return u

    def _solved(self, right: Any) -> Any:
        """Return the solution at the inner nodes."""
        xp, d = namespace(right), self.grid.ndim
        single = right.dtype in (xp.float32, xp.complex64)
        if single not in self._systems:
            factors = [part.matrix / self._unit for part in self._axes]
            factors[0] = factors[0] + self.shift / self._unit * np.eye(len(factors[0]))
            self._require_regular(factors)
            self._systems[single] = KroneckerSum(*(self._moved(A, right.dtype) for A in factors))
        A = self._systems[single]
        batch, inner = right.shape[: right.ndim - d], right.shape[right.ndim - d :]
        columns = xp.matrix_transpose(xp.reshape(right, (-1, math.prod(inner))))
        u = xp.reshape(xp.matrix_transpose(solve(A, columns)), (*batch, *inner))
        with np.errstate(over="ignore"):
            return u / self._unit

    def _require_regular(self, factors: list[Any]) -> None:
        """Raise if eigenvalues of the axes add up to zero, as far as rounding lets us know."""
        feeding = any(isinstance(s, Robin) and s.coefficient < 0 for p in self.sides for s in p)
        if self.shift >= 0 and not feeding:
            return
        sums = functools.reduce(np.add.outer, map(np.linalg.eigvals, factors))
        moduli = np.abs(sums)
        # 10 by trial, on axes of 4 to 24 unknowns: finds all for b L/a = 3, and misses some for 30
        noise = 10 * max(sums.shape) * np.finfo(np.float64).eps * np.max(moduli)
        if np.min(moduli) <= noise:
            raise np.linalg.LinAlgError(
                f"shift is {self.shift:.17g}, minus an eigenvalue of diffusion and convection on "
                "this grid up to rounding errors: the equation is singular; move the shift, or "
                "the box"
            )

    def _side_shape(self, axis: int) -> tuple[int, ...]:
        return tuple(1 if k == axis else n for k, n in enumerate(self.grid.shape))

    def _inside(self, without: int | None = None, start: int = 0) -> tuple[Any, ...]:
        """Return the index of the inner nodes along all axes from ``start`` on but one."""
        return (
            ...,
            *(
                slice(None) if k == without or k < start else part.inside
                for k, part in enumerate(self._axes)
            ),
        )

    def _applied(self, A: Any, axis: int, X: Any) -> Any:
        """Return a matrix applied along one axis."""
        xp = namespace(X)
        at = axis - self.grid.ndim
        moved = xp.moveaxis(X, at, -1)
        return xp.moveaxis(along_axes([self._moved(A, X.dtype)], moved), -1, at)

    def _moved(self, A: Any, dtype: Any) -> Any:
        xp = self.grid.xp
        real = xp.float32 if dtype in (xp.float32, xp.complex64) else xp.float64
        return xp.asarray(A, dtype=real, device=self.grid.device)


def _each(grid: Grid, given: Any) -> Any:
    """Return pairs of an axis and what is given for it."""
    single = not isinstance(given, list | tuple) and not getattr(given, "shape", ())
    each = [given] * grid.ndim if single else list(given)
    if len(each) != grid.ndim:
        raise ValueError(
            f"{len(each)} coefficients are given but the grid has {grid.ndim} axes: pass one for "
            "each, or a number for all"
        )
    return enumerate(each)


def _along(grid: Grid, axis: int, name: str, given: Any) -> Any:
    """Return a coefficient at the nodes of an axis, on the host."""
    x = grid.axes[axis]
    made = called(f"{name}[{axis}]", given, {grid.names[axis]: x}) if callable(given) else given
    if not hasattr(made, "dtype") and not isinstance(made, int | float):
        raise TypeError(f"{name}[{axis}] is {made!r}: pass a real number, or a callable")
    values = on_host(made) if hasattr(made, "shape") and made.shape else np.asarray(float(made))
    if values.shape not in ((), (grid.shape[axis],)):
        raise ValueError(
            f"{name}[{axis}] has shape {values.shape} but axis {axis} has {grid.shape[axis]} "
            "nodes: pass a number, or a callable of that coordinate"
        )
    values = np.broadcast_to(values, (grid.shape[axis],))
    if not np.all(np.isfinite(values)):
        i = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"{name}[{axis}] is NaN or Inf at node {i}: it must be finite")
    return values


def _spacing(grid: Grid, axis: int) -> Any:
    x = on_host(grid.axes[axis])
    if len(x) < 2:
        return np.asarray([grid.box[axis][1] - grid.box[axis][0]])
    gaps = np.diff(x)
    return np.maximum(np.append(gaps, gaps[-1]), np.insert(gaps, 0, gaps[0]))

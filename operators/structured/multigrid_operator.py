"""Multigrid cycles whose stencils are fitted to pairs of forcings and solutions."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin._validation import require_count, require_tolerance
from structlin.bases import Grid
from structlin.matrices import LinearOperator
from structlin.operators._samples import require_samples
from structlin.operators._storage import Stored, storable
from structlin.operators.errors import relative_errors
from structlin.operators.structured._fitting import mean_of
from structlin.operators.structured._pairs import Pairs, energy, pairs_of
from structlin.operators.structured._stencils import (
    Flags,
    along_axes,
    applied,
    coarse,
    fitted,
    least_squares,
    shifted,
    shifts,
    transfer,
)

# values of random functions, at least, to which a smoother is fitted, and points of the grid that
# is solved directly
_rows, _coarsest = 4096, 64
# a cycle that lowers the residual by less than this factor is the last one
_slow = 0.7
# values of the coarsest matrix below this part of the largest one are zero: constants of a
# periodic problem
_singular = 1e-8


@storable
@dataclass(frozen=True, eq=False)
class _Level:
    """A grid of the cycle: its stencil, its smoother, and the way to the next."""

    stencil: Any
    inverse_diagonal: Any
    smoother: Any
    P: tuple[Any, ...]
    R: tuple[Any, ...]


class MultigridOperator(Stored):
    """A linear map ``f ↦ u`` that is a number of multigrid V-cycles, all stencils of them fitted.

    Parameters
    ----------
    varying : bool
        Whether every point has a stencil of its own, as for coefficients that vary; there must be
        more than ``3^d`` samples then. Otherwise one serves all inner points, and each side has its
        own.
    rtol : float
        Residual, relative to ``f``, at which no more cycles are added.
    max_cycles : int
        The largest number of cycles.
    rcond : float
        Singular values below this part of the largest one count as zero in the least squares of
        the stencils. Noise in the data asks for its relative size.

    Attributes
    ----------
    cycles : int
        How many cycles were chosen.
    rate : float
        By how much a cycle lowers the residual, the mean over the cycles.
    stencil_residual : float
        ``‖A u − f‖ / ‖f‖`` over all samples, for the finest stencil ``A``: how well an equation
        with a small stencil explains the data.
    held_out_error, training_error : float
        The mean relative error of the last fifth of the samples, by a fit without them, and of all.
    parameters : int
        How many different numbers were fitted.
    operator : LinearOperator
        The map of vectors in C order; it has no adjoint.
    grid : Grid
        The grid of both functions.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    Least squares make the cycle. The stencil ``A`` of ``3^d`` points minimises ``Σ ‖A u − f‖²``
    over the samples, in terms of differences along the axes, which unlike the values at
    neighbouring points are not nearly collinear. On every grid the smoother, a stencil ``S`` that
    acts on the residual divided by the diagonal, minimises ``‖T (e − S D⁻¹ A e)‖²`` for random
    functions ``e``, where ``T`` takes away what the next grid can represent. The next grid has the
    stencil of ``R A P``, with linear interpolation ``P`` and its transpose (of cells, sums) as
    ``R``; the coarsest one is inverted in the sense of least squares.

    What the data must tell is only the equation, some ``3^d`` numbers, which a handful of samples
    determine. Maps that are not the inverse of a local operator show in `stencil_residual`; for
    those see `GreensFunction`. Coefficients that jump by more than a factor of some ten ask for
    other interpolation than linear, and show in `rate`; see `structlin.solvers.Multigrid`. A cycle
    costs some ``10·3^d`` operations a point, and interpolation by dense matrices of the axes.

    References
    ----------
    A. Brandt, "Multi-level adaptive solutions to boundary-value problems", Math. Comp. 31 (1977).

    J. He, X. Liu and J. Xu, "MgNO: Efficient parameterization of linear operators via multigrid",
    ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> A = 2 * np.eye(63) - np.eye(63, k=1) - np.eye(63, k=-1)
    >>> f = np.random.default_rng(0).standard_normal((5, 65))
    >>> u = np.pad(np.linalg.solve(A, f[:, 1:-1].T).T, ((0, 0), (1, 1)))
    >>> learned = MultigridOperator().fit(f, u, grid=Grid.uniform([(0, 1)], 65))
    >>> learned.held_out_error < 1e-6
    True
    """

    _transient = ("operator",)

    def __init__(
        self,
        *,
        varying: bool = False,
        rtol: float = 1e-10,
        max_cycles: int = 40,
        rcond: float = 1e-12,
    ) -> None:
        self.varying = varying
        self.rtol = require_tolerance("rtol", rtol)
        self.max_cycles = require_count("max_cycles", max_cycles)
        self.rcond = require_tolerance("rcond", rcond)
        self._levels: list[_Level] = []

    def fit(
        self, inputs: Any, outputs: Any, *, grid: Grid | Any = None, output_grid: None = None
    ) -> Self:
        """Fit the stencils to forcings and solutions.

        Parameters
        ----------
        inputs, outputs : (n, …) array
            Forcings and solutions, in the shape of the grid. Solutions that vanish at both ends of
            an axis of nodes have a wall there.
        grid : Grid
            An evenly spaced grid, its axes periodic or not.
        output_grid : None
            Both functions share the grid.

        Returns
        -------
        MultigridOperator
            Itself.

        Raises
        ------
        ValueError
            If there is no grid, it is uneven or does not fit, there are too few samples, or one
            has a NaN or Inf.

        Warns
        -----
        ConvergenceWarning
            If the cycles do not bring the residual down.
        """
        if grid is None or output_grid is not None:
            raise ValueError("pass grid=, that of both forcings and solutions, and no output_grid")
        grid, pairs = Grid.of(grid), pairs_of(inputs, outputs)
        namespace(inputs, *grid.axes)
        for name, shape in (("inputs", pairs.input_shape), ("outputs", pairs.output_shape)):
            if shape != grid.shape:
                raise ValueError(f"{name} have shape {shape} but the grid has {grid.shape}")
        uneven = [k for k, h in enumerate(grid.spacings) if h is None and grid.shape[k] > 1]
        if uneven:
            raise ValueError(f"axis {uneven[0]} of the grid is not evenly spaced: stencils need it")
        held = max(pairs.count // 5, 1)
        if pairs.count <= held:
            raise ValueError(f"there are {pairs.count} pairs: one is held out, pass two or more")
        needed = 3**grid.ndim
        if self.varying and pairs.count - held <= needed:
            raise ValueError(
                f"there are {pairs.count} pairs: a stencil of {needed} numbers for every point "
                f"needs more than {needed + needed // 4 + 1}, or varying=False"
            )
        self.grid = grid
        self._set_up(pairs[: pairs.count - held])
        self.held_out_error = self._error(pairs[pairs.count - held :])
        self._set_up(pairs)
        self.training_error = self._error(pairs)
        self._gain, self._dtype = pairs.gain, pairs.dtype
        self._restore()
        if self._stalled:
            warnings.warn(
                f"{self.cycles} cycles lower the residual to {self._left:.2g} of the forcing only: "
                "coefficients may jump too much for linear interpolation, or the data not be those "
                "of an equation",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _restore(self) -> None:
        if self._levels:
            self.operator = _Cycles(self, self._levels[0].stencil)

    # the cycle

    def _set_up(self, pairs: Pairs) -> None:
        """Fit the stencils of all levels, and choose the number of cycles."""
        grid, xp, d = self.grid, pairs.xp, self.grid.ndim
        self._walls = tuple(self._is_wall(pairs.outputs, axis) for axis in range(d))
        self._periodic: Flags = tuple(kind == "periodic" for kind in grid.kinds)
        f, u = self._inner(pairs.inputs), self._inner(pairs.outputs)
        stencil = fitted(u, f, self._periodic, self._walls, varying=self.varying, rcond=self.rcond)
        residual = math.sqrt(energy(applied(stencil, u, self._periodic) - f))
        self.stencil_residual = residual / (math.sqrt(energy(f)) or 1.0)
        rng = np.random.default_rng(0)
        levels: list[_Level] = []
        while True:
            sizes = tuple(stencil.shape[1:])
            transfers = [transfer(n, self._kind(k)) for k, n in enumerate(sizes)]
            last = math.prod(sizes) <= _coarsest or not any(transfers)
            P, R = (
                tuple(
                    None
                    if pair is None
                    else xp.asarray(pair[side], dtype=stencil.dtype, device=grid.device)
                    for pair in transfers
                )
                for side in (0, 1)
            )
            center = stencil[3**d // 2, ...]
            unit = xp.max(xp.abs(center))
            center = xp.where(xp.abs(center) > self.rcond * unit, center, xp.ones_like(center))
            smoother = None if last else self._smoother(stencil, 1 / center, P, rng)
            levels.append(_Level(stencil, 1 / center, smoother, P, R))
            if last:
                break
            stencil = coarse(stencil, P, R, self._periodic)
        self._levels = levels
        self._inverse = self._coarse_inverse(stencil)
        self.parameters = self._count()
        self._choose_cycles(f)

    def _is_wall(self, u: Any, axis: int) -> bool:
        """Tell whether the solutions vanish at both ends of an axis of nodes."""
        if self.grid.kinds[axis] != "node" or self.grid.shape[axis] < 3:
            return False
        xp = namespace(u)
        ends = xp.take(u, xp.asarray([0, u.shape[axis + 1] - 1], device=u.device), axis=axis + 1)
        # up to the rounding errors of a solver
        return float(xp.max(xp.abs(ends))) <= 1e-12 * float(xp.max(xp.abs(u)))

    def _kind(self, axis: int) -> str:
        return "wall" if self._walls[axis] else self.grid.kinds[axis]

    def _inner(self, u: Any) -> Any:
        """Return a function without the ends at walls."""
        places = (slice(1, -1) if wall else slice(None) for wall in self._walls)
        return u[(..., *places)]

    def _smoother(self, stencil: Any, inverse: Any, P: Any, rng: np.random.Generator) -> Any:
        """Return the weights (3^d,) of the stencil that smooths best."""
        xp, grid = namespace(stencil), tuple(stencil.shape[1:])
        count = max(_rows // math.prod(grid), 2)
        e = xp.asarray(rng.standard_normal((count, *grid)), device=stencil.device)
        e = xp.astype(e, stencil.dtype)
        onto = [None if M is None else xp.linalg.pinv(M) for M in P]

        def rough(v: Any) -> Any:
            return v - along_axes(P, along_axes(onto, v))

        r = inverse * applied(stencil, e, self._periodic)
        columns = [
            xp.reshape(rough(shifted(r, offset, self._periodic)), (-1,))
            for offset in shifts(len(grid))
        ]
        return least_squares(xp.stack(columns, axis=1), xp.reshape(rough(e), (-1,)), self.rcond)

    def _coarse_inverse(self, stencil: Any) -> Any:
        xp, grid = namespace(stencil), tuple(stencil.shape[1:])
        n = math.prod(grid)
        units = xp.reshape(xp.eye(n, dtype=stencil.dtype, device=stencil.device), (n, *grid))
        matrix = xp.reshape(applied(stencil, units, self._periodic), (n, n))  # transposed
        return xp.linalg.pinv(matrix, rtol=_singular)

    def _count(self) -> int:
        d = self.grid.ndim
        fine = self._levels[0].stencil
        kinds = [1 if p or w else 3 for p, w in zip(self._periodic, self._walls, strict=True)]
        stencils = int(math.prod(fine.shape[1:] if self.varying else kinds))
        return int(3**d) * (stencils + len(self._levels) - 1)

    def _choose_cycles(self, f: Any) -> None:
        """Add cycles until the residual is small enough, or does not fall any more."""
        size = math.sqrt(energy(f))
        u, r, before = namespace(f).zeros_like(f), f, size
        self.cycles, self._stalled = 0, False
        while before > self.rtol * size and self.cycles < self.max_cycles:
            u = u + self._cycle(0, r)
            r = f - applied(self._levels[0].stencil, u, self._periodic)
            after = math.sqrt(energy(r))
            if not after < before:
                break
            self.cycles += 1
            slow, before = after > _slow * before, after
            if slow:
                break
        self._left = before / size
        self.rate = self._left ** (1 / self.cycles) if self.cycles else 1.0
        # rounding errors end it as well, far below what anyone asks for
        self._stalled = self._left > max(self.rtol, 1e-6)
        self.cycles = max(self.cycles, 1)

    def _cycle(self, number: int, f: Any) -> Any:
        """Return the correction of one V-cycle."""
        level = self._levels[number]
        if level.smoother is None:
            n = math.prod(f.shape[1:])
            xp = namespace(f)
            rows = xp.reshape(f, (f.shape[0], n))
            return xp.reshape(xp.matmul(rows, self._inverse), f.shape)
        u = self._smoothed(level, f)
        r = f - applied(level.stencil, u, self._periodic)
        u = u + along_axes(level.P, self._cycle(number + 1, along_axes(level.R, r)))
        return u + self._smoothed(level, f - applied(level.stencil, u, self._periodic))

    def _smoothed(self, level: _Level, r: Any) -> Any:
        return applied(level.smoother, level.inverse_diagonal * r, self._periodic)

    def _solved(self, f: Any) -> Any:
        """Return the solutions of forcings (n, …), in the units of the fit."""
        xp = namespace(f)
        inner = self._inner(f)
        u = xp.zeros_like(inner)
        for _ in range(self.cycles):
            u = u + self._cycle(0, inner - applied(self._levels[0].stencil, u, self._periodic))
        whole = xp.zeros(f.shape, dtype=u.dtype, device=f.device)
        places = (slice(1, -1) if wall else slice(None) for wall in self._walls)
        whole[(slice(None), *places)] = u
        return whole

    def _error(self, pairs: Pairs) -> float:
        return mean_of(relative_errors(self._solved(pairs.inputs), pairs.outputs))

    # use

    def predict(self, inputs: Any) -> Any:
        """Return the solutions of forcings (n, …).

        Raises
        ------
        ValueError
            If nothing was fitted yet, the forcings are not on the grid of the fit, or have a NaN
            or Inf.
        """
        if not self._levels:
            raise ValueError("nothing has been fitted yet: call fit first")
        f = require_samples("inputs", inputs, self.grid.shape)
        xp = namespace(f, *self.grid.axes)
        dtype = xp.result_type(f.dtype, self._dtype)
        is_complex = xp.isdtype(dtype, "complex floating")
        u = self._solved(xp.astype(f, xp.complex128 if is_complex else xp.float64))
        return xp.astype(u * self._gain, dtype)

    def report(self) -> str:
        """Return what was fitted, in a few lines."""
        if not self._levels:
            return repr(self)
        sizes = " → ".join("x".join(map(str, lv.stencil.shape[1:])) for lv in self._levels)
        return (
            f"{self!r}\n  grids {sizes}\n"
            f"  {self.parameters} numbers fitted, residual of the equation "
            f"{self.stencil_residual:.2e}\n"
            f"  {self.cycles} cycles, each lowers the residual to {self.rate:.2g}\n"
            f"  error {self.held_out_error:.2e} of held-out and {self.training_error:.2e} of all "
            "samples"
        )

    def __repr__(self) -> str:
        if not self._levels:
            return "<MultigridOperator, not fitted yet>"
        return f"<MultigridOperator on {self.grid!r}, {self.cycles} cycles>"


class _Cycles(LinearOperator):
    """The map of vectors."""

    def __init__(self, learned: MultigridOperator, like: Any) -> None:
        n = learned.grid.size
        super().__init__((n, n), learned._dtype, like=like)
        self._learned = learned

    def _matmat(self, X: Any) -> Any:
        xp = self.xp
        F = xp.reshape(xp.matrix_transpose(X), (X.shape[1], *self._learned.grid.shape))
        U = xp.astype(self._learned.predict(F), X.dtype, copy=False)
        return xp.matrix_transpose(xp.reshape(U, (X.shape[1], self.shape[0])))

    def _rmatmat(self, X: Any) -> Any:
        raise NotImplementedError("multigrid cycles that were fitted have no adjoint")

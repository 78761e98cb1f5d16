"""What all discretisations of Riesz diffusion share: preconditioned solutions, and time steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, dtype_of, namespace, type_name
from structlin._norm import norm
from structlin._validation import (
    first_nonfinite,
    inexact,
    require_array,
    require_count,
    require_positive,
)
from structlin.bases import Grid
from structlin.matrices import Identity, KroneckerSum, LinearOperator
from structlin.solvers._solution import Solution, quiet, warns_unconverged
from structlin.solvers._vectors import rescaled, rescaled_norms, unit_of
from structlin.solvers.fractional._bases import Eigenvectors, Sines, eigenvectors_of
from structlin.solvers.fractional._parameters import require_number
from structlin.solvers.krylov import cg, gmres

# from the best to the worst
_ranking = ("converged", "stagnated", "max_iterations", "breakdown")
# most iterations: a choice, far beyond what the preconditioner needs
_most = 1000
# unknowns of each of several axes up to which eigenvectors pay off: a choice
_diagonalised = 512


class RieszOperator(ABC):
    """A Kronecker sum of one matrix for each axis, and a sine transform that nearly inverts it.

    A subclass calls `_prepare` and writes `_factor`, the matrix of an axis, `_dense`, the same on
    the host, and `_axis_symbol`.
    """

    grid: Grid
    alpha: tuple[float, ...]
    diffusivity: tuple[float, ...]
    shift: float
    rtol: float
    sizes: tuple[int, ...]
    eigenvalues: Any
    preconditioner: str
    _hermitian: bool
    _basis: Sines | Eigenvectors

    def _prepare(
        self, grid: Grid, sizes: Sequence[int], shift: Any, rtol: Any, preconditioner: Any
    ) -> None:
        """Take the settings that all have, and prepare the preconditioner."""
        self.shift = require_number("shift", shift, 0.0, math.inf)
        self.rtol = require_number("rtol", rtol, 0.0, 1.0)
        self.grid, self.sizes = grid, tuple(sizes)
        self._factors: dict[str, LinearOperator] = {}
        if preconditioner not in ("auto", "sine", "eigen"):
            raise ValueError(
                f"preconditioner is {preconditioner!r}: pass 'auto', 'sine' or 'eigen'"
            )
        angles = (np.arange(1, n + 1) * (math.pi / (n + 1)) for n in sizes)
        values, self._basis = self.symbol(*angles), Sines()
        small = len(sizes) > 1 and max(sizes) <= _diagonalised
        if preconditioner == "eigen" or (preconditioner == "auto" and small):
            values, self._basis = self._diagonalised() or (values, self._basis)
        self.preconditioner = self._basis.name
        self.eigenvalues = grid.xp.asarray(values, device=grid.device)
        self._largest = float(grid.xp.max(self.eigenvalues))

    def _diagonalised(self) -> tuple[Any, Eigenvectors] | None:
        """Return all eigenvalues on the host, and the eigenvectors, if these are sound."""
        found: list[Any] = []
        for axis in range(len(self.sizes)):
            made = eigenvectors_of(self._dense(axis), hermitian=self._hermitian)
            if made is None:
                return None
            found.append(made)
        total = np.asarray(self.shift)
        for values, _, _ in found:
            total = total[..., None] + values
        return total, Eigenvectors([V for _, V, _ in found], [W for _, _, W in found], self.grid)

    @abstractmethod
    def _factor(self, axis: int, dtype: Any) -> LinearOperator:
        """Return the matrix of an axis in a real data type."""

    @abstractmethod
    def _dense(self, axis: int) -> NDArray[Any]:
        """Return the matrix of an axis, on the host."""

    @abstractmethod
    def _axis_symbol(self, axis: int, angles: Any) -> Any:
        """Return the values of the symbol of an axis, on the host."""

    def _inside(self, F: Any) -> Any:
        """Return the values at the unknowns."""
        return F

    def _outside(self, U: Any) -> Any:
        """Return values on the whole grid from those at the unknowns."""
        return U

    def symbol(self, *angles: Any) -> Any:
        """Return the symbol of the matrix, shift included, on the tensor grid of the angles.

        Parameters
        ----------
        *angles : (k_j,) ndarray
            One vector for each axis.

        Returns
        -------
        (k₁, k₂, …) ndarray
            On the host, in closed form. The eigenvalues of large matrices are distributed as its
            values at evenly spread angles.

        Raises
        ------
        ValueError
            If the number of vectors is wrong.
        """
        if len(angles) != len(self.sizes):
            raise ValueError(f"{len(angles)} vectors of angles are given: pass {len(self.sizes)}")
        total = np.asarray(self.shift)
        for axis, theta in enumerate(angles):
            total = total[..., None] + self._axis_symbol(axis, np.asarray(theta, dtype=float))
        return total

    @property
    def operator(self) -> LinearOperator:
        """The (N, N) matrix, shift included, of the unknowns in C order."""
        return self._shifted(self.grid.dtype, self.shift)

    def _shifted(self, dtype: Any, shift: float) -> LinearOperator:
        name = type_name(dtype)
        if name not in self._factors:
            axes = range(len(self.sizes))
            real = dtype_of(self.grid.xp, name)
            self._factors[name] = KroneckerSum(*(self._factor(axis, real) for axis in axes))
        A = self._factors[name]
        return A + shift * Identity(A.shape[0], dtype=A.dtype, like=A) if shift else A

    # NumPy then leaves v @ self to the method below
    __array_ufunc__ = None

    def __matmul__(self, v: Any) -> Any:
        raise TypeError(
            f"a {type(self).__name__} is no matrix: write .operator @ v, with the values at the "
            "unknowns in C order, or .solve(F) for the solution"
        )

    __rmatmul__ = __matmul__

    def solve(self, F: Any) -> Any:
        """Return the solution ``u`` for right-hand sides on the grid.

        Parameters
        ----------
        F : number, callable or (…, n₁, n₂, …) array
            A constant, a function of the coordinates (see `Grid.evaluate`), or values on the grid,
            for one or several problems.

        Returns
        -------
        array
            Like the values of ``F``.

        Raises
        ------
        ValueError
            If the shape does not fit the grid, or a value is NaN or Inf.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached.
        """
        return self.solution(F).x

    @warns_unconverged
    def solution(self, F: Any) -> Solution:
        """Return the solution with an account of the iterations: see `solve`.

        Parameters
        ----------
        F : number, callable or (…, n₁, n₂, …) array
            As for `solve`.

        Returns
        -------
        Solution
            ``x`` is like the values of ``F``. For several right-hand sides, iterations and residual
            norms are those of the one with the worst status, or the most iterations.
        """
        if callable(F) or isinstance(F, int | float | complex | np.generic):
            F = self.grid.evaluate(F, "F")
        return self._solved(self._checked("F", F), self.shift)

    def step(self, U: Any, dt: float, *, source: Any = None, theta: float = 0.5) -> Any:
        """Return the solution of ``u_t + A u = f`` one time step later.

        Parameters
        ----------
        U : (…, n₁, n₂, …) array
            Values on the grid.
        dt : float
            The step.
        source : array, optional
            Values of ``f`` on the grid, at the part ``theta`` of the step; zero by default.
        theta : float, default 0.5
            One half gives the method of Crank and Nicolson, of second order; 1 the implicit Euler
            method, of first order, which damps what is rough.

        Returns
        -------
        array
            Like ``U``.

        Raises
        ------
        ValueError
            If a shape does not fit the grid, ``dt`` is not positive, ``theta`` is not from 1/2
            to 1, or a value is NaN or Inf.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached.

        Notes
        -----
        ``(I + θ dt A) u⁺ = (I − (1 − θ) dt A) u + dt f``, stable for every step.
        """
        dt = require_positive("dt", dt)
        theta = require_number("theta", theta, 0.5, 1.0)
        u = self._checked("U", U)
        right = u / (theta * dt)
        if theta < 1:
            right = right - (1 / theta - 1) * self._product(u)
        if source is not None:
            f = self._checked("source", source)
            self._require_samples(u, f)
            right = right + f / theta
        return self._stepped(right, self.shift + 1 / (theta * dt)).x

    def evolve(
        self,
        U: Any,
        duration: float,
        *,
        steps: int,
        source: Callable[[float], Any] | None = None,
        theta: float = 0.5,
    ) -> Any:
        """Return the solution of ``u_t + A u = f`` after some time.

        Parameters
        ----------
        U : (…, n₁, n₂, …) array
            Values on the grid at time 0.
        duration : float
            The time.
        steps : int
            In how many equal steps.
        source : callable, optional
            From a time to the values of ``f`` on the grid; zero by default.
        theta : float, default 0.5
            See `step`.

        Returns
        -------
        array
            Like ``U``.

        Raises
        ------
        ValueError
            As `step`, and if ``steps`` is not a positive whole number.
        TypeError
            If ``source`` is no function.
        """
        if source is not None and not callable(source):
            raise TypeError(
                f"source is a {type(source).__name__}: pass a function of time, as lambda t: values"
            )
        steps = require_count("steps", steps)
        dt = require_positive("duration", duration) / steps
        for k in range(steps):
            given = None if source is None else source((k + theta) * dt)
            U = self.step(U, dt, source=given, theta=theta)
        return U

    def _checked(self, name: str, F: Any) -> Any:
        """Return the values at the unknowns, after checks that tell the place of what is wrong."""
        require_array(name, F, "an array of values on the grid")
        xp = namespace(F, *self.grid.axes)
        device(F, *self.grid.axes)
        d = len(self.sizes)
        if tuple(F.shape[-d:]) != self.grid.shape:
            raise ValueError(
                f"{name} has shape {tuple(F.shape)} but the grid has {self.grid.shape}: the last "
                "axes must be those of the grid, the ones before them number the samples"
            )
        inside = self._inside(inexact(F, xp))
        place = first_nonfinite(inside)
        if place is not None:
            sample, point = divmod(place, math.prod(self.sizes))
            where = f"sample {sample}, " if F.ndim > d else ""
            raise ValueError(
                f"{name} has a NaN or Inf at {where}unknown {point} in C order: every value must "
                "be finite"
            )
        return inside

    def _require_samples(self, u: Any, f: Any) -> None:
        """Raise unless there are as many samples of a source as of states, or one of either."""
        own, given = (tuple(x.shape[: x.ndim - len(self.sizes)]) for x in (u, f))
        try:
            np.broadcast_shapes(own, given)
        except ValueError:
            raise ValueError(
                f"source has samples of shape {given} but U has {own}: pass one for all, or as many"
            ) from None

    def _product(self, u: Any) -> Any:
        """Return the product with values at the unknowns, of several samples."""
        xp = namespace(u)
        A = self._shifted(xp.finfo(u.dtype).dtype, self.shift)
        columns = xp.reshape(u, (-1, A.shape[0])).T
        return xp.reshape(xp.asarray((A @ columns).T, copy=True), u.shape)

    def _solved(self, right: Any, shift: float) -> Solution:
        """Return the solutions of ``(A + shift − self.shift) x = b`` for values at the unknowns."""
        xp = namespace(right)
        real = xp.finfo(right.dtype).dtype
        eps = float(xp.finfo(right.dtype).eps)
        A = self._shifted(real, shift)
        difference = shift - self.shift
        eigenvalues = xp.astype(self.eigenvalues + difference, real)
        # transforms add up entries: in units of the largest they cannot overflow
        unit = unit_of(right, None)
        flat = xp.reshape(right, (-1, A.shape[0])) / unit

        def precondition(r: Any) -> Any:
            z = self._basis.backward(self._basis.forward(xp.reshape(r, self.sizes)) / eigenvalues)
            return xp.reshape(xp.astype(z, r.dtype, copy=False), r.shape)

        solver = quiet(cg if self._hermitian else gmres)
        x = xp.zeros_like(flat)
        worst = Solution(x, "converged", 0, np.zeros(1))
        for sample in range(flat.shape[0]):
            b = flat[sample, :]
            start = precondition(b)
            # The residual of a rounded solution, on fine grids more than rtol ‖b‖; 4 is a choice.
            rounding = 4 * eps * (self._largest + difference) * norm(start)
            found = solver(
                A,
                b,
                x0=start,
                rtol=max(self.rtol, 100 * eps),
                atol=rounding,
                maxiter=_most,
                preconditioner=precondition,
            )
            x[sample, :] = found.x
            worst = max(worst, found, key=_badness)
        grown = self._outside(xp.reshape(rescaled(x, unit), right.shape))
        norms = rescaled_norms(worst.residual_norms, unit)
        return Solution(grown, worst.status, worst.iterations, norms)

    @warns_unconverged
    def _stepped(self, right: Any, shift: float) -> Solution:
        return self._solved(right, shift)


def _badness(solution: Solution) -> tuple[int, int]:
    return _ranking.index(solution.status), solution.iterations

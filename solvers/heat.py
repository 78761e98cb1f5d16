"""The heat equation on the unit square, stepped by any solver of linear systems."""

from __future__ import annotations

import math
import numbers
import operator
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, Solver, require_callable, solved
from structlin.solvers._vectors import require_tolerances

Start = Literal["previous", "extrapolated"]


@dataclass(frozen=True, eq=False)
class HeatRun:
    """What a run of `HeatEquation2D` computed, and what it cost.

    Attributes
    ----------
    u : (nx - 1, nx - 1) array
        Temperature at the interior points at the end, ``u[i, j]`` at ``(x_i, y_j)``.
    time : float
        The time of ``u``.
    dt : float
        The time step.
    iterations : (steps,) ndarray of int
        Iterations of the solver in every step.
    omegas : (steps,) ndarray
        Relaxation parameter of every step; NaN where the solver reports none.
    seconds : (steps,) ndarray
        Seconds spent in the solver in every step.
    converged : bool
        Whether the solver met its stopping test in every step.
    snapshots : mapping of int to (nx - 1, nx - 1) array
        Temperature after the numbers of steps asked for.
    """

    u: Any
    time: float
    dt: float
    iterations: NDArray[np.int64]
    omegas: NDArray[np.float64]
    seconds: NDArray[np.float64]
    converged: bool
    snapshots: Mapping[int, Any]

    def __repr__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        return (
            f"<HeatRun to t={self.time:g}: {len(self.iterations)} steps, "
            f"{self.iterations.sum()} iterations, {self.seconds.sum():.2f} s, {state}>"
        )


class HeatEquation2D:
    """``∂u/∂t = κ(t) Δu + f(x, y, t)`` on the unit square, ``u = 0`` on its boundary.

    Second-order differences in space, Crank–Nicolson in time. The defaults are an experiment of
    [1]_: a conductivity that swings between weak and strong diffusion, a source that moves on a
    circle, and a bump in the middle to begin with.

    Parameters
    ----------
    nx : int
        Intervals in each direction: ``(nx − 1)²`` unknowns.
    dt : float
        Time step.
    conductivity : callable
        ``conductivity(t) -> float``, the nonnegative ``κ``.
    source : callable
        ``source(x, y, t) -> array``, the heating rate ``f`` (temperature per time).
    initial : callable
        ``initial(x, y) -> array``, the temperature at time zero.
    like : array or None
        An array of float32 or float64 whose library, device and precision are used; NumPy and
        float64 by default.

    Attributes
    ----------
    x, y : (nx - 1, 1) and (1, nx - 1) array
        Coordinates of the interior points, shaped to broadcast over the grid.

    Raises
    ------
    ValueError
        If ``nx < 2``, or ``dt`` is not positive.
    TypeError
        If ``dt`` is no number, a function cannot be called, or ``like`` has another data type.

    Notes
    -----
    With ``w = κ(t + dt/2) dt/(2 h²)`` and the unscaled stencil ``L`` (4 on the diagonal, −1 for
    every neighbour), a step from ``t`` to ``t + dt`` solves

        ``(I + w L) u_new = (I − w L) u + dt f(t + dt/2)``.

    Grids are C-ordered, ``u[i, j]`` at ``(x_i, y_j)``. The error is ``O(h² + dt²)`` for smooth
    data.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver
       parameters across a sequence of linear system instances", ICLR 2024.

    Examples
    --------
    >>> from structlin.solvers import RelaxationLayer
    >>> heat = HeatEquation2D(nx=16)
    >>> run = heat.run(100, RelaxationLayer(rng=0))
    >>> run.converged, run.u.shape, float(run.u.max().round(2))
    (True, (15, 15), 0.79)
    """

    def __init__(
        self,
        nx: int = 50,
        *,
        dt: float = 1e-3,
        conductivity: Callable[[float], float] | None = None,
        source: Callable[[Any, Any, float], Any] | None = None,
        initial: Callable[[Any, Any], Any] | None = None,
        like: Any = None,
    ) -> None:
        self.nx = operator.index(nx)
        if self.nx < 2:
            raise ValueError(f"nx is {nx}: at least 2 intervals are needed for an interior point")
        self.dt = _real("dt", dt)
        if not 0 < self.dt < math.inf:
            raise ValueError(f"dt is {self.dt}: it must be positive and finite")
        self.conductivity = _conductivity if conductivity is None else conductivity
        self.source = _source if source is None else source
        self.initial = _initial if initial is None else initial
        for name in ("conductivity", "source", "initial"):
            require_callable(name, getattr(self, name))
        self._like = np.empty(0) if like is None else like
        xp = namespace(self._like)
        if self._like.dtype not in (xp.float32, xp.float64):
            raise TypeError(f"like has dtype {self._like.dtype}: it must be float32 or float64")
        points = xp.arange(1, self.nx, dtype=self._like.dtype, device=device(self._like)) / self.nx
        self.x = xp.reshape(points, (-1, 1))
        self.y = xp.reshape(points, (1, -1))
        self._shape = (self.nx - 1, self.nx - 1)

    def __repr__(self) -> str:
        return f"<HeatEquation2D {self.nx - 1}x{self.nx - 1} points, dt={self.dt:g}>"

    def matrix(self, t: float) -> GridOperator:
        """Return the matrix ``I + w L`` of the step that begins at time ``t``.

        Raises
        ------
        ValueError
            If the conductivity is negative or not finite there.
        TypeError
            If it is no real number.
        """
        middle = t + self.dt / 2
        kappa = _real(f"conductivity({middle:g})", self.conductivity(middle))
        if not 0 <= kappa < math.inf:
            raise ValueError(f"conductivity({middle:g}) is {kappa}: it must be >= 0 and finite")
        weight = kappa * self.dt * self.nx**2 / 2
        return GridOperator.laplacian(self._shape, shift=1.0, weights=weight, like=self._like)

    def step(self, u: Any, t: float, solver: Solver, *, rtol: float = 1e-8) -> Solution:
        """Step from the temperature ``u`` at time ``t`` to time ``t + dt``.

        Parameters
        ----------
        u : (nx - 1, nx - 1) array
            Temperature at time ``t``; the solver starts from it.
        t : float
            Time.
        solver : callable or RelaxationLayer
            Called as ``solver(A, b, x0=u, rtol=0.0, atol=rtol*‖b‖)``.
        rtol : float
            Bound for the norm of the residual over that of the right-hand side.

        Returns
        -------
        Solution
            Its ``x`` is the temperature at time ``t + dt``.

        Raises
        ------
        ValueError
            If ``u`` has another shape, or a NaN or Inf; and as `run` does.
        TypeError
            If ``u`` is not real, or belongs to another array library; and as `run` does.
        """
        require_callable("solver", solver)
        namespace(self.x, u)
        if (shape := tuple(getattr(u, "shape", ()))) != self._shape:
            raise ValueError(f"u has shape {shape}: it must be {self._shape}")
        u = self._on_grid("u", u)
        A, b = self._system(u, t)
        return _solve(solver, A, b, u, rtol)

    def run(
        self,
        steps: int,
        solver: Solver,
        *,
        rtol: float = 1e-8,
        start: Start = "previous",
        progress: bool | None = None,
        snapshots: Iterable[int] = (),
    ) -> HeatRun:
        """Step from time zero.

        Parameters
        ----------
        steps : int
            Number of steps.
        solver : callable or RelaxationLayer
            Called as ``solver(A, b, x0=…, rtol=0.0, atol=rtol*‖b‖)`` in every step, so that
            every solver has the same target.
        rtol : float
            Bound for the norm of the residual over that of the right-hand side.
        start : {"previous", "extrapolated"}
            What the solver starts from: the temperature ``u_k``, or ``2 u_k − u_{k−1}``, which is
            nearer to the next one by a factor ``O(dt)`` where it is smooth in time.
        progress : bool or None
            Whether to show a progress bar; by default if the run takes longer than a second.
        snapshots : iterable of int
            Numbers of steps after which to keep the temperature; 0 is the start.

        Returns
        -------
        HeatRun
            The temperature at the end, and the cost of every step.

        Raises
        ------
        ValueError
            If there is no such number of steps or snapshot, ``rtol`` is beyond the precision, or
            ``start`` is unknown; if a user's function returns NaN, Inf, an array that does not fit
            the grid, or (the conductivity) a negative number.
        TypeError
            If the solver cannot be called or returns no `Solution`, or a user's function returns
            anything but real numbers.
        """
        require_callable("solver", solver)
        if start not in get_args(Start):
            raise ValueError(f"start is {start!r}: pass 'previous' or 'extrapolated'")
        steps = operator.index(steps)
        if steps < 0:
            raise ValueError(f"steps is {steps}: it must not be negative")
        wanted = {operator.index(k) for k in snapshots}
        if outside := sorted(k for k in wanted if not 0 <= k <= steps):
            raise ValueError(f"snapshot {outside[0]} is outside the {steps} steps")
        iterations = np.zeros(steps, dtype=np.int64)
        omegas = np.full(steps, np.nan)
        seconds = np.zeros(steps)
        converged = True
        u = self._on_grid("initial", self.initial(self.x, self.y))
        kept = {0: u} if 0 in wanted else {}
        bar: Iterable[int] = range(steps)
        if progress is not False:
            from tqdm.auto import tqdm  # costs as much as the rest of the import

            delay = 1 if progress is None else 0
            bar = tqdm(bar, desc="heat equation", unit="step", delay=delay, leave=False)
        x0 = u
        for k in bar:
            A, b = self._system(u, k * self.dt)
            began = time.perf_counter()
            solution = _solve(solver, A, b, x0, rtol)
            seconds[k] = time.perf_counter() - began
            iterations[k] = solution.iterations
            omegas[k] = solution.choices.get("omega", np.nan)
            converged &= solution.converged
            x0 = solution.x if start == "previous" else 2 * solution.x - u
            u = solution.x
            if k + 1 in wanted:
                kept[k + 1] = u
        return HeatRun(u, steps * self.dt, self.dt, iterations, omegas, seconds, converged, kept)

    def _system(self, u: Any, t: float) -> tuple[GridOperator, Any]:
        xp = namespace(u)
        A = self.matrix(t)
        heating = self._on_grid("source", self.source(self.x, self.y, t + self.dt / 2))
        product = xp.reshape(A @ xp.reshape(u, (-1,)), u.shape)
        return A, 2 * u - product + self.dt * heating  # I − w L = 2 I − A

    def _on_grid(self, name: str, values: Any) -> Any:
        """Return what the user gave as an array of real numbers on the grid."""
        xp = namespace(self.x)
        if hasattr(values, "shape"):
            namespace(self.x, values)
            device(self.x, values)
        try:
            values = xp.asarray(values, device=device(self.x))
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} is no array of numbers: {error}") from error
        if not xp.isdtype(values.dtype, ("bool", "integral", "real floating")):
            raise TypeError(f"{name} has dtype {values.dtype}: it must be of real numbers")
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused
            values = xp.astype(values, self.x.dtype, copy=False)
        require_finite(name, values)
        try:
            return xp.broadcast_to(values, self._shape)
        except ValueError:
            raise ValueError(
                f"{name} has shape {tuple(values.shape)}: it must be {self._shape}, or broadcast "
                "to it"
            ) from None


def _solve(solver: Solver, A: Any, b: Any, x0: Any, rtol: float) -> Solution:
    require_tolerances(rtol, 0.0, b)
    size = norm(b)
    # b = 0 has an exact answer; a product that underflows is still a tolerance
    atol = max(float(rtol) * size, math.ulp(0.0)) if size else 1.0
    return solved(solver, A, b, x0=x0, rtol=0.0, atol=atol)


def _real(name: str, value: Any) -> float:
    if getattr(value, "shape", None) == ():  # an array without axes, as numpy.where returns
        value = value.item()
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}: it must be a real number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _conductivity(t: float) -> float:
    swing = math.sin(2 * math.pi * t)
    return max(0.1 * swing, -10 * swing)


def _source(x: Any, y: Any, t: float) -> Any:
    centre = 0.5 + math.cos(16 * math.pi * t) / 4, 0.5 + math.sin(16 * math.pi * t) / 4
    return 32 * _bump(x, y, centre, 0.125)


def _initial(x: Any, y: Any) -> Any:
    return _bump(x, y, (0.5, 0.5), 0.25)


def _bump(x: Any, y: Any, centre: tuple[float, float], radius: float) -> Any:
    """Return ``exp(1 − 1/(1 − r²))`` inside the disc of scaled radius ``r < 1``, else 0."""
    xp = namespace(x, y)
    rest = 1 - ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius**2
    inside = rest > 0
    bump = xp.exp(1 - 1 / xp.where(inside, rest, xp.ones_like(rest)))
    return xp.where(inside, bump, xp.zeros_like(bump))

"""The published Gaussian process for high-frequency equations, trained by Adam: a reference."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin.bases.grid import Grid
from structlin.solvers.gp_pde._data.blocks import along
from structlin.solvers.gp_pde._data.points import read_points
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._gp_hm.grid import AxisLags
from structlin.solvers.gp_pde._gp_hm.objective import Objective, started
from structlin.solvers.gp_pde._gp_hm.rows import Family, MixtureRows
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity

# Adam as published
learning_rate, first_decay, second_decay, guard = 1e-2, 0.9, 0.999, 1e-8
window = 100  # steps over which the objective is compared with itself; chosen, not published


@dataclass(frozen=True)
class GPHMReport:
    """How a run of `gp_hm` went.

    Attributes
    ----------
    status : str
        ``"converged"``, ``"max_iterations"``, ``"time_limit"``, or ``"breakdown"``: a Gram matrix
        lost its Cholesky factor or the objective overflowed, and the last finite values are given.
    iterations : int
        Steps of Adam.
    seconds : float
        Spent on the steps.
    objective : (iterations + 1,) ndarray
        The negative logarithm of the joint density before every step and after the last, on the
        host.
    residual : float
        Root mean square of the equation's residual at the nodes, relative to that of the source.
    frequencies, weights : tuple of (Q,) array
        What was learnt, per axis; frequencies in cycles per unit length.
    boundary_precision, equation_precision : float
        ``τ`` and ``v``.
    jitter : float
        What was added to the diagonal of every Gram matrix, as published.
    """

    status: str
    iterations: int
    seconds: float
    objective: NDArray[np.float64] = field(repr=False)
    residual: float
    frequencies: tuple[Any, ...] = field(repr=False)
    weights: tuple[Any, ...] = field(repr=False)
    boundary_precision: float
    equation_precision: float
    jitter: float = 1e-6

    @property
    def converged(self) -> bool:
        """Whether the objective stopped changing."""
        return self.status == "converged"


@dataclass(frozen=True, eq=False)
class GPHMSolution:
    """Values on the grid, and the conditional mean of the process elsewhere.

    Attributes
    ----------
    grid : Grid
    values : array of the grid's shape
        At the nodes, in C order.
    report : GPHMReport
    """

    grid: Grid
    values: Any
    report: GPHMReport
    _kernels: tuple[Any, ...] = field(repr=False)
    _weights: Any = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the objective stopped changing."""
        return self.report.converged

    @property
    def iterations(self) -> int:
        """Steps of Adam."""
        return self.report.iterations

    def mean(self, *points: Any) -> Any:
        """Return the conditional mean on a tensor grid of points, in C order.

        Parameters
        ----------
        *points : (n_j,) array
            Points of every axis; by default the nodes.

        Returns
        -------
        (n_1, …, n_d) array

        Notes
        -----
        ``(⊗_j K_j(points, nodes) P_j⁻¹) U``.
        """
        read = read_points(self.grid, points)
        crosses = [kernel(x) for kernel, x in zip(self._kernels, read, strict=True)]
        return along(crosses, self._weights)


def gp_hm(
    grid: Any,
    terms: Any,
    rhs: Any,
    boundary: Any,
    *,
    nonlinearity: Any = None,
    family: Family = "student",
    components: int = 30,
    frequency: float | Sequence[float] = 20.0,
    boundary_weight: float = 200.0,
    steps: int = 1000,
    tol: float = 0.0,
    time_limit: float = math.inf,
    progress: Callable[..., Any] | None = None,
) -> GPHMSolution:
    """Train the published Gaussian process with a spectral mixture kernel on an equation.

    This is the reference to compare `solve_linear_pde` with: the same objective, start and steps
    as published, with the gradient in closed form. It needs thousands of steps and gives no
    standard deviation.

    Parameters
    ----------
    grid : Grid, or sequence of (n_j,) array
        Nodes of one axis or more; Toeplitz matrices are made of one row where they are even.
    terms : mapping
        From multi-index to coefficient, as `solve_linear_pde` takes them; at most second
        derivatives along an axis.
    rhs : array of the grid's shape, callable or number
        The source.
    boundary : number, callable, or mapping from ``(axis, side)`` to values
        Dirichlet data, as `solve_linear_pde` takes them.
    nonlinearity : Nonlinearity or (callable, callable), optional
        A term ``N(u)`` with its derivative, added to the left-hand side.
    family : {"student", "gaussian"}
        Of the spectral densities; Student-t with five degrees of freedom.
    components : int
        How many there are per axis.
    frequency : float or sequence of float
        The highest of the starting frequencies, in cycles per unit length: it has to be guessed.
    boundary_weight : float
        The factor of the boundary term.
    steps : int
        Steps of Adam, with learning rate 0.01.
    tol : float
        Stop when 100 steps have changed the objective by less than this part of it.
    time_limit : float
        Seconds after which no step is begun.
    progress : callable, optional
        Wraps the steps: ``tqdm.auto.tqdm``.

    Returns
    -------
    GPHMSolution
        With `mean(*points)`, the values on the grid, and a report.

    Raises
    ------
    ValueError
        If the data are not Dirichlet data without gaps, or a derivative is of order three or more.

    Warns
    -----
    ConvergenceWarning
        If the steps end before ``tol`` is met.

    Notes
    -----
    The objective stands in `Objective`. One step is ``O(Σ_j n_j³ + N Σ_j n_j + Σ_j n_j Q)`` for
    ``N`` nodes and ``Q`` components. Everything starts at zero, with equal weights and even
    frequencies up to ``frequency``; nothing is random.

    References
    ----------
    .. [1] S. Fang, M. Cooley, D. Long, S. Li, M. Kirby, S. Zhe, "Solving high frequency and
       multi-scale PDEs with Gaussian processes", ICLR, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 30)
    >>> source = lambda x: -np.sin(x)
    >>> run = gp_hm((x,), {(2,): 1.0}, source, np.sin, frequency=2.0, steps=300, tol=1.0)
    >>> run.report.status, bool(run.report.objective[-1] < run.report.objective[0])
    ('converged', True)
    """
    grid = Grid.of(grid)
    problem = Problem.of(grid, terms, rhs, boundary)
    xp = grid.xp
    term = None if nonlinearity is None else Nonlinearity.of(nonlinearity)
    _require_supported(problem, term, family)
    single = isinstance(frequency, int | float)
    highest: Any = [frequency] * grid.ndim if single else frequency
    if not isinstance(highest, list | tuple):
        raise ValueError(f"frequency is {frequency!r}: pass a number >= 0, or one for every axis")
    if len(highest) != grid.ndim or not all(_at_least_zero(f) and f < math.inf for f in highest):
        raise ValueError(f"frequency is {frequency!r}: pass a number >= 0, or one for every axis")
    for name, count in (("components", components), ("steps", steps)):
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{name} is {count!r}: pass an integer >= 1")
    for name, value in (
        ("boundary_weight", boundary_weight),
        ("tol", tol),
        ("time_limit", time_limit),
    ):
        if not _at_least_zero(value) or (name == "boundary_weight" and value == math.inf):
            raise ValueError(f"{name} is {value!r}: pass a number >= 0")

    objective = Objective(
        tuple(AxisLags(x, h) for x, h in zip(grid.axes, grid.spacings, strict=True)),
        family,
        coefficients(problem),
        problem.rhs,
        [(side.axis, side.side, side.values) for side in problem.sides],
        boundary_weight,
        term,
    )
    empty = xp.zeros(grid.shape, dtype=grid.dtype, device=grid.device)
    begun = time.perf_counter()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # ends as a breakdown
        parameters, history, status = _adam(
            objective,
            started(empty, grid.ndim, highest, components),
            steps,
            tol,
            time_limit,
            progress,
        )
    seconds = time.perf_counter() - begun
    if status != "converged":
        warnings.warn(
            f"gp_hm stopped with status {status!r} after {max(len(history) - 1, 0)} steps: the "
            "published method takes 1e5 and more; solve_linear_pde needs none",
            ConvergenceWarning,
            stacklevel=2,
        )
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _solution(grid, objective, parameters, np.asarray(history), status, seconds)


def _at_least_zero(number: Any) -> bool:
    return isinstance(number, int | float) and number >= 0


def coefficients(problem: Problem) -> dict[tuple[int, ...], Any]:
    """Return the coefficient of every multi-index as an array of the shape of the grid."""
    grid = problem.grid
    made: dict[tuple[int, ...], Any] = {}
    for term in problem.terms:
        c = grid.xp.ones(grid.shape, dtype=grid.dtype, device=grid.device)
        for axis, factor in enumerate(term.factors):
            if factor is not None:
                c = c * factor[(slice(None), *(None,) * (grid.ndim - 1 - axis))]
        made[term.orders] = made[term.orders] + c if term.orders in made else c
    return made


def _require_supported(problem: Problem, term: Nonlinearity | None, family: str) -> None:
    if family not in ("student", "gaussian"):
        raise ValueError(f"family is {family!r}: pass 'student' or 'gaussian'")
    if problem.periodic or any(side.order for side in problem.sides):
        raise ValueError("gp_hm takes Dirichlet data only: use solve_linear_pde")
    if problem.known is not None or any(side.known is not None for side in problem.sides):
        raise ValueError("gp_hm takes no missing data: use solve_linear_pde")
    orders = [t.orders for t in problem.terms]
    orders += list(term.arguments(problem.grid.ndim)) if term is not None else []
    if max(max(k) for k in orders) > 2:
        raise ValueError(
            "gp_hm takes derivatives up to the second along an axis: the Student-t kernel has no "
            "more"
        )


def _adam(
    objective: Objective,
    parameters: list[Any],
    steps: int,
    tol: float,
    time_limit: float,
    progress: Callable[..., Any] | None,
) -> tuple[list[Any], list[float], str]:
    """Return the parameters after the steps, the objective before each, and how they ended."""
    xp = namespace(*parameters)
    means = [xp.zeros_like(p) for p in parameters]
    squares = [xp.zeros_like(p) for p in parameters]
    best = parameters
    history: list[float] = []
    begun = time.perf_counter()
    bar = range(1, steps + 2) if progress is None else progress(range(1, steps + 2))
    for step in bar:  # the last one only looks at what the steps have made
        value, gradient = objective.gradient(parameters)
        if not all(bool(xp.all(xp.isfinite(g))) for g in (value, *gradient)):
            return best, history, "breakdown"
        history.append(float(value))
        best = parameters
        if step > window and abs(history[-1 - window] - history[-1]) <= tol * abs(history[-1]):
            return best, history, "converged"
        if time.perf_counter() - begun > time_limit:
            return best, history, "time_limit"
        means = [
            first_decay * m + (1 - first_decay) * g for m, g in zip(means, gradient, strict=True)
        ]
        squares = [
            second_decay * s + (1 - second_decay) * g * g
            for s, g in zip(squares, gradient, strict=True)
        ]
        one, two = 1 - first_decay**step, 1 - second_decay**step
        parameters = [
            p - learning_rate * (m / one) / (xp.sqrt(s / two) + guard)
            for p, m, s in zip(parameters, means, squares, strict=True)
        ]
    return best, history, "max_iterations"


def _solution(
    grid: Grid,
    objective: Objective,
    parameters: list[Any],
    history: NDArray[np.float64],
    status: str,
    seconds: float,
) -> GPHMSolution:
    xp = grid.xp
    matrices = objective.matrices(parameters)
    weights = along([m.inverse for m in matrices], parameters[0])
    kernels = tuple(
        _cross(x, parameters[3 + 3 * k : 6 + 3 * k], objective.family)
        for k, x in enumerate(grid.axes)
    )
    size = xp.sqrt(xp.mean(objective.source * objective.source))
    residual = float(objective.residual_norm(parameters))
    report = GPHMReport(
        status,
        max(len(history) - 1, 0),
        seconds,
        history,
        residual / float(size) if float(size) > 0 else residual,
        tuple(parameters[5::3]),
        tuple(xp.exp(p) for p in parameters[3::3]),
        float(xp.exp(parameters[1])),
        float(xp.exp(parameters[2])),
    )
    return GPHMSolution(grid, parameters[0], report, kernels, weights)


def _cross(x: Any, parameters: Sequence[Any], family: Family) -> Callable[[Any], Any]:
    """Return the function that makes the covariances of points with the nodes of an axis."""

    def matrix(points: Any) -> Any:
        xp = namespace(points)
        lags = xp.reshape(xp.abs(points[:, None] - x[None, :]), (-1,))
        (row,) = MixtureRows(lags, parameters, family, 0).rows()
        return xp.reshape(row, (points.shape[0], x.shape[0]))

    return matrix

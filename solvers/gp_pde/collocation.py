"""Spectral collocation: the baseline for problems whose nodes may be chosen."""

from __future__ import annotations

import functools
import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, is_numpy, namespace, on_host, scipy_of
from structlin._errors import ConvergenceWarning
from structlin.bases import barycentric
from structlin.bases.chebyshev import Chebyshev
from structlin.bases.grid import Grid
from structlin.solvers.gp_pde._collocation.axes import CollocationAxis, axes_of, data_of
from structlin.solvers.gp_pde._data.blocks import along, sum_of
from structlin.solvers.gp_pde._data.boundary import largest
from structlin.solvers.gp_pde._data.points import read_points
from structlin.solvers.gp_pde._data.problem import Problem

Matrix = NDArray[np.float64]

most_unknowns = 6000  # of a dense system: 300 MB in double precision
# eigenvectors of a worse condition lose the digits collocation is for; chosen
worst_eigenvectors = 1e6
# relative error of a random function found again from its image: of a singular operator (0.1 and
# more were seen, and less than 1e-7 of others), and of one whose solution has six digits
singular, least_digits = 1e-3, 1e-6


@dataclass(frozen=True)
class CollocationReport:
    """How a system of `collocation` was solved, and how well.

    Attributes
    ----------
    route : {"diagonalised", "sylvester", "dense"}
    residual : float
        The largest error of the equation at the inner nodes, relative to its largest term.
    tails : tuple of float
        The size of the last tenth of the Chebyshev coefficients along every axis, relative to the
        largest one: where they have not decayed, the nodes do not resolve the solution.
    lebesgue : tuple of float
        The Lebesgue constants of the nodes.
    rounding : float
        What rounding errors do to the values, relative to them: how well a random function is found
        again from what the operator makes of it.
    mismatch : float
        The largest difference of the data of two sides where they meet, relative to them.
    seconds : float
    """

    route: str
    residual: float
    tails: tuple[float, ...]
    lebesgue: tuple[float, ...]
    rounding: float
    mismatch: float
    seconds: float

    @property
    def converged(self) -> bool:
        """Whether the nodes resolve the solution: tails and rounding errors below 1e-6."""
        return max(self.tails) <= 1e-6 and self.rounding <= least_digits


@dataclass(frozen=True, eq=False)
class CollocationSolution:
    """The polynomial that meets the equation and the boundary data at the nodes.

    Attributes
    ----------
    grid : Grid
    values : array of the grid's shape
        At the nodes, in C order.
    report : CollocationReport
    """

    grid: Grid
    values: Any
    report: CollocationReport
    _weights: tuple[Any, ...] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the nodes resolve the solution."""
        return self.report.converged

    def mean(self, *points: Any) -> Any:
        """Return the polynomial on a tensor grid of points, in C order.

        Parameters
        ----------
        *points : (n_j,) array
            Points of every axis; by default the nodes.

        Returns
        -------
        (n_1, …, n_d) array
        """
        xp = self.grid.xp
        matrices = [
            barycentric.interpolation(p, x, xp.astype(w, self.grid.dtype))
            for p, x, w in zip(
                read_points(self.grid, points), self.grid.axes, self._weights, strict=True
            )
        ]
        return along(matrices, self.values)


def collocation(grid: Any, terms: Any, rhs: Any, boundary: Any) -> CollocationSolution:
    """Solve a linear equation by polynomials that meet it at the nodes.

    Parameters
    ----------
    grid : Grid, or sequence of (n_j,) array
        Nodes that cluster at the ends, of one to three axes: ``Chebyshev(low, high).points(n)``,
        or those of `legendre_lobatto`.
    terms : mapping
        From multi-index to coefficient, as `solve_linear_pde` takes them.
    rhs : array of the grid's shape, callable or number
        The source.
    boundary : number, callable or mapping
        Data on the sides, as `solve_linear_pde` takes them.

    Returns
    -------
    CollocationSolution
        With `mean(*points)`, the values at the nodes, and a report.

    Raises
    ------
    ValueError
        If the nodes do not allow stable interpolation, data are missing, equation and boundary data
        do not determine a solution, or a problem that is no sum over the axes has more than 6000
        unknowns.

    Warns
    -----
    ConvergenceWarning
        If the nodes do not resolve the solution, or amplify rounding errors.

    Notes
    -----
    This is the method to use for smooth solutions where the nodes may be chosen: it needs no
    prior, and in two and three dimensions much less time than conditioning a process. It knows no
    noise, no missing data and no given nodes, and has no error bars.

    Boundary data replace the equation at the ends. Where every term differentiates along one axis,
    with a coefficient of its coordinate, the operator is ``A ⊗ I + I ⊗ B`` and is solved through
    the eigenvectors of its factors, ``O(Σ n_j³ + N Σ n_j)``, or by the Bartels-Stewart algorithm
    where these are ill conditioned; else by a dense system. The matrices of the axes are made on
    the host, and all is done in double precision; the result has that of the grid.

    References
    ----------
    .. [1] L. N. Trefethen, "Spectral Methods in MATLAB", SIAM, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Chebyshev
    >>> x = Chebyshev(0.0, 1.0).points(20)
    >>> u = collocation((x, x), {(2, 0): 1, (0, 2): 1}, 0.0, lambda x, y: np.exp(x) * np.sin(y))
    >>> bool(abs(u.mean(x[3:4], x[5:6])[0, 0] - np.exp(x[3]) * np.sin(x[5])) < 1e-12)
    True
    """
    begun = time.perf_counter()
    problem = Problem.of(grid, terms, rhs, boundary)
    grid, xp = problem.grid, problem.grid.xp
    if grid.ndim > 3:
        raise ValueError(f"the grid has {grid.ndim} axes: collocation takes three at most")
    axes = axes_of(problem)

    # a function that has the boundary data, and what is left of the source
    lift = xp.zeros(grid.shape, dtype=xp.float64, device=grid.device)
    for k, axis in enumerate(axes):
        data = data_of(problem, k)
        if data is not None:
            lift = lift + _along(axis.lifting, data - _along(axis.conditions, lift, k), k)
    source = xp.astype(problem.rhs, xp.float64, copy=False)
    rest = _inner(axes, source - sum_of(_terms_of(problem, axes, lift)))

    W, route, rounding = _solved(problem, axes, rest)
    stable = max(axis.lebesgue for axis in axes) <= 1 / least_digits
    if not rounding <= singular and stable:
        raise _singular()
    for k, axis in enumerate(axes):
        W = _along(axis.extension, W, k)
    values = lift + W

    applied = _terms_of(problem, axes, values)
    gap = largest(_inner(axes, source - sum_of(applied)))
    reference = max(map(largest, applied))
    report = CollocationReport(
        route,
        gap / reference if reference > 0 else gap,
        tuple(_tail(grid, axis, values, k) for k, axis in enumerate(axes)),
        tuple(axis.lebesgue for axis in axes),
        rounding,
        problem.mismatch(),
        time.perf_counter() - begun,
    )
    if not report.converged:
        reason = (
            "the nodes do not resolve the solution: its Chebyshev coefficients end at "
            f"{max(report.tails):.1g} of their size: take more nodes along axis "
            f"{int(np.argmax(report.tails))}"
        )
        if not report.rounding <= least_digits:
            reason = (
                f"the nodes make relative errors of {report.rounding:.1g} of rounding errors: take "
                "nodes that cluster at the ends, such as Chebyshev(low, high).points(n)"
            )
        warnings.warn(reason, ConvergenceWarning, stacklevel=2)
    weights = tuple(xp.asarray(axis.weights, device=grid.device) for axis in axes)
    return CollocationSolution(grid, xp.astype(values, grid.dtype, copy=False), report, weights)


def _along(A: Matrix, X: Any, axis: int) -> Any:
    """Return the product of a matrix of the host with one axis of an array."""
    xp = namespace(X)
    moved = xp.asarray(A, device=device(X))
    return xp.moveaxis(xp.tensordot(moved, X, axes=((1,), (axis,))), 0, axis)


def _inner(axes: Sequence[CollocationAxis], X: Any) -> Any:
    """Return the entries of an array at the nodes where the equation is asked for."""
    xp = namespace(X)
    for k, axis in enumerate(axes):
        X = xp.take(X, xp.asarray(axis.inner, device=device(X)), axis=k)
    return X


def _terms_of(problem: Problem, axes: Sequence[CollocationAxis], X: Any) -> list[Any]:
    """Return the value of every term of the operator at all nodes."""
    made = []
    for term in problem.terms:
        Y = X
        for k, (order, factor) in enumerate(zip(term.orders, term.factors, strict=True)):
            if order:
                Y = _along(axes[k].derivatives[order], Y, k)
            if factor is not None:
                shape = tuple(-1 if j == k else 1 for j in range(X.ndim))
                xp = problem.grid.xp
                Y = Y * xp.reshape(xp.astype(factor, xp.float64), shape)
        made.append(Y)
    return made


def _solved(problem: Problem, axes: Sequence[CollocationAxis], F: Any) -> tuple[Any, str, float]:
    """Return the inner values of the solution with boundary data zero, the route, and `rounding`.

    A random function is solved for beside it.
    """
    xp = problem.grid.xp
    parts = [_reduced(problem, axes, k) for k in range(len(problem.terms))]
    drawn = xp.asarray(np.random.default_rng(0).standard_normal(F.shape), device=device(F))
    image = sum_of(_image(part, drawn) for part in parts)
    both, route = _inverted(problem, parts, xp.stack([F, image], axis=-1))
    return both[..., 0], route, largest(both[..., 1] - drawn) / largest(drawn)


def _image(matrices: Sequence[Matrix], W: Any) -> Any:
    for k, A in enumerate(matrices):
        W = _along(A, W, k)
    return W


def _inverted(problem: Problem, parts: Sequence[Sequence[Matrix]], F: Any) -> tuple[Any, str]:
    """Return the solutions for right-hand sides along the last axis, and the route taken."""
    xp = problem.grid.xp
    if len(parts[0]) > 1 and (summands := _summands(problem, parts)) is not None:
        pairs = [np.linalg.eig(A) for A in summands]
        if max(np.linalg.cond(V) for _, V in pairs) <= worst_eigenvectors:
            return _diagonalised(summands, pairs, F), "diagonalised"
        if len(summands) == 2 and is_numpy(xp):
            sylvester = scipy_of(xp, "linalg").solve_sylvester
            solved = [sylvester(summands[0], summands[1].T, F[..., k]) for k in range(F.shape[-1])]
            return xp.stack(solved, axis=-1), "sylvester"
    unknowns = math.prod(F.shape[:-1])
    if unknowns > most_unknowns:
        raise ValueError(
            f"the operator is no sum over the axes, and a dense system of {unknowns} unknowns is "
            f"beyond {most_unknowns}: take fewer nodes"
        )
    dense = sum_of(_kron(part) for part in parts)
    A = xp.asarray(dense, device=device(F))
    try:
        W = xp.linalg.solve(A, xp.reshape(F, (unknowns, -1)))
    except np.linalg.LinAlgError:
        raise _singular() from None
    return xp.reshape(W, F.shape), "dense"


def _kron(matrices: Sequence[Matrix]) -> Any:
    made: Any = matrices[0]
    for A in matrices[1:]:
        made = np.kron(made, A)
    return made


def _singular() -> ValueError:
    return ValueError(
        "the equation and its boundary data do not determine a solution: give data on more sides, "
        "or of another kind"
    )


def _reduced(problem: Problem, axes: Sequence[CollocationAxis], k: int) -> list[Matrix]:
    """Return what a term does to inner values along every axis."""
    term, made = problem.terms[k], []
    for axis, order, factor in zip(axes, term.orders, term.factors, strict=True):
        D = axis.derivatives[order]
        made.append(axis.reduced(D if factor is None else on_host(factor)[:, None] * D))
    return made


def _summands(problem: Problem, parts: Sequence[Sequence[Matrix]]) -> list[Matrix] | None:
    """Return ``A_j`` with ``Σ_j I ⊗ A_j ⊗ I`` the operator; None if it is no such sum."""
    ndim = problem.grid.ndim
    made: list[Any] = [np.zeros_like(A) for A in parts[0]]
    for term, matrices in zip(problem.terms, parts, strict=True):
        scale, active = 1.0, []
        for axis, (order, factor) in enumerate(zip(term.orders, term.factors, strict=True)):
            values = np.ones(1) if factor is None else on_host(factor)
            if order or np.any(values != values[0]):
                active.append(axis)
            else:
                scale *= float(values[0])
        if len(active) > 1:
            return None
        if active:
            made[active[0]] += scale * matrices[active[0]]
        else:
            made[ndim - 1] += scale * np.eye(len(made[ndim - 1]))
    return made


def _diagonalised(summands: Sequence[Matrix], pairs: Sequence[Any], F: Any) -> Any:
    """Solve ``(Σ_j I ⊗ A_j ⊗ I) W = F`` by eigenvectors, with one step of refinement.

    The last axis of ``F`` counts right-hand sides.
    """
    xp = namespace(F)
    totals = functools.reduce(np.add.outer, [values for values, _ in pairs])
    if np.min(np.abs(totals)) <= 1e-15 * np.max(np.abs(totals)):
        raise _singular()
    divisors = xp.asarray(totals, device=device(F))[..., None]
    inverses = [np.linalg.inv(V) for _, V in pairs]
    complex_valued = np.iscomplexobj(totals)

    def solve(G: Any) -> Any:
        G = xp.astype(G, xp.complex128) if complex_valued else G
        for k, V in enumerate(inverses):
            G = _along(V.astype(totals.dtype), G, k)
        G = G / divisors
        for k, (_, V) in enumerate(pairs):
            G = _along(V.astype(totals.dtype), G, k)
        return xp.real(G) if complex_valued else G

    W = solve(F)
    gap = F
    for k, A in enumerate(summands):
        gap = gap - _along(A, W, k)
    return W + solve(gap)


def _tail(grid: Grid, axis: CollocationAxis, values: Any, k: int) -> float:
    """Return the size of the last tenth of the Chebyshev coefficients along an axis."""
    n = grid.shape[k]
    if n < 3:
        return 0.0
    low, high = grid.sides[k]
    basis = Chebyshev(low, high)
    nodes = on_host(grid.axes[k])
    at_points = barycentric.interpolation(basis.points(n), nodes, axis.weights)
    moved = grid.xp.moveaxis(_along(at_points, values, k), k, 0)
    sizes = basis.sizes(basis.coefficients(moved))
    top = float(np.max(sizes))
    return float(np.max(sizes[-max(n // 10, 2) :])) / top if top > 0 else 0.0

"""Sums of operators of one coordinate, solved axis by axis: no matrix of all unknowns appears."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, is_cupy, is_numpy, namespace, on_host, scipy_of
from structlin.solvers.gp_pde._data.blocks import along, along_some
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.products import Conditioned, judged

# draws from which the posterior covariance is taken: their standard deviations are off by a seventh
draws = 24
# rounds of refinement
rounds = 3


@dataclass(frozen=True, eq=False)
class Axis:
    """Matrices of one axis.

    Attributes
    ----------
    values, operator : (n, r) array
        Features, and this axis's part of the operator on them, at the nodes.
    rows : (k, r) array
        What the boundary data are taken of.
    lift, fit : (r, k), (r, n) array
        Right inverse of ``rows``; features fitted to values.
    inner : (r, s) array
        Weights without boundary data whose values are the orthonormal columns of ``basis``.
    basis : (n, s) array
    reduced : (s, s) array
        The operator from values to values, in the basis.
    """

    values: Any
    operator: Any
    rows: Any
    lift: Any
    fit: Any
    inner: Any
    basis: Any
    reduced: Any


def is_separable(problem: Problem) -> bool:
    """Tell whether `condition_separable` can take a problem.

    Every term has to act along one axis, and every axis needs full data on its sides, as many as
    the order of the equation along it.
    """
    if problem.grid.ndim < 2 or problem.known is not None or problem.noise is not None:
        return False
    if problem.observations is not None or any(s.known is not None for s in problem.sides):
        return False
    for axis in range(problem.grid.ndim):
        order = max(term.orders[axis] for term in problem.terms)
        given = sum(side.axis == axis for side in problem.sides)
        if axis in problem.periodic:
            given = order
        if order == 0 or given != order:
            return False
    return all(_active(term.orders, term.factors) is not None for term in problem.terms)


def _active(orders: Sequence[int], factors: Sequence[Any]) -> int | None:
    """Return the one axis along which a term acts."""
    found = [k for k, (n, c) in enumerate(zip(orders, factors, strict=True)) if n or c is not None]
    return (found or [0])[0] if len(found) < 2 else None


def condition_separable(
    problem: Problem, features: Sequence[Features], seed: int, smallest: float
) -> Conditioned:
    """Return the solution of the equation in the span of the features, and its uncertainty.

    Combinations of features whose values are below ``smallest`` times the largest are left out.
    The equation holds on the span of the features' values, and the boundary data exactly: the limit
    of small noise and a wide prior. Covariances are those of what noise of the data becomes.

    Notes
    -----
    On weights whose boundary data vanish, in bases that are orthonormal at the nodes, the operator
    is ``Σ_j I ⊗ L_j ⊗ I``: a Sylvester equation in two dimensions, solved by Schur decompositions,
    and eigendecompositions in three. O(Σ r_j³ + N r).
    """
    grid = problem.grid
    axes = [_axis(problem, f, axis, smallest) for axis, f in enumerate(features)]
    invert = _inverse([a.reduced for a in axes])
    shape = tuple(f.count for f in features)
    sides = [_side_data(problem, axis) for axis in range(grid.ndim)]
    xp = grid.xp
    zero = xp.zeros(shape, dtype=grid.dtype, device=grid.device)
    z, best = zero, math.inf
    done = 0
    while done < rounds:
        done += 1
        rest = problem.rhs - _operator(axes, z)
        edges = [g - _edge(axes, z, k) for k, g in enumerate(sides)]
        step = _solve(axes, invert, rest, edges)
        size = float(xp.sum(step * step))
        if not size < 0.25 * best:  # rounding errors are left
            break
        z, best = z + step, size
    blocks = problem.blocks(features)
    sds = {block.name: block.sd for block in blocks}

    generator = np.random.default_rng(seed)

    def noise(values: Any, sd: float) -> Any:
        drawn = sd * generator.standard_normal(tuple(values.shape))
        if is_numpy(xp):
            return drawn.astype(grid.dtype)
        return xp.asarray(drawn.tolist(), dtype=grid.dtype, device=grid.device)

    edge_sd = max((sd for name, sd in sds.items() if name != "equation"), default=0.0)
    drawn: list[Any] = []

    def root(start: int, stop: int) -> Any:
        while len(drawn) < draws:
            parts = [noise(g, edge_sd) for g in sides]
            drawn.append(_solve(axes, invert, noise(problem.rhs, sds["equation"]), parts))
        return xp.stack(drawn[start:stop], axis=-1) / math.sqrt(draws)

    found = Conditioned(z, root, math.nan, 0.0, {}, columns=draws, iterations=done, converged=True)
    return judged(found, blocks)


def _axis(problem: Problem, f: Features, axis: int, smallest: float) -> Axis:
    xp, x = problem.grid.xp, problem.grid.axes[axis]
    values = f.values(x)
    operator: Any = 0.0 * values
    for term in problem.terms:
        if _active(term.orders, term.factors) == axis:
            factor = term.factors[axis]
            part = f.values(x, term.orders[axis])
            operator = operator + (part if factor is None else factor[:, None] * part)
    rows = []
    for side in problem.sides:
        if side.axis == axis:
            column = f.values(x, side.order)
            rows.append(column[:1, :] if side.side == 0 else column[-1:, :])
    if axis in problem.periodic:
        for order in range(max(term.orders[axis] for term in problem.terms)):
            column = f.values(x, order)
            rows.append(column[:1, :] - column[-1:, :])
    E = xp.concat(rows, axis=0)
    k = E.shape[0]
    _, _, Vh = xp.linalg.svd(E, full_matrices=True)
    free = Vh[k:, :].T
    lift = xp.linalg.pinv(E)
    U, s, Wh = xp.linalg.svd(values, full_matrices=False)
    kept = int(np.sum(on_host(s) > smallest * float(s[0])))
    fit = (Wh[:kept, :].T / s[:kept]) @ U[:, :kept].T
    Q, t, Th = xp.linalg.svd(values @ free, full_matrices=False)
    kept = int(np.sum(on_host(t) > smallest * float(t[0])))
    inner = (free @ Th[:kept, :].T) / t[:kept]
    basis = Q[:, :kept]
    return Axis(values, operator, E, lift, fit, inner, basis, basis.T @ (operator @ inner))


def _side_data(problem: Problem, axis: int) -> Any:
    """Return the boundary data of an axis, in the order of its rows."""
    found = [side.values for side in problem.sides if side.axis == axis]
    if axis in problem.periodic:
        order = max(term.orders[axis] for term in problem.terms)
        shape = tuple(order if k == axis else n for k, n in enumerate(problem.grid.shape))
        return problem.grid.xp.zeros(shape, dtype=problem.grid.dtype, device=problem.grid.device)
    return problem.grid.xp.concat(found, axis=axis)


def _operator(axes: Sequence[Axis], z: Any) -> Any:
    total: Any = 0.0
    for k, acting in enumerate(axes):
        matrices = [acting.operator if j == k else a.values for j, a in enumerate(axes)]
        total = total + along(matrices, z)
    return total


def _edge(axes: Sequence[Axis], z: Any, axis: int) -> Any:
    return along([a.rows if j == axis else a.values for j, a in enumerate(axes)], z)


def _solve(axes: Sequence[Axis], invert: Any, source: Any, edges: Sequence[Any]) -> Any:
    """Return weights with these boundary data that solve the equation with this source."""
    z: Any = None
    for k, g in enumerate(edges):
        # weights of the other axes, fitted to the data that the earlier axes leave
        rest = along_some([None if j == k else a.fit for j, a in enumerate(axes)], g)
        if z is not None:
            rest = rest - along_some([a.rows if j == k else None for j, a in enumerate(axes)], z)
        part = along_some([axes[k].lift if j == k else None for j in range(len(axes))], rest)
        z = part if z is None else z + part
    rest = source - _operator(axes, z)
    inside = invert(along([a.basis.T for a in axes], rest))
    return z + along([a.inner for a in axes], inside)


def _inverse(matrices: Sequence[Any]) -> Any:
    """Return the inverse of ``Σ_j I ⊗ L_j ⊗ I``; it works on the host, on arrays of the ranks."""
    xp, where, kind = namespace(matrices[0]), device(matrices[0]), matrices[0].dtype
    host = [_fetch(L) for L in matrices]

    def back(x: Any) -> Any:
        return x if is_numpy(xp) else xp.asarray(x.tolist(), dtype=kind, device=where)

    if len(host) == 2:
        linalg = scipy_of(_numpy, "linalg")
        (R, U), (S, V) = linalg.schur(host[0]), linalg.schur(host[1])
        (triangular,) = linalg.get_lapack_funcs(("trsyl",), (R, S))

        def sylvester(F: Any) -> Any:
            made, scale, _ = triangular(R, S, U.T @ _fetch(F) @ V, tranb="T")
            return back(scale * (U @ made @ V.T))

        return sylvester
    decomposed = [np.linalg.eig(L) for L in host]
    total = np.zeros((1,) * len(host))
    for k, (spectrum, _) in enumerate(decomposed):
        total = total + spectrum.reshape(tuple(-1 if j == k else 1 for j in range(len(host))))
    inverses = [np.linalg.inv(X) for _, X in decomposed]

    def solve(F: Any) -> Any:
        made = along(inverses, _fetch(F).astype(np.complex128)) / total
        return back(np.real(along([X for _, X in decomposed], made)).astype(host[0].dtype))

    return solve


_numpy = namespace(np.empty(0))


def _fetch(x: Any) -> Any:
    """Return an array on the host."""
    xp = namespace(x)
    if is_numpy(xp):
        return x
    if is_cupy(xp):
        return x.get()
    return np.reshape(on_host(xp.reshape(x, (-1,))), tuple(x.shape))

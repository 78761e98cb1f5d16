"""Priors of a boundary value problem: which features every axis gets, and how large they are."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace, on_host
from structlin.bases.grid import Grid
from structlin.solvers.gp_pde._data.boundary import largest
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._priors.extension import extension_features
from structlin.solvers.gp_pde._priors.lines import Lines, find_lines
from structlin.solvers.gp_pde._priors.mixture import gaussian_mixture

sketch_columns = 8
# columns that are searched one by one where there are gaps
gap_columns = 3
# standard deviations, in cycles per side, of the spectral density of the smooth part, of a line
# whose amplitude varies, and of a pure one, with the nodes of their quadrature: odd, so that the
# line itself is a node; chosen by trial on sums of plane waves
smooth, wide, narrow = (0.45, 17), (0.225, 17), (0.056, 9)
# the least standard deviation of a line, relative to the largest; chosen by trial
least_sd = 1e-2
# chosen by trial on a plane wave with a harmonic function and on sin 60xy: at 1e-12 exact data give
# a digit more, and errors of 1e-10 in boundary data become errors of 1e-2
smallest_of_series = 1e-9
# boundary data below this part of the solution are rounding errors, in units of the numerical noise
rounding = 10.0


@dataclass(frozen=True, eq=False)
class Prior:
    """Features for every axis, and the frequencies they came from (cycles per unit length).

    ``amplitudes`` are the standard deviations of the frequencies, relative to the largest of the
    axis.

    ``smallest`` is how small combinations of features, relative to the largest, still carry more
    than rounding errors of the data.
    """

    route: str
    features: tuple[Features, ...]
    lines: tuple[tuple[float, ...], ...]
    smallest: float = 1e-12
    amplitudes: tuple[tuple[float, ...], ...] = ()


def line_prior(problem: Problem, seed: int) -> Prior | None:
    """Return features around the spectral lines of source and boundary data.

    Data that no few lines resolve are left aside: whether the rest suffice, the equation tells.
    None where an axis has no others. Of a source with gaps, a few columns are searched, at the
    nodes where they are known.
    """
    grid = problem.grid
    traces = [_lines(problem, axis, seed, source=False) for axis in range(grid.ndim)]
    # a source that is as small as the rounding errors of the operator on the data is none
    fastest = [_dominant(lines, grid, axis) for axis, lines in enumerate(traces)]
    top = max((largest(side.values) for side in problem.sides), default=0.0)
    silent = largest(problem.rhs) <= rounding * problem.exact * top * _symbol(problem, fastest)
    sources: list[list[Lines]] = [[] for _ in range(grid.ndim)]
    if not silent:
        sources = [_lines(problem, axis, seed, source=True) for axis in range(grid.ndim)]
    sources, traces = ([[f for f in one if f.resolved] for one in k] for k in (sources, traces))
    if not all(one or two for one, two in zip(sources, traces, strict=True)):
        return None
    dominant = [_dominant(lines, grid, axis) for axis, lines in enumerate(sources)]
    sizes: list[dict[float, tuple[float, int]]] = []
    for axis in range(grid.ndim):
        found: dict[float, tuple[float, int]] = {}
        pairs = [(one, True) for one in sources[axis]] + [(one, False) for one in traces[axis]]
        for lines, is_source in pairs:
            for mu, amplitude, degree in zip(
                lines.frequencies.tolist(),
                lines.amplitudes.tolist(),
                lines.degrees.tolist(),
                strict=True,
            ):
                if is_source:
                    omegas = list(dominant)
                    omegas[axis] = _omega(mu, grid, axis)
                    amplitude = amplitude / _symbol(problem, omegas)
                _merge(found, grid, axis, float(mu), amplitude, int(degree))
        sizes.append(found)
    top = max(size for found in sizes for size, _ in found.values())
    top = max(top, max((largest(side.values) for side in problem.sides), default=0.0)) or 1.0
    sure = problem.noise is None  # noise moves the frequencies
    features, names, amplitudes = [], [], []
    for axis, found in enumerate(sizes):
        found.setdefault(0.0, (top, 5))
        low, high = grid.sides[axis]
        side = (high - low) or 1.0
        mus = sorted(found)
        bumps: list[Features] = []
        sds: list[float] = []
        for mu in mus:
            size, degree = found[mu]
            share = 1.0 if mu == 0 else min(max(size / top, least_sd), 1.0)
            sd = share * top ** (1 / grid.ndim)
            width, nodes = smooth if mu == 0 else narrow if sure and degree <= 1 else wide
            centre = 0.5 * (low + high)
            bumps.append(gaussian_mixture(centre, 0.5 * side, [mu], [sd], [width / side], nodes))
            sds.append(sd)
        features.append(functools.reduce(Features.joined, bumps))
        names.append(tuple(mus))
        amplitudes.append(tuple(size / max(sds) for size in sds))
    return Prior("lines", tuple(features), tuple(names), amplitudes=tuple(amplitudes))


def extension_prior(problem: Problem) -> Prior:
    """Return the features of a Fourier series on a larger box, on every axis."""
    grid = problem.grid
    order = max(max(term.orders) for term in problem.terms)
    decay = order / grid.ndim
    features = tuple(extension_features(x, decay) for x in grid.axes)
    nothing: tuple[tuple[float, ...], ...] = ((),) * grid.ndim
    return Prior("extension", features, nothing, smallest_of_series, nothing)


def _merge(
    found: dict[float, tuple[float, int]],
    grid: Grid,
    axis: int,
    mu: float,
    amplitude: float,
    degree: int,
) -> None:
    """Add a line, or raise one that is the same."""
    low, high = grid.sides[axis]
    side = (high - low) or 1.0
    for other, (size, highest) in found.items():
        if abs(other - mu) * side < 1e-3:
            found[other] = (max(size, amplitude), max(highest, degree))
            return
    found[mu] = (amplitude, degree)


def _dominant(found: list[Lines], grid: Grid, axis: int) -> float:
    """Return the angular frequency of the largest line; of the slowest wave without any."""
    largest_size, mu = 0.0, 0.0
    for lines in found:
        place = int(np.argmax(lines.amplitudes))
        if lines.amplitudes[place] > largest_size:
            largest_size, mu = float(lines.amplitudes[place]), float(lines.frequencies[place])
    return _omega(mu, grid, axis)


def _omega(mu: float, grid: Grid, axis: int) -> float:
    low, high = grid.sides[axis]
    return 2 * math.pi * max(mu, 1 / ((high - low) or 1.0))


def _symbol(problem: Problem, omegas: list[float]) -> float:
    """Return the size of the operator on a wave with these angular frequencies."""
    xp = problem.grid.xp
    total = 0.0
    for term in problem.terms:
        gain = 1.0
        for omega, order, factor in zip(omegas, term.orders, term.factors, strict=True):
            gain *= omega**order * (1.0 if factor is None else float(xp.max(xp.abs(factor))))
        total += gain
    return total or 1.0


def _lines(problem: Problem, axis: int, seed: int, source: bool) -> list[Lines]:
    """Return the lines of the source, or of the boundary data, along an axis."""
    x = problem.grid.axes[axis]
    noise = None
    if source and problem.known is not None:
        return _lines_with_gaps(problem, axis)
    if source:
        data = [problem.rhs] if largest(problem.rhs) > 0 else []
        noise = problem.noise
    else:
        top = max((largest(side.values) for side in problem.sides), default=0.0)
        data = [
            side.values
            for side in problem.sides
            if side.axis != axis
            and side.known is None
            and largest(side.values) > max(rounding, top) * problem.exact
        ]
    if not data:
        return []
    xp = namespace(x)
    if noise is not None and not isinstance(noise, float):
        noise = float(xp.max(noise))
    columns = xp.concat([sketched(values, axis, seed) for values in data], axis=1)
    return [find_lines(x, columns, noise)]


def _lines_with_gaps(problem: Problem, axis: int) -> list[Lines]:
    """Return the lines of the columns of the source with the largest known values."""
    xp, values = problem.grid.xp, problem.rhs  # zero where unknown
    unfolded = xp.reshape(xp.moveaxis(values, axis, 0), (values.shape[axis], -1))
    known = xp.reshape(xp.moveaxis(problem.known, axis, 0), (values.shape[axis], -1))
    sizes = on_host(xp.sum(unfolded**2, axis=0))
    noise = problem.noise
    if noise is not None and not isinstance(noise, float):
        noise = float(xp.max(noise))
    found = []
    for k in np.argsort(-sizes)[:gap_columns].tolist():
        here = xp.nonzero(known[:, k])[0]
        if sizes[k] > 0 and here.shape[0] > 2:
            nodes = xp.take(problem.grid.axes[axis], here)
            found.append(find_lines(nodes, xp.take(unfolded[:, k], here)[:, None], noise))
    return found


def sketched(values: Any, axis: int, seed: int) -> Any:
    """Return a few random combinations of the columns of an array along an axis."""
    xp = namespace(values)
    unfolded = xp.reshape(xp.moveaxis(values, axis, 0), (values.shape[axis], -1))
    count = unfolded.shape[1]
    if count <= sketch_columns:
        return unfolded
    drawn = np.random.default_rng(seed).standard_normal((count, sketch_columns))
    drawn = drawn / math.sqrt(count)
    kind, where = values.dtype, device(values)
    made = (
        drawn.astype(kind) if is_numpy(xp) else xp.asarray(drawn.tolist(), dtype=kind, device=where)
    )
    return unfolded @ made

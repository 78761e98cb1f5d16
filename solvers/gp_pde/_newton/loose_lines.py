"""Features around the strongest spectral lines of data that have more, for a first iterate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin.solvers.gp_pde._data.boundary import largest
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._priors.lines import find_lines
from structlin.solvers.gp_pde._priors.mixture import gaussian_mixture, line_width
from structlin.solvers.gp_pde._priors.prior import Prior

sketch_columns = 8
# standard deviations, in cycles per side, of the smooth part and of a line of constant amplitude;
# chosen by trial on sums of plane waves
smooth_width, pure_width = 0.45, 0.056
nodes = 9  # of a line: amplitudes of a first iterate need not vary much


def loose_line_prior(problem: Problem, left_out: float, seed: int) -> Prior | None:
    """Return features around the lines of source and boundary data, weak lines left out.

    Parameters
    ----------
    problem : Problem
        Scaled, so that its solution is of the size of one.
    left_out : float
        What the lines may leave of the data, relative to them.
    seed : int
        Of the random combinations of columns in which lines are looked for.

    Returns
    -------
    Prior or None
        None where there are no data, or nothing that a few lines describe.
    """
    features, names = [], []
    rng = np.random.default_rng(seed)
    for axis, x in enumerate(problem.grid.axes):
        data = [] if problem.known is not None else [problem.rhs]
        data += [s.values for s in problem.sides if s.axis != axis and s.known is None]
        columns = [_sketched(values, axis, rng) for values in data if largest(values) > 0]
        if not columns:
            return None
        xp = namespace(*columns)
        lines = find_lines(x, xp.concat(columns, axis=1), noise=left_out)
        if lines.residual > 10 * left_out:
            return None
        low, high = problem.grid.sides[axis]
        mus, side = lines.frequencies, high - low
        widths = np.where(lines.degrees <= 1, pure_width, line_width)
        widths = np.where(mus == 0, smooth_width, widths) / side
        features.append(
            gaussian_mixture((low + high) / 2, side / 2, mus, np.ones_like(mus), widths, nodes)
        )
        names.append(tuple(lines.frequencies.tolist()))
    alike = tuple((1.0,) * len(name) for name in names)
    return Prior("lines", tuple(features), tuple(names), amplitudes=alike)


def _sketched(values: Any, axis: int, rng: np.random.Generator) -> Any:
    """Return a few random combinations of the columns along an axis, of root mean square one."""
    xp = namespace(values)
    unfolded = xp.reshape(xp.moveaxis(values, axis, 0), (values.shape[axis], -1))
    unfolded = unfolded / largest(unfolded)
    if unfolded.shape[1] > sketch_columns:
        drawn = rng.standard_normal((unfolded.shape[1], sketch_columns))
        unfolded = unfolded @ xp.astype(xp.asarray(drawn, device=device(values)), values.dtype)
    return unfolded / math.sqrt(float(xp.mean(unfolded * unfolded)))

"""Linear boundary value problems on tensor grids, solved by conditioning a Gaussian process."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin.covariance import SpectralMixture
from structlin.sketching._random import seed_of
from structlin.solvers.gp_pde._data.boundary import largest
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.check import residual_between, unexplained, unpredicted
from structlin.solvers.gp_pde._posteriors.condition import RankError, condition, left_out
from structlin.solvers.gp_pde._posteriors.one_axis import learned_axis
from structlin.solvers.gp_pde._posteriors.product_evidence import learned_products
from structlin.solvers.gp_pde._posteriors.products import Conditioned
from structlin.solvers.gp_pde._priors.mixture import kernel_features
from structlin.solvers.gp_pde._priors.prior import Prior, extension_prior, line_prior
from structlin.solvers.gp_pde.solution import PDEReport, PDESolution

# relative residual of exact data beyond which lines have not resolved the solution, in double and
# single precision; chosen by trial: resolved ones come to 1e-10 and others to 1e-4
unresolved = {64: 1e-7, 32: 1e-3}
# and beyond which nothing has solved the equation. The residual of a series lies at the highest
# frequencies, where it is an error of the solution a hundred times smaller
unsolved = {64: 1e-4, 32: 1e-2}
series_gain = 100.0
# relative difference of the data of two sides where they meet
corner_tolerance = 1e-6
# standard deviations of the squared misfit beyond which noise is not all there is
most_unexplained = 3.0


def solve_linear_pde(
    grid: Any,
    terms: Any,
    rhs: Any,
    boundary: Any = None,
    kernel: Any = "auto",
    noise: Any = None,
    *,
    observations: Any = None,
    missing: str | None = None,
    rng: Any = None,
) -> PDESolution:
    """Solve ``Σ_α c_α(x) ∂^α u = f`` by conditioning a Gaussian process on all that is known of u.

    Parameters
    ----------
    grid : Grid, or tuple of (n_j,) array
        Nodes, even or not, of one to three axes.
    terms : mapping
        From multi-index to coefficient: ``{(2, 0): 1.0, (0, 2): 1.0}`` is the Laplacian. A
        coefficient is a number, an array of the grid's shape, a callable of the coordinates, or a
        tuple with a number, vector or callable of one coordinate per axis, whose product it is.
    rhs : array, callable or number
        The source at the nodes, in C order: ``rhs[i, j, k]`` at ``(x_i, y_j, z_k)``. A callable is
        evaluated between the nodes as well, to check the solution, where coefficients and boundary
        data are no arrays either: only this shows that a frequency is above that of Nyquist.
    boundary : number, callable, mapping or None
        A number or a callable of the coordinates gives the values on all sides. A mapping goes from
        ``(axis, 0)`` or ``(axis, -1)`` to values (an array of the grid's shape without the axis, a
        number, or a callable, of all coordinates here too) or `Neumann` of them, the derivative
        along the axis, and from ``axis`` to ``"periodic"``, where the first and the last node are
        one point. Sides left out have no data: an initial condition is the side at the first node
        of the axis of time.
    kernel : "auto", "lines", "extension", or sequence of SpectralMixture
        Where the prior comes from: spectral lines of the data; a Fourier series on a larger box,
        which needs no knowledge of the spectrum; ``"auto"`` takes the second where the first does
        not solve the equation. A `structlin.covariance.SpectralMixture` per axis is a prior of
        your own: their product.
    noise : float or array, optional
        The standard deviation of the source's noise (`KroneckerGP` takes variances); by default the
        source is exact.
    observations : (points, values, sd), optional
        Values of the solution at scattered points, (N, d), (N,), and the standard deviation of
        their noise, a number or (N,).
    missing : "nan", optional
        Take NaN in the source and in boundary data for a missing value.
    rng : None, int or numpy.random.Generator
        For the sketch in which lines are looked for.

    Returns
    -------
    PDESolution
        With ``mean``, ``std``, ``sample`` and ``report``.

    Raises
    ------
    ValueError
        If the data do not fit the grid, are not finite, or the ranks are too large.

    Warns
    -----
    ConvergenceWarning
        If the equation is not satisfied.
    UserWarning
        If the data of two sides disagree where they meet, or a frequency of a kernel is above the
        Nyquist frequency of the nodes.

    Notes
    -----
    The solution is ``u = Σ Z[k] Π_j φ_{k_j}(x_j)`` with ``Z ~ N(0, I)``. Equation, boundary data
    and observations are linear in ``Z``: the posterior is that of a linear model, whose matrix is a
    sum of Kronecker products and is projected to the ranks of the axes. No covariance matrix is
    formed. O(N r) for N nodes, and O(R³) for R = r_1 ⋯ r_d unknowns, where r_j is the rank of the
    features of an axis.

    The prior is read off the data. Frequencies at which the operator nearly vanishes, such as
    ``k / 2π`` of Helmholtz' equation ``Δu + k² u = f``, may be large in the solution and missing in
    the source: exact data bring them in, noisy ones may not. Mean and error bars are then wrong; a
    misfit beyond the noise may tell, ``report.unexplained``. Pass a `SpectralMixture` for every
    axis with these frequencies in it.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 2 * np.pi, 200)
    >>> solution = solve_linear_pde((x,), {(2,): 1.0}, -900 * np.sin(30 * x), np.cos, rng=0)
    >>> bool(np.max(np.abs(solution.mean(x) - (np.sin(30 * x) + 1))) < 1e-8)
    True
    """
    began = time.perf_counter()
    given = Problem.of(
        grid, terms, rhs, boundary, observations=observations, noise=noise, missing=missing
    )
    seed = seed_of(rng)
    mismatch = given.mismatch()
    if mismatch > corner_tolerance:
        warnings.warn(
            f"the data of two sides differ by {mismatch:.2g} of the largest value where they meet: "
            "no smooth solution has both",
            UserWarning,
            stacklevel=2,
        )
    scale = given.scale() if isinstance(kernel, str) else 1.0  # a given prior has a size
    problem = given.scaled(1 / scale)
    prior, features, posterior = _routes(problem, kernel, seed)
    bits = problem.grid.xp.finfo(problem.grid.dtype).bits
    limit = unsolved[bits] * (series_gain if prior.route == "extension" else 1.0)
    # a series of one coordinate can take any values at the nodes: they are off where it does not
    at_nodes = min(limit, unresolved[bits]) if problem.grid.ndim == 1 else limit
    between = None
    if noise is None:
        between = residual_between(posterior, features, problem, scale, (terms, rhs, boundary))
    held_out = posterior.predicted if between is None else between
    if between is None and noise is None and prior.route == "extension" and problem.grid.ndim > 1:
        held_out = max(held_out, unpredicted(problem, prior, seed))
    excess = 0.0 if noise is None else _excess(problem, features, posterior)
    if noise is None:
        solved = posterior.residual <= at_nodes and held_out <= limit
    else:
        solved = excess <= most_unexplained
    converged = posterior.converged and solved and mismatch <= corner_tolerance
    report = PDEReport(
        route=prior.route,
        lines=prior.lines,
        amplitudes=prior.amplitudes,
        ranks=tuple(f.count for f in features),
        residual=posterior.residual,
        misfits=posterior.block_residuals,
        error_estimate=math.nan,
        log_evidence=posterior.log_evidence,
        corner_mismatch=mismatch,
        jitter=posterior.jitter,
        converged=converged,
        iterations=posterior.iterations,
        seconds=time.perf_counter() - began,
        seed=seed,
        noisy=noise is not None,
        held_out=held_out,
        unexplained=excess,
    )
    if not solved and noise is not None:
        warnings.warn(
            f"the misfit of the equation is {excess:.2g} standard deviations larger than its noise "
            "and the prior explain, so that mean and error bars are wrong: is noise= too small, or "
            "does the solution have frequencies that the source does not show, as those at which "
            "the operator vanishes? A SpectralMixture for every axis brings them in",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif not converged:
        warnings.warn(
            f"solve_linear_pde leaves a relative residual of {posterior.residual:.2g}, and of "
            f"{held_out:.2g} off the nodes, by the route {prior.route!r}: pass more nodes, data "
            "that agree where sides meet, or noise= if the source has some"
            + (_aliases(prior, problem) if posterior.residual <= limit < held_out else ""),
            ConvergenceWarning,
            stacklevel=2,
        )
    solution = PDESolution(given.grid, features, posterior, scale, report)
    return dataclasses.replace(
        solution, report=dataclasses.replace(report, error_estimate=_error_estimate(solution))
    )


def _error_estimate(solution: PDESolution) -> float:
    """Return the largest standard deviation between some nodes, over the largest value."""
    grid = solution.grid
    # at the nodes themselves the equation holds
    between = [0.5 * (x[1:] + x[:-1]) if x.shape[0] > 1 else x for x in grid.axes]
    some = [x[:: max(1, x.shape[0] // 8)] for x in between]
    size = largest(solution.mean(*grid.axes))
    return largest(solution.std(*some)) / (size or 1.0)


def _aliases(prior: Prior, problem: Problem) -> str:
    """Say what the lines of evenly spaced axes would be, were they aliases."""
    said = ""
    for axis, (lines, step) in enumerate(zip(prior.lines, problem.grid.spacings, strict=True)):
        if step is not None and any(lines):
            rate, fastest = 1 / step, max(lines)
            said += (
                f"; the line {fastest:.4g} of axis {axis} may be the alias of "
                f"{rate - fastest:.4g}, above the Nyquist frequency {0.5 * rate:.4g} of its nodes"
            )
    return said


def _excess(problem: Problem, features: Sequence[Features], posterior: Conditioned) -> float:
    return unexplained(posterior, problem.blocks(features)[0])


Found = tuple[Prior, tuple[Features, ...], Conditioned]


def _routes(problem: Problem, kernel: Any, seed: int) -> Found:
    """Return the posterior by the route asked for, or by the first that solves the equation."""
    if not isinstance(kernel, str):
        given = _features(kernel, problem)
        nothing = ((),) * len(given)
        own = Prior("given", given, nothing, amplitudes=nothing)
        return (own, *condition(problem, given, seed))
    if kernel not in ("auto", "lines", "extension"):
        raise ValueError(
            f"kernel is {kernel!r}: pass 'auto', 'lines', 'extension' or a SpectralMixture per axis"
        )
    by_lines: Found | None = None
    if kernel != "extension":
        prior = line_prior(problem, seed)
        if prior is not None:
            by_lines = _posterior(problem, prior, seed)
            bits = problem.grid.xp.finfo(problem.grid.dtype).bits
            good = by_lines[2].residual <= unresolved[bits]
            if problem.noise is not None:
                good = _excess(problem, *by_lines[1:]) <= most_unexplained
            if kernel == "lines" or good:
                return by_lines
        elif kernel == "lines":
            raise ValueError(
                "no few spectral lines make up the data, so that kernel='lines' has no prior: pass "
                "'auto' or 'extension'"
            )
    prior = extension_prior(problem)
    try:
        extended = _posterior(problem, prior, seed)
    except RankError:
        if by_lines is None:
            raise
        return by_lines
    if by_lines is not None and problem.noise is not None:
        return extended if _excess(problem, *extended[1:]) <= most_unexplained else by_lines
    if by_lines is not None and series_gain * by_lines[2].residual <= extended[2].residual:
        return by_lines
    return extended


def _posterior(problem: Problem, prior: Prior, seed: int) -> Found:
    """Return the posterior, after the evidence has weighted the features.

    Exact data in several dimensions need no weights.
    """
    features = prior.features
    if problem.grid.ndim == 1:
        features = (learned_axis(problem, features[0]),)
    elif problem.noise is not None:
        features = learned_products(problem, features, left_out * problem.exact)
    return (prior, *condition(problem, features, seed, prior.smallest))


def _features(kernel: Any, problem: Problem) -> tuple[Features, ...]:
    """Return the features of every axis that the user passed, or those of spectral mixtures."""
    single = isinstance(kernel, Features | SpectralMixture)
    given = (kernel,) if single else tuple(kernel) if isinstance(kernel, tuple | list) else ()
    fits = all(isinstance(k, Features | SpectralMixture) for k in given)
    if len(given) != problem.grid.ndim or not fits:
        raise ValueError(
            f"kernel is {kernel!r}: pass 'auto', 'lines', 'extension', or a SpectralMixture for "
            f"each of the {problem.grid.ndim} axes"
        )
    made = []
    for axis, (k, x) in enumerate(zip(given, problem.grid.axes, strict=True)):
        if isinstance(k, SpectralMixture):
            _warn_of_aliases(k, axis, problem)
            k = kernel_features(k, x)
        made.append(k)
    return tuple(made)


def _warn_of_aliases(kernel: SpectralMixture, axis: int, problem: Problem) -> None:
    low, high = problem.grid.sides[axis]
    rate = (problem.grid.shape[axis] - 1) / ((high - low) or 1.0)
    for frequency in np.asarray(kernel.frequencies).tolist():
        if abs(frequency) > 0.5 * rate:
            alias = abs(frequency - rate * round(frequency / rate))
            warnings.warn(
                f"the frequency {frequency:g} of axis {axis} is above the Nyquist frequency "
                f"{0.5 * rate:g} of its nodes, which show it as {alias:g}",
                UserWarning,
                stacklevel=4,
            )

"""Semilinear boundary value problems by Newton's method on Gaussian processes."""

from __future__ import annotations

import dataclasses
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from structlin._errors import ConvergenceWarning
from structlin.sketching._random import seed_of
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._newton.linearisation import Semilinear
from structlin.solvers.gp_pde._newton.newton import Newton, NewtonStep
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity
from structlin.solvers.gp_pde.solution import PDEReport, PDESolution
from structlin.solvers.gp_pde.solve_linear_pde import corner_tolerance

# how far a derivative may be from differences, in the mean; chosen: kinks and steep functions pass
slope_tolerance = 0.02


@dataclass(frozen=True)
class SemilinearReport(PDEReport):
    """How the solution of a semilinear problem came about; see also `PDEReport`.

    ``iterations`` counts Newton steps, and ``residual`` is that of the nonlinear equation. Misfits,
    log evidence, standard deviations and samples are those of the equation linearised at the
    solution.

    Attributes
    ----------
    status : str
        ``"converged"``, ``"stagnated"`` (no part of a step makes the residual smaller, or the
        features cannot meet the equation), or ``"max_iterations"``.
    history : tuple of NewtonStep
    continued : bool
        Whether the nonlinear term was brought in step by step.
    """

    status: str = "converged"
    history: tuple[NewtonStep, ...] = field(default=(), repr=False)
    continued: bool = False


def solve_semilinear_pde(
    grid: Any,
    terms: Any,
    nonlinearity: Any,
    rhs: Any,
    boundary: Any = None,
    *,
    kernel: str = "auto",
    noise: Any = None,
    observations: Any = None,
    missing: str | None = None,
    maxiter: int = 60,
    rng: Any = None,
) -> PDESolution:
    """Solve ``Σ_α c_α(x) ∂^α u + N(u, …) = f`` by Newton's method.

    Every step conditions a Gaussian process on the linearised equation, as `solve_linear_pde` does.

    Parameters
    ----------
    grid, terms, rhs, boundary, noise, observations, missing
        As `solve_linear_pde` takes them.
    nonlinearity : Nonlinearity, or pair of callables
        ``N`` and ``dN/du`` as functions of ``u``: ``(lambda u: u**3 - u, lambda u: 3 * u**2 - 1)``;
        a `Nonlinearity` for terms with derivatives of ``u``.
    kernel : {"auto", "lines", "extension"}
        Where the features come from, as in `solve_linear_pde`: spectral lines of
        ``f − N(u)`` at the current iterate, or a Fourier series on a larger box.
    maxiter : int
        Newton steps, those of a continuation among them.
    rng : None, int or numpy.random.Generator
        For the sketch in which lines are looked for.

    Returns
    -------
    PDESolution
        Its ``report`` is a `SemilinearReport` with the history. Standard deviations and samples are
        those of the equation linearised at the solution.

    Raises
    ------
    ValueError
        As `solve_linear_pde`; if ``N`` or its derivative is not finite at ``u = 0``.

    Warns
    -----
    ConvergenceWarning
        If the equation is not met: a stagnated iteration never counts as converged.
    UserWarning
        If the data of two sides disagree where they meet, or the derivative is not that of ``N``.

    Notes
    -----
    From ``u = 0``, with steps halved until the residual falls. Where this fails, ``λN`` is brought
    in by a continuation in ``λ`` from 0 to 1. A solution need not be unique; this finds one.

    The spectral lines are those of ``f − N(u)``, hence of ``Σ c_α ∂^α u``, and are looked for again
    once the iterate is good: at the start, those of ``N`` blur them. In two and three dimensions
    the coefficients of the linearised equation are replaced by up to six products of functions of
    one coordinate, consistently, which may cost steps but no accuracy.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 2 * np.pi, 200)
    >>> u, sides = np.sin(30 * x), {(0, 0): 0.0, (0, -1): 0.0}
    >>> allen_cahn = (lambda u: u**3 - u, lambda u: 3 * u**2 - 1)
    >>> run = solve_semilinear_pde((x,), {(2,): 1.0}, allen_cahn, u**3 - 901 * u, sides)
    >>> run.report.status, bool(np.max(np.abs(run.mean(x) - u)) < 1e-7)
    ('converged', True)
    """
    began = time.perf_counter()
    if kernel not in ("auto", "lines", "extension"):
        raise ValueError(f"kernel is {kernel!r}: pass 'auto', 'lines' or 'extension'")
    if not isinstance(maxiter, int) or maxiter < 1:
        raise ValueError(f"maxiter is {maxiter!r}: pass an integer >= 1")
    problem = Problem.of(
        grid, terms, rhs, boundary, observations=observations, noise=noise, missing=missing
    )
    seed = seed_of(rng)
    equation = Semilinear(problem, Nonlinearity.of(nonlinearity))
    equation.require_start()
    newton = Newton(equation, kernel, seed, maxiter)
    with np.errstate(over="ignore", invalid="ignore"):  # steps too far are taken back
        state = newton.solved()
    space, status, mismatch = state.space, state.status, problem.mismatch()
    if mismatch > corner_tolerance:
        status = "stagnated" if status == "converged" else status
        warnings.warn(
            f"the data of two sides differ by {mismatch:.2g} of the largest value where they meet: "
            "no smooth solution has both",
            UserWarning,
            stacklevel=2,
        )
    if (error := equation.slope_error(state.iterate)) > slope_tolerance:
        warnings.warn(
            f"the derivative of the nonlinearity differs from differences of it by {error:.2g} of "
            "their size at the solution: Newton's method is slow with it, or fails",
            UserWarning,
            stacklevel=2,
        )
    report = SemilinearReport(
        route=space.prior.route,
        lines=space.prior.lines,
        amplitudes=space.prior.amplitudes,
        ranks=tuple(f.count for f in space.features),
        residual=state.residual,
        misfits=state.posterior.block_residuals,
        error_estimate=max(state.residual, state.change),
        log_evidence=state.posterior.log_evidence,
        corner_mismatch=mismatch,
        jitter=state.posterior.jitter,
        converged=status == "converged",
        iterations=len(newton.history),
        seconds=time.perf_counter() - began,
        seed=seed,
        status=status,
        history=tuple(newton.history),
        continued=newton.continued,
    )
    if status != "converged":
        warnings.warn(
            f"solve_semilinear_pde stopped with status {status!r} after {len(newton.history)} "
            f"Newton steps, with a relative residual of {state.residual:.2g}: check dN/du, "
            "whether there is a solution, and whether the nodes resolve it, or raise maxiter",
            ConvergenceWarning,
            stacklevel=2,
        )
    posterior = dataclasses.replace(state.posterior, weights=state.weights / space.scale)
    return PDESolution(problem.grid, space.features, posterior, space.scale, report)

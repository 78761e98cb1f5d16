"""Reduced models that judge their own error, and learn from the full model where it is large."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin._validation import first_nonfinite, require_finite_samples, require_tolerance
from structlin.solvers._solution import Solution, quiet, require_callable
from structlin.solvers.reduced._fields import as_reals, snapshots_as_rows
from structlin.solvers.reduced._recipe import Recipe, nearest, relative_error
from structlin.solvers.reduced.indicator import ErrorIndicator
from structlin.solvers.reduced.model import ReducedModel

# one-sided 95 % of a normal distribution
_sigmas = 1.645


@dataclass(frozen=True, eq=False)
class ReducedSolution:
    """A field from an `AdaptiveReducedModel`, and what is known of its error.

    Attributes
    ----------
    field : (*shape) array
    error : float
        The relative error to be expected (the median), 0 for a field of the full model.
    upper : float
        What the error stays below with a probability of 95 %, if the calibration holds: for
        problems like the samples. It is no bound.
    misfit : float
        What it was judged by.
    enriched : bool
        Whether the full model was called: the field is its solution then.
    iterations : int
        Newton steps of the reduced model.
    converged : bool
        Whether they converged, or the full model was called; otherwise the error is infinite.
    """

    field: Any
    error: float
    upper: float
    misfit: float
    enriched: bool
    iterations: int
    converged: bool

    def __repr__(self) -> str:
        if self.enriched:
            return f"<ReducedSolution of the full model, misfit was {self.misfit:.2g}>"
        return f"<ReducedSolution, error about {self.error:.1g}, below {self.upper:.1g} by 95 %>"


class AdaptiveReducedModel:
    """A `ReducedModel` with an error for every answer, which grows where that is too large.

    Parameters
    ----------
    full_solve : callable
        ``full_solve(mu)`` returns the field ``(*shape)`` that solves the full equations.
    residual : callable
        The nonlinear part ``R``, as for `ReducedModel`.
    linear : array, operator or sequence of (theta, matrix)
        The linear part, as for `ReducedModel`.
    jacobian : callable, optional
        As for `ReducedModel`.
    mass : optional
        The inner product of basis and errors, as for `pod`.
    tolerance : float
        Relative errors that are accepted.
    modes_tol : float, optional
        The tolerance of the basis; by default a tenth of ``tolerance``.
    sampling : {"gappy", "cubature"}
        How the nonlinear part is sampled: by least squares in a basis of its own, of three times
        as many modes as the fields have, at twice as many points, or by an empirical cubature.

    Attributes
    ----------
    model : ReducedModel
        The one in use.
    indicator : ErrorIndicator
        Its calibration.
    full_solves : int
        How often the full model was called.

    Notes
    -----
    *Misfit.* It is how far the equations are from balance at the sampled points, relative to their
    terms there (`ReducedModel.misfit`), for ``"gappy"`` and ``"cubature"`` alike; [1]_ takes the
    misfit of a dual quantity to its basis instead.

    *Calibration.* The samples are split in two halves. Models made of one half, with all of their
    modes and with half of them, solve the problems of the other; their misfits and true errors are
    the pairs from which the `ErrorIndicator` learns. The model in use is made of all samples, and
    mostly better than expected. Far from the samples, misfits say less: for a reaction–diffusion
    problem with two parameters, all errors were below ``upper`` between the samples, and 84 % with
    parameters up to 1.5 times the largest.

    *Enrichment* [1]_. Where the error is above the tolerance with a probability of 5 % or more,
    the full model is called. The part of its solution that the basis does not have becomes a new
    mode, its nonlinear part extends the basis of nonlinear parts, points are chosen anew, and the
    pair of misfit and true error joins the calibration.

    References
    ----------
    .. [1] F. Casenave and N. Akkari, "An error indicator-based adaptive reduced order model for
       nonlinear structural mechanics: application to high-pressure turbine blades", Mathematical
       and Computational Applications 24 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.05, 1, 60)
    >>> def newton(mu):  # u + µ u³ = x
    ...     u = x.copy()
    ...     for _ in range(30):
    ...         u = u - (u + mu * u**3 - x) / (1 + 3 * mu * u**2)
    ...     return u
    >>> adaptive = AdaptiveReducedModel(
    ...     newton, lambda u, mu, idx: mu * u[idx] ** 3 - x[idx], linear=np.eye(60))
    >>> adaptive = adaptive.fit(np.linspace(0, 2, 12)[:, None])
    >>> found = adaptive.solve(np.array([0.7]))
    >>> bool(np.linalg.norm(found.field - newton(0.7)) < 1e-3 * np.linalg.norm(found.field))
    True
    """

    model: ReducedModel
    indicator: ErrorIndicator

    def __init__(
        self,
        full_solve: Callable[..., Any],
        residual: Callable[..., Any],
        *,
        linear: Any,
        jacobian: Callable[..., Any] | None = None,
        mass: Any = None,
        tolerance: float = 1e-3,
        modes_tol: float | None = None,
        sampling: Literal["gappy", "cubature"] = "gappy",
    ) -> None:
        require_callable("full_solve", full_solve)
        require_callable("residual", residual)
        if jacobian is not None:
            require_callable("jacobian", jacobian)
        if linear is None:
            raise ValueError("linear is None: the misfit compares the linear part with the rest")
        if sampling not in ("gappy", "cubature"):
            raise ValueError(f"sampling is {sampling!r}: pass 'gappy' or 'cubature'")
        self.tolerance = require_tolerance("tolerance", tolerance)
        modes_tol = require_tolerance(
            "modes_tol", 0.1 * self.tolerance if modes_tol is None else modes_tol
        )
        self._full_solve = full_solve
        self._recipe = Recipe(
            residual, linear, jacobian=jacobian, mass=mass, tol=modes_tol, sampling=sampling
        )
        self.full_solves = 0

    def fit(self, parameters: Any, snapshots: Any = None, *, progress: bool | None = None) -> Self:
        """Make the model of samples.

        Parameters
        ----------
        parameters : (samples, p) array
            What the callables get, row by row; six or more.
        snapshots : (samples, *shape) array, optional
            The solutions for these parameters; by default ``full_solve`` makes them.
        progress : bool, optional
            Whether to show a bar meanwhile; by default one appears after a second.

        Returns
        -------
        AdaptiveReducedModel
            This one.

        Raises
        ------
        ValueError
            If there are too few samples, shapes do not fit, a sample has a NaN or Inf, fields or
            nonlinear parts are zero in half of the samples, or the models made of halves do not
            solve enough of the problems of the others to calibrate the indicator.
        """
        points = as_reals("parameters", parameters)
        if points.ndim != 2 or points.shape[0] < 6 or not points.shape[1]:
            raise ValueError(
                f"parameters has shape {points.shape}: pass (samples, p), six samples or more"
            )
        place = first_nonfinite(points)
        if place is not None:
            raise ValueError(f"the parameters of sample {place // points.shape[1]} are not finite")
        if snapshots is None:
            snapshots = self._full_solves(points, progress)
        S, shape = snapshots_as_rows(snapshots)
        if S.shape[0] != points.shape[0]:
            raise ValueError(f"there are {S.shape[0]} snapshots for {points.shape[0]} parameters")
        self._shape = shape
        xp = namespace(S)
        recipe, fields = self._recipe, xp.reshape(S, (S.shape[0], *shape))
        terms = [recipe.term(S[k, :], points[k, :]) for k in range(S.shape[0])]
        N = xp.stack(terms, axis=0)
        require_finite_samples("the nonlinear part", N)
        misfits, errors = recipe.calibration(points, fields, N)
        usable = sum(m > 0 and e > 0 for m, e in zip(misfits, errors, strict=True))
        if usable < 3:
            raise ValueError(
                f"models of half of the {S.shape[0]} samples gave {usable} solutions of the others "
                "with an error, too few to calibrate the indicator: Newton's method did not "
                "converge, or solutions are exact; pass more samples that differ, or take "
                "ReducedModel"
            )
        basis = recipe.basis(fields)
        self._points, self._fields, self._N = points, fields, N
        self._bases = basis, recipe.terms_basis(N, basis.rank)
        self.indicator = ErrorIndicator().fit(misfits, errors)
        self._renew()
        return self

    def _full_solves(self, points: NDArray[np.float64], progress: bool | None) -> Any:
        tqdm = importlib.import_module("tqdm.auto").tqdm
        bar = tqdm(
            points,
            desc="full solutions",
            disable=progress is False,
            delay=1 if progress is None else 0,
            leave=False,
        )
        found = [self._full_solve(mu) for mu in bar]
        self.full_solves += len(found)
        return namespace(found[0]).stack(found, axis=0)

    def _renew(self) -> None:
        """Make the model of what is known by now."""
        self.model = self._recipe.model(*self._bases, self._N)
        self._starts = self.model.basis.to_modes(self._fields)

    def solve(self, mu: Any, *, adapt: bool = True) -> ReducedSolution:
        """Return the field for a parameter, and the error to be expected.

        Parameters
        ----------
        mu : (p,) array
            The parameter.
        adapt : bool
            Whether the full model is called where the error may be above the tolerance.

        Returns
        -------
        ReducedSolution

        Raises
        ------
        ValueError
            If there are no samples yet, or the parameter does not fit.

        Warns
        -----
        ConvergenceWarning
            If the reduced model does not converge, and the full one is not called.
        """
        if not hasattr(self, "model"):
            raise ValueError("there is no model yet: call fit(parameters) first")
        point = as_reals("mu", mu)
        if point.shape != self._points.shape[1:] or not np.all(np.isfinite(point)):
            raise ValueError(
                f"mu is {mu!r}: pass an array of {self._points.shape[1]} finite numbers"
            )
        start = self._starts[nearest(self._points, point), :]
        found: Solution = quiet(self.model.solve)(point, start=start)
        misfit, error, upper = math.inf, math.inf, math.inf
        if found.converged:
            misfit = self.model.misfit(found.x, point)
            median, deviation = self.indicator.predict(misfit)
            error = float(median)
            upper = error * math.exp(min(_sigmas * float(deviation), 600.0))
        if adapt and not upper <= self.tolerance:
            u = self._enriched(point, found if found.converged else None, misfit)
            return ReducedSolution(u, 0.0, 0.0, misfit, True, found.iterations, True)
        if not found.converged:
            warnings.warn(
                f"Newton's method for {point} stopped with status {found.status!r} after "
                f"{found.iterations} steps: the error is unknown, solve with adapt=True",
                ConvergenceWarning,
                stacklevel=2,
            )
        field = self.model.field(found.x)
        return ReducedSolution(
            field, error, upper, misfit, False, found.iterations, found.converged
        )

    def _enriched(self, mu: NDArray[np.float64], found: Solution | None, misfit: float) -> Any:
        """Call the full model, and extend basis, points and calibration."""
        u = self._full_solve(mu)
        self.full_solves += 1
        rows, shape = snapshots_as_rows(u[None, ...], f"full_solve({mu})")
        if shape != self._shape:
            raise ValueError(f"full_solve returned shape {shape}, but {self._shape} before")
        xp = namespace(rows)
        term = self._recipe.term(rows[0, :], mu)[None, :]
        require_finite_samples(f"the nonlinear part for {mu}", term)
        if found is not None:
            error = relative_error(self.model, found.x, rows[0, :])
            indicator = self.indicator
            self.indicator = ErrorIndicator().fit(
                [*indicator.misfits, misfit], [*indicator.errors, error]
            )
        self._points = np.concatenate((self._points, mu[None, :]))
        self._fields = xp.concat((self._fields, xp.reshape(rows, (1, *shape))), axis=0)
        self._N = xp.concat((self._N, term), axis=0)
        basis, terms = self._bases
        self._bases = basis.extended(u), terms.extended(term)
        self._renew()
        return u

    def __repr__(self) -> str:
        if not hasattr(self, "model"):
            return "<AdaptiveReducedModel, not fitted>"
        return f"<AdaptiveReducedModel: {self.model!r}, {self.indicator!r}>"

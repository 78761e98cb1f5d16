"""Gaussian processes on grids whose covariance is a Kronecker product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_array
from structlin.bases import Grid
from structlin.sketching._random import seed_of
from structlin.solvers._maximum_likelihood import Learning
from structlin.solvers.gp._conditioning import Conditioning, Report, Term
from structlin.solvers.gp._dispatch import condition
from structlin.solvers.gp._growth import (
    grown_grid,
    joined,
    joined_mask,
    joined_noise,
    kept_factors,
)
from structlin.solvers.gp._input import number, observed, orders_of, terms_of, variances
from structlin.solvers.gp._learning import learned
from structlin.solvers.gp.posterior import Posterior


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """Predictions of every value from all the others; NaN where there is no value.

    Attributes
    ----------
    mean : (n_1, …, n_d) or (n_1, …, n_d, outputs) array
    variance : (n_1, …, n_d) array
        Of the value, its noise among it.
    log_density : (n_1, …, n_d) or (n_1, …, n_d, outputs) array
        The logarithm of the predictive density at the value.
    """

    mean: Any
    variance: Any
    log_density: Any


class KroneckerGP:
    """A Gaussian process on a tensor grid, exact at the cost of its axes.

    The covariance of the function between two points is the product over the axes of a kernel of
    their coordinates, or a sum of such products. Values are the function plus independent noise.

    Parameters
    ----------
    kernels : Covariance, sequence of Covariance, or sequence of sequence of Covariance
        One for every axis; one alone for a single axis; several such sequences are a sum of
        products.
    noise : float
        The variance of the noise, the square of its standard deviation, 0 or more.
    mean : float
        The prior mean, one number.

    Attributes
    ----------
    kernels : tuple of tuple of Covariance
        The kernels in use, those learned after ``fit(…, optimize=True)``: products, then axes.
    noise : float
        The variance of the noise, as given or learned.
    report : Report
        How the last fit went: the method, eigenvalues clipped, iterations.
    learning : Learning or None
        How hyper-parameters were learned, if they were.

    Notes
    -----
    Values stand in C order, ``Y[i, j, k]`` at ``(x[i], y[j], z[k])``, with an axis of the outputs
    at the end if there are several. Outputs are independent and share kernels and noise.

    For complete data and one product, ``Σ n_j³`` operations for the eigendecompositions of the axes
    and ``2 N Σ n_j`` for each of likelihood, mean and variance, where ``N`` is the number of grid
    points. Single precision stays single: means are then accurate to about 1e-4 of the largest
    value, while eigenvalues and sums are computed in double precision.

    With values missing, noise that varies, or several products, up to 2048 values or coefficients
    are factorised directly; beyond that systems are solved by preconditioned conjugate gradients,
    and the determinant, the gradient and the variances at many points are estimated: `report` has
    the iterations, residuals and standard errors. Two products are exact where they differ on one
    axis only, have common eigenvectors, or one of them takes in the noise.

    References
    ----------
    .. [1] Y. Saatçi, "Scalable inference for structured Gaussian process models", PhD thesis,
       University of Cambridge, 2011.
    .. [2] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press, 2006, chapters 2 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.covariance import Matern, SquaredExponential
    >>> x, y = np.linspace(0, 1, 30), np.linspace(0, 2, 40)
    >>> Y = np.sin(3 * x)[:, None] * np.cos(2 * y)
    >>> gp = KroneckerGP([Matern(2.5, 0.5), SquaredExponential(0.7)], noise=1e-6).fit((x, y), Y)
    >>> gp.posterior(np.array([0.5]), np.array([1.0])).mean.round(3)  # sin 1.5 cos 2
    array([[-0.415]])
    """

    def __init__(self, kernels: Any, noise: float, *, mean: float = 0.0) -> None:
        self.kernels = terms_of(kernels)
        self.noise = number("noise", noise)
        if self.noise < 0:
            raise ValueError(f"noise is {noise:g}: a variance is 0 or more")
        self.mean = number("mean", mean)
        self.learning: Learning | None = None
        self._given: Conditioning | None = None
        self._many = False

    def fit(
        self,
        grid: Any,
        Y: Any,
        mask: Any = None,
        noise_var: Any = None,
        *,
        missing: Literal["nan"] | None = None,
        optimize: bool = False,
        starts: int = 1,
        maxiter: int = 100,
        progress: bool | None = None,
        rng: Any = None,
    ) -> Self:
        """Condition on values at the points of a grid.

        Parameters
        ----------
        grid : Grid or sequence of (n_j,) array
            The points.
        Y : (n_1, …, n_d) or (n_1, …, n_d, outputs) array
            The values, in C order.
        mask : (n_1, …, n_d) array of bool, optional
            True where there is a value; what stands elsewhere in ``Y`` is not used.
        noise_var : float or (n_1, …, n_d) array, optional
            The variance of the noise of every value, instead of ``noise`` in this fit. An array is
            known and not learned.
        missing : "nan", optional
            Take NaN as a missing value, at the same points in all outputs.
        optimize : bool
            Learn the hyper-parameters and the noise, from the given ones on. Parameters of kernels
            are held by ``kernel.fixed("period")``, for instance, and the noise by ``noise_var``.
            Known periods are better held: their likelihood has many maxima.
        starts, maxiter : int
            How often L-BFGS starts, first from the given kernels and then from random ones around
            them, and how many steps each start may take. Likelihoods have several maxima, one of
            which often takes all for noise: four starts are cheap where there are no gaps.
        progress : bool, optional
            Whether a bar is shown while learning; by default after a second.
        rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
            The source of randomness of the starts, and of what is estimated for incomplete data.

        Returns
        -------
        KroneckerGP
            Itself.

        Raises
        ------
        TypeError, ValueError
            If shapes or types do not fit, values are not finite, no point has a value, a kernel
            is not positive definite on its axis, or kernel and noise are singular together.
        """
        grid = Grid.of(grid)
        for term in self.kernels:
            if len(term) != grid.ndim:
                raise ValueError(
                    f"there are {len(term)} kernels but the grid has {grid.ndim} axes: pass one "
                    "for every axis"
                )
        if missing not in (None, "nan"):
            raise ValueError(f"missing is {missing!r}: pass None or 'nan'")
        for name, count in (("starts", starts), ("maxiter", maxiter)):
            if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
                raise ValueError(f"{name} is {count!r}: pass 1 or more")
        values, many = self._values(grid, Y)
        values, mask = observed(grid, values, mask, missing, many)
        noise = self.noise if noise_var is None else variances(grid, noise_var, mask)
        seed = seed_of(rng)

        def build(terms: Sequence[Term], noise: Any) -> Conditioning:
            return condition(grid, terms, values, noise, mask, seed=seed)

        given, learning = build(self.kernels, noise), None
        if optimize:
            given, learning = learned(
                build, given, starts=starts, maxiter=maxiter, progress=progress, rng=seed
            )
            self.kernels = given.terms
            if isinstance(given.noise, float):
                self.noise = given.noise
        self._given, self._many, self.learning = given, many, learning
        return self

    def extend(
        self,
        nodes: Any,
        Y: Any,
        axis: int = 0,
        *,
        mask: Any = None,
        noise_var: Any = None,
        missing: Literal["nan"] | None = None,
        rng: Any = None,
    ) -> Self:
        """Condition on further values as well, at new nodes behind the last one of an axis.

        Parameters
        ----------
        nodes : (m,) array
            The new nodes, ascending, behind the old ones of this axis.
        Y : (n_1, …, m, …, n_d) or (n_1, …, m, …, n_d, outputs) array
            The values there, in C order, the new nodes on their axis.
        axis : int
            Which axis grows.
        mask, noise_var, missing
            As for `fit`, of the new values.
        rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
            The source of randomness of what is estimated for incomplete data.

        Returns
        -------
        KroneckerGP
            Itself, with the same kernels: the same as `fit` with all values, up to rounding.

        Raises
        ------
        TypeError, ValueError
            As `fit`; if nodes do not come after the old ones, or there are other outputs.

        Notes
        -----
        The eigendecompositions of the other axes are kept. That of the axis that grows, ``O(n³)``,
        and the transformation of all values, ``O(N Σ n_j)``, are made anew.
        """
        given = self.conditioning
        grid, added = grown_grid(given.grid, nodes, axis)
        axis %= grid.ndim
        values, many = self._values(added, Y)
        if many != self._many or values.shape[0] != given.outputs:
            raise ValueError(
                f"Y has shape {tuple(Y.shape)}, {values.shape[0]} outputs, but the old values have "
                f"{given.outputs}: pass the same outputs"
            )
        if missing not in (None, "nan"):
            raise ValueError(f"missing is {missing!r}: pass None or 'nan'")
        values, mask = observed(added, values, mask, missing, many, whole=False)
        if noise_var is not None:
            noise_var = variances(added, noise_var, mask)
        self._given = condition(
            grid,
            self.kernels,
            joined(given.values, values, axis + 1),
            joined_noise(given, noise_var, added, axis),
            joined_mask(given, mask, added, axis),
            seed=seed_of(rng),
            known=kept_factors(given, axis),
        )
        return self

    def _values(self, grid: Grid, Y: Any) -> tuple[Any, bool]:
        """Return the values less the prior mean as (outputs, n_1, …, n_d), and whether so given."""
        require_array("Y", Y)
        xp = namespace(Y, *grid.axes)
        device(Y, *grid.axes)
        shape = tuple(Y.shape)
        many = len(shape) == grid.ndim + 1
        if shape[: grid.ndim] != grid.shape or len(shape) > grid.ndim + 1:
            raise ValueError(
                f"Y has shape {shape} but the grid has {grid.shape}: values stand in C order, "
                "Y[i, j, …] at the i-th node of the first axis and the j-th of the second, with "
                "an axis of outputs at the end if there are several"
            )
        if 0 in shape:
            raise ValueError(f"Y has shape {shape}: there are no outputs")
        Y = inexact(Y)
        if xp.isdtype(Y.dtype, "complex floating"):
            raise TypeError("Y is complex: fit its real and imaginary parts as two outputs")
        values = xp.moveaxis(Y, -1, 0) if many else Y[None, ...]
        return values - self.mean, many  # a copy: the caller may write over Y

    @property
    def conditioning(self) -> Conditioning:
        """What the fit computed."""
        if self._given is None:
            raise ValueError("there is no data yet: call fit(grid, Y) first")
        return self._given

    @property
    def report(self) -> Report:
        """How the last fit went."""
        return self.conditioning.report

    @property
    def grid(self) -> Grid:
        """The grid of the values."""
        return self.conditioning.grid

    @property
    def names(self) -> tuple[str, ...]:
        """What the gradient of the likelihood is by: ``"axis 0: length_scale"``, for instance."""
        made = []
        for t, term in enumerate(self.kernels):
            product = f"product {t}, " if len(self.kernels) > 1 else ""
            for axis, kernel in enumerate(term):
                made += [f"{product}axis {axis}: {name}" for name in kernel.names]
        return (*made, "noise")

    def log_marginal_likelihood(self, grad: bool = False) -> Any:
        """Return the logarithm of the density of the values, summed over the outputs.

        Parameters
        ----------
        grad : bool
            Also return its gradient.

        Returns
        -------
        float
        (p,) ndarray
            If asked for: the derivatives by what `names` lists, the ``theta`` of the kernels and
            then the logarithm of the noise; on the host.

        Notes
        -----
        For complete data and one product it is ``-½ Σ (T²/D + log D + log 2π)``, with ``T`` the
        values among the eigenvectors of the covariance and ``D`` its eigenvalues plus noise. All
        derivatives of an axis together cost ``2 N n_j`` operations.
        """
        value = self.conditioning.log_likelihood()
        return (value, self.conditioning.log_likelihood_gradient()) if grad else value

    def posterior(self, *points: Any, order: Sequence[int] | None = None) -> Posterior:
        """Return the posterior at a tensor grid of new points.

        It is about the function without noise; that of new measurements there has the variance
        ``posterior.variance + gp.noise``.

        Parameters
        ----------
        *points : Grid, or (m_j,) array for every axis
            The new points, ascending on every axis, inside the old ones or beyond, as in a
            forecast; by default those of the values. They are a grid, and no list of places.
        order : sequence of int, optional
            The order of the derivative on every axis, instead of the function itself.

        Returns
        -------
        Posterior
            Computes mean, variance, covariances and samples when asked for.
        """
        given = self.conditioning
        new = given.grid if not points else Grid.of(points[0] if len(points) == 1 else points)
        if new.ndim != given.grid.ndim:
            raise ValueError(
                f"the new points have {new.ndim} axes but the process has {given.grid.ndim}: pass "
                "nodes for every axis"
            )
        namespace(*new.axes, *given.grid.axes)
        device(*new.axes, *given.grid.axes)
        orders = (0,) * new.ndim if order is None else orders_of(order, new.ndim)
        mean = 0.0 if any(orders) else self.mean
        return Posterior(given, new, orders, mean, self._many)

    def leave_one_out(self) -> LeaveOneOut:
        """Return the predictions of every value from all the others, in closed form.

        Raises
        ------
        NotImplementedError
            If the way of conditioning, which `report` names, has no closed form.

        Notes
        -----
        With ``α = S⁻¹ y``, a value is predicted with variance ``1 / (S⁻¹)ᵢᵢ`` and the error
        ``yᵢ - μᵢ = αᵢ / (S⁻¹)ᵢᵢ`` [2]_ (section 5.4.2): ``O(N Σ n_j)`` for all.
        """
        given, xp = self.conditioning, self.grid.xp
        precision = given.inverse_diagonal()
        nothing = xp.full_like(precision, xp.nan)
        precision = xp.where(precision > 0, precision, nothing)
        errors = given.weights / precision
        mean = given.values - errors + self.mean
        log_density = -(given.weights * errors - xp.log(precision) + math.log(2 * math.pi)) / 2
        return LeaveOneOut(self._outward(mean), 1 / precision, self._outward(log_density))

    def _outward(self, made: Any) -> Any:
        return self.grid.xp.moveaxis(made, 0, -1) if self._many else made[0, ...]

    def __repr__(self) -> str:
        kernels = " + ".join(" ⊗ ".join(map(repr, term)) for term in self.kernels)
        fitted = f", {self._given.grid!r}" if self._given is not None else ""
        return f"<KroneckerGP {kernels}, noise {self.noise:g}{fitted}>"

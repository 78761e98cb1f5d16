"""How reduced models are made of samples, and what their misfits say of their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace
from structlin._norm import norm
from structlin.solvers._solution import quiet
from structlin.solvers.reduced.basis import POD
from structlin.solvers.reduced.cubature import Cubature, galerkin_cubature
from structlin.solvers.reduced.efficiency import standard_deviations
from structlin.solvers.reduced.gappy import GappyPOD, deim
from structlin.solvers.reduced.model import ReducedModel
from structlin.solvers.reduced.pod import pod

# modes of the nonlinear part for each mode of the fields, and points for each of those: chosen by
# trial on −u'' + µ₁ u³ = exp(−((x − µ₂)/0.15)²)
_more_modes, _more_points = 3, 2


class Recipe:
    """What all models of an `AdaptiveReducedModel` have in common: parameters are its own.

    Parameters
    ----------
    residual : callable
    linear : array, operator or sequence of (theta, matrix)
    jacobian : callable or None
    mass : optional
    tol : float
        The tolerance of bases of fields.
    sampling : {"gappy", "cubature"}
    """

    def __init__(
        self,
        residual: Callable[..., Any],
        linear: Any,
        *,
        jacobian: Callable[..., Any] | None,
        mass: Any,
        tol: float,
        sampling: str,
    ) -> None:
        self.residual, self.linear, self.jacobian = residual, linear, jacobian
        self.mass, self.tol, self.sampling = mass, tol, sampling

    def term(self, u: Any, mu: NDArray[np.float64]) -> Any:
        """Return the nonlinear part of a field ``(n,)`` at all places."""
        xp = namespace(u)
        found = self.residual(u, mu, xp.arange(u.shape[0], dtype=xp.int64, device=device(u)))
        got = tuple(getattr(found, "shape", ()))
        if got != tuple(u.shape):
            raise ValueError(
                f"residual returned shape {got} for {u.shape[0]} places: return a value for each"
            )
        return found

    def basis(self, fields: Any) -> POD:
        """Return the basis of fields ``(samples, *shape)``."""
        found = pod(fields, tol=self.tol, mass=self.mass)
        if not found.rank:
            raise ValueError("half of the snapshots or more are zero: they have no modes")
        return found

    def terms_basis(self, N: Any, rank: int) -> POD:
        """Return the basis of nonlinear parts ``(samples, n)``, for so many modes of fields."""
        found = pod(N, min(_more_modes * rank, *N.shape), rng=0)
        if not found.rank:
            raise ValueError(
                "the nonlinear part is zero at half of the samples or more: there is nothing to "
                "sample, take ReducedModel"
            )
        return found

    def model(self, basis: POD, terms: POD, N: Any) -> ReducedModel:
        """Return the model of a basis of fields and one of nonlinear parts."""
        sampling: GappyPOD | Cubature
        if self.sampling == "gappy":
            sampling = deim(terms, points=min(_more_points * terms.rank, N.shape[1]))
        else:
            shape = basis.modes.shape[1:]
            fields = namespace(N).reshape(N, (N.shape[0], *shape))
            sampling = galerkin_cubature(basis, fields, tol=self.tol)
        return ReducedModel(
            basis, self.residual, linear=self.linear, sampling=sampling, jacobian=self.jacobian
        )

    def calibration(
        self, points: NDArray[np.float64], fields: Any, N: Any
    ) -> tuple[list[float], list[float]]:
        """Return misfits and true errors of models of one half of the samples for the other."""
        xp = namespace(fields)
        # near samples go to different halves where they are listed one after the other
        half = np.arange(fields.shape[0]) % 2 == 0
        misfits: list[float] = []
        errors: list[float] = []
        for own in (half, ~half):
            known = xp.asarray(np.flatnonzero(own), device=device(fields))
            part, terms = xp.take(fields, known, axis=0), xp.take(N, known, axis=0)
            basis = self.basis(part)
            for rank in sorted({max(1, basis.rank // 2), basis.rank}):
                less = basis.truncated(rank)
                model = self.model(less, self.terms_basis(terms, rank), terms)
                starts = model.basis.to_modes(part)
                for k in np.flatnonzero(~own):
                    start = starts[nearest(points[own], points[k]), :]
                    found = quiet(model.solve)(points[k, :], start=start)
                    if found.converged:
                        true = xp.reshape(fields[int(k), ...], (-1,))
                        misfits.append(model.misfit(found.x, points[k, :]))
                        errors.append(relative_error(model, found.x, true))
        return misfits, errors


def relative_error(model: ReducedModel, coefficients: Any, u: Any) -> float:
    """Return how far a solution is from the field ``(n,)``, in the norm of the basis."""
    xp = namespace(u)
    made = xp.reshape(model.field(coefficients), (1, -1))
    inner, size = model.basis.inner, norm(u)
    unit = size if size else 1.0
    wrong = float(inner.norms((made - u[None, :]) / unit)[0])
    own = float(inner.norms(u[None, :] / unit)[0])
    return wrong / own if own else wrong


def nearest(points: NDArray[np.float64], point: NDArray[np.float64]) -> int:
    """Return which of the points is nearest, in units of their standard deviations."""
    scale = standard_deviations(points)
    return int(np.argmin(np.sum(((points - point) / scale) ** 2, axis=1)))

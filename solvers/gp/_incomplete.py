"""Conditioning where values are missing or the noise is not the same everywhere."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.matrices import Kronecker
from structlin.sketching._estimate import Estimate
from structlin.sketching._random import seed_of
from structlin.solvers.gp._conditioning import (
    Conditioning,
    Term,
    along_axes,
)
from structlin.solvers.gp._estimated import Estimated, units_of
from structlin.solvers.gp._factors import Known
from structlin.solvers.gp._few import FewValues, most_values
from structlin.solvers.gp._near_identity import (
    conjugate_gradients,
    log_determinant,
    random_signs,
)
from structlin.solvers.gp._weight_space import WeightSpace, roots_of

_block = 2**21
"""Numbers at a time where there is a row of coefficients for every point."""

_probes_together = 16
"""Random vectors in a block."""


def incomplete(
    grid: Grid,
    terms: Sequence[Term],
    values: Any,
    noise: Any,
    mask: Any,
    *,
    rng: Any = None,
    known: Known | None = None,
) -> Conditioning:
    """Condition on incomplete values, or under noise that varies: directly where they are few."""
    count = grid.size if mask is None else int(grid.xp.count_nonzero(mask))
    if count <= most_values:
        return FewValues(grid, terms, values, noise, mask, known=known)
    return Incomplete(grid, terms, values, noise, mask, rng=rng, known=known)


class Incomplete(Estimated):
    """A Gaussian process given some of the values on a grid, or values of different precision.

    Parameters
    ----------
    grid : Grid
    terms : sequence of sequence of Covariance
        One product of kernels, or several.
    values : (outputs, n_1, …, n_d) array
        The values less the prior mean; zero where they are missing.
    noise : float or (n_1, …, n_d) array
        Variance of the noise, positive.
    mask : (n_1, …, n_d) array of bool, optional
        True where there is a value.
    rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
        Gives the seed of what is estimated.
    known : mapping, optional
        Eigendecompositions of axes, by product and axis.

    Raises
    ------
    ValueError
        If a covariance matrix is indefinite, or the noise is not positive.

    Warns
    -----
    ConvergenceWarning
        If iterations have not converged after 1000 steps.

    Notes
    -----
    The function is ``u = R z`` with white ``z`` and a Kronecker product of roots ``R Rᵀ = K``. With
    the precision ``W`` of the noise, zero where there is no value, the posterior mean of ``z``
    solves ``(1 + Rᵀ W R) z = Rᵀ W y``, and ``S⁻¹ y = W (y − R z)``. See `WeightSpace` for the
    preconditioned iteration and what it costs. Up to 2048 coefficients that rise above rounding
    are factorised: then everything is exact.

    ``log det S = Σ log noise + log det (1 + Rᵀ W R)``: the determinant of the preconditioner, and
    an estimate of what it leaves out.
    """

    def __init__(
        self,
        grid: Grid,
        terms: Sequence[Term],
        values: Any,
        noise: Any,
        mask: Any = None,
        *,
        rng: Any = None,
        known: Known | None = None,
    ) -> None:
        super().__init__(grid, terms, values, noise, mask, seed_of(rng), known)
        xp = grid.xp
        if isinstance(noise, float):
            if not noise > 0:
                raise ValueError(
                    f"noise is {noise:g}: with values missing or more than {most_values} of them, "
                    "it has to be positive"
                )
            noise = xp.full(grid.shape, noise, dtype=xp.float64, device=values.device)
        precision = 1 / xp.astype(noise, xp.float64, copy=False)
        if mask is not None:
            precision = xp.where(mask, precision, xp.zeros_like(precision))
        self.precision = precision
        self.space = WeightSpace([roots_of(f, precision, xp) for f in self.factors], precision)
        self.weights  # noqa: B018  # solved for now, so that the report tells how it went

    @property
    def method(self) -> str:
        """What the report calls it."""
        return "coefficients, factorised" if self.space.exact else "coefficients, by iterations"

    @property
    def exact(self) -> bool:
        """Whether all coefficients are factorised."""
        return self.space.exact

    def choices(self) -> Mapping[str, Any]:
        """Return what else was chosen."""
        shapes = tuple(R.shape for R in self.space.roots)
        return {"coefficients": shapes, "coupled": self.space.leading, "seed": self.seed}

    def solved(self, B: Any) -> tuple[Any, int, float]:
        """Return ``S⁻¹ B``, the iterations and the residual."""
        xp, weights = self.xp, self.xp.reshape(self.precision, (-1, 1))
        columns = xp.matrix_transpose(xp.reshape(B, (B.shape[0], -1)))
        Z, iterations, residual = self.space.solve(self.space.adjoint(weights * columns))
        self._last = Z
        made = weights * (columns - self.space.forward(Z))
        return xp.reshape(xp.matrix_transpose(made), B.shape), iterations, residual

    @functools.cached_property
    def weights(self) -> Any:
        """The (outputs, n_1, …, n_d) array ``S⁻¹ values``."""
        xp = self.xp
        units = units_of(self.values)
        values = xp.astype(self.values / units, xp.float64, copy=False)
        made, iterations, residual = self.solved(values)
        self.note(iterations, residual)
        self._coefficients = self._last * xp.reshape(units, (1, -1))
        return xp.astype(made, self.values.dtype, copy=False) * units

    def applied(self, crosses: Sequence[Sequence[Any]], weights: Any = None) -> Any:
        """Return the mean, for the weights of the values by the coefficients: ``K S⁻¹ y = R z``.

        What rounding does to weights of smooth functions is as large as these over the noise.
        """
        if weights is not None:
            return super().applied(crosses, weights)
        xp = self.xp
        made: Any = 0.0
        for X, part, R in zip(
            self._rows(crosses), self.space.parts(self._coefficients), self.space.roots, strict=True
        ):
            Z = xp.reshape(xp.matrix_transpose(part), (self.outputs, *R.shape))
            made = made + along_axes(X, Z)
        return xp.astype(made, self.values.dtype, copy=False)

    def log_determinant_of_preconditioner(self) -> float:
        """Return the logarithm of the determinant of noise and preconditioner."""
        xp = self.xp
        if isinstance(self.noise, float):
            noise = self.observations * math.log(self.noise)
        else:
            logs = xp.log(xp.astype(self.noise, xp.float64, copy=False))
            if self.mask is not None:
                logs = xp.where(self.mask, logs, xp.zeros_like(logs))
            noise = float(xp.sum(logs))
        return noise + self.space.log_determinant

    def log_determinant_of_rest(self) -> Estimate:
        """Return an estimate of what the preconditioner leaves out."""
        return log_determinant(self.space.operator, self.seed)

    def traces(self) -> tuple[list[list[Any]], float]:
        """Return what gives ``tr S⁻¹ ∂S``: with ``Rᵀ S⁻¹ R = 1 − A⁻¹``, sums of entries of it."""
        xp, space = self.xp, self.space
        one = xp.eye(space.size, dtype=xp.float64, device=self.precision.device)
        T = one - space.outward(space.inward(one))
        made, start = [], 0
        for R in space.roots:
            own = T[start : start + R.size, start : start + R.size]
            start += R.size
            row = []
            for j, Y in enumerate(R.inverses):
                H = xp.matmul(
                    Y, xp.matmul(_partial_trace(own, R.shape, j, xp), xp.matrix_transpose(Y))
                )
                row.append(H)
            made.append(row)
        scaled = float(self.observations) - float(xp.linalg.trace(T))
        return made, scaled

    def closed_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        """Return what `variance_reduction` does, with the preconditioner for the matrix.

        Notes
        -----
        With rows ``X = C R⁺ᵀ`` of new points, ``C S⁻¹ Cᵀ = X (1 − A⁻¹) Xᵀ``. Coefficients on their
        own cost ``O(N Σ m_j)`` together, ``k`` coupled ones ``k²`` for each point.
        """
        xp, space = self.xp, self.space
        rows = self._rows(crosses)
        alone = (1 - 1 / space.diagonal) * space.alone
        made: Any = 0.0
        for X, part, R in zip(rows, space.parts(alone[:, None]), space.roots, strict=True):
            made = made + along_axes([x**2 for x in X], xp.reshape(part, (1, *R.shape)))
        made = xp.reshape(made, (-1,))
        return made + self._coupled_reduction(rows) if space.leading else made

    def _coupled_reduction(self, rows: list[list[Any]]) -> Any:
        xp, device = self.xp, self.grid.device
        columns = [
            [
                xp.take(X, xp.asarray(i, device=device), axis=1)
                for X, i in zip(rows[t], at, strict=True)
            ]
            for t, at in self.space.coupled
        ]
        shape = tuple(int(X.shape[0]) for X in rows[0])
        points = math.prod(shape)
        step = max(1, _block // self.space.leading)
        made = []
        for start in range(0, points, step):
            places = np.unravel_index(np.arange(start, min(start + step, points)), shape)
            here = [xp.asarray(place, device=device) for place in places]
            parts = [
                functools.reduce(
                    operator.mul, (xp.take(X, p, axis=0) for X, p in zip(own, here, strict=True))
                )
                for own in columns
            ]
            H = xp.concat(parts, axis=1)
            image = xp.matmul(H, xp.matrix_transpose(self.space.inverse))
            made.append(xp.sum(H * H, axis=1) - xp.sum(image * image, axis=1))
        return xp.concat(made)

    def corrections(self, crosses: Sequence[Sequence[Any]], count: int) -> Iterator[Any]:
        """Give blocks of estimates of what the preconditioner leaves out of the reduction.

        Notes
        -----
        ``X (P⁻¹ − A⁻¹) Xᵀ`` with ``P = C Cᵀ`` and ``M = C⁻¹ A C⁻ᵀ`` has the diagonal
        ``E (X C⁻ᵀ ε) ∘ (X C⁻ᵀ (1 − M⁻¹) ε)`` for random signs ``ε``.
        """
        space = self.space
        rows = self._rows(crosses)
        operators = [Kronecker(*X) for X in rows]

        def new(Z: Any) -> Any:
            parts = zip(operators, space.parts(space.outward(Z)), strict=True)
            return functools.reduce(operator.add, (X.matmat(part) for X, part in parts))

        for start in range(0, count, _probes_together):
            made = min(_probes_together, count - start)
            signs = random_signs(space.size, made, self.seed, 1000 + start, space.diagonal)
            solved, iterations, residual = conjugate_gradients(space.whitened, signs, 1000)
            self.note(iterations, residual)
            yield new(signs) * new(signs - solved)

    def _rows(self, crosses: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """Return the rows of new points among the coefficients, for every product and axis."""
        return [
            [self.xp.matmul(C, Y) for C, Y in zip(term, R.inverses, strict=True)]
            for term, R in zip(crosses, self.space.roots, strict=True)
        ]


def _partial_trace(T: Any, shape: tuple[int, ...], axis: int, xp: ModuleType) -> Any:
    """Return the (r, r) sums ``Σ T[(…, a, …), (…, b, …)]`` over the equal indices of other axes."""
    before, n, behind = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    T = xp.reshape(T, (before, n, behind, before, n, behind))
    T = xp.linalg.diagonal(xp.permute_dims(T, (1, 4, 2, 5, 0, 3)))
    T = xp.linalg.diagonal(xp.permute_dims(T, (0, 1, 4, 2, 3)))
    return xp.sum(T, axis=(2, 3))

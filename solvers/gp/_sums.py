"""Conditioning on all values of a grid where the covariance is a sum of Kronecker products."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.bases import Grid
from structlin.matrices import Triangular, solve
from structlin.sketching._estimate import Estimate
from structlin.sketching._random import seed_of
from structlin.solvers.gp._conditioning import Conditioning, Term, along_axes
from structlin.solvers.gp._estimated import Estimated, few_points
from structlin.solvers.gp._factors import Known, nodes
from structlin.solvers.gp._few import FewValues, most_values
from structlin.solvers.gp._incomplete import Incomplete
from structlin.solvers.gp._near_identity import (
    Preconditioned,
    accepted,
    conjugate_gradients,
    log_determinant,
    random_signs,
)
from structlin.solvers.gp._weight_space import most_exact

_direct = 1e-11
"""How far from a diagonal matrix, relatively, counts as rounding errors."""

_patience = 200
"""Iterations after which coefficients are tried instead."""

_most_iterations = 1000

_probes_together = 16
"""Random vectors in a block."""


def sum_of_products(
    grid: Grid,
    terms: Sequence[Term],
    values: Any,
    noise: float,
    *,
    rng: Any = None,
    known: Known | None = None,
) -> Conditioning:
    """Condition on complete values under a sum of products: directly where that is possible."""
    if grid.size <= most_values:
        return FewValues(grid, terms, values, noise, known=known)
    seed = seed_of(rng)
    made = SumOfProducts(grid, terms, values, noise, rng=seed, known=known)
    few = made.coefficients <= most_exact
    if made.exact or not noise > 0 or not (few or not made.promising):
        made.weights  # noqa: B018  # solved for now, so that the report tells how it went
        return made
    return Incomplete(grid, terms, values, noise, rng=seed, known=made.known)


class SumOfProducts(Estimated):
    """A Gaussian process whose covariance is a sum of products of kernels, given all values.

    Parameters
    ----------
    grid : Grid
    terms : sequence of sequence of Covariance
        The products.
    values : (outputs, n_1, …, n_d) array
        The values less the prior mean.
    noise : float
        Variance of the noise.
    rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator
        Gives the seed of what is estimated.
    known : mapping, optional
        Eigendecompositions of axes, by product and axis.

    Notes
    -----
    ``S = Σₜ ⊗ⱼ Kₜⱼ + noise I`` is looked at in a Kronecker product of bases, ``D`` the diagonal of
    ``(⊗ Vⱼ)ᵀ S (⊗ Vⱼ)``. Everything is exact, in closed form, where the rest vanishes:

    - all products have the same eigenvectors on every axis; or they differ on one axis only, so
      that they are one product with a sum there;
    - there are two Kronecker products, the noise among them: generalised eigenvectors of the two
      matrices of every axis [1]_. The noise is no product of its own where it is zero, and where
      one product is the identity on all axes but one (as the kernel of noise that is correlated
      along that axis), so that it can be added there.

    Two smooth products and independent noise are *three* Kronecker products, and no basis of that
    kind makes three diagonal. Systems are then solved by conjugate gradients, preconditioned by
    ``D`` in the eigenvectors of the sum of the matrices of an axis; determinant and gradient are
    estimated. Kernels with similar eigenvectors, as stationary ones of like length scales, take
    some 10 to 20 iterations. Products that are smooth on different axes can take hundreds.

    References
    ----------
    .. [1] B. Rakitsch, C. Lippert, K. Borgwardt and O. Stegle, "It is all in the noise: efficient
       multi-task Gaussian process inference with structured residuals", NIPS 2013.
    """

    def __init__(
        self,
        grid: Grid,
        terms: Sequence[Term],
        values: Any,
        noise: float,
        *,
        rng: Any = None,
        known: Known | None = None,
    ) -> None:
        super().__init__(grid, terms, values, noise, None, seed_of(rng), known)
        xp = self.xp
        self.matrices = [
            [k.gram(nodes(grid, j)) for j, k in enumerate(term)] for term in self.terms
        ]
        for candidate, generalised in self._candidates():
            self._take(candidate, generalised)
            if self._exact:
                break
        if not bool(xp.all(self._diagonal > 0)):
            raise ValueError(
                f"the covariance matrix is singular to rounding, and a noise of {noise:g} does not "
                "change that: pass more, or rougher kernels"
            )

    # -- bases ------------------------------------------------------------------------------------

    def _candidates(self) -> Iterator[tuple[list[Any], bool]]:
        if len(self.terms) == 2:
            second = self._with_noise()
            if second is not None:
                first, second_matrices = second
                bases = [_generalised(A, B) for A, B in zip(first, second_matrices, strict=True)]
                if all(V is not None for V in bases):
                    yield bases, True
        xp = self.xp
        bases = []
        for j in range(self.grid.ndim):
            summed: Any = 0.0
            for t, term in enumerate(self.matrices):
                others = (f.largest for i, f in enumerate(self.factors[t]) if i != j)
                summed = summed + math.prod(others) * term[j]
            bases.append(xp.linalg.eigh(summed)[1])
        yield bases, False

    def _with_noise(self) -> tuple[list[Any], list[Any]] | None:
        """Return the matrices of two products, the noise in the second, if that is possible."""
        xp = self.xp
        if self.noise == 0:
            order = sorted((0, 1), key=lambda t: math.prod(f.least for f in self.factors[t]))
            return self.matrices[order[0]], self.matrices[order[1]]
        for t in (1, 0):
            levels = [float(xp.mean(xp.linalg.diagonal(K))) for K in self.matrices[t]]
            flat = [
                bool(xp.max(xp.abs(K - level * _identity(K, xp))) <= _direct * level)
                for K, level in zip(self.matrices[t], levels, strict=True)
            ]
            if sum(flat) < self.grid.ndim - 1:
                continue
            axis = flat.index(False) if False in flat else 0
            rest = math.prod(level for j, level in enumerate(levels) if j != axis)
            second = list(self.matrices[t])
            K = second[axis]
            second[axis] = K + self.noise / rest * _identity(K, xp)
            return self.matrices[1 - t], second
        return None

    def _take(self, bases: list[Any], generalised: bool) -> None:
        xp, transposed = self.xp, self.xp.matrix_transpose
        self._bases = bases
        self._transposed = [transposed(V) for V in bases]
        self._levels = [
            [xp.sum(V * xp.matmul(K, V), axis=0) for K, V in zip(term, bases, strict=True)]
            for term in self.matrices
        ]
        D: Any = self.noise * _outer([xp.sum(V * V, axis=0) for V in bases])
        for levels in self._levels:
            D = D + _outer([xp.where(d > 0, d, xp.zeros_like(d)) for d in levels])
        self._diagonal = D
        self._generalised = generalised
        self._root = xp.sqrt(xp.where(D > 0, D, xp.ones_like(D)))
        test = random_signs(2, self.grid.size, self.seed, 0, D)
        test = transposed(test)
        gap = xp.linalg.vector_norm(self._whitened(test) - test)
        self._exact = float(gap) <= _direct * float(xp.linalg.vector_norm(test))

    # -- products ---------------------------------------------------------------------------------

    def _covariance(self, X: Any) -> Any:
        """Return ``S X`` of a (count, n_1, …, n_d) array."""
        made = self.noise * X
        for term in self.matrices:
            made = made + along_axes(term, X)
        return made

    def _whitened(self, X: Any) -> Any:
        """Return ``D^(-1/2) Vᵀ S V D^(-1/2) X`` of an (N, k) array."""
        grid = self._on_grid(X) / self._root
        grid = along_axes(self._transposed, self._covariance(along_axes(self._bases, grid)))
        return self._in_columns(grid / self._root)

    def _on_grid(self, X: Any) -> Any:
        return self.xp.reshape(self.xp.matrix_transpose(X), (X.shape[1], *self.grid.shape))

    def _in_columns(self, X: Any) -> Any:
        xp = self.xp
        return xp.matrix_transpose(xp.reshape(X, (X.shape[0], -1)))

    # -- what `Estimated` asks for ----------------------------------------------------------------

    @property
    def method(self) -> str:
        """What the report calls it."""
        if not self._exact:
            return "common eigenvectors, by iterations"
        return "generalised eigenvectors" if self._generalised else "common eigenvectors"

    @property
    def exact(self) -> bool:
        """Whether the matrix is diagonal in the bases."""
        return self._exact

    @property
    def coefficients(self) -> int:
        """How many eigenvalues of the products rise above rounding."""
        xp = self.xp
        least = float(xp.finfo(xp.float64).eps) * max(self.grid.shape)
        return sum(
            math.prod(int(xp.count_nonzero(f.eigenvalues > least)) for f in factors)
            for factors in self.factors
        )

    @property
    def promising(self) -> bool:
        """Whether iterations converge before other ways are worth while."""
        test = self._in_columns(self.values[:1, ...])
        largest = float(self.xp.max(self.xp.abs(test)))
        test = self.xp.astype(test, self.xp.float64, copy=False) / (largest or 1.0)
        _, _, residual = conjugate_gradients(self._whitened, self._inward(test), _patience)
        return residual <= accepted

    def choices(self) -> Mapping[str, Any]:
        """Return what else was chosen."""
        return {} if self._exact else {"seed": self.seed}

    def _inward(self, X: Any) -> Any:
        grid = along_axes(self._transposed, self._on_grid(X)) / self._root
        return self._in_columns(grid)

    def solved(self, B: Any) -> tuple[Any, int, float]:
        """Return ``S⁻¹ B``, the iterations and the residual."""
        C = along_axes(self._transposed, B) / self._root
        iterations, residual = 0, 0.0
        if not self._exact:
            X, iterations, residual = conjugate_gradients(
                self._whitened, self._in_columns(C), _most_iterations
            )
            C = self._on_grid(X)
        return along_axes(self._bases, C / self._root), iterations, residual

    def log_determinant_of_preconditioner(self) -> float:
        """Return the logarithm of the determinant of the matrix whose diagonal form is ``D``."""
        xp = self.xp
        total = float(xp.sum(xp.log(self._diagonal)))
        if self._generalised:
            for V in self._bases:
                n = V.shape[0]
                total -= 2 * self.grid.size // n * float(xp.linalg.slogdet(V).logabsdet)
        return total

    def log_determinant_of_rest(self) -> Estimate:
        """Return an estimate of what the diagonal leaves out."""
        bases, transposed = self._bases, self._transposed

        def product(X: Any) -> Any:
            # random vectors on the grid: their meaning depends on no signs of eigenvectors
            C = self._in_columns(along_axes(transposed, self._on_grid(X)))
            return self._in_columns(along_axes(bases, self._on_grid(self._whitened(C))))

        M = Preconditioned(product, self.grid.size, self._diagonal)
        return log_determinant(M, self.seed)

    def traces(self) -> tuple[list[list[Any]], float]:
        """Return what gives ``tr S⁻¹ ∂S``: sums of ``1/D`` over the other axes."""
        xp, inverse = self.xp, 1 / self._diagonal[None, ...]
        made = []
        for levels in self._levels:
            row = []
            for j, V in enumerate(self._bases):
                one = xp.eye(V.shape[0], dtype=V.dtype, device=V.device)
                kept = [one if i == j else d[None, :] for i, d in enumerate(levels)]
                sums = xp.reshape(along_axes(kept, inverse), (-1,))
                row.append(xp.matmul(V * sums, xp.matrix_transpose(V)))
            made.append(row)
        lengths = [xp.sum(V * V, axis=0)[None, :] for V in self._bases]
        return made, self.noise * float(xp.sum(along_axes(lengths, inverse)))

    def closed_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        """Return what `variance_reduction` does, with the preconditioner for the matrix."""
        xp = self.xp
        unit = math.sqrt(float(xp.max(self._diagonal)))
        inverse = unit / self._diagonal[None, ...] * unit
        rows = self._rows(crosses)
        # squares of covariances leave the range where these do not
        sizes = [[float(xp.max(xp.abs(A))) or 1.0 for A in term] for term in rows]
        rows = [
            [A / size for A, size in zip(term, own, strict=True)]
            for term, own in zip(rows, sizes, strict=True)
        ]
        shares = [math.prod(own) / unit for own in sizes]
        made: Any = 0.0
        for s, first in enumerate(rows):
            for t, second in enumerate(rows[: s + 1]):
                products = [A * B for A, B in zip(first, second, strict=True)]
                factor = (1 if s == t else 2) * shares[s]
                made = made + factor * along_axes(products, inverse) * shares[t]
        return xp.reshape(made, (-1,))

    def corrections(self, crosses: Sequence[Sequence[Any]], count: int) -> Iterator[Any]:
        """Give blocks of estimates of what the preconditioner leaves out of the reduction.

        Notes
        -----
        With ``B = C V D^(-1/2)``, the diagonal of ``B (M⁻¹ − 1) Bᵀ`` is the expectation of
        ``(B ε) ∘ (B (M⁻¹ − 1) ε)`` for random signs ``ε``.
        """
        xp = self.xp
        rows = self._rows(crosses)

        def new(X: Any) -> Any:
            grid = self._on_grid(X) / self._root
            image = functools.reduce(operator.add, (along_axes(R, grid) for R in rows))
            return xp.matrix_transpose(xp.reshape(image, (image.shape[0], -1)))

        for start in range(0, count, _probes_together):
            made = min(_probes_together, count - start)
            signs = random_signs(self.grid.size, made, self.seed, 1000 + start, self._diagonal)
            solved, iterations, residual = conjugate_gradients(
                self._whitened, signs, _most_iterations
            )
            self.note(iterations, residual)
            yield new(signs) * new(solved - signs)

    def variance_reduction(self, crosses: Sequence[Sequence[Any]]) -> Any:
        """Return how much the values reduce the variance at the tensor grid of new points.

        Notes
        -----
        Where that has to be estimated for many points, it is so among coefficients, as `Incomplete`
        does: there the error is a share of the variance that is left, here of that which has gone.
        """
        points = math.prod(int(C.shape[0]) for C in crosses[0])
        if self._exact or points <= few_points or not self.noise > 0:
            return super().variance_reduction(crosses)
        twin = self._among_coefficients
        made = twin.variance_reduction(crosses)
        self._told.update({k: v for k, v in twin.report.choices.items() if "variance" in k})
        return made

    @functools.cached_property
    def _among_coefficients(self) -> Incomplete:
        return Incomplete(
            self.grid, self.terms, self.values[:1, ...], self.noise, rng=self.seed, known=self.known
        )

    def inverse_diagonal(self) -> Any:
        if not self._exact:
            return super().inverse_diagonal()
        return along_axes([V**2 for V in self._bases], 1 / self._diagonal[None, ...])[0, ...]

    def _rows(self, crosses: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return [
            [self.xp.matmul(C, V) for C, V in zip(term, self._bases, strict=True)]
            for term in crosses
        ]


def _identity(K: Any, xp: Any) -> Any:
    return xp.eye(K.shape[0], dtype=K.dtype, device=K.device)


def _outer(vectors: Sequence[Any]) -> Any:
    """Return the (n_1, …, n_d) products ``Π v_j[i_j]``."""
    made = vectors[0]
    for following in vectors[1:]:
        made = made[..., None] * following
    return made


def _generalised(A: Any, B: Any) -> Any:
    """Return ``V`` with ``Vᵀ B V = 1`` and ``Vᵀ A V`` diagonal, or None if ``B`` is singular."""
    xp = namespace(A, B)
    try:
        L = xp.linalg.cholesky(B)
        if not bool(xp.all(xp.isfinite(L))):
            return None
    except np.linalg.LinAlgError:
        return None
    triangle = Triangular(L)
    half = solve(triangle, A)
    M = solve(triangle, xp.matrix_transpose(half))
    _, U = xp.linalg.eigh((M + xp.matrix_transpose(M)) / 2)
    return solve(triangle.T, U)

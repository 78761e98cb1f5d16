"""Coordinates in which a matrix is nearly orthonormal, as a sketch of it finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from structlin._norm import column_norms
from structlin.matrices._base import adjoint_of
from structlin.sketching._lstsq_problem import powers_of_two
from structlin.sketching._pcg import dots


@dataclass(frozen=True)
class Coordinates:
    """What the singular value decomposition ``U Σ Vᴴ`` of a sketch tells of ``[A; √μ I]``.

    Columns are first scaled to norms near one, by powers of two.

    Attributes
    ----------
    basis : (n, r) array
        ``V Σ⁻¹``, scaled back: ``A`` maps its columns to nearly orthonormal ones.
    V : (n, r) array
        Right singular vectors.
    s : (r,) array
        Singular values, those that are not negligible.
    units : (n,) array
        The norms by which the columns were divided.
    start : (n, k) array
        Solutions of the sketched problem.
    deficient : bool
        Whether there are other singular values.
    """

    basis: Any
    V: Any
    s: Any
    units: Any
    start: Any
    deficient: bool

    @classmethod
    def of_matrix(cls, R: Any, C: Any, shift: float, rcond: float, xp: Any) -> Self:
        """Return them for a sketch ``R`` of the matrix, or its triangle, and ``C`` of ``B``.

        Singular values up to ``rcond`` times the largest are negligible.

        Raises
        ------
        ValueError
            If the sketch is not finite.
        """
        if not bool(xp.all(xp.isfinite(R))):
            raise ValueError(
                "the sketch of A has a NaN or Inf: products with A, and the norms of its columns, "
                "must be finite"
            )
        n = R.shape[1]
        if shift:
            R = xp.concat([R, shift * xp.eye(n, dtype=R.dtype, device=R.device)])
            C = xp.concat([C, xp.zeros((n, C.shape[1]), dtype=C.dtype, device=R.device)])
        units = powers_of_two(column_norms(R), xp)
        U, s, Vh = xp.linalg.svd(R / units, full_matrices=False)
        rank = int(xp.sum(xp.astype(s > rcond * s[0], xp.int64))) if s.shape[0] else 0
        V, s = adjoint_of(Vh[:rank, :], xp), s[:rank]
        basis = V / s / units[:, None]
        start = basis @ (adjoint_of(U[:, :rank], xp) @ C)
        return cls(basis, V, s, units, start, rank < n)

    @property
    def condition(self) -> float:
        """The condition number of the columns scaled to unit norm; 1 for none."""
        return float(self.s[0]) / float(self.s[-1]) if self.s.shape[0] else 1.0

    def backward_errors(self, X: Any, squares: Any, norms: Any, xp: Any) -> Callable[[Any], Any]:
        """Return the estimate of Karlson and Waldén, relative to the norm of the matrix.

        It is returned as a function of the gradients ``Wᴴ Aᴴ(B − A X)``, (r, k), where ``W`` is
        the basis, that gives a (k,) array.

        Parameters
        ----------
        X : (n, k) array
            Approximate solutions.
        squares, norms : (k,) arrays
            Squared norms of the residuals; norms of the right-hand sides.
        """
        if self.s.shape[0] == 0:
            return lambda C: 0 * squares
        size = xp.sqrt(xp.sum(self.s**2))
        # θ weighs perturbations of b against those of A
        theta = size / xp.where(norms > 0, norms, 1)
        scaled = self.units[:, None] * X
        omega = theta / xp.sqrt(1 + theta**2 * dots(scaled, scaled))
        squared = self.s[:, None] ** 2
        weights = omega / size * xp.sqrt(squared / (squared + omega**2 * squares))
        return lambda C: xp.sqrt(dots(weights * C, weights * C))

    def shortest(self, X: Any, xp: Any) -> Any:
        """Return the solutions of least norm: without what the matrix maps to zero."""
        if not self.deficient:
            return X
        # the null space is what the rows of the matrix are orthogonal to
        scale = self.units / xp.max(self.units)
        rows = xp.linalg.qr(scale[:, None] * self.V)[0]
        return rows @ (adjoint_of(rows, xp) @ X)

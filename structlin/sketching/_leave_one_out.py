"""Bases of what test vectors are taken to, and each of them without one of its vectors."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import column_norms, norm
from structlin.matrices import LinearOperator, is_hermitian
from structlin.matrices._base import adjoint_of
from structlin.sketching._estimate import mean_and_error, not_finite
from structlin.sketching._krylov import adjoint_product
from structlin.sketching._orth import orthonormalize, orthonormalize_against
from structlin.sketching.gaussian import Gaussian, Rademacher


def spherical(A: LinearOperator, count: int, seed: int) -> Any:
    """Return test vectors of uniform direction and norm ``√n``, (n, count)."""
    xp, n = A.xp, A.shape[1]
    # more vectors than rows are no sketch, and meant
    numbers = Gaussian(min(count, n), n, rng=seed, like=A).extend(count)
    vectors = xp.matrix_transpose(numbers.todense())
    return vectors * (math.sqrt(n) / column_norms(vectors))


def signed(A: LinearOperator, count: int, seed: int) -> Any:
    """Return test vectors of random signs, (n, count)."""
    n = A.shape[1]
    signs = Rademacher(min(count, n), n, rng=seed, like=A).extend(count)
    return A.xp.matrix_transpose(signs.todense()) / signs.scale


class ScaledProducts:
    """Products with a matrix that is measured in the size of the first of them.

    Attributes
    ----------
    unit : float
        The size: products are divided by it, so that their squares are numbers.
    matvecs, passes : int
        Vectors that were multiplied, and blocks of them.
    """

    def __init__(self, A: LinearOperator) -> None:
        self.A = A
        self.unit = 0.0
        self.matvecs = 0
        self.passes = 0

    def __call__(self, X: Any, adjoint: bool = False) -> Any:
        """Return ``A X``, or ``Aᴴ X``, in the unit.

        Raises
        ------
        ValueError
            If the first of them is not finite.
        """
        Y = adjoint_product(self.A, X, "this estimate") if adjoint else self.A @ X
        self.matvecs += X.shape[1]
        self.passes += 1
        if self.unit == 0.0:
            self.unit = norm(Y) / (norm(X) or 1.0) or 1.0
            if not math.isfinite(self.unit):
                raise not_finite()
        return Y / self.unit


class Range:
    """An orthonormal basis of ``A Ω`` that grows with the test vectors ``Ω``.

    Attributes
    ----------
    Omega, Q, R, Z : arrays
        ``A Ω = Q R``, and ``Z = A Q`` (or ``Aᴴ Q``).
    """

    Omega: Any = None
    Q: Any
    R: Any
    Z: Any

    def __init__(self, product: ScaledProducts, adjoint: bool = False) -> None:
        self._product = product
        self._adjoint = adjoint

    def grow(self, Omega: Any) -> None:
        """Add test vectors: two products with each of them."""
        Y = self._product(Omega)
        if self.Omega is None:
            self.Omega = Omega
            self.Q, self.R = orthonormalize(Y)
            self.Z = self._product(self.Q, self._adjoint)
            return
        xp, old = namespace(Y), self.Q
        new, above, corner = orthonormalize_against(old, Y)
        below = xp.zeros((new.shape[1], old.shape[1]), dtype=Y.dtype, device=self._product.A.device)
        self.Omega = xp.concat((self.Omega, Omega), axis=1)
        self.Q = xp.concat((old, new), axis=1)
        self.R = xp.concat((xp.concat((self.R, above), axis=1), xp.concat((below, corner), axis=1)))
        self.Z = xp.concat((self.Z, self._product(new, self._adjoint)), axis=1)

    def left_out(self) -> Any:
        """Return the unit vectors ``S`` of which column ``i`` is orthogonal to all but ``R[:, i]``.

        The basis without the test vector ``i`` spans the range of ``Q (I − s_i s_iᴴ)``.
        """
        xp, R = namespace(self.R), self.R
        k = R.shape[0]
        pivots = xp.abs(xp.linalg.diagonal(R))
        least = xp.finfo(R.dtype).eps * xp.max(pivots)
        least = xp.where(least > 0, least, xp.ones_like(least))
        # where the range is exhausted, the directions that rounding chose are as good as any
        one = xp.eye(k, dtype=R.dtype, device=self._product.A.device)
        R = R + one * xp.astype(xp.where(pivots < least, least, xp.zeros_like(pivots)), R.dtype)
        S = xp.linalg.solve(adjoint_of(R, xp), one)
        return S / column_norms(S)


def columnwise(X: Any, Y: Any) -> Any:
    """Return ``x_iᴴ y_i`` for the columns of two blocks."""
    return namespace(X).vecdot(X, Y, axis=-2)


def remainders(cosines: Any, xp: ModuleType) -> Any:
    """Return ``1 − |c|²`` of a (k + 1, k) array, and 1 where a vector meets itself."""
    k = cosines.shape[1]
    own = xp.eye(k + 1, k, dtype=xp.bool, device=device(cosines))
    sines = 1 - xp.abs(xp.where(own, xp.zeros_like(cosines), cosines)) ** 2
    return xp.clip(sines, k * float(xp.finfo(cosines.dtype).eps), None)


def dimensions(n: int, k: int, A: LinearOperator) -> Any:
    """Return how many dimensions are left without two of ``k`` vectors, and without one, last."""
    xp = A.xp
    pairs = xp.full((k, 1), n - k + 2.0, dtype=A.real_dtype, device=A.device)
    return xp.concat((pairs, pairs[:1, :] - 1))


def jackknifed(terms: Any) -> tuple[Any, float]:
    """Return the mean of the last row of a (k + 1, k) array, and its standard error.

    Row ``j`` holds, but for its diagonal, the terms that would be there without vector ``j``. The
    spread of the last row is too small, because its terms share most of their vectors, and the
    jackknife's is too large: the geometric mean of both is returned.
    """
    xp, k = namespace(terms), terms.shape[1]
    mean, error = mean_and_error(terms[k, :])
    own = xp.eye(k, dtype=xp.bool, device=device(terms))
    others = xp.where(own, xp.zeros_like(terms[:k, :]), terms[:k, :])
    _, spread = mean_and_error(xp.sum(others, axis=1) / max(k - 1, 1))
    return mean, math.sqrt(error * spread * (k - 1))


def real_trace(A: LinearOperator) -> bool:
    """Tell whether what is estimated is known to be real."""
    return not A.is_complex or is_hermitian(A)

"""Chebyshev polynomials of a matrix, as preconditioners and smoothers."""

from __future__ import annotations

from typing import Any

from structlin._validation import require_count
from structlin.matrices import LinearOperator, aslinearoperator
from structlin.solvers.krylov._chebyshev import Recurrence, require_interval
from structlin.solvers.krylov.interval import spectral_interval


class ChebyshevPreconditioner(LinearOperator):
    """``p(A)``: a fixed number of iterations of Chebyshev's method from a zero start.

    It is Hermitian positive definite if ``A`` is and no eigenvalue is above the interval, so
    that `cg` and `minres` take it. ``x + P @ (b - A @ x)`` is a step of smoothing.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        The matrix, Hermitian positive definite.
    degree : int, default 4
        Iterations; the polynomial has degree ``degree − 1``.
    interval : (float, float), optional
        ``(low, high)``: the eigenvalues of ``A`` that the polynomial is to invert, or of ``M⁻¹ A``
        with ``scaling``. A preconditioner takes all of them, the default, as `spectral_interval`
        estimates them; a smoother only those that a coarser grid cannot see, such as
        ``(high / 10, high)``. Eigenvalues below ``low`` do no harm, eigenvalues above ``high`` do.
    scaling : operator, sparse matrix or array, optional
        ``M⁻¹``, Hermitian positive definite, such as the inverse of the diagonal.
    rng : numpy.random.Generator, int or None
        Source of the vector from which the interval is estimated.

    Attributes
    ----------
    interval : (float, float)
        As given or estimated.

    Raises
    ------
    ValueError
        If ``A`` is not square, ``degree`` is not positive, the interval is not positive, or the
        estimated one is not, because ``A`` is not positive definite.

    Notes
    -----
    A product costs ``degree − 1`` products with ``A``, ``degree`` with ``M⁻¹``, and no inner
    products.

    References
    ----------
    M. Adams, M. Brezina, J. Hu and R. Tuminaro, "Parallel multigrid smoothing: polynomial versus
    Gauss–Seidel", J. Comput. Phys. 188 (2003).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import GridOperator
    >>> from structlin.solvers import cg
    >>> A, b = GridOperator.laplacian((20, 20)), np.ones(400)
    >>> P = ChebyshevPreconditioner(A, degree=4, rng=0)
    >>> cg(A, b, preconditioner=P).iterations < 0.8 * cg(A, b).iterations
    True
    """

    def __init__(
        self,
        A: Any,
        *,
        degree: int = 4,
        interval: tuple[float, float] | None = None,
        scaling: Any = None,
        rng: Any = None,
    ) -> None:
        A = aslinearoperator(A)
        if A.shape[0] != A.shape[1]:
            raise ValueError(f"A is {A.shape[0]}x{A.shape[1]}: a square matrix is needed")
        inverse = None if scaling is None else aslinearoperator(scaling)
        if inverse is not None and inverse.shape != A.shape:
            raise ValueError(
                f"scaling is {inverse.shape[0]}x{inverse.shape[1]} but A is "
                f"{A.shape[0]}x{A.shape[1]}: they must have one shape"
            )
        super().__init__(A.shape, like=A if inverse is None else (A, inverse))
        self.degree = require_count("degree", degree)
        if interval is not None:
            interval = require_interval(interval)
        elif A.shape[0] == 0:
            interval = (1.0, 1.0)
        else:
            interval = spectral_interval(A, preconditioner=inverse, rng=rng)
            if not interval[0] > 0:
                raise ValueError(
                    f"A has an eigenvalue of about {interval[0]:g}: it must be positive definite"
                )
        self.interval: tuple[float, float] = interval
        self.matrix, self.scaling = A, inverse

    def _matmat(self, X: Any) -> Any:
        recurrence = Recurrence(*self.interval)
        Y = step = recurrence.step(self._scaled(X))
        for _ in range(self.degree - 1):
            X = X - self.matrix.matvec(step)
            step = recurrence.step(self._scaled(X))
            Y = Y + step
        return Y

    _rmatmat = _matmat  # a real polynomial of a Hermitian matrix

    def _scaled(self, X: Any) -> Any:
        return X if self.scaling is None else self.scaling.matvec(X)

    def _formula(self) -> str:
        low, high = self.interval
        return f"degree {self.degree} on ({low:.3g}, {high:.3g})"

"""What is known of relaxation in advance: Jacobi radius, optimal parameter, convergence rate."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from structlin._backend import is_cupy, is_numpy, namespace, scipy_of
from structlin._errors import ConvergenceError
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import GridOperator, LinearOperator, aslinearoperator, diagonal
from structlin.solvers.relaxation._systems import require_omega

_dense_rows = 256  # up to here all eigenvalues are computed


def omega_young(beta: float) -> float:
    """Return the relaxation parameter that makes SOR converge fastest.

    Parameters
    ----------
    beta : float
        Spectral radius of the Jacobi iteration matrix, ``0 <= beta < 1``.

    Returns
    -------
    float
        ``ω* = 1 + (β / (1 + √(1 − β²)))²``.

    Raises
    ------
    ValueError
        If ``beta`` is outside [0, 1).

    Notes
    -----
    Holds for consistently ordered matrices whose Jacobi iteration has real eigenvalues, such as
    5-point and 7-point stencils in lexicographic or red-black order.

    References
    ----------
    D. M. Young, "Iterative methods for solving partial difference equations of elliptic type",
    Trans. Amer. Math. Soc. 76 (1954).

    Examples
    --------
    >>> import math
    >>> round(omega_young(math.cos(math.pi / 11)), 6)
    1.560388
    """
    beta = _require_radius(beta)
    return 1.0 + (beta / (1.0 + math.sqrt(1.0 - beta * beta))) ** 2


def sor_spectral_radius(omega: float, beta: float) -> float:
    """Return the factor by which a sweep of SOR reduces the error in the long run.

    Parameters
    ----------
    omega : float
        Relaxation parameter, ``0 < omega < 2``.
    beta : float
        Spectral radius of the Jacobi iteration matrix, ``0 <= beta < 1``.

    Returns
    -------
    float
        ``¼ (ωβ + √(ω²β² − 4(ω − 1)))²`` up to the optimal ``ω``, and ``ω − 1`` beyond.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    Under the conditions of `omega_young`.

    References
    ----------
    D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press (1971).

    Examples
    --------
    >>> sor_spectral_radius(1.0, 0.9)  # Gauss–Seidel: the square of Jacobi's
    0.81
    >>> round(sor_spectral_radius(1.8, 0.9), 12)
    0.8
    """
    omega, beta = require_omega(omega), _require_radius(beta)
    discriminant = (omega * beta) ** 2 - 4.0 * (omega - 1.0)
    if discriminant <= 0:
        return omega - 1.0
    return 0.25 * (omega * beta + math.sqrt(discriminant)) ** 2


def jacobi_radius(A: Any, *, rng: Any = None) -> float:
    """Return the spectral radius ``β`` of the Jacobi iteration matrix ``I − D⁻¹A``.

    Parameters
    ----------
    A : (n, n) operator, sparse matrix or array
        A Hermitian matrix with a positive diagonal.
    rng : numpy.random.Generator, int or None
        Source of the start vector of the Lanczos iteration.

    Returns
    -------
    float
        Exact by formula for a `GridOperator` with uniform coefficients and Dirichlet or periodic
        sides; else by the extreme eigenvalues of ``D^(−1/2) A D^(−1/2)``: all of them up to 256
        rows, by the Lanczos method of SciPy or CuPy to a relative accuracy of 1e-8 beyond.

    Raises
    ------
    ValueError
        If ``A`` is not square or not Hermitian, has a NaN or Inf, or a diagonal entry is not
        positive.
    ConvergenceError
        If the Lanczos iteration fails.
    TypeError
        For more than 256 rows in an array library without sparse eigensolvers.

    Notes
    -----
    The Lanczos iteration takes some hundreds of products with large matrices, where ``β`` is close
    to one: it can cost more than the solution that it is to speed up.

    On a grid of ``m`` points an axis between Dirichlet sides, the eigenvalues of ``D⁻¹A`` are
    ``1 − (2/d) Σ_a w_a cos(k_a π/(m_a + 1))`` with the diagonal ``d``.

    Examples
    --------
    >>> import math
    >>> from structlin.matrices import GridOperator
    >>> round(jacobi_radius(GridOperator.laplacian((10, 10))), 12) == round(
    ...     math.cos(math.pi / 11), 12)
    True
    """
    A = aslinearoperator(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A is {A.shape[0]}x{A.shape[1]}: a square matrix is needed")
    if A.shape[0] == 0:
        return 0.0
    if isinstance(A, GridOperator) and not A.is_complex:
        exact = _uniform_radius(A)
        if exact is not None:
            return exact
    return _lanczos_radius(A, rng)


def _uniform_radius(A: GridOperator) -> float | None:
    if any(w.shape != (1,) * len(A.grid) for w in (A.coefficients, *A.weights)):
        return None
    d = float(A.coefficients[(0,) * len(A.grid)])
    weights = [float(w[(0,) * len(A.grid)]) for w in A.weights]
    if not d > 0:
        raise ValueError(f"the diagonal of A is {d}: it must be positive")
    if min(weights) < 0:
        return None
    ends = []  # the least and the greatest of Σ 2 w cos θ
    for greatest in (True, False):
        total = 0.0
        for size, weight, wraps in zip(A.grid, weights, A.periodic, strict=True):
            if not wraps:
                angle = math.pi / (size + 1)
                total += 2 * weight * (math.cos(angle) if greatest else -math.cos(angle))
            else:
                total += (
                    2 * weight * (1.0 if greatest else math.cos(2 * math.pi * (size // 2) / size))
                )
        ends.append(total)
    return max(abs(end) for end in ends) / d


def _lanczos_radius(A: LinearOperator, rng: Any) -> float:
    xp = A.xp
    d = diagonal(A)
    real = xp.real(d) if A.is_complex else d
    if not bool(xp.all(real > 0)):
        row = int(xp.argmin(xp.astype(real > 0, xp.int8)))
        raise ValueError(
            f"the diagonal of A is {float(real[row])} in row {row}: it must be positive"
        )
    root = xp.astype(1 / xp.sqrt(real), A.dtype)
    n = A.shape[0]
    if n <= _dense_rows:
        dense = A.todense()
        _require_hermitian(
            dense,
            xp.conj(xp.matrix_transpose(dense)) if A.is_complex else xp.matrix_transpose(dense),
        )
        values = xp.linalg.eigvalsh(root[:, None] * dense * root[None, :])
        return max(abs(1.0 - float(values[0])), abs(1.0 - float(values[-1])))
    if not (is_numpy(xp) or is_cupy(xp)):
        raise TypeError(f"{n} rows need a sparse eigensolver: use NumPy or CuPy arrays")
    start = xp.asarray(np.random.default_rng(rng).standard_normal(n), dtype=A.dtype)
    _require_hermitian(A.matvec(start), A.rmatvec(start))

    def iteration(x: Any) -> Any:
        x = xp.reshape(x, (-1,))
        return x - root * A.matvec(root * x)

    if norm(iteration(start)) <= 10 * float(xp.finfo(A.dtype).eps) * norm(start):
        return 0.0  # A is its diagonal
    linalg = scipy_of(xp, "sparse.linalg")
    jacobi = linalg.LinearOperator((n, n), matvec=iteration, dtype=A.dtype)
    try:
        value = linalg.eigsh(jacobi, k=1, which="LM", v0=start, tol=1e-8, return_eigenvectors=False)
    except getattr(linalg, "ArpackError", ()) as error:
        raise ConvergenceError(f"the Lanczos iteration failed with {A!r}: {error}") from error
    return abs(float(value[0]))


def _require_hermitian(x: Any, y: Any) -> None:
    """Raise unless two arrays that a Hermitian matrix makes equal are so."""
    require_finite("A", x)
    if norm(x - y) > 1e3 * float(namespace(x).finfo(x.dtype).eps) * norm(x):
        raise ValueError("A is not Hermitian: the radius is known for Hermitian matrices only")


def _require_radius(beta: Any) -> float:
    if not isinstance(beta, numbers.Real) or not 0 <= float(beta) < 1:
        raise ValueError(
            f"beta is {beta!r}: the Jacobi radius must satisfy 0 <= beta < 1 (1 belongs to a "
            "singular matrix)"
        )
    return float(beta)

"""How many iterations relaxation takes at most, as a function of its parameter."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._errors import ConvergenceError
from structlin.solvers._solution import quiet
from structlin.solvers.relaxation._systems import row_order
from structlin.solvers.relaxation.sor import sor
from structlin.solvers.relaxation.splitting import (
    SplittingNumbers,
    dense_rows,
    rows_of,
    splitting_numbers,
)
from structlin.solvers.relaxation.theory import jacobi_radius, sor_spectral_radius


def sor_iteration_bound(omega: float, beta: float, rtol: float, *, tau: float) -> float:
    """Return the surrogate ``U(ω)`` for the number of sweeps that SOR takes.

    Parameters
    ----------
    omega : float
        Relaxation parameter, ``0 < omega < 2``.
    beta : float
        Spectral radius of the Jacobi iteration matrix, ``0 <= beta < 1``; see `jacobi_radius`.
    rtol : float
        Relative residual at which the sweeps end, ``0 < rtol < 1``.
    tau : float
        How far sweeps are from their asymptotic rate, ``0 <= tau < 1``; see
        `near_asymptotic_tau`.

    Returns
    -------
    float
        ``U(ω) = 1 + ln rtol / ln(ρ(ω) + τ (1 − ρ(ω)))``.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    ``ρ(ω)`` is Young's `sor_spectral_radius`, under the conditions of `omega_young`. If
    ``‖C^k‖₂ ≤ (ρ + τ (1 − ρ))^k`` holds for the iteration matrix ``C`` of residuals at the ``k``
    before the last sweep, then fewer than ``U(ω)`` sweeps are done. It falls towards the optimal
    ``ω``, steeply, and rises slowly beyond: of two guesses, the larger one is safer.

    References
    ----------
    M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver parameters
    across a sequence of linear system instances", ICLR (2024).

    Examples
    --------
    >>> round(sor_iteration_bound(1.5, 0.95, 1e-8, tau=0.2), 1)
    55.2
    """
    rtol = _require_fraction("rtol", rtol)
    if not isinstance(tau, numbers.Real) or not 0 <= float(tau) < 1:
        raise ValueError(f"tau is {tau!r}: it must satisfy 0 <= tau < 1")
    radius = sor_spectral_radius(omega, beta)
    rest = (1 - radius) * (1 - float(tau))
    if not 0 < rest < 1:  # beyond what numbers resolve: no progress, or an end at once
        return 1.0 if rest else math.inf
    return 1.0 + math.log(rtol) / math.log1p(-rest)


def near_asymptotic_tau(
    A: Any,
    b: Any,
    omegas: Sequence[float],
    *,
    rtol: float = 1e-8,
    ordering: str = "lexicographic",
    rng: Any = None,
) -> float:
    """Measure how far SOR is from its asymptotic rate when it ends.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        A Hermitian positive definite matrix of at most 1000 rows, of NumPy.
    b : (n,) array
        Right-hand side.
    omegas : sequence of float
        Relaxation parameters to look at.
    rtol : float, default 1e-8
        Relative residual at which the sweeps end.
    ordering : str, default "lexicographic"
        Order of the updates, as in `sor`.
    rng : numpy.random.Generator, int or None
        For the start of the Lanczos iteration that finds the Jacobi radius.

    Returns
    -------
    float
        The least ``τ ≥ 0`` with ``‖C^k‖₂ ≤ (ρ + τ (1 − ρ))^k`` for all ``omegas``, where ``k + 1``
        is the number of sweeps, and ``ρ`` the rate that Young's formula gives.

    Raises
    ------
    ValueError
        If the matrix has more than 1000 rows, or as `sor` does.
    ConvergenceError
        If SOR does not converge for one of the parameters.

    Notes
    -----
    ``C = I − A (D/ω + L)⁻¹`` takes the residual of a sweep to that of the next one. One power of
    a dense matrix, and its norm, for every parameter.

    References
    ----------
    M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver parameters
    across a sequence of linear system instances", ICLR (2024), assumption 2.1.

    Examples
    --------
    >>> from structlin.matrices import GridOperator
    >>> tau = near_asymptotic_tau(GridOperator.laplacian((8, 8)), np.ones(64), [1.2, 1.5])
    >>> 0.1 < tau < 0.3
    True
    """
    rows = rows_of(A)
    n = rows.shape[0]
    if n > dense_rows:
        raise ValueError(f"A has {n} rows: powers of the dense matrix are formed up to 1000")
    beta = jacobi_radius(A, rng=rng)
    order = row_order(rows, ordering)
    dense = rows.toarray()
    if order is not None:
        dense = dense[np.ix_(order, order)]
    lower, diagonal = np.tril(dense, -1), np.diag(np.diag(dense))
    tau = 0.0
    for omega in omegas:
        radius = sor_spectral_radius(omega, beta)
        solution = quiet(sor)(A, b, omega=omega, rtol=rtol, ordering=ordering)
        if not solution.converged:
            raise ConvergenceError(f"SOR with omega={omega} ended with status {solution.status!r}")
        k = solution.iterations - 1
        if k < 1:
            continue
        W = diagonal / omega + lower
        C = np.eye(n) - np.linalg.solve(W.T, dense.T).T
        size = float(np.linalg.norm(np.linalg.matrix_power(C, k), 2))
        tau = max(tau, (size ** (1 / k) - radius) / (1 - radius))
    return tau


def sor_energy_bound(A: Any, omega: float, rtol: float) -> float:
    """Bound the number of sweeps of SOR by the energy norm, for any positive definite matrix.

    Parameters
    ----------
    A : SplittingNumbers, GridOperator or SciPy sparse matrix
        The numbers of the matrix, or the matrix (in lexicographic order).
    omega : float
        Relaxation parameter, ``0 < omega < 2``.
    rtol : float
        Relative residual at which the sweeps end, from a start of zero; ``0 < rtol < 1``.

    Returns
    -------
    float
        ``1 + ln(√κ/rtol)/(−½ ln(1 − I(ω)))``.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    ``‖r_k‖₂ ≤ √κ (1 − I)^(k/2) ‖r₀‖₂`` with the bound ``I(ω)`` of `SplittingNumbers`: it assumes
    nothing of the ordering, and is far less sharp than `sor_iteration_bound`.

    References
    ----------
    O. Axelsson, *Iterative Solution Methods*, Cambridge University Press (1994), chapter 7.

    Examples
    --------
    >>> from structlin.matrices import GridOperator
    >>> round(sor_energy_bound(GridOperator.laplacian((10, 10)), 1.5, 1e-8))
    144
    """
    known, rtol = _numbers(A), _require_fraction("rtol", rtol)
    start = 0.5 * math.log(known.condition) - math.log(rtol)
    gain = -0.5 * math.log1p(-min(known.sweep_bound(omega), 1 - 1e-16))
    return 1 + start / gain


def ssor_cg_iteration_bound(A: Any, omega: float, rtol: float) -> float:
    """Bound the number of iterations of conjugate gradients with SSOR.

    Parameters
    ----------
    A : SplittingNumbers, GridOperator or SciPy sparse matrix
        The numbers of the matrix, or the matrix (in lexicographic order).
    omega : float
        Relaxation parameter, ``0 < omega < 2``.
    rtol : float
        Relative residual at which the iteration ends, from a start of zero; ``0 < rtol < 1``.

    Returns
    -------
    float
        ``1 + arcosh(√κ/rtol)/ln((1 + √I)/(1 − √I))`` with ``I(ω)`` of `SplittingNumbers`.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    The eigenvalues of ``M⁻¹ A`` lie in ``[I, 1]``; after ``k`` iterations the residual is at most
    ``√κ / cosh(k ln((1 + √I)/(1 − √I)))`` of the first one.

    References
    ----------
    O. Axelsson, *Iterative Solution Methods*, Cambridge University Press (1994), chapter 7.

    Examples
    --------
    >>> from structlin.matrices import GridOperator
    >>> round(ssor_cg_iteration_bound(GridOperator.laplacian((10, 10)), 1.5, 1e-8))
    20
    """
    known, rtol = _numbers(A), _require_fraction("rtol", rtol)
    size = 0.5 * math.log(known.condition) - math.log(rtol)
    start = size + math.log1p(math.sqrt(max(-math.expm1(-2 * size), 0.0)))  # its arcosh
    root = math.sqrt(min(known.sweep_bound(omega), 1 - 1e-16))
    return 1 + start / (2 * math.atanh(root))


def _numbers(A: Any) -> SplittingNumbers:
    return A if isinstance(A, SplittingNumbers) else splitting_numbers(A)


def _require_fraction(name: str, value: Any) -> float:
    if not isinstance(value, numbers.Real) or not 0 < float(value) < 1:
        raise ValueError(f"{name} is {value!r}: it must satisfy 0 < {name} < 1")
    return float(value)

"""The fast direct solver for constant coefficients on a box with zero boundary values."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import inexact, require_finite
from structlin.bases import dst1
from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, warns_unconverged


@warns_unconverged
def fast_sine(
    A: GridOperator, b: Any, *, x0: Any = None, rtol: float = 1e-8, atol: float = 0.0
) -> Solution:
    """Solve ``A x = b`` by sine transforms, for constant coefficients and Dirichlet sides.

    Parameters
    ----------
    A : (n, n) GridOperator
        With uniform weights along each axis, a uniform shift, and Dirichlet sides.
    b : (n,) or grid-shaped array
        Right-hand side.
    x0 : array or None
        Not needed; taken for the signature of the iterative solvers.
    rtol, atol : float
        The solution has converged if ``‖b − A x‖₂ <= max(rtol ‖b‖₂, atol)``; it is the same,
        accurate to rounding, whatever they are.

    Returns
    -------
    Solution
        With 0 iterations. Its status is ``"breakdown"`` where the matrix is singular, or the
        tolerance below what rounding allows.

    Raises
    ------
    TypeError
        If ``A`` is no `GridOperator`.
    ValueError
        If the coefficients or the sides are not as above, the shapes disagree, or ``b`` has a
        NaN or Inf.

    Notes
    -----
    With ``S`` the sine transform along every axis, ``x = S (S b / λ)``, where
    ``λ_k = shift + Σ_axes w (2 − 2 cos(π k/(n_axis + 1)))``. Cost: ``O(n log n)``; memory:
    a few arrays of ``n`` numbers. See [1]_.

    References
    ----------
    .. [1] B. L. Buzbee, G. H. Golub and C. W. Nielson, "On direct methods for solving Poisson's
       equations", SIAM Journal on Numerical Analysis 7, 627–656, 1970.

    Examples
    --------
    >>> import numpy as np
    >>> A = GridOperator.laplacian((30, 40))
    >>> solution = fast_sine(A, np.ones(1200))
    >>> bool(np.allclose(A @ solution.x, 1))
    True
    """
    eigenvalues = _eigenvalues(A)
    xp = namespace(A, b)
    b = inexact(b, xp)
    if tuple(b.shape) not in (A.grid, (A.shape[0],)):
        raise ValueError(f"b has shape {b.shape}: it must be {A.grid} or ({A.shape[0]},)")
    require_finite("b", b)
    coefficients = dst1(xp.reshape(b, A.grid))
    with np.errstate(divide="ignore", invalid="ignore"):  # a singular matrix shows in x
        x = dst1(coefficients / eigenvalues)
    x = xp.reshape(x, b.shape)
    norm = _norm(xp, xp.reshape(b, (-1,)) - A @ xp.reshape(x, (-1,)))
    good = norm <= max(rtol * _norm(xp, b), atol)
    return Solution(x, "converged" if good else "breakdown", 0, np.array([norm]))


def _eigenvalues(A: GridOperator) -> Any:
    """Return the eigenvalues of ``A``, one for each point of the grid in C order."""
    if not isinstance(A, GridOperator):
        raise TypeError(f"A is a {type(A).__name__}: fast_sine needs a GridOperator")
    if any(side != "dirichlet" for pair in A.sides for side in pair):
        raise ValueError(f"A has sides {A.sides}: fast_sine needs Dirichlet sides")
    if any(weight.size != 1 for weight in A.weights) or A.shift.size != 1:
        raise ValueError("A has coefficients that vary: fast_sine needs constant ones")
    xp = A.xp
    eigenvalues = A.shift
    for axis, (size, weight) in enumerate(zip(A.grid, A.weights, strict=True)):
        k = xp.arange(1, size + 1, dtype=xp.float64, device=A.device)
        symbol = xp.astype(2 - 2 * xp.cos(k * (math.pi / (size + 1))), A.dtype)
        along = tuple(size if other == axis else 1 for other in range(len(A.grid)))
        eigenvalues = eigenvalues + weight * xp.reshape(symbol, along)
    return eigenvalues


def _norm(xp: ModuleType, x: Any) -> float:
    return float(xp.linalg.vector_norm(xp.reshape(x, (-1,))))

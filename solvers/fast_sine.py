"""The fast direct solver for constant coefficients on a box with zero boundary values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._norm import norm
from structlin.bases import dst1
from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, warns_unconverged
from structlin.solvers._vectors import (
    require_tolerances,
    require_vectors,
    rescaled,
    rescaled_norms,
    unit_of,
)


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
        Checked as by the iterative solvers, but not needed.
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
        If the coefficients or the sides are not as above, the shapes disagree, an entry of ``b``
        or ``x0`` is NaN or Inf, the tolerance is beyond the precision of the data, or the
        solution overflows.

    Notes
    -----
    With ``S`` the sine transform along every axis, ``x = S (S b / λ)``, where
    ``λ_k = shift + Σ_axes 4 w sin²(π k/(2 (n_axis + 1)))``. Cost: ``O(n log n)``; memory:
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
    b, _ = require_vectors(A, b, x0)
    require_tolerances(rtol, atol, b)
    xp = namespace(b)
    unit = unit_of(b, None)
    scaled = xp.reshape(b, A.grid) / unit
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # singular: shows in x
        x = dst1(xp.astype(dst1(scaled) / eigenvalues, b.dtype, copy=False))
        residual = norm(xp.reshape(scaled, (-1,)) - A @ xp.reshape(x, (-1,)))
        good = residual <= max(rtol * norm(scaled), atol / unit)
        x = xp.reshape(rescaled(x, unit) if good else x * unit, b.shape)
    norms = rescaled_norms([residual], unit)
    return Solution(x, "converged" if good else "breakdown", 0, norms)


def _eigenvalues(A: GridOperator) -> Any:
    """Return the eigenvalues of ``A``, one for each point in C order, in double precision."""
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
        symbol = 4 * xp.sin(k * (math.pi / (2 * (size + 1)))) ** 2
        along = tuple(size if other == axis else 1 for other in range(len(A.grid)))
        eigenvalues = eigenvalues + weight * xp.reshape(symbol, along)
    return eigenvalues

"""What a solver of linear systems has to do: what `structlin.testing.check_solve` checks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin.matrices.functions import solve
from structlin.matrices.systems import square
from structlin.testing._case import Case, refused, require


def check_solve(A: Any, solver: Callable[[Any, Any], Any] = solve, *, rng: Any = None) -> None:
    """Check that a solver does with an operator what `solve` promises.

    Parameters
    ----------
    A : (n, n) operator, array or sparse matrix
        The matrix; small, since it is compared with a dense one.
    solver : callable, default `solve`
        Takes ``A`` and ``b`` and returns ``x`` with ``A x = b``, for a vector ``(n,)``, a block
        ``(n, k)`` or a stack ``(..., n, k)`` of right-hand sides.
    rng : seed or numpy.random.Generator, optional
        Gives the right-hand sides.

    Raises
    ------
    AssertionError
        With what fails, and by how much.
    ValueError
        If ``A`` is not square.

    Notes
    -----
    The solution must have the shape of ``b`` and the data type to which ``A`` and ``b`` promote,
    and ``b`` must stay as it is. Known solutions may be missed by ``100 n eps cond(A)`` times
    their norm, so that the backward error is within rounding times the condition number; where
    ``cond(A)`` exceeds ``1 / (10⁴ n eps)``, the solution need only be finite. If ``A`` is
    singular, a `numpy.linalg.LinAlgError` (or another ValueError) is as good. A right-hand side
    with NaN must raise a ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal
    >>> def divide(A, b):
    ...     return np.linalg.solve(A.todense(), b + 1e-9)
    >>> check_solve(Diagonal(np.array([1.0, 2.0])))
    >>> check_solve(Diagonal(np.array([1.0, 2.0])), divide, rng=0)
    Traceback (most recent call last):
    AssertionError: the solution for a vector: off by 1.1e-09, more than 5.7e-14
    """
    solutions(Case(square(A, "check_solve"), np.random.default_rng(rng)), solver)


def solutions(c: Case, solver: Callable[[Any, Any], Any]) -> None:
    """Check a solver against the dense matrix of a case."""
    n, xp = c.A.shape[0], c.xp
    real = c.random(n, 2, dtype=c.A.real_dtype)
    for name, x in {
        "a vector": c.random(n),
        "a block": c.random(n, 3),
        "a block in another layout": xp.matrix_transpose(c.random(3, n)),
        "a stack": c.random(2, n, 2),
        "no columns": c.random(n, 0),
        "a complex block": xp.astype(real, xp.result_type(real.dtype, xp.complex64)) * (2 - 1j),
    }.items():
        b = xp.astype(c.D, x.dtype) @ x
        before = xp.asarray(b, copy=True)
        try:
            found = solver(c.A, b)
        except ValueError as error:  # a LinAlgError is one
            kind = type(error).__name__
            require(c.ill_conditioned, f"the solution for {name}: {kind}: {error}")
            continue
        require(bool(xp.all(b == before)), f"the solver has changed {name}, its right-hand side")
        try:
            if c.ill_conditioned:
                c.finite(found, "it")
            else:
                c.close(found, x, c.condition * c.size(x))
        except AssertionError as error:
            raise AssertionError(f"the solution for {name}: {error}") from None
    require(
        n == 0 or refused(lambda: solver(c.A, c.random(n) + math.nan)),
        "a right-hand side of NaN is accepted",
    )

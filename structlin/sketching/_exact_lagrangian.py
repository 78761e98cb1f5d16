"""The exact augmented Lagrangian, the merit function behind `minimize_equality`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from structlin import _norm
from structlin._backend import namespace
from structlin._validation import require_finite
from structlin.matrices import Dense, LinearOperator
from structlin.sketching._operand import as_matrix


class Problem:
    """Objective and constraints with their derivatives, by differences where they are not given.

    Parameters
    ----------
    fun, constraint : callable
        ``f(x)`` and ``c(x)``.
    grad, jac, hess : callable or None
        ``∇f(x)``, ``J(x)``, and ``∇²f(x) + Σ λᵢ ∇²cᵢ(x)`` as ``hess(x, λ)``.

    Notes
    -----
    Central differences of functions have an error of about ``eps^(2/3)``, those of differences
    ``eps^(1/2)``.
    """

    def __init__(
        self,
        fun: Callable[[Any], Any],
        constraint: Callable[[Any], Any],
        grad: Callable[[Any], Any] | None,
        jac: Callable[[Any], Any] | None,
        hess: Callable[[Any, Any], Any] | None,
    ) -> None:
        self._fun, self._constraint = fun, constraint
        self._grad, self._jac, self._hess = grad, jac, hess
        self.evaluations = 0

    def objective(self, x: Any) -> float:
        """Return ``f(x)``; a value that is no number counts as infinite."""
        self.evaluations += 1
        value = float(self._fun(x))
        return value if math.isfinite(value) else math.inf

    def constraint(self, x: Any) -> Any:
        """Return ``c(x)``, (m,)."""
        c = self._constraint(x)
        return c if getattr(c, "ndim", 1) else c[None]

    def gradient(self, x: Any) -> Any:
        """Return ``∇f(x)``, (n,)."""
        if self._grad is not None:
            return self._grad(x)
        xp = namespace(x)
        values = differences(self.objective, x, 1)
        return xp.asarray(values, dtype=x.dtype, device=x.device)

    def jacobian(self, x: Any) -> LinearOperator:
        """Return ``J(x)``, (m, n)."""
        if self._jac is not None:
            return as_matrix(self._jac(x), "jac(x)")
        return Dense(namespace(x).stack(differences(self.constraint, x, 1), axis=1))

    def hessian(self, x: Any, multipliers: Any) -> LinearOperator:
        """Return the Hessian of the Lagrangian, (n, n)."""
        if self._hess is not None:
            return as_matrix(self._hess(x, multipliers), "hess(x, multipliers)")
        xp = namespace(x)
        exact = self._grad is not None and self._jac is not None

        def slope(y: Any) -> Any:
            return self.gradient(y) + self.jacobian(y).T @ multipliers

        H = xp.stack(differences(slope, x, 1 if exact else 2), axis=1)
        return Dense((H + xp.matrix_transpose(H)) / 2)


def differences(f: Callable[[Any], Any], x: Any, order: int) -> list[Any]:
    """Return central differences in every coordinate; ``order`` 2 if ``f`` is one itself."""
    xp, n = namespace(x), x.shape[0]
    eps = float(xp.finfo(x.dtype).eps)
    typical = _norm.norm(x) / math.sqrt(n) or 1.0
    found = []
    place = xp.arange(n, device=x.device)
    for i in range(n):
        h = eps ** (1 / 3 if order == 1 else 1 / 5) * max(abs(float(x[i])), typical)
        shift = xp.where(place == i, xp.full_like(x, h), xp.zeros_like(x))
        found.append((f(x + shift) - f(x - shift)) / (2 * h))
    return found


class Point:
    """A pair ``(x, λ)`` with all that first derivatives tell of it."""

    def __init__(self, problem: Problem, x: Any, multipliers: Any) -> None:
        self.problem, self.x, self.multipliers = problem, x, multipliers
        self.f = problem.objective(x)
        self.c = problem.constraint(x)

    @functools.cached_property
    def g(self) -> Any:
        """The gradient of the objective."""
        g = self.problem.gradient(self.x)
        require_finite("grad(x)", g)
        return g

    @functools.cached_property
    def J(self) -> LinearOperator:
        """The Jacobian of the constraints."""
        return self.problem.jacobian(self.x)

    @functools.cached_property
    def slope(self) -> Any:
        """The gradient of the Lagrangian in ``x``."""
        return self.g + self.J.T @ self.multipliers

    @functools.cached_property
    def w(self) -> Any:
        """The slope seen by the constraints, ``J ∇L``."""
        return self.J @ self.slope

    def merit(self, eta: tuple[float, float]) -> float:
        """Return ``f + λᵀc + η₁/2 ‖c‖² + η₂/2 ‖J ∇L‖²``; infinite where it is no number."""
        xp = namespace(self.x)
        if not (math.isfinite(self.f) and bool(xp.all(xp.isfinite(self.c)))):
            return math.inf
        value = (
            self.f
            + dot(self.multipliers, self.c)
            + 0.5 * eta[0] * dot(self.c, self.c)
            + 0.5 * eta[1] * dot(self.w, self.w)
        )
        return value if math.isfinite(value) else math.inf

    def descent(self, eta: tuple[float, float], H: LinearOperator, dx: Any, dy: Any) -> float:
        """Return the derivative of the merit function in the direction ``(dx, dy)``.

        That of ``J ∇L`` is ``J (H dx + Jᵀ dy) + (dJ) ∇L``, where the last term is a difference.
        """
        xp = namespace(dx)
        eps = float(xp.finfo(self.x.dtype).eps)
        length = _norm.norm(dx)
        change = self.J @ (H @ dx + self.J.T @ dy)
        if length:
            h = eps**0.25 * (_norm.norm(self.x) or length) / length
            change = change + (self.problem.jacobian(self.x + h * dx) @ self.slope - self.w) / h
        return (
            dot(self.slope, dx)
            + dot(self.c, dy)
            + eta[0] * dot(self.c, self.J @ dx)
            + eta[1] * dot(self.w, change)
        )


def dot(x: Any, y: Any) -> float:
    """Return the inner product of real vectors, on the host."""
    return float(namespace(x).sum(x * y))

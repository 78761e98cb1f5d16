"""The exact augmented Lagrangian, the merit function behind `minimize_equality`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin import _norm
from structlin._backend import device, namespace
from structlin._validation import require_finite
from structlin.matrices import Dense, LinearOperator
from structlin.matrices._base import size_text
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
    ``eps^(2/5)``. What the functions return is checked at every point, and takes the precision of
    ``x``.
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
        self._constraints: int | None = None
        self.evaluations = 0

    def objective(self, x: Any) -> float:
        """Return ``f(x)``; a value that is no number counts as infinite."""
        self.evaluations += 1
        value = self._fun(x)
        if isinstance(value, complex) or "complex" in str(getattr(value, "dtype", "")):
            raise TypeError("fun(x) is complex: an objective is a real number")
        value = float(value)
        return value if math.isfinite(value) else math.inf

    def constraint(self, x: Any) -> Any:
        """Return ``c(x)``, (m,)."""
        c = _vector("constraint(x)", self._constraint(x), x, self._constraints)
        self._constraints = c.shape[0]
        return c

    def gradient(self, x: Any) -> Any:
        """Return ``∇f(x)``, (n,)."""
        if self._grad is None:
            values = differences(self.objective, x, 1)
            g = namespace(x).asarray(values, dtype=x.dtype, device=device(x))
        else:
            g = _vector("grad(x)", self._grad(x), x, x.shape[0])
        require_finite("grad(x)", g)
        return g

    def jacobian(self, x: Any) -> LinearOperator:
        """Return ``J(x)``, (m, n)."""
        if self._jac is None:
            found = namespace(x).stack(differences(self.constraint, x, 1), axis=1)
            return as_matrix(found, "jac(x), by differences,")
        return _sized("jac(x)", self._jac(x), (self._constraints, x.shape[0]))

    def hessian(self, x: Any, multipliers: Any) -> LinearOperator:
        """Return the Hessian of the Lagrangian, (n, n)."""
        if self._hess is not None:
            found = self._hess(x, multipliers)
            return _sized("hess(x, multipliers)", found, (x.shape[0], x.shape[0]))
        xp = namespace(x)
        exact = self._grad is not None and self._jac is not None

        def slope(y: Any) -> Any:
            return self.gradient(y) + self.jacobian(y).T @ multipliers

        H = xp.stack(differences(slope, x, 1 if exact else 2), axis=1)
        return Dense((H + xp.matrix_transpose(H)) / 2)


def _vector(name: str, value: Any, x: Any, size: int | None) -> Any:
    """Return what a function gave as a vector like ``x``, of this size."""
    xp = namespace(x)
    if isinstance(value, int | float | np.integer | np.floating):
        value = [float(value)]
    if isinstance(value, list | tuple):
        value = xp.asarray(value, dtype=x.dtype, device=device(x))
    if not hasattr(value, "dtype"):
        raise TypeError(f"{name} is a {type(value).__name__}: an array is needed")
    if xp is not namespace(value):
        raise TypeError(f"{name} is of another array library than x0: {type(value).__name__}")
    if xp.isdtype(value.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: real numbers are needed")
    value = xp.reshape(value, (1,)) if value.ndim == 0 else value
    if value.ndim != 1 or size not in (None, value.shape[0]):
        wanted = "m" if size is None else size
        raise ValueError(f"{name} has shape {tuple(value.shape)}: a vector ({wanted},) is needed")
    return xp.astype(value, x.dtype, copy=False)


def _sized(name: str, value: Any, shape: tuple[Any, Any]) -> LinearOperator:
    """Return what a function gave as a matrix of this shape."""
    if isinstance(value, list):
        raise TypeError(f"{name} is a list: an array, sparse matrix or LinearOperator is needed")
    A = as_matrix(value, name)
    if A.is_complex:
        raise TypeError(f"{name} is complex: real numbers are needed")
    if A.shape != shape:
        raise ValueError(f"{name} is {size_text(A.shape)}: it has to be {size_text(shape)}")
    return A


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
        return self.problem.gradient(self.x)

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

    def penalty(self, roots: tuple[float, float]) -> float:
        """Return ``η₁ ‖c‖² + η₂ ‖J ∇L‖²``, given the roots of both (``η`` itself may overflow)."""
        size = math.hypot(roots[0] * _norm.norm(self.c), roots[1] * _norm.norm(self.w))
        return size * size

    def merit(self, roots: tuple[float, float]) -> float:
        """Return ``f + λᵀc + η₁/2 ‖c‖² + η₂/2 ‖J ∇L‖²``; infinite where it is no number."""
        xp = namespace(self.x)
        if not (math.isfinite(self.f) and bool(xp.all(xp.isfinite(self.c)))):
            return math.inf
        value = self.f + dot(self.multipliers, self.c) + 0.5 * self.penalty(roots)
        return value if math.isfinite(value) else math.inf

    def descent(self, roots: tuple[float, float], H: LinearOperator, dx: Any, dy: Any) -> float:
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
            + _weighted(roots[0], self.c, self.J @ dx)
            + _weighted(roots[1], self.w, change)
        )


def _weighted(root: float, x: Any, y: Any) -> float:
    """Return ``root² xᵀy``, where that may be a number though ``root²`` and ``xᵀy`` are not."""
    size = _norm.norm(x) or 1.0
    return (root * size) * (root * dot(x / size, y))


def dot(x: Any, y: Any) -> float:
    """Return the inner product of real vectors, on the host."""
    return float(namespace(x).sum(x * y))

"""One solution by a Krylov method: checked data, and the account of its iterations."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace
from structlin._kernels import conjugate_directions
from structlin._norm import norm
from structlin._validation import inexact
from structlin.matrices import LinearOperator, aslinearoperator
from structlin.solvers._solution import Solution, Status
from structlin.solvers._vectors import (
    require_finite_start,
    require_limits,
    require_tolerances,
    require_vectors,
    rescaled,
    rescaled_norms,
    unit_of,
)

Vector = Any
_won = 0.9  # a restart that leaves more than this of the residual has won nothing: a choice


@dataclass(eq=False)
class Run:
    """The data of a linear system, ready for iterations, and what has happened so far.

    ``b`` and ``x`` are vectors of one shape, measured in ``unit``; so are ``target`` and
    ``norms``. ``restored`` gives an iterate the shape, order and unit that the user knows.
    """

    product: Callable[[Vector], Vector]
    precondition: Callable[[Vector], Vector] | None
    b: Vector
    x: Vector
    target: float
    maxiter: int
    time_limit: float | None
    callback: Callable[[Any], object] | None
    restored: Callable[[Vector], Any]
    unit: float
    choices: dict[str, Any]
    norms: list[float] = field(default_factory=lambda: [0.0])
    _begin: float = field(default_factory=time.perf_counter)
    _best: tuple[float, Vector] = (math.inf, None)

    def start(self) -> Vector | None:
        """Return the residual of the start, or None if the start is the solution."""
        if norm(self.b) == 0:
            self.x = 0 * self.b
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
            r = self.b - self.product(self.x)
            self.norms[0] = norm(r)
        require_finite_start(self.norms[0])
        return r if self.norms[0] > self.target else None

    def show(self, x: Vector) -> None:
        """Call the user's callback, if there is one, with a copy of an iterate."""
        if self.callback is not None:
            self.callback(self.restored(namespace(x).asarray(x, copy=True)))

    def late(self) -> bool:
        """Tell whether the time is spent."""
        return self.time_limit is not None and self.spent >= self.time_limit

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._begin

    def checked(self, x: Vector) -> tuple[Vector, Vector, Status | None]:
        """Return the iterate, its residual itself, whose norm is noted, and what follows from it.

        Recursions let the two drift apart. None means that a restart from here is worthwhile. If
        the last one was not, the iterate is the better of the two.
        """
        r = self.b - self.product(x)
        last = norm(r)
        best, restarted_from = self._best
        status: Status | None = None
        if last <= self.target * (1 + 1e-6):
            status = "converged"
        elif not last <= _won * best:
            status = "stagnated"
            if not last <= best and restarted_from is not None:
                x, last = restarted_from, best
        self._best = last, x
        self.norms[-1] = last
        return x, r, status

    def solution(self, x: Vector, status: Status) -> Solution:
        """Return what the user gets."""
        history = rescaled_norms(self.norms, self.unit)
        return Solution(self.restored(x), status, len(self.norms) - 1, history, self.choices)


def prepared(
    A: Any,
    b: Any,
    x0: Any,
    rtol: float,
    atol: float,
    maxiter: int,
    time_limit: float | None,
    callback: Callable[[Any], object] | None,
    preconditioner: Any,
    choices: dict[str, Any],
) -> Run:
    """Return the run of a matrix of any kind, after all checks of what the user passed."""
    operator = aslinearoperator(A)
    b, x0 = require_vectors(operator, b, x0)
    require_tolerances(rtol, atol, b)
    require_limits(maxiter, time_limit, callback)
    xp = namespace(b)
    unit = unit_of(b, x0)
    flat = xp.reshape(b, (-1,)) / unit
    start = xp.zeros_like(flat) if x0 is None else xp.reshape(x0, (-1,)) / unit
    return Run(
        operator.matvec,
        application("preconditioner", preconditioner),
        flat,
        start,
        max(rtol * norm(flat), atol / unit),
        int(min(maxiter, 2**62)),
        time_limit,
        callback,
        lambda x: rescaled(xp.reshape(x, b.shape), unit),
        unit,
        choices,
    )


def application(name: str, f: Any) -> Callable[[Vector], Vector] | None:
    """Return the user's operator or function of that name, with its result checked."""
    if f is None:
        return None
    known = isinstance(f, LinearOperator) or hasattr(f, "matvec")
    apply = f if callable(f) and not known else aslinearoperator(f).matvec

    def application(r: Vector) -> Vector:
        xp = namespace(r)
        z = apply(xp.asarray(r, copy=True))
        if getattr(z, "shape", None) != r.shape or namespace(z, r) is not xp:
            raise TypeError(
                f"{name} gave a {type(z).__name__} of shape {getattr(z, 'shape', None)}: "
                f"it must return an array of shape {r.shape} of the library of b"
            )
        z = inexact(z, xp)
        if xp.isdtype(z.dtype, "complex floating") and not xp.isdtype(r.dtype, "complex floating"):
            raise TypeError(f"{name} gave complex numbers, but A and b are real")
        return xp.astype(z, r.dtype, copy=False)

    return application


class Measured:
    """Products with a matrix, divided by a power of two: the unit in which the first one was.

    Squares of entries can then be taken, whatever the scale of the matrix (or preconditioner).
    """

    def __init__(self, product: Callable[[Vector], Vector]) -> None:
        self._product = product
        self.unit = 0.0

    def __call__(self, v: Vector) -> Vector:
        w = self._product(v)
        if not self.unit:
            self.unit = unit_of(w, None)
        return w if self.unit == 1 else w / self.unit


def real_dot(a: Vector, b: Vector) -> float:
    """Return the real part of ``aᴴ b`` for vectors of any one shape."""
    product: float = kernel(namespace(a, b), conjugate_directions.real_dot)(a, b)
    return product


def dot(a: Vector, b: Vector) -> complex:
    """Return ``aᴴ b`` for vectors of any one shape; real ones give a float."""
    xp = namespace(a, b)
    if xp.isdtype(a.dtype, "complex floating"):
        return complex(xp.sum(xp.conj(a) * b))
    return float(xp.sum(a * b))


def eps_of(x: Vector) -> float:
    """Return the relative spacing of the numbers in a vector."""
    return float(namespace(x).finfo(x.dtype).eps)

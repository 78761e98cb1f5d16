"""Cycles of Arnoldi's method: the least residual over a space that grows by a vector a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace, on_host
from structlin._norm import norm
from structlin.solvers._solution import Solution, Status
from structlin.solvers.krylov._run import Run, Vector, eps_of

_kept = 0.1  # vectors that lose more in Gram–Schmidt go through it again: a choice


class _LeastSquares:
    """``min ‖size e₁ − H y‖`` for a Hessenberg matrix that comes by columns, on the host."""

    def __init__(self, length: int, size: float, kind: Any) -> None:
        self._triangle = np.zeros((length, length), kind)
        self._rotations: list[tuple[float, complex]] = []
        self._right = np.zeros(length + 1, kind)
        self._right[0] = size
        self._last = np.zeros(length + 1, kind)  # the direction of the residual in the basis
        self._last[0] = 1

    @property
    def residual(self) -> float:
        """The norm of the residual."""
        return float(abs(self._right[len(self._rotations)]))

    @property
    def coefficients(self) -> NDArray[Any]:
        """The residual, in terms of the basis."""
        k = len(self._rotations)
        coefficients: NDArray[Any] = self._right[k] * self._last[: k + 1]
        return coefficients

    def add(self, column: NDArray[Any], below: float, eps: float) -> bool:
        """Take the next column of ``H``, and rotate the entry below the diagonal away.

        A column that adds nothing to those before but rounding errors is refused.
        """
        k = len(self._rotations)
        least = 10 * eps * math.hypot(norm(column), below)
        for i, (c, s) in enumerate(self._rotations):
            above, under = column[i], column[i + 1]
            column[i] = c * above + s * under
            column[i + 1] = c * under - np.conj(s) * above
        pivot = column[k]
        size = math.hypot(abs(pivot), below)
        if size <= least:
            return False
        phase = pivot / abs(pivot) if pivot else 1.0
        c, s = abs(pivot) / size, phase * (below / size)
        column[k] = phase * size
        self._triangle[: k + 1, k] = column
        self._rotations.append((c, s))
        self._right[k + 1] = -np.conj(s) * self._right[k]
        self._right[k] *= c
        self._last[: k + 1] *= -s
        self._last[k + 1] = c
        return True

    def solution(self, k: int) -> NDArray[Any]:
        """Return ``y`` for the first ``k`` columns."""
        y = self._right[:k].copy()
        for i in reversed(range(k)):
            y[i] -= self._triangle[i, i + 1 : k] @ y[i + 1 :]
            y[i] /= self._triangle[i, i]
        return y


def arnoldi(
    run: Run,
    restart: int,
    *,
    flexible: bool = False,
    direction: Callable[[Vector], Vector] | None = None,
) -> Solution:
    """Minimise the residual in cycles of at most ``restart`` products with ``A``."""
    r = run.start()
    x = run.x
    if r is None:
        return run.solution(x, "converged")
    while len(run.norms) <= run.maxiter:
        before, best = run.norms[-1], x
        cycle = _Cycle(run, x, r, restart, flexible, direction)
        ended = cycle.fill()
        for dropped in (0, 1):
            with np.errstate(all="ignore"):  # what is not finite is refused
                x = cycle.iterate(dropped)
                r = run.b - run.product(x)
                last = run.norms[-1] = norm(r)
            if last <= before:
                break  # else the last direction of a nearly singular matrix is all rounding errors
        if last <= run.target * (1 + 1e-6):
            return run.solution(x, "converged")
        if not last <= before:  # NaN too: rounding errors of a nearly singular matrix
            x, run.norms[-1] = best, before
        if ended is not None:
            return run.solution(x, ended)
        if not last <= (1 - math.sqrt(eps_of(r))) * before:
            return run.solution(x, "stagnated")
    return run.solution(x, "max_iterations")


class _Cycle:
    """The iterations between two restarts; ``basis`` is orthonormal, rows are vectors."""

    def __init__(
        self,
        run: Run,
        x: Vector,
        r: Vector,
        restart: int,
        flexible: bool,
        direction: Callable[[Vector], Vector] | None,
    ) -> None:
        xp = namespace(r)
        length = min(restart, r.shape[0], run.maxiter + 1 - len(run.norms))
        size = norm(r)
        complex_numbers = xp.isdtype(r.dtype, "complex floating")
        self.run, self.x, self._direction = run, x, direction
        self._length, self._count = length, 0
        self._basis = xp.empty((length + 1, r.shape[0]), dtype=r.dtype, device=device(r))
        self._basis[0, :] = r / size
        self._searched = xp.empty_like(self._basis[1:, :]) if flexible else None
        self._least_squares = _LeastSquares(length, size, complex if complex_numbers else float)
        self._unused = 0  # the first vector of the basis that has not been a direction

    def fill(self) -> Status | None:
        """Iterate until the residual is to be checked, or (not None) something ends the run."""
        run, direction = self.run, self._direction
        enough = 1 - math.sqrt(eps_of(self._basis))
        trusted = True
        while self._count < self._length:
            before = self._least_squares.residual
            proposed = found = False
            if direction is not None and trusted:
                proposed, found = True, self._try(self._proposal(direction))
            if not (found or self._next_vector()):
                return "breakdown"
            residual = self._least_squares.residual
            # a proposal that has not helped is followed by a direction of Arnoldi's
            trusted = not found or residual <= enough * before
            if proposed and not (found and trusted):
                run.choices["refused"] += 1
            run.norms.append(residual)
            if run.callback is not None:
                run.show(self.iterate())
            if residual <= run.target:
                return None
            if run.late():
                return "time_limit"
        return None

    def iterate(self, dropped: int = 0) -> Vector:
        """Return the iterate of least residual, without as many of the last directions."""
        count = self._count - dropped
        if count <= 0:
            return self.x
        y = self._combined(self._least_squares.solution(count), self._searched)
        if self._searched is None and self.run.precondition is not None:
            y = self.run.precondition(y)
        return self.x + y

    def _next_vector(self) -> bool:
        """Search along a vector of the basis: the first that adds something, if there is any."""
        precondition = self.run.precondition
        while self._unused <= self._count:
            v = self._basis[self._unused, :]
            self._unused += 1
            if self._try(v if precondition is None else precondition(v)):
                return True
        return False

    def _proposal(self, direction: Callable[[Vector], Vector]) -> Vector:
        """Return what is proposed for the residual, with length 1 if it has any."""
        z = direction(self._combined(self._least_squares.coefficients))
        length = norm(z)
        return z / length if 0 < length < math.inf else z

    def _try(self, z: Vector) -> bool:
        """Search along ``z``, unless it adds nothing to the directions so far."""
        xp = namespace(z)
        w = self.run.product(z)
        size = norm(w)
        if not 0 < size < math.inf:
            return False
        known = self._basis[: self._count + 1, :]
        column, below = 0.0, 0.0
        for _ in range(2):  # twice is enough (Kahan and Parlett), and mostly once
            part = _conjugate(known @ _conjugate(w, xp), xp)
            w = w - part @ known
            column, below = column + part, norm(w)
            if below > _kept * size:
                break
        if below <= 10 * eps_of(w) * size:
            below = 0.0  # the space is invariant
        if not self._least_squares.add(_to_host(column, xp), below, eps_of(w)):
            return False
        if self._searched is not None:
            self._searched[self._count, :] = z
        self._count += 1
        if below > 0:
            self._basis[self._count, :] = w / below
        return True

    def _combined(self, weights: NDArray[Any], vectors: Vector = None) -> Vector:
        """Return a combination of the vectors, by default those of the basis."""
        vectors = self._basis if vectors is None else vectors
        xp = namespace(vectors)
        kind = vectors.dtype
        weights = xp.asarray(weights, dtype=kind, device=device(vectors))
        return weights @ vectors[: weights.shape[0], :]


def _conjugate(x: Vector, xp: Any) -> Vector:
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def _to_host(x: Vector, xp: Any) -> NDArray[Any]:
    """Return a short vector on the host, in double precision."""
    if xp.isdtype(x.dtype, "complex floating"):
        numbers: NDArray[Any] = on_host(xp.real(x)) + 1j * on_host(xp.imag(x))
    else:
        numbers = on_host(x)
    return numbers

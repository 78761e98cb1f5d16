"""What `lstsq` and `ridge` share: the choice of a method, and the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace
from structlin._norm import norm
from structlin._validation import inexact, require_finite
from structlin.matrices import Dense, LinearOperator
from structlin.matrices._base import size_text
from structlin.sketching._lstsq_coordinates import Coordinates
from structlin.sketching._lstsq_lapack import lapack
from structlin.sketching._lstsq_problem import Problem
from structlin.sketching._lstsq_refine import refine
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.row_blocks import RowBlocks

# rows of the sketch for each column of the matrix
_oversamplings = {"cholqr": 4.0, "spir": 8.0, "fossils": 12.0, "sketch": 12.0}
# with fewer rows for each column, factoring the whole matrix is as fast
_tall = 8
# with more columns, 30 passes over a matrix take a CPU less time than products of matrices
_many = 500


@dataclass(frozen=True, eq=False, kw_only=True)
class LeastSquares(Report):
    """The solution of a least squares problem.

    Attributes
    ----------
    x : (n,) or (n, k) array
        The solution; with several regularisations, (q, n) or (q, n, k).
    residual_norm : array
        ``‖b − A x‖`` of each right-hand side, of the shape of ``x`` without its rows.
    rank : int
        Singular values of ``A`` that are not negligible; an array for several regularisations.
    condition : float
        The largest of these divided by the smallest, the columns of ``A`` scaled to norms near
        one: estimated by a sketch, unless the whole matrix was factored.
    error_estimate : float
        The largest backward error: how much ``A`` and ``b`` must change, relative to their norms,
        for ``x`` to be exact, by the formula of Karlson and Waldén with the singular values of the
        sketch, the columns of ``A`` scaled to norms near one. NaN where LAPACK has solved, which
        is backward stable.
    """

    x: Any
    residual_norm: Any
    rank: Any
    condition: Any

    def __repr__(self) -> str:
        return (
            f"<LeastSquares x {tuple(self.x.shape)} by {self.method}: rank {np.max(self.rank)}, "
            f"condition {np.max(self.condition):.2g}, error estimate {self.error_estimate:.2g}, "
            f"{self.passes} passes>"
        )


def regularised(
    A: Any,
    b: Any,
    shifts: Sequence[float],
    method: str,
    oversampling: float | None,
    tol: float | None,
    rcond: float | None,
    rng: Any,
) -> list[LeastSquares]:
    """Minimise ``‖b − A x‖² + μ ‖x‖²`` for several ``√μ``, with one sketch."""
    if method not in ("auto", "lapack", *_oversamplings):
        known = ", ".join(repr(name) for name in ("auto", *_oversamplings, "lapack"))
        raise ValueError(f"method is {method!r}: choose one of {known}")
    A, B, vector = operands(A, b)
    xp, (m, n) = A.xp, A.shape
    B, rejoin = real_sides(A, B)
    B = xp.astype(B, xp.result_type(A.dtype, B.dtype), copy=False)
    eps = float(xp.finfo(B.dtype).eps)
    tol = _fraction("tol", tol, eps / 2)
    rcond = _fraction("rcond", rcond, 15 * eps)
    if oversampling is not None and not 1 < oversampling < math.inf:
        raise ValueError(f"oversampling is {oversampling}: a sketch has more rows than columns")

    if max(shifts) > float(xp.finfo(B.dtype).max):
        raise ValueError(f"the root of mu, {max(shifts):.3g}, exceeds the range of {B.dtype}")

    seed = seed_of(rng)
    tried = [method]
    if method == "auto":
        tried = _choices(A, B)
    problem = Problem(A, B)
    triangle, ratio = None, 0.0
    if tried[0] != "lapack" and 0 not in (m, n):
        # half the rows is a sketch large enough, unless another was asked for
        wanted = oversampling or min(_oversamplings[tried[0]], max(4.0, m / (2 * n)))
        rows = 8 * max(2, math.ceil(wanted * n / 8))
        triangle, ratio = problem.sketch(rows, seed), rows / n

    found: dict[float, LeastSquares] = {}
    for shift in sorted(set(shifts)):
        problem.shift = shift
        for name in tried:
            said = name if name == method else f"{name} (auto{_why(name, tried, A.shape)})"
            if name == "lapack" or triangle is None:
                x, norms, rank, condition = lapack(A, problem.B, shift, rcond)
                problem.passes += 1
                answer: dict[str, Any] = {"condition": condition, "rank": rank}
            else:
                coordinates = Coordinates.of_matrix(*triangle, shift, rcond, xp)
                refined = refine(problem, coordinates, name, ratio, tol, _share(triangle[0], shift))
                x, norms = coordinates.shortest(refined.X, xp), xp.sqrt(refined.squares)
                answer = {
                    "condition": coordinates.condition,
                    "rank": int(coordinates.s.shape[0]),
                    "error_estimate": refined.error,
                    "converged": name == "sketch" or refined.error <= max(tol, 10 * eps),
                    "iterations": refined.iterations,
                }
            if answer.get("converged", True):
                break
        x, norms = rejoin(*scaled_back(x, norms, problem.units))
        found[shift] = LeastSquares(
            x=x[:, 0] if vector else x,
            residual_norm=norms[0] if vector else norms,
            method=said,
            passes=problem.passes,
            seed=None if triangle is None else seed,
            **answer,
        )
    for report in found.values():
        warn_unconverged(
            report, "take more rows for the sketch (oversampling), or method='lapack'", 4
        )
    return [found[shift] for shift in shifts]


def _choices(A: LinearOperator, B: Any) -> list[str]:
    """Return the methods that are tried one after the other."""
    m, n = A.shape
    if m < _tall * n or 0 in (m, n):
        return ["lapack"]
    if isinstance(A, Dense):
        vector = B.shape[1] == 1 and n >= _many and is_numpy(A.xp)
        return ["spir", "cholqr", "lapack"] if vector else ["cholqr", "spir", "lapack"]
    return ["cholqr", "spir"] if isinstance(A, RowBlocks) else ["spir"]


def operands(A: Any, b: Any) -> tuple[LinearOperator, Any, bool]:
    """Return the matrix, right-hand sides as a block, and whether they were one vector."""
    A = as_matrix(A)
    xp = namespace(A, b)
    device(A, b)
    if hasattr(b, "toarray"):
        raise TypeError("b is a sparse matrix: pass b.toarray()")
    b = inexact(xp.astype(b, xp.float32) if str(b.dtype).endswith("float16") else b, xp)
    m = A.shape[0]
    if b.ndim not in (1, 2) or b.shape[0] != m:
        raise ValueError(
            f"b has shape {tuple(b.shape)}, but A is {size_text(A.shape)}: b must be "
            f"({m},) or ({m}, k)"
        )
    require_finite("b", b)
    return A, b[:, None] if b.ndim == 1 else b, b.ndim == 1


def real_sides(A: LinearOperator, B: Any) -> tuple[Any, Callable[[Any, Any], tuple[Any, Any]]]:
    """Return real right-hand sides for a real matrix, and what puts the answers together."""
    xp, k = A.xp, B.shape[1]
    if A.is_complex or not xp.isdtype(B.dtype, "complex floating"):
        return B, lambda X, norms: (X, norms)

    def rejoin(X: Any, norms: Any) -> tuple[Any, Any]:
        return X[:, :k] + 1j * X[:, k:], xp.hypot(norms[:k], norms[k:])

    return xp.concat([xp.real(B), xp.imag(B)], axis=1), rejoin


def scaled_back(X: Any, norms: Any, units: Any) -> tuple[Any, Any]:
    """Return solutions and norms for right-hand sides that were divided by their units."""
    xp = namespace(X)
    with np.errstate(over="ignore"):
        X, norms = X * units, norms * units
    if not bool(xp.all(xp.isfinite(X))):
        raise ValueError("numbers of the solution exceed the range of the data type")
    return X, norms


def _fraction(name: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value}: a number of [0, 1) is needed")
    return float(value)


def _share(R: Any, shift: float) -> float:
    """Return by how much smaller a backward error has to be, where ``√μ`` outweighs the matrix.

    A solution near ``Aᴴb/μ`` is small: even zero has a backward error of ``‖A‖²/μ`` only.
    """
    size = float(norm(R))
    return min(1.0, 100 * size / shift) if shift > size else 1.0


def _why(name: str, tried: Sequence[str], shape: tuple[int, int]) -> str:
    if name == "lapack" and tried[0] == name:
        m, n = shape
        return f": m = {m} < {_tall} n = {_tall * n}" if m and n else ": A is empty"
    return "" if name == tried[0] else f": {tried[tried.index(name) - 1]} did not converge"

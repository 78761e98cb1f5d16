"""Minimisation under equality constraints: Newton's method with sketched saddle-point solves."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin import _norm
from structlin._backend import namespace, scipy_of, type_name
from structlin._validation import inexact, require_finite
from structlin.matrices import Dense, Diagonal, Identity, LinearOperator, Sparse
from structlin.sketching._exact_lagrangian import Point, Problem, dot
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching.gaussian import Gaussian
from structlin.sketching.kkt import KKTSolution, size_of, solved

# of what is predicted, the descent that a step has to bring
_sufficient = 1e-4
_shortest = 2.0**-40
# changes of penalties, accuracy and convexity that are tried at one point
_attempts = 60
# directions in which a minimum is checked, and the curvature, for its size, that counts
_directions = 4
_clear = 1e-3


@dataclass(frozen=True)
class History:
    """What the iterates were, the start included; a step leads to each of the others.

    Attributes
    ----------
    objective, constraint_violation, optimality : tuple of float
        ``f``, ``‖c‖`` and ``‖∇f + Jᵀλ‖``.
    step : tuple of float
        The step lengths.
    convexity : tuple of float
        What was added to the diagonal of the Hessian.
    residual : tuple of float
        The relative residuals of the saddle-point systems.
    """

    objective: tuple[float, ...] = ()
    constraint_violation: tuple[float, ...] = ()
    optimality: tuple[float, ...] = ()
    step: tuple[float, ...] = ()
    convexity: tuple[float, ...] = ()
    residual: tuple[float, ...] = ()

    def extended(self, **more: float) -> History:
        """Return the history with one value more of each of these."""
        return History(**{**vars(self), **{k: (*getattr(self, k), v) for k, v in more.items()}})


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EqualityMinimum(Report):
    """A point where the first-order conditions hold, if it converged.

    Attributes
    ----------
    x : (n,) array
        The point.
    multipliers : (m,) array
        The multipliers ``λ`` of ``f(x) + λᵀ c(x)``.
    objective, constraint_violation, optimality : float
        ``f``, ``‖c‖`` and ``‖∇f + Jᵀλ‖``.
    history : History
        The same for all iterates.
    error_estimate : float
        The larger of violation and optimality, each relative as `minimize_equality` has it.
    passes : int
        Evaluations of the objective.
    method, converged, iterations, seed
        As in every report.
    """

    x: Any
    multipliers: Any
    objective: float
    constraint_violation: float
    optimality: float
    history: History

    def __repr__(self) -> str:
        return (
            f"<EqualityMinimum of {self.x.shape[0]} variables: objective {self.objective:.6g}, "
            f"violation {self.constraint_violation:.1e}, optimality {self.optimality:.1e}, "
            f"{'' if self.converged else 'not '}converged in {self.iterations} iterations>"
        )


def minimize_equality(
    fun: Callable[[Any], Any],
    x0: Any,
    constraint: Callable[[Any], Any],
    *,
    grad: Callable[[Any], Any] | None = None,
    jac: Callable[[Any], Any] | None = None,
    hess: Callable[[Any, Any], Any] | None = None,
    tol: float | None = None,
    maxiter: int = 200,
    method: str = "auto",
    sketch_size: int | None = None,
    rng: Any = None,
) -> EqualityMinimum:
    """Minimise ``f(x)`` where ``c(x) = 0``, for smooth functions.

    Parameters
    ----------
    fun : callable
        ``f(x)``, a real number.
    x0 : (n,) real array
        The start, which need not satisfy the constraints.
    constraint : callable
        ``c(x)``, an (m,) array; a list or, for one constraint, a number will do.
    grad : callable, optional
        ``∇f(x)``, (n,).
    jac : callable, optional
        ``J(x)``, the Jacobian of the constraints: (m, n) array, sparse matrix or LinearOperator.
    hess : callable, optional
        ``hess(x, λ)``, the Hessian ``∇²f(x) + Σ λᵢ ∇²cᵢ(x)`` of the Lagrangian: (n, n) array,
        sparse matrix or LinearOperator. It has to be symmetric.
        Derivatives that are left out are found by central differences: by ``2 n`` evaluations of
        what they are derivatives of, so a Hessian takes ``4 n²`` of functions alone.
    tol : float, optional
        Asked of ``‖∇f + Jᵀλ‖``, relative to the largest ``‖∇f‖`` met, and of ``‖c‖``, relative to
        the larger of the largest met and ``‖J‖ ‖x‖``. By default ``√eps``.
    maxiter : int, optional
        Most iterations.
    method, sketch_size
        How the saddle-point systems are solved, as in `solve_kkt`.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketches.

    Returns
    -------
    EqualityMinimum
        ``x``, ``multipliers``, the conditions that they meet, and the history.

    Raises
    ------
    ValueError
        If the start, what the functions give there, or a derivative anywhere is not finite, sizes
        disagree, or an option is out of range.
    TypeError
        If the start or what a function gives is complex, or no array; or a function is none.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached: in particular if no point satisfies the constraints. Or if it
        was, but the Lagrangian falls along the constraints: at a maximum or saddle.

    Notes
    -----
    Each iteration solves ``[H + τI, Jᵀ; J, 0] [Δx; Δλ] = −[∇ₓL; c]`` with
    ``L(x, λ) = f(x) + λᵀc(x)``, to an accuracy that follows that of the iterate, and searches
    along ``(Δx, Δλ)`` for a smaller value of the exact augmented Lagrangian

        ``L(x, λ) + η₁/2 ‖c(x)‖² + η₂/2 ‖J(x) ∇ₓL(x, λ)‖²``,

    which is smooth in both, and of which minimisers are those of the problem when ``η₁`` is large
    and ``η₂`` small enough. Where the step does not promise descent of
    ``¼ (η₁ ‖c‖² + η₂ ‖J ∇ₓL‖²)``, the linear system is solved more accurately, then ``η₁`` grows
    and ``η₂`` shrinks. Where ``H + τI`` has negative curvature along the part of the step
    that keeps ``J Δx = 0``, ``τ`` grows. Unit
    steps are not cut close to the solution, so convergence is superlinear there.

    An iteration costs two saddle-point systems (one with the identity for ``H``), one Hessian, one
    Jacobian, and functions and first derivatives for each step length that is tried.

    Of a point found, the conditions of first order are checked, those of second order in part:
    the Hessian of the Lagrangian is projected on a Krylov space of four dimensions, from a random
    direction, of what keeps ``J Δx = 0``. An eigenvalue below ``−10⁻³ ‖H‖`` there tells a maximum
    or saddle; one that hides in other directions stays unknown. Minima are local.

    References
    ----------
    G. Di Pillo and L. Grippo, "A new class of augmented Lagrangians in nonlinear programming",
    SIAM J. Control Optim. 17 (1979).
    I. Hong, S. Na, M. W. Mahoney and M. Kolar, "Constrained optimization via exact augmented
    Lagrangian and randomized iterative sketching", ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> found = minimize_equality(
    ...     lambda x: x[0] + x[1], np.array([-1.0, -0.5]), lambda x: np.array([x @ x - 2.0])
    ... )
    >>> np.round(found.x, 6), np.round(found.multipliers, 6)
    (array([-1., -1.]), array([0.5]))
    """
    given = {"fun": fun, "constraint": constraint, "grad": grad, "jac": jac, "hess": hess}
    for name, function in given.items():
        if not callable(function) and (function is not None or name in ("fun", "constraint")):
            raise TypeError(f"{name} is a {type(function).__name__}: a function is needed")
    xp = namespace(x0)
    if xp.isdtype(x0.dtype, "complex floating"):
        raise TypeError("x0 is complex: variables are real, take real and imaginary parts as two")
    x = inexact(x0, xp)
    if x.ndim != 1:
        raise ValueError(f"x0 has shape {tuple(x.shape)}: the variables are a vector (n,)")
    if not x.shape[0]:
        raise ValueError("x0 is empty: there is nothing to vary")
    require_finite("x0", x)
    tol = _root_eps(x) if tol is None else tol
    if not tol >= 0:
        raise ValueError(f"tol is {tol}: a relative accuracy is >= 0")
    if operator.index(maxiter) < 0:
        raise ValueError(f"maxiter is {maxiter}: a number of iterations is >= 0")
    seed = seed_of(rng)
    problem = Problem(fun, constraint, grad, jac, hess)
    solver = _Solver(method, sketch_size, seed)
    point = _first(problem, x, solver)
    history, before, reached = History(), Scales(), math.inf
    roots: tuple[float, float] | None = None
    tau, how, stop = 0.0, "", False
    for iteration in range(maxiter + 1):
        optimality, violation = _norm.norm(point.slope), _norm.norm(point.c)
        history = history.extended(
            objective=point.f, constraint_violation=violation, optimality=optimality
        )
        before = before.with_point(point, seed)
        reached = max(optimality / before.gradient, violation / before.constraint)
        if reached <= tol or stop or iteration == maxiter:
            break
        H = problem.hessian(point.x, point.multipliers)
        roots = _penalties(H, point, seed) if roots is None else roots
        rtol = min(0.1, max(reached, 0.01 * tol))
        step, roots, tau = _direction(point, H, roots, tau, rtol, solver)
        how = step.method
        length, moved = _search(point, H, roots, step)
        stop = length == 0.0  # nothing is left but rounding errors
        point = moved
        history = history.extended(step=length, convexity=tau, residual=step.error_estimate)
        tau = tau / 10 if tau > 1e-3 * size_of(H, seed) else 0.0
    falls = reached <= tol and _falls(point, solver)
    result = EqualityMinimum(
        x=point.x,
        multipliers=point.multipliers,
        objective=point.f,
        constraint_violation=history.constraint_violation[-1],
        optimality=history.optimality[-1],
        history=history,
        method=f"Newton's method, {how or 'no system solved'}",
        converged=reached <= tol and not falls,
        error_estimate=reached,
        passes=problem.evaluations,
        iterations=len(history.step),
        seed=seed,
    )
    if falls:
        cure = "this is a maximum or saddle on the constraints: start elsewhere"
    else:
        more = " maxiter or" if result.iterations == maxiter else ""
        cure = (
            "check the derivatives that were given, and that the constraints can be met; start "
            f"elsewhere, or raise{more} tol"
        )
    warn_unconverged(result, cure)
    return result


@dataclass(frozen=True)
class _Solver:
    """How saddle-point systems are solved."""

    method: str
    sketch_size: int | None
    seed: int

    def __call__(self, H: LinearOperator, J: LinearOperator, g: Any, c: Any, rtol: float) -> Any:
        return solved(
            H, J, g, c, rtol=rtol, method=self.method, sketch_size=self.sketch_size, seed=self.seed
        )


@dataclass(frozen=True)
class Scales:
    """What gradients and constraints are measured in: the largest that have been met."""

    gradient: float = 0.0
    constraint: float = 0.0

    def with_point(self, point: Point, seed: int) -> Scales:
        """Return the scales when this point is met too; what is zero everywhere counts as one."""
        reach = size_of(point.J, seed) * _norm.norm(point.x)
        return Scales(
            max(self.gradient, _norm.norm(point.g)) or 1.0,
            max(self.constraint, _norm.norm(point.c), reach) or 1.0,
        )


def _first(problem: Problem, x: Any, solver: _Solver) -> Point:
    """Return the start with multipliers of least squares."""
    xp = namespace(x)
    f, c = problem.objective(x), problem.constraint(x)
    if not math.isfinite(f):
        raise ValueError("fun(x0) is not finite: start where the objective is defined")
    require_finite("constraint(x0)", c)
    bare = Point(problem, x, xp.zeros_like(c))
    start: KKTSolution = solver(_one(bare.J), bare.J, bare.g, xp.zeros_like(c), 1e-6)
    if not start.converged:
        return bare
    return Point(problem, x, xp.astype(start.multipliers, x.dtype))


def _one(J: LinearOperator) -> LinearOperator:
    """Return the identity, sparse where the Jacobian is."""
    n = J.shape[1]
    if isinstance(J, Sparse):
        return Sparse(scipy_of(J.xp, "sparse").eye_array(n, dtype=J.dtype, format="csc"))
    return Identity(n, like=J)


def _tangential(J: LinearOperator, dx: Any, solver: _Solver, rtol: float) -> KKTSolution:
    """Return as ``x`` the part of a step along which the constraints do not change."""
    zero = J.xp.zeros((J.shape[0],), dtype=dx.dtype, device=J.device)
    projected: KKTSolution = solver(_one(J), J, -dx, zero, rtol)
    return projected


def _root_eps(x: Any) -> float:
    return math.sqrt(namespace(x).finfo(x.dtype).eps)


def _falls(point: Point, solver: _Solver) -> bool:
    """Tell whether the Lagrangian has negative curvature where the constraints do not change.

    By the Ritz values of a Krylov space of few dimensions, from a random direction.
    """
    xp, n = point.J.xp, point.x.shape[0]
    H = point.problem.hessian(point.x, point.multipliers)
    d = Gaussian(1, n, rng=solver.seed, like=point.x).todense()[0, :]
    basis: list[Any] = []
    products: list[Any] = []
    for _ in range(min(_directions, n)):
        size = _norm.norm(d)
        projected = _tangential(point.J, d, solver, _root_eps(d))
        if not projected.converged:
            break
        d = projected.x
        for _ in range(2):  # twice is enough
            for q in basis:
                d = d - dot(q, d) * q
        if _norm.norm(d) <= 1e-2 * size:
            break
        basis.append(d / _norm.norm(d))
        products.append(H @ basis[-1])
        d = products[-1]
    if not basis:
        return False
    Q, HQ = xp.stack(basis, axis=1), xp.stack(products, axis=1)
    T = xp.matmul(xp.matrix_transpose(Q), HQ)
    least = float(xp.min(xp.linalg.eigvalsh((T + xp.matrix_transpose(T)) / 2)))
    return least < -_clear * _norm.norm(HQ)


def _penalties(H: LinearOperator, point: Point, seed: int) -> tuple[float, float]:
    """Return the roots of the first penalties, from the sizes of Hessian and Jacobian."""
    n, m = point.x.shape[0], max(point.c.shape[0], 1)
    curvature = math.sqrt(size_of(H, seed) / math.sqrt(n))
    slope = size_of(point.J, seed) / math.sqrt(m)
    return math.sqrt(10.0) * curvature / slope, math.sqrt(0.1) / curvature / slope


def _direction(
    point: Point, H: LinearOperator, roots: tuple[float, float], tau: float, rtol: float,
    solver: _Solver,
) -> tuple[KKTSolution, tuple[float, float], float]:  # fmt: skip
    """Return a step of descent, with the penalties and the convexity for which it is one."""
    size = size_of(H, solver.seed) / math.sqrt(point.x.shape[0])
    step = None
    for _ in range(_attempts):
        if step is None:
            B = _shifted(H, tau)
            step = solver(B, point.J, point.slope, point.c, rtol)
            dx, dy = step.x, step.multipliers
            flat = _tangential(point.J, dx, solver, 1e-3).x
            if dot(flat, B @ flat) < 0 and _norm.norm(flat) > 1e-8 * _norm.norm(dx):
                tau, step = max(10.0 * tau, 1e-3 * size), None
                continue
        if point.descent(roots, H, dx, dy) <= -0.25 * point.penalty(roots):
            break
        if step.iterations and rtol > 1e-8:  # inexact
            rtol, step = 0.01 * rtol, None
        else:
            roots = 2.0 * roots[0], math.sqrt(0.5) * roots[1]
    return step or solver(B, point.J, point.slope, point.c, rtol), roots, tau


def _shifted(H: LinearOperator, tau: float) -> LinearOperator:
    if tau == 0:
        return H
    xp, n = H.xp, H.shape[0]
    if isinstance(H, Dense):
        return Dense(H.array + tau * xp.eye(n, dtype=H.dtype, device=H.device))
    return H + Diagonal(xp.full((n,), tau, dtype=H.dtype, device=H.device))


def _search(
    point: Point, H: LinearOperator, roots: tuple[float, float], step: KKTSolution
) -> tuple[float, Point]:
    """Return the length of a step that lowers the merit function enough, and where it leads."""
    slope = point.descent(roots, H, step.x, step.multipliers)
    merit = point.merit(roots)
    if not math.isfinite(merit):
        return 0.0, point  # the penalties have grown beyond all numbers
    eps = float(np.finfo(type_name(point.x.dtype)).eps)
    noise = 10 * eps * (abs(merit) + abs(point.f))
    length = 1.0
    while length >= _shortest:
        moved = Point(
            point.problem,
            point.x + length * step.x,
            point.multipliers + length * step.multipliers,
        )
        if moved.merit(roots) <= merit + _sufficient * length * min(slope, 0.0) + noise:
            return length, moved
        length *= 0.5
    return 0.0, point

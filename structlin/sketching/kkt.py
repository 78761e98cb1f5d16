"""Equality-constrained quadratic problems: saddle-point systems, factorised or iterated."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin import _norm
from structlin._backend import device, namespace, scipy_of
from structlin._validation import common_type, inexact, require_finite
from structlin.matrices import Dense, LinearOperator, Sparse, lstsq, solve
from structlin.matrices._base import adjoint_of, size_text
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged
from structlin.sketching._sketch_and_project import project, sizes
from structlin.sketching.gaussian import Gaussian

# up to these sizes a factorisation is cheaper than an iteration
_dense_size = 4096
_sparse_size = 500_000


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class KKTSolution(Report):
    """The solution of a saddle-point system.

    Attributes
    ----------
    x : (n,) array
        The primal solution.
    multipliers : (m,) array
        The Lagrange multipliers ``λ``.
    stationarity : float
        ``‖H x + Jᴴ λ + g‖``.
    feasibility : float
        ``‖J x + c‖``.
    error_estimate : float
        The relative residual, as `solve_kkt` defines it.
    method, converged, passes, iterations, seed
        As in every report; a pass multiplies the system with a block of vectors.
    """

    x: Any
    multipliers: Any
    stationarity: float
    feasibility: float

    def __repr__(self) -> str:
        return (
            f"<KKTSolution {self.x.shape[0]} + {self.multipliers.shape[0]} unknowns: relative "
            f"residual {self.error_estimate:.2g}, {self.method}>"
        )


class SaddlePoint(LinearOperator):
    """The matrix ``[H, Jᴴ; J, 0]``.

    Parameters
    ----------
    H : (n, n) operator
        Hermitian.
    J : (m, n) operator
        The Jacobian of the constraints.

    Attributes
    ----------
    hessian, jacobian : LinearOperator
        The blocks.
    """

    hessian: LinearOperator
    jacobian: LinearOperator

    def __init__(self, H: LinearOperator, J: LinearOperator) -> None:
        size = H.shape[0] + J.shape[0]
        self.hessian, self.jacobian = H, J
        super().__init__((size, size), like=(H, J))

    def _matmat(self, X: Any) -> Any:
        n = self.hessian.shape[0]
        x, y = X[:n, :], X[n:, :]
        return self.xp.concat(
            (self.hessian._matmat(x) + self.jacobian._rmatmat(y), self.jacobian._matmat(x))
        )

    _rmatmat = _matmat


def solve_kkt(
    H: Any,
    J: Any,
    g: Any,
    c: Any,
    *,
    rtol: float | None = None,
    method: str = "auto",
    sketch: str = "sparse",
    sketch_size: int | None = None,
    maxiter: int | None = None,
    rng: Any = None,
) -> KKTSolution:
    """Solve the optimality conditions ``[H, Jᴴ; J, 0] [x; λ] = −[g; c]``.

    For ``H`` positive definite on the null space of ``J``, ``x`` minimises
    ``½ xᴴ H x + Re gᴴ x`` where ``J x + c = 0``.

    Parameters
    ----------
    H : (n, n) array, sparse matrix or LinearOperator
        A Hermitian matrix, which may be indefinite. It is not checked for symmetry.
    J : (m, n) array, sparse matrix or LinearOperator
        The constraints. With ``m = 0`` the system is ``H x = −g``, for any Hermitian ``H``.
    g : (n,) array
        The gradient.
    c : (m,) array
        The values of the constraints.
    rtol : float, optional
        The residual, relative to the right-hand side, that is asked for: with ``H`` and ``J``
        divided by ``‖H‖_F/√n`` and ``‖J‖_F/√m`` (or estimates), ``g`` and ``c`` likewise. By
        default ``√eps``.
    method : {"auto", "sketched", "direct"}
        "direct" factorises: by sparse LU where both matrices are sparse, otherwise by dense LU.
        "auto" does so up to 4096 unknowns, or 500 000 sparse ones, and otherwise iterates; the
        result's ``method`` tells.
    sketch : {"sparse", "gaussian", "rows"}
        What a step sees of the residual: combinations of equations by `SparseStack` or `Gaussian`,
        or a random choice of single equations (then it is the block method of Kaczmarz).
    sketch_size : int, optional
        How many equations a step has: a multiple of 8 for "sparse" (any number, for fewer than 8
        equations in all). By default 8. More take fewer steps only where they are a good part of
        all.
    maxiter : int, optional
        Most steps; by default those in which the sketches have seen 20 equations for each one of
        the system, and at least 200.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketches.

    Returns
    -------
    KKTSolution
        ``x``, ``multipliers`` and residuals.

    Raises
    ------
    ValueError
        If sizes disagree, anything is NaN or Inf, or an option is out of range.
    numpy.linalg.LinAlgError
        If the matrix is singular to "direct" and has more than 4096 rows. A smaller one gives the
        solution of least norm, and so does the iteration: both need consistent equations.

    Warns
    -----
    ConvergenceWarning
        If the residual is not that small.

    Notes
    -----
    With ``Γ z + b = 0`` for the system, a step of the sketched method projects onto the solutions
    of a few combinations of the equations: ``z ← z − W (WᴴW)⁺ Sᴴ(Γz + b)``, ``W = ΓᴴS``. If there
    is a solution ``z*``, the error ``‖z − z*‖`` never grows, and its square shrinks on average by
    ``1 − λmin(E[W (WᴴW)⁺ Wᴴ])``, about ``1 − (q/N) / κ²`` at worst for ``q`` of ``N`` equations.
    To the columns of ``S`` come the residual itself, and the previous step: the projection then
    chooses the weight of the momentum, and is never behind the conjugate gradient step for
    ``ΓΓᴴ`` from where it stands. A step costs ``q + 2`` products with ``Γ`` and ``O(N q²)``.

    Convergence is slow when ``Γ`` is ill-conditioned: the method is meant for systems that are too
    large to factorise, of which moderate accuracy is asked, as within `minimize_equality`. Every
    sketch is a function of the seed and the number of the step.

    References
    ----------
    R. M. Gower and P. Richtárik, "Randomized iterative methods for linear systems", SIAM J.
    Matrix Anal. Appl. 36 (2015).
    N. Loizou and P. Richtárik, "Momentum and stochastic momentum for stochastic gradient, Newton,
    proximal point and subspace descent methods", Comput. Optim. Appl. 77 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> found = solve_kkt(np.eye(2), np.ones((1, 2)), np.zeros(2), np.array([-1.0]))
    >>> found.x, found.multipliers  # the point of x + y = 1 closest to zero
    (array([0.5, 0.5]), array([-0.5]))
    """
    result = solved(
        as_matrix(H, "H"),
        as_matrix(J, "J"),
        g,
        c,
        rtol=rtol,
        method=method,
        sketch=sketch,
        sketch_size=sketch_size,
        maxiter=maxiter,
        seed=seed_of(rng),
    )
    cure = "raise maxiter, or take method='direct': the system is ill-conditioned or inconsistent"
    warn_unconverged(result, cure)
    return result


def solved(
    H: LinearOperator,
    J: LinearOperator,
    g: Any,
    c: Any,
    *,
    seed: int,
    rtol: float | None = None,
    method: str = "auto",
    sketch: str = "sparse",
    sketch_size: int | None = None,
    maxiter: int | None = None,
) -> KKTSolution:
    """Return what `solve_kkt` does, for checked matrices and without a warning."""
    if method not in ("auto", "sketched", "direct"):
        raise ValueError(f"method is {method!r}: choose 'auto', 'sketched' or 'direct'")
    if sketch not in ("sparse", "gaussian", "rows"):
        raise ValueError(f"sketch is {sketch!r}: choose 'sparse', 'gaussian' or 'rows'")
    system, b = Balanced.of(H, J, g, c, seed)
    rtol = math.sqrt(namespace(b).finfo(b.dtype).eps) if rtol is None else rtol
    if not rtol >= 0:
        raise ValueError(f"rtol is {rtol}: a relative residual is >= 0")
    size, most = sizes(b.shape[0], sketch, sketch_size, maxiter)
    if method == "direct" or (method == "auto" and factorisable(H, J)):
        z, how = direct(system, b)
        report = Report(method=how, passes=1)
        return system.solution(z, system.matrix @ z + b, b, rtol, report)
    unit = _norm.norm(b) or 1.0
    z, r, steps = project(system.matrix, b / unit, rtol, sketch, size, most, seed)
    how = f"sketch and project, {sketch} blocks of {size}"
    report = Report(method=how, passes=3 * steps, iterations=steps, seed=seed)
    return system.solution(z * unit, r * unit, b, rtol, report)


@dataclass(frozen=True)
class Balanced:
    """A system both of whose blocks have been divided by their size.

    Attributes
    ----------
    H, J : LinearOperator
        As given.
    of_H, of_J : float
        Their sizes: ``(H/h) x + (J/j)ᴴ (λ j/h) = −g/h``, and ``(J/j) x = −c/j``.
    """

    H: LinearOperator
    J: LinearOperator
    of_H: float
    of_J: float

    @staticmethod
    def of(H: LinearOperator, J: LinearOperator, g: Any, c: Any, seed: int) -> tuple[Balanced, Any]:
        """Return the system of checked matrices, and its right-hand side ``b``."""
        xp = namespace(H, J, g, c)
        device(H, J, g, c)
        (n, n2), (m, n3) = H.shape, J.shape
        if n != n2:
            raise ValueError(f"H is {size_text(H.shape)}: it has to be square")
        if n3 != n:
            raise ValueError(f"J is {size_text(J.shape)} but H is {size_text(H.shape)}: "
                             f"J needs {n} columns")  # fmt: skip
        parts = []
        for name, part, size in (("g", g, n), ("c", c, m)):
            if tuple(part.shape) != (size,):
                raise ValueError(f"{name} has shape {tuple(part.shape)}, but needs ({size},)")
            part = inexact(part, xp)
            require_finite(name, part)
            parts.append(part)
        dtype = common_type(xp, H.dtype, J.dtype, *(part.dtype for part in parts))
        system = Balanced(
            H, J, size_of(H, seed) / math.sqrt(n or 1), size_of(J, seed) / math.sqrt(m or 1)
        )
        b = [xp.astype(part, dtype) / size
             for part, size in zip(parts, (system.of_H, system.of_J), strict=True)]  # fmt: skip
        return system, xp.concat(b)

    @functools.cached_property
    def matrix(self) -> LinearOperator:
        """The balanced matrix: an array where both blocks are arrays."""
        H, J = self.H, self.J
        if isinstance(H, Dense) and isinstance(J, Dense):
            return Dense(self.array)
        return SaddlePoint(H / self.of_H, J / self.of_J)

    @functools.cached_property
    def array(self) -> Any:
        """The balanced matrix as an array."""
        xp = self.H.xp
        H, J = self.H.todense() / self.of_H, self.J.todense() / self.of_J
        m = J.shape[0]
        zero = xp.zeros((m, m), dtype=J.dtype, device=self.J.device)
        upper = xp.concat((H, adjoint_of(J, xp)), axis=1)
        return xp.concat((upper, xp.concat((J, zero), axis=1)))

    def solution(self, z: Any, r: Any, b: Any, rtol: float, report: Report) -> KKTSolution:
        """Return the solution of the system as it was given."""
        n = self.H.shape[0]
        size = _norm.norm(b)
        relative = _norm.norm(r) / size if size else _norm.norm(r)
        said = {**vars(report), "converged": relative <= rtol, "error_estimate": relative}
        return KKTSolution(
            x=z[:n],
            multipliers=z[n:] * (self.of_H / self.of_J),
            stationarity=_norm.norm(r[:n]) * self.of_H,
            feasibility=_norm.norm(r[n:]) * self.of_J,
            **said,
        )


def size_of(A: LinearOperator, seed: int) -> float:
    """Return the Frobenius norm of a matrix, or an estimate by 4 products; 1 for zero."""
    if 0 in A.shape:
        return 1.0
    if isinstance(A, Dense):
        size = _norm.norm(A.array)
    elif isinstance(A, Sparse):
        size = _norm.norm(A.matrix.data)
    else:
        probe = Gaussian(min(4, A.shape[1]), A.shape[1], rng=seed, like=A).todense()
        size = _norm.norm(A @ adjoint_of(probe, A.xp))
    return size or 1.0


# factorisations


def factorisable(H: LinearOperator, J: LinearOperator) -> bool:
    """Tell whether "auto" factorises."""
    size = H.shape[0] + J.shape[0]
    both_sparse = isinstance(H, Sparse) and isinstance(J, Sparse)
    return size <= (_sparse_size if both_sparse else _dense_size)


def direct(system: Balanced, b: Any) -> tuple[Any, str]:
    """Return the solution of ``Γ z = −b`` by a factorisation, and which."""
    xp = namespace(b)
    if 0 in b.shape:
        return b, "direct, nothing to solve"
    small = b.shape[0] <= _dense_size
    if isinstance(system.H, Sparse) and isinstance(system.J, Sparse):
        sparse = scipy_of(xp, "sparse")
        H, J = system.H.matrix / system.of_H, system.J.matrix / system.of_J
        parts = [[H, J.conj().T], [J, None]]
        matrix: LinearOperator = Sparse(sparse.block_array(parts, format="csc"))
        how = "direct, sparse LU"
    else:
        matrix, how = Dense(system.array), "direct, dense LU"
    try:
        z = solve(matrix, -b)
    except np.linalg.LinAlgError:
        if not small:
            raise
        z = xp.full_like(b, math.nan)
    # a singular matrix may go unnoticed
    limit = math.sqrt(xp.finfo(b.dtype).eps) * _norm.norm(b)
    if not small or _norm.norm(matrix @ z + b) <= limit:
        return z, how
    return lstsq(matrix, -b), "direct, least norm, as the matrix is singular"

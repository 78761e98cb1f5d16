"""What the public functions do with an operator whose structure has no rule.

`solve` runs GMRES, and falls through to the dense matrix where that does not converge; the other
functions make the matrix dense at once. Beyond `dense_limit` rows they refuse.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, NoReturn

import numpy as np

from structlin._backend import is_cupy, is_numpy, scipy_of
from structlin._errors import ConvergenceError
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator
from structlin.matrices.dense import Dense
from structlin.matrices.functions import diagonal, eigh, inv, slogdet, solve, trace
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import answer, rule

# rows up to which a matrix without structure is made dense: 128 MiB in double precision
dense_limit = 4096

# GMRES: the length of a cycle, the number of cycles, and the relative residual in units of eps
_restart, _cycles, _tightness = 50, 10, 100

rule(is_hermitian, LinearOperator)(lambda A: False)


def _has_gmres(A: LinearOperator) -> bool:
    return (is_numpy(A.xp) or is_cupy(A.xp)) and A.shape[0] > 0


def _fits(A: LinearOperator) -> bool:
    return A.shape[0] <= dense_limit


def _formed(A: LinearOperator) -> Dense:
    with np.errstate(invalid="ignore"):  # Inf times 0; NaN is refused next
        matrix = A.todense()
    require_finite("A", matrix)
    return Dense(matrix)


def _refuse(name: str, A: LinearOperator) -> NoReturn:
    raise ValueError(
        f"{name} has no rule for {A!r}, and above {dense_limit} rows it is not made dense"
    )


@rule(
    solve,
    LinearOperator,
    when=_has_gmres,
    how=f"GMRES to a residual of {_tightness} eps ‖b‖, which is checked",
    cost=f"at most {_restart * _cycles} products with A",
    memory=f"{_restart} n",
    may_decline=True,
)
def _solve_iteratively(A: LinearOperator, B: Any) -> Any:
    xp = A.xp
    krylov = scipy_of(xp, "sparse.linalg")
    tolerance = _tightness * float(xp.finfo(B.dtype).eps)
    options: dict[str, Any] = {"restart": min(_restart, A.shape[0]), "atol": 0.0}
    # SciPy counts cycles and has "rtol"; CuPy counts products and may have "tol"
    options["maxiter"] = _cycles if is_numpy(xp) else _cycles * options["restart"]
    known = inspect.signature(krylov.gmres).parameters
    options["rtol" if "rtol" in known else "tol"] = tolerance
    product = krylov.LinearOperator(A.shape, matvec=A.matvec, dtype=B.dtype)
    columns = []
    for j in range(B.shape[1]):
        with np.errstate(all="ignore"):  # the residual tells
            x, _ = krylov.gmres(product, B[:, j], **options)
        residual = xp.linalg.vector_norm(B[:, j] - A.matvec(x))
        if not bool(residual <= tolerance * xp.linalg.vector_norm(B[:, j])):
            return NotImplemented
        columns.append(x)
    return xp.stack(columns, axis=1) if columns else xp.asarray(B, copy=True)


@rule(
    solve,
    LinearOperator,
    when=_fits,
    how="dense LU factorisation",
    cost="n products with A, then 2/3 n³",
    memory="2 n²",
)
def _solve_densely(A: LinearOperator, B: Any) -> Any:
    return answer(solve, _formed(A), then=(B,))


@rule(
    inv,
    LinearOperator,
    when=_fits,
    how="dense LU factorisation",
    cost="n products with A, then 2 n³",
    memory="3 n²",
)
def _inv(A: LinearOperator) -> LinearOperator:
    return inv(_formed(A))


@rule(
    slogdet,
    LinearOperator,
    when=_fits,
    how="dense LU factorisation",
    cost="n products with A, then 2/3 n³",
    memory="2 n²",
)
def _slogdet(A: LinearOperator) -> Any:
    return slogdet(_formed(A))


@rule(
    eigh,
    LinearOperator,
    when=_fits,
    how="dense eigendecomposition, if A = Aᴴ holds",
    cost="n products with A, then 9 n³",
    memory="3 n²",
)
def _eigh(A: LinearOperator) -> Any:
    return eigh(_formed(A))


_exact: dict[str, Any] = {"cost": "n products with A", "memory": f"{_restart} n"}


@rule(diagonal, LinearOperator, how="products with blocks of unit vectors", **_exact)
def _diagonal(A: LinearOperator) -> Any:
    xp, (m, n) = A.xp, A.shape
    A._require_formable(n)
    parts = []
    for start in range(0, min(m, n), _restart):
        block = A[:, start : min(start + _restart, m, n)]
        size = block.shape[1]
        unit = xp.eye(size, dtype=A.dtype, device=A.device)
        parts.append(xp.linalg.diagonal(block._matmat(unit)[start : start + size, :]))
    return xp.concat(parts) if parts else xp.zeros(0, dtype=A.dtype, device=A.device)


@rule(trace, LinearOperator, how="sum of the diagonal", **_exact)
def _trace(A: LinearOperator) -> Any:
    return A.xp.sum(diagonal(A))


_refused: dict[str, Any] = {
    "how": f"none: no structure helps, and the matrix has more than {dense_limit} rows",
    "cost": "0",
    "memory": "0",
}


@rule(solve, LinearOperator, **_refused)
def _refuse_solve(A: LinearOperator, B: Any) -> Any:
    if _has_gmres(A):
        raise ConvergenceError(
            f"GMRES did not solve with {A!r} in {_restart * _cycles} products, and above "
            f"{dense_limit} rows it is not made dense: use a preconditioned iteration"
        )
    return _refuse("solve", A)


for _function in (inv, slogdet, eigh):
    rule(_function, LinearOperator, **_refused)(functools.partial(_refuse, _function.__name__))

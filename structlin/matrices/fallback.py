"""What the public functions do with an operator whose structure has no rule: linear systems.

First comes what follows from another rule of the structure, then an iteration, whose result is
checked, then the dense matrix; beyond `dense_limit` rows or columns they refuse.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from structlin._backend import is_cupy, is_numpy, scipy_of
from structlin._errors import ConvergenceError
from structlin._norm import norm as euclidean
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator
from structlin.matrices.dense import Dense, lstsq_within
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.functions import eigh, inv, lstsq, pinv, slogdet, solve, svd
from structlin.matrices.operations import is_hermitian
from structlin.matrices.rules import answer, applicable, candidates, rule
from structlin.matrices.systems import negligible

# rows and columns up to which a matrix without structure is made dense: 128 MiB in doubles
dense_limit = 4096

# GMRES: the length of a cycle and the number of cycles; LSMR: the number of steps; and the
# relative residual of both in units of eps
_restart, _cycles, _steps, _tightness = 50, 10, 500, 100

rule(is_hermitian, LinearOperator)(lambda A: False)


# what a structure knows, and whether it may be made dense


def structured(function: Callable[..., Any], A: LinearOperator) -> bool:
    """Tell whether a rule of the structure of ``A`` answers a function.

    Its parts have to answer likewise, or to be smaller and to fit as dense matrices.
    """
    first = next(applicable(function, A))
    if any(first is line for line in candidates(function, LinearOperator)):
        return False
    return all(
        structured(function, part) or (max(part.shape) < max(A.shape) and fits(part))
        for part in (first.parts(A) if first.parts else ())
    )


def has_eigh(A: LinearOperator) -> bool:
    """Tell whether ``A`` is Hermitian and its structure knows its eigenvectors."""
    return structured(eigh, A) and is_hermitian(A)


def has_svd(A: LinearOperator) -> bool:
    """Tell whether the structure knows its singular vectors, if need be as eigenvectors."""
    return structured(svd, A) or has_eigh(A)


def fits(A: LinearOperator) -> bool:
    """Tell whether the matrix is small enough to be made dense."""
    return max(A.shape) <= dense_limit


def formed(A: LinearOperator, B: Any = None) -> Dense:
    """Return the dense matrix, in the precision of a right-hand side if that is higher."""
    xp, dtype = A.xp, A.dtype
    if B is not None:
        dtype = xp.result_type(dtype, xp.finfo(B.dtype).dtype)
    with np.errstate(invalid="ignore"):  # Inf times 0; NaN is refused next
        if dtype == A.dtype:
            matrix = A.todense()
        else:
            matrix = A._matmat(xp.eye(A.shape[1], dtype=dtype, device=A.device))
    require_finite("A", matrix)
    return Dense(matrix)


def refuse(name: str, A: LinearOperator, *_: Any) -> NoReturn:
    """Raise the error for what no rule answers."""
    raise ValueError(
        f"{name} has no rule for {A!r}, and above {dense_limit} rows or columns "
        "it is not made dense"
    )


refused: dict[str, Any] = {
    "how": f"none: no structure helps, and the matrix has more than {dense_limit} rows or columns",
    "cost": "0",
    "memory": "0",
}


def refuse_the_rest(*functions: Callable[..., Any]) -> None:
    """Register, as the last rule of each function, that it refuses."""
    for function in functions:
        rule(function, LinearOperator, **refused)(functools.partial(refuse, function.__name__))


# square systems


def _iterates(A: LinearOperator) -> bool:
    return (is_numpy(A.xp) or is_cupy(A.xp)) and 0 not in A.shape


@rule(
    solve,
    LinearOperator,
    when=_iterates,
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
    columns = []
    for j in range(B.shape[1]):
        b, size, gain = _scaled(B[:, j], A.matvec)
        product = krylov.LinearOperator(
            A.shape, matvec=lambda x, gain=gain: A.matvec(x) / gain, dtype=B.dtype
        )
        with np.errstate(all="ignore"):  # the residual tells
            x, _ = krylov.gmres(product, b, **options)
        if not euclidean(b - product.matvec(x)) <= tolerance:
            return NotImplemented
        columns.append(x * (size / gain))
    return xp.stack(columns, axis=1) if columns else xp.asarray(B, copy=True)


def _scaled(b: Any, product: Callable[[Any], Any]) -> tuple[Any, float, float]:
    """Return ``b / ‖b‖``, ``‖b‖`` and the norm of the product: both 1 where they are zero.

    The iterations take squares, which vanish or overflow unless the numbers are near 1.
    """
    size = euclidean(b) or 1.0
    unit = b / size
    return unit, size, euclidean(product(unit)) or 1.0


_lu: dict[str, Any] = {"when": fits, "how": "dense LU factorisation"}


@rule(solve, LinearOperator, cost="n products with A, then 2/3 n³", memory="2 n²", **_lu)
def _solve_densely(A: LinearOperator, B: Any) -> Any:
    return answer(solve, formed(A, B), then=(B,))


@rule(inv, LinearOperator, cost="n products with A, then 2 n³", memory="3 n²", **_lu)
def _inv(A: LinearOperator) -> LinearOperator:
    return inv(formed(A))


@rule(slogdet, LinearOperator, cost="n products with A, then 2/3 n³", memory="2 n²", **_lu)
def _slogdet(A: LinearOperator) -> Any:
    return slogdet(formed(A))


@rule(solve, LinearOperator, **refused)
def _refuse_solve(A: LinearOperator, B: Any) -> Any:
    if _iterates(A):
        raise ConvergenceError(
            f"GMRES did not solve with {A!r} in {_restart * _cycles} products, and above "
            f"{dense_limit} rows it is not made dense: use a preconditioned iteration, "
            "such as gmres(A, b, M=P) of scipy.sparse.linalg with an operator P near inv(A)"
        )
    return refuse("solve", A)


refuse_the_rest(inv, slogdet)


# least squares


@rule(
    pinv,
    LinearOperator,
    when=has_svd,
    how="V diag(1/σ) Uᴴ, of the structure's singular vectors",
    cost="that of the singular value decomposition",
    memory="that of the singular vectors",
)
def _pinv_of_structure(A: LinearOperator) -> LinearOperator:
    xp = A.xp
    U, S, Vh = svd(A)
    zero = negligible(S, A.shape, xp)
    inverse: LinearOperator = Vh.H @ Diagonal(xp.where(zero, 0, 1 / xp.where(zero, 1, S))) @ U.H
    return inverse


@rule(
    lstsq,
    LinearOperator,
    when=lambda A: structured(pinv, A) or has_svd(A),
    how="product with the pseudoinverse, which the structure knows",
    cost="that of the pseudoinverse",
    memory="that of the pseudoinverse",
)
def _lstsq_of_structure(A: LinearOperator, B: Any) -> Any:
    return pinv(A)._matmat(B)


def _has_lsmr(A: LinearOperator) -> bool:
    return _iterates(A) and (is_numpy(A.xp) or A.shape[0] > 1)  # CuPy squeezes b


@rule(
    lstsq,
    LinearOperator,
    when=_has_lsmr,
    how=f"LSMR until ‖r‖ or ‖Aᴴ r‖ is within {_tightness} eps of rounding, which is checked",
    cost=f"at most {_steps} products with A and with Aᴴ",
    memory="4 (m + n)",
    may_decline=True,
)
def _lstsq_iteratively(A: LinearOperator, B: Any) -> Any:
    xp = A.xp
    krylov = scipy_of(xp, "sparse.linalg")
    eps = float(xp.finfo(B.dtype).eps)
    # in exact arithmetic min(m, n) steps are enough; beyond a few times that the dense way is
    steps = min(_steps, 4 * min(A.shape))
    options: dict[str, Any] = {"atol": eps, "btol": eps, "conlim": 0, "maxiter": steps}
    columns = []
    for j in range(B.shape[1]):
        b, b_size, gain = _scaled(B[:, j], A.rmatvec)
        product = krylov.LinearOperator(
            A.shape,
            matvec=lambda x, gain=gain: A.matvec(x) / gain,
            rmatvec=lambda y, gain=gain: A.rmatvec(y) / gain,
            dtype=B.dtype,
        )
        with np.errstate(all="ignore"):  # the residual tells
            try:
                x, _, taken, _, _, size, condition, *_ = krylov.lsmr(product, b, **options)
            except ZeroDivisionError:  # CuPy's works with Python's numbers
                return NotImplemented
            x = xp.astype(x, B.dtype, copy=False)
            r = b - product.matvec(x)
            r_size, x_size, g_size = map(euclidean, (r, x, product.rmatvec(r)))
        # the Frobenius norm of the bidiagonal matrix bounds ‖A‖ so from below
        size = _tightness * eps * float(size) / (int(taken) + 1) ** 0.5
        # rounding errors of r, of the size of b, stay in Aᴴ r: they cost no more than cond(A) lets
        g_bound = size * max(r_size, 1 / max(float(condition), 1.0))
        if not (r_size <= size * x_size + _tightness * eps or g_size <= g_bound):
            return NotImplemented
        columns.append(x * (b_size / gain))
    shape = (A.shape[1], 0)
    return xp.stack(columns, axis=1) if columns else xp.zeros(shape, dtype=B.dtype, device=A.device)


_svd: dict[str, Any] = {
    "when": fits,
    "how": "dense singular value decomposition",
    "cost": "n products with A, then about 10 m n min(m, n)",
    "memory": "4 m n",
}


@rule(lstsq, LinearOperator, **_svd)
def _lstsq_densely(A: LinearOperator, B: Any) -> Any:
    return lstsq_within(formed(A, B), B, A.dtype)


@rule(pinv, LinearOperator, **_svd)
def _pinv(A: LinearOperator) -> LinearOperator:
    return pinv(formed(A))


@rule(lstsq, LinearOperator, **refused)
def _refuse_lstsq(A: LinearOperator, B: Any) -> Any:
    if _has_lsmr(A):
        raise ConvergenceError(
            f"LSMR did not reach the least squares of {A!r} in {_steps} steps, and above "
            f"{dense_limit} rows it is not made dense: use a preconditioned iteration"
        )
    return refuse("lstsq", A)


refuse_the_rest(pinv)

"""What is computed with grid operators, and which sums of them stay such."""

from __future__ import annotations

from typing import Any

from structlin._backend import is_numpy
from structlin.matrices._base import conjugate
from structlin.matrices.algebra import Scaled
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.functions import diagonal, slogdet, solve, trace
from structlin.matrices.grid import GridOperator
from structlin.matrices.identity import Identity
from structlin.matrices.operations import add, adjoint, is_hermitian, scale, transpose
from structlin.matrices.rules import answer, rule


def _map(A: GridOperator, change: Any) -> GridOperator:
    return GridOperator(A.grid, tuple(change(w) for w in A.weights), change(A.shift), sides=A.sides)


@rule(transpose, GridOperator)
def _transpose(A: GridOperator) -> GridOperator:
    return A


@rule(adjoint, GridOperator)
def _adjoint(A: GridOperator) -> GridOperator:
    return _map(A, lambda x: conjugate(x, A.xp)) if A.is_complex else A


@rule(scale, GridOperator)
def _scale(A: GridOperator, scalar: complex) -> GridOperator:
    return _map(A, lambda x: scalar * x)


@rule(is_hermitian, GridOperator)
def _is_hermitian(A: GridOperator) -> bool:
    if not A.is_complex:
        return True
    imag = A.xp.imag
    return all(not bool(A.xp.any(imag(x) != 0)) for x in (*A.weights, A.shift))


@rule(
    diagonal,
    GridOperator,
    how="shift plus the weights of each point's faces",
    cost="2 d n",
    memory="n",
)
def _diagonal(A: GridOperator) -> Any:
    full = A.xp.broadcast_to(A.coefficients, A.grid)
    return A.xp.asarray(A.xp.reshape(full, (-1,)), copy=True)


@rule(trace, GridOperator, how="sum of the diagonal", cost="2 d n", memory="n")
def _trace(A: GridOperator) -> Any:
    return A.xp.sum(diagonal(A))


# a + b stays a grid operator where b changes the diagonal only, or the same faces


def _shifted(A: GridOperator, shift: Any) -> GridOperator:
    return GridOperator(A.grid, A.weights, A.shift + shift, sides=A.sides)


def _diagonal_shift(A: GridOperator, B: Diagonal) -> GridOperator:
    return _shifted(A, A.xp.reshape(diagonal(B), A.grid))


rule(add, GridOperator, Identity)(lambda A, B: _shifted(A, 1.0))
rule(add, Identity, GridOperator)(lambda A, B: _shifted(B, 1.0))
rule(add, GridOperator, Diagonal)(_diagonal_shift)
rule(add, Diagonal, GridOperator)(lambda A, B: _diagonal_shift(B, A))


def _is_multiple_of_one(A: Scaled) -> bool:
    return isinstance(A.operator, Identity)


rule(add, GridOperator, Scaled, when=lambda A, B: _is_multiple_of_one(B))(
    lambda A, B: _shifted(A, B.scalar)
)
rule(add, Scaled, GridOperator, when=lambda A, B: _is_multiple_of_one(A))(
    lambda A, B: _shifted(B, A.scalar)
)


@rule(add, GridOperator, GridOperator, when=lambda A, B: (A.grid, A.sides) == (B.grid, B.sides))
def _add(A: GridOperator, B: GridOperator) -> GridOperator:
    weights = tuple(v + w for v, w in zip(A.weights, B.weights, strict=True))
    return GridOperator(A.grid, weights, A.shift + B.shift, sides=A.sides)


_by_rows: dict[str, Any] = {
    "when": lambda A: is_numpy(A.xp) and A.shape[0] > 0,
    "how": "sparse LU factorisation, kept",
    "cost": "the fill-in's: about n^(3/2) in two dimensions, n² in three",
    "memory": "the fill-in's: about n log n in two dimensions, n^(4/3) in three",
}


@rule(solve, GridOperator, **_by_rows)
def _solve(A: GridOperator, B: Any) -> Any:
    return answer(solve, A.sparse, then=(B,))


@rule(slogdet, GridOperator, **_by_rows)
def _slogdet(A: GridOperator) -> Any:
    return slogdet(A.sparse)

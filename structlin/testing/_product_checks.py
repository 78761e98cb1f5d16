"""What holds for every operator: its attributes, its products, its algebra."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin.matrices._base import conjugate
from structlin.matrices._indices import as_slice
from structlin.matrices.dense import Dense
from structlin.matrices.functions import (
    cholesky,
    cond,
    eig,
    eigh,
    expm,
    inv,
    logdet,
    lstsq,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.operations import aslinearoperator
from structlin.testing._case import Case, holds, require

_of_squares: tuple[Callable[..., Any], ...] = (
    inv,
    slogdet,
    logdet,
    trace,
    eigh,
    eig,
    cholesky,
    expm,
)


@holds("it has Python sizes, an inexact data type and a repr of one line")
def _attributes(c: Case) -> None:
    A = c.A
    require(all(type(size) is int for size in A.shape), f"shape {A.shape} is not of Python ints")
    require(c.xp.isdtype(A.dtype, ("real floating", "complex floating")), f"dtype {A.dtype}")
    require("\n" not in repr(A), "the repr has several lines")


@holds("todense() has the shape and the data type of the operator")
def _dense(c: Case) -> None:
    require(tuple(c.D.shape) == c.A.shape, f"shape {tuple(c.D.shape)}")
    require(c.D.dtype == c.A.dtype, f"dtype {c.D.dtype}")


@holds("it is immutable, and a copy is as good as the original")
def _immutable(c: Case) -> None:
    A = c.A
    try:
        A.shape = (1, 1)
    except AttributeError:
        pass
    else:
        raise AssertionError("its shape can be set")
    twin = copy.copy(A)
    c.close(twin.todense(), c.D, c.norm)


@holds("A @ x and x @ A equal the dense products for vectors, blocks and stacks")
def _products(c: Case) -> None:
    m, n = c.A.shape
    # NumPy and CuPy leave `x @ A` and `B - A` to the operator; array-api-strict refuses them
    for stack, k in (((), 3), ((), 1), ((), 0), ((2,), 3), ((2, 1), 1), ((0,), 2)):
        X, Y = c.random(*stack, n, k), c.random(*stack, k, m)
        c.close(c.A @ X, c.D @ X, c.norm * c.size(X))
        c.close(c.A.__rmatmul__(Y), Y @ c.D, c.norm * c.size(Y))
    x, y = c.random(n), c.random(m)
    c.close(c.A @ x, c.D @ x, c.norm * c.size(x))
    c.close(c.A.__rmatmul__(y), y @ c.D, c.norm * c.size(y))


@holds("products do not depend on the layout of the block, and take it column by column")
def _layouts(c: Case) -> None:
    X = c.random(2 * c.A.shape[1], 6)[::2, ::2]
    Y = c.A @ X
    whole = c.xp.asarray(X, copy=True)
    by_columns = c.xp.matrix_transpose(c.xp.matrix_transpose(X) + 0)
    backwards = c.xp.flip(c.xp.asarray(c.xp.flip(X), copy=True))
    for other in (whole, by_columns, backwards):
        c.close(c.A @ other, Y, c.norm * c.size(X))
    for j in range(X.shape[1]):
        c.close(c.A @ X[:, j], Y[:, j], c.norm * c.size(X[:, j]))


@holds("products have the data type to which operator and operand promote")
def _promotion(c: Case) -> None:
    n, xp = c.A.shape[1], c.xp
    for dtype in (xp.float32, xp.float64, xp.complex64, xp.complex128):
        x = c.random(n, 2, dtype=dtype)
        c.close(c.A @ x, c.D @ x, c.norm * c.size(x))
    whole = c.array(c.rng.integers(-9, 9, n), xp.int64)
    x = xp.astype(whole, xp.float64)
    c.close(c.A @ whole, c.D @ x, c.norm * c.size(x))


@holds("products neither change nor share the memory of the operand")
def _fresh(c: Case) -> None:
    x = c.random(c.A.shape[1], 2)
    before = c.xp.asarray(x, copy=True)
    y = c.A @ x
    y *= 0
    require(bool(c.xp.all(x == before)), "the operand has changed")


@holds("A is linear")
def _linearity(c: Case) -> None:
    x, y = c.random(c.A.shape[1]), c.random(c.A.shape[1])
    c.close(c.A @ (2 * x - 3 * y), 2 * (c.A @ x) - 3 * (c.A @ y), c.norm * (c.size(x) + c.size(y)))


@holds("<A x, y> = <x, A.H y>")
def _dot_test(c: Case) -> None:
    m, n = c.A.shape
    x, y = c.random(n), c.random(m)
    left, right = c.xp.vecdot(c.A @ x, y), c.xp.vecdot(x, c.A.H @ y)
    c.close(left, right, c.norm * c.size(x) * c.size(y))


@holds("A.T, A.H and A.conj() are transpose, adjoint and conjugate, and undo themselves")
def _adjoints(c: Case) -> None:
    c.same(c.A.T, c.xp.matrix_transpose(c.D), c.norm)
    c.same(c.A.H, c.mirror(c.D), c.norm)
    c.same(c.A.conj(), conjugate(c.D, c.xp), c.norm)
    for twin in (c.A.H.H, c.A.T.T, c.A.conj().conj()):
        c.same(twin, c.D, c.norm, whole=False)


@holds("c A, A / c and -A are multiples, of the same precision")
def _multiples(c: Case) -> None:
    c.same(2 * c.A, 2 * c.D, 2 * c.norm)
    c.same(c.A * np.float64(0.5), c.D * 0.5, c.norm, whole=False)
    c.same(c.A / 4, c.D / 4, c.norm, whole=False)
    c.same(-c.A, -c.D, c.norm, whole=False)
    imaginary = c.xp.astype(c.D, c.xp.result_type(c.D.dtype, c.xp.complex64)) * 1j
    c.same(1j * c.A, imaginary, c.norm)


@holds("A + B and A - B are sums, for operators and arrays B")
def _sums(c: Case) -> None:
    B = c.random(*c.A.shape)
    scale = c.norm + c.size(B)
    c.same(c.A + B, c.D + B, scale)
    c.same(c.A.__rsub__(B), B - c.D, scale, whole=False)
    c.same(c.A + Dense(B) - c.A, c.D + B - c.D, 2 * scale, whole=False)
    c.same(c.A + c.A, c.D + c.D, 2 * c.norm)


@holds("A @ B is the product of operators")
def _operator_products(c: Case) -> None:
    B = Dense(c.random(c.A.shape[1], 2))
    c.same(c.A @ B, c.D @ B.array, c.norm * c.size(B.array))
    c.same(c.A @ c.A.H, c.D @ c.mirror(c.D), c.norm**2)
    c.same(c.A @ Identity(c.A.shape[1], like=c.A), c.D, c.norm)


@holds("A[rows, columns] selects entries, rows, columns and submatrices")
def _selection(c: Case) -> None:
    (m, n), D, scale = c.A.shape, c.D, c.norm
    tail, back, even = (slice(1, None), slice(None, None, -1), slice(None, None, 2))
    for rows, columns in ((tail, back), (even, even), (slice(0, 0), tail)):
        kept = as_slice(range(m)[rows]), as_slice(range(n)[columns])
        c.same(c.A[rows, columns], D[kept], scale)
        c.same(c.A[rows, :][:, columns], D[kept], scale, whole=False)
    if not (m and n):
        return
    i, j = int(c.rng.integers(m)), int(c.rng.integers(n))
    c.close(c.A[i, :], D[i, :], scale)
    c.close(c.A[i], D[i, :], scale)
    c.close(c.A[:, j - n], D[:, j], scale)
    c.close(c.array(c.A[i, j]), D[i, j], scale)
    c.close(c.A[i, even], D[i, even], scale)
    some, others = c.array(c.rng.integers(m, size=4)), c.array(c.rng.integers(n, size=3))
    submatrix = c.xp.take(c.xp.take(D, some, axis=0), others, axis=1)
    c.same(c.A[some - m, others], submatrix, 4 * scale)
    try:
        c.A[m, 0]
    except IndexError:
        return
    raise AssertionError(f"row {m} exists")


@holds("operands of the wrong size raise a ValueError that names the size of A")
def _shape_errors(c: Case) -> None:
    m, n = c.A.shape
    wrong: list[Callable[[], Any]] = [
        lambda: c.A @ c.random(n + 1),
        lambda: c.A @ c.random(2, n + 1, 3),
        lambda: c.A.__rmatmul__(c.random(2, m + 1)),
        lambda: c.A @ Dense(c.random(n + 1, 2)),
        lambda: c.A + Dense(c.random(m + 1, n)),
        lambda: lstsq(c.A, c.random(m + 1)),
    ]
    if m != n:
        wrong += [functools.partial(f, c.A) for f in _of_squares]
        wrong += [lambda: solve(c.A, c.random(m)), lambda: cond(c.A, 1)]
    for product in wrong:
        try:
            product()
        except ValueError as error:
            require(f"{m}x{n}" in str(error), f"the error does not name {m}x{n}: {error}")
        else:
            raise AssertionError("there was no error")


@holds("SciPy takes it as a LinearOperator, and it comes back the same (NumPy only)")
def _scipy(c: Case) -> None:
    if not is_numpy(c.xp) or 0 in c.A.shape:
        return
    theirs = scipy_of(c.xp, "sparse.linalg").aslinearoperator(c.A)
    (m, n), X, Y = c.A.shape, c.random(c.A.shape[1], 2), c.random(c.A.shape[0], 2)
    c.close(theirs.matvec(X[:, 0]), c.D @ X[:, 0], c.norm * c.size(X))
    c.close(theirs.rmatvec(Y[:, 0]), c.mirror(c.D) @ Y[:, 0], c.norm * c.size(Y))
    c.close(theirs.matmat(X), c.D @ X, c.norm * c.size(X))
    c.close(theirs.rmatmat(Y), c.mirror(c.D) @ Y, c.norm * c.size(Y))
    require(theirs.shape == (m, n), "SciPy sees another shape")
    c.same(aslinearoperator(theirs), c.D, c.norm)
    c.same(c.A + theirs, c.D + c.D, 2 * c.norm)

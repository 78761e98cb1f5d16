"""The nearest Kronecker product, and sums of several."""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device
from structlin._errors import ConvergenceWarning
from structlin._validation import require_finite
from structlin.matrices._base import adjoint_of, conjugate, size_text
from structlin.matrices.kronecker import Kronecker
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.nearest.low_rank import nearest_lowrank
from structlin.matrices.operations import aslinearoperator, is_hermitian
from structlin.matrices.sum_of_kroneckers import SumOfKroneckers


def nearest_kronecker(
    W: Any,
    shapes: Sequence[tuple[int, int]],
    *,
    terms: int = 1,
    max_iterations: int = 500,
    rng: Any = None,
) -> Nearest:
    """Return the Kronecker product, or the sum of several, that is nearest to a matrix.

    Parameters
    ----------
    W : (m, n) array, sparse matrix or operator
        The matrix; it is made dense.
    shapes : sequence of (int, int)
        The shapes of the factors, at least two; their products are ``m`` and ``n``.
    terms : int
        How many products are added up; for two factors no more than either one has entries.
    max_iterations : int
        Sweeps of alternating least squares at most, for more than two factors.
    rng : seed or numpy.random.Generator, optional
        Start of the randomised singular value decomposition of large matrices, and of the terms
        beyond the number of singular vectors.

    Returns
    -------
    Nearest
        A `Kronecker` product, or for several terms a `SumOfKroneckers`, and its relative error in
        the Frobenius norm.

    Raises
    ------
    ValueError
        If the shapes do not multiply to that of ``W``, ``terms`` is not positive, or ``W`` has NaN
        or Inf.

    Warns
    -----
    ConvergenceWarning
        If alternating least squares did not settle.

    Notes
    -----
    A matrix whose rows are the blocks of ``W`` of the second factor's shape turns the sum
    ``Σₜ Aₜ ⊗ Bₜ`` into one of rank ``terms``, and keeps the Frobenius norm. For two factors, its
    truncated singular value decomposition is therefore the optimum, and the error is the tail of
    its singular values [1]_. The decomposition is that of `nearest_lowrank`.

    The two factors of a Hermitian ``W`` are Hermitian, those of a real symmetric one both
    symmetric or both skew-symmetric. If ``W`` is positive semidefinite and the largest singular
    value is simple, the factors of a single term are positive semidefinite up to rounding.

    For more than two factors there is no closed form. The truncated higher-order singular value
    decomposition starts alternating least squares, which find a local optimum; a best sum of
    several terms need not exist, and then the iteration does not settle.

    References
    ----------
    .. [1] C. F. Van Loan and N. Pitsianis, "Approximation with Kronecker products", in Linear
       Algebra for Large Scale and Real-Time Applications, 1993, pp. 293–314.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.kron([[1.0, 2.0], [3.0, 4.0]], np.eye(3))
    >>> A, error = nearest_kronecker(W, [(2, 2), (3, 3)])
    >>> A, bool(error < 1e-14)
    (<Kronecker 6x6 float64 = 2x2 ⊗ 3x3>, True)
    """
    W = aslinearoperator(W)
    shapes = [(operator.index(m), operator.index(n)) for m, n in shapes]
    _check(W.shape, shapes, operator.index(terms), operator.index(max_iterations))
    hermitian = is_hermitian(W) and all(m == n for m, n in shapes)
    xp, dense = W.xp, W.todense()
    require_finite("W", dense)
    tensor = rearranged(dense, shapes, xp)
    # what the factors are multiplied by at the end: without it, squares would overflow or vanish
    unit = _unit(tensor, xp)
    tensor = tensor / unit ** len(shapes)
    if len(shapes) > 2:
        vectors = _alternating(tensor, terms, max_iterations, rng, xp)
    elif hermitian:
        vectors = _hermitian_pairs(tensor, shapes, terms, rng, xp)
    else:
        vectors = _pairs(tensor, terms, rng, xp)
    products = [
        Kronecker(*(unit * xp.reshape(v, shape) for v, shape in zip(term, shapes, strict=True)))
        for term in vectors
    ]
    A = products[0] if terms == 1 else SumOfKroneckers(*products)
    norm = xp.linalg.vector_norm(tensor)
    off = xp.linalg.vector_norm(tensor - functools.reduce(operator.add, map(_outer, vectors)))
    return Nearest(A, off / xp.where(norm == 0, 1, norm))


def _check(
    shape: tuple[int, int], shapes: Sequence[tuple[int, int]], terms: int, iterations: int
) -> None:
    if len(shapes) < 2:
        raise ValueError(f"shapes has {len(shapes)} entries: a product needs two factors at least")
    if min(map(min, shapes)) < 1:
        raise ValueError(f"shapes are {shapes}: every factor needs a row and a column")
    made = math.prod(m for m, _ in shapes), math.prod(n for _, n in shapes)
    if made != shape:
        raise ValueError(
            f"W is {size_text(shape)} but factors of the shapes "
            f"{', '.join(map(size_text, shapes))} make a {size_text(made)} matrix"
        )
    if terms < 1 or iterations < 1:
        raise ValueError(
            f"terms is {terms} and max_iterations {iterations}: both have to be positive"
        )


def _unit(tensor: Any, xp: ModuleType) -> float:
    """Return the power of two whose power is close to the largest modulus, axis by axis."""
    largest = float(xp.max(xp.abs(tensor)))
    tiny = float(xp.finfo(tensor.dtype).smallest_normal)
    return math.ldexp(1.0, math.floor(math.log2(max(largest, tiny)) / tensor.ndim))


def rearranged(W: Any, shapes: Sequence[tuple[int, int]], xp: ModuleType) -> Any:
    """Return the tensor with one axis per factor whose entries are those of the matrix."""
    rows, columns = zip(*shapes, strict=True)
    axes = [axis for i in range(len(shapes)) for axis in (i, len(shapes) + i)]
    tensor = xp.permute_dims(xp.reshape(W, (*rows, *columns)), tuple(axes))
    return xp.reshape(tensor, tuple(m * n for m, n in shapes))


def _outer(vectors: Sequence[Any]) -> Any:
    """Return the tensor ``v₁[i₁] v₂[i₂] …``."""
    return functools.reduce(lambda a, b: a[..., None] * b, vectors)


def _balanced(vectors: Sequence[Any], xp: ModuleType) -> list[Any]:
    """Return multiples of equal norms with the same outer product."""
    norms = [float(xp.linalg.vector_norm(v)) for v in vectors]
    if 0 in norms:
        return [v * 0 for v in vectors]
    mean = math.exp(sum(map(math.log, norms)) / len(norms))
    return [v * (mean / size) for v, size in zip(vectors, norms, strict=True)]


# two factors


def _pairs(R: Any, terms: int, rng: Any, xp: ModuleType) -> list[list[Any]]:
    """Return the vectors of the best ``Σₜ aₜ bₜᵀ``."""
    most = min(terms, *R.shape)
    best: Any = nearest_lowrank(R, most, rng=rng).operator
    left, right = best.U.todense(), conjugate(best.V.todense(), xp)
    return [_balanced((left[:, t], right[:, t]), xp) for t in range(most)]


def _hermitian_pairs(
    R: Any, shapes: Sequence[tuple[int, int]], terms: int, rng: Any, xp: ModuleType
) -> list[list[Any]]:
    """Return the best pairs of Hermitian matrices, or of real skew-symmetric ones.

    In an orthonormal basis of Hermitian matrices the coefficients of a Hermitian ``W`` are real.
    If ``W`` itself is real, its symmetric and its skew-symmetric coefficients do not mix.
    """
    (m, _), (n, _) = shapes
    C = _coordinates(_coordinates(R, m, xp).T, n, xp).T
    if xp.isdtype(R.dtype, "complex floating"):
        found = _pairs(xp.real(C), terms, rng, xp)
    else:
        sides = [xp.reshape(_triangle(size, C, xp), (-1,)) for size in (m, n)]
        found = []
        for half in ([side >= 0 for side in sides], [side < 0 for side in sides]):
            kept = [xp.astype(side, C.dtype) for side in half]
            # the decomposition leaves rounding errors where zeros have been
            pairs = _pairs(C * _outer(kept), terms, rng, xp)
            found += [[v * k for v, k in zip(pair, kept, strict=True)] for pair in pairs]
    found.sort(key=lambda pair: -float(xp.linalg.vector_norm(pair[0])))
    matrices = [
        [_matrix(c, size, R, xp) for c, size in zip(pair, (m, n), strict=True)]
        for pair in found[: min(terms, *R.shape)]
    ]
    # of a semidefinite matrix both factors are semidefinite, or both the opposite
    signs = [-1 if float(_real(xp.linalg.trace(pair[0]), xp)) < 0 else 1 for pair in matrices]
    return [
        [sign * xp.reshape(v, (-1,)) for v in pair]
        for sign, pair in zip(signs, matrices, strict=True)
    ]


def _real(x: Any, xp: ModuleType) -> Any:
    return xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x


def _triangle(n: int, like: Any, xp: ModuleType) -> Any:
    """Return ``j − i`` for the entries (i, j) of a square matrix: positive above the diagonal."""
    i = xp.arange(n, device=device(like))
    return i[None, :] - i[:, None]


def _coordinates(R: Any, n: int, xp: ModuleType) -> Any:
    """Return the columns of a matrix, which are square matrices, in a basis of Hermitian ones.

    On and above the diagonal stand the coefficients of symmetric matrices, below it those of
    skew-symmetric ones, times the imaginary unit where the matrices are complex.
    """
    A = xp.reshape(R, (n, n, -1))
    B = xp.permute_dims(A, (1, 0, 2))
    side = _triangle(n, R, xp)[:, :, None]
    unit = -1j if xp.isdtype(R.dtype, "complex floating") else 1.0
    mixed = xp.where(side > 0, (A + B) / math.sqrt(2), (B - A) * (unit / math.sqrt(2)))
    return xp.reshape(xp.where(side == 0, A, mixed), R.shape)


def _matrix(c: Any, n: int, like: Any, xp: ModuleType) -> Any:
    """Return the square matrix of such coefficients: the opposite of `_coordinates`."""
    C = xp.astype(xp.reshape(c, (n, n)), like.dtype)
    D = xp.matrix_transpose(C)
    side = _triangle(n, like, xp)
    unit = 1j if xp.isdtype(like.dtype, "complex floating") else 1.0
    mixed = xp.where(side > 0, C + unit * D, D - unit * C) / math.sqrt(2)
    return xp.where(side == 0, C, mixed)


# more than two factors


def _alternating(T: Any, terms: int, iterations: int, rng: Any, xp: ModuleType) -> list[list[Any]]:
    """Return the vectors of a sum of outer products, by alternating least squares."""
    random = np.random.default_rng(rng)
    U = [_leading(T, axis, terms, random, xp) for axis in range(T.ndim)]
    size, eps = float(xp.linalg.vector_norm(T)), float(xp.finfo(T.dtype).eps)
    before = math.inf
    for _ in range(iterations):
        for axis in range(T.ndim):
            others = [V for i, V in enumerate(U) if i != axis]
            gram = functools.reduce(
                operator.mul, (xp.matrix_transpose(V) @ conjugate(V, xp) for V in others)
            )
            U[axis] = _contracted(T, U, axis, xp) @ xp.linalg.pinv(gram)
            norms = xp.linalg.vector_norm(U[axis], axis=0)
            if axis < T.ndim - 1:
                U[axis] = U[axis] / xp.where(norms == 0, 1, norms)
        products = [_outer([V[:, t] for V in U]) for t in range(terms)]
        off = float(xp.linalg.vector_norm(T - functools.reduce(operator.add, products)))
        if abs(before - off) <= 10 * eps * size:
            break
        before = off
    else:
        warnings.warn(
            f"alternating least squares did not settle in {iterations} sweeps: raise "
            "max_iterations, or ask for fewer terms",
            ConvergenceWarning,
            stacklevel=3,
        )
    return [_balanced([V[:, t] for V in U], xp) for t in range(terms)]


def _leading(T: Any, axis: int, count: int, random: np.random.Generator, xp: ModuleType) -> Any:
    """Return the leading left singular vectors of the unfolding along an axis.

    Where there are too few, random vectors follow: repeated ones would stay equal for ever.
    """
    M = xp.reshape(xp.moveaxis(T, axis, 0), (T.shape[axis], -1))
    _, V = xp.linalg.eigh(M @ adjoint_of(M, xp))
    V = xp.flip(V, axis=1)[:, : min(count, V.shape[1])]
    more = random.standard_normal((V.shape[0], count - V.shape[1]))
    return xp.concat([V, xp.asarray(more, dtype=V.dtype, device=device(V))], axis=1)


def _contracted(T: Any, U: Sequence[Any], axis: int, xp: ModuleType) -> Any:
    """Return, for every term, the tensor contracted with the conjugates of its other vectors."""
    columns = []
    for t in range(U[0].shape[1]):
        rest = T
        for i in reversed(range(len(U))):
            if i != axis:
                rest = xp.tensordot(rest, conjugate(U[i][:, t], xp), axes=((i,), (0,)))
        columns.append(rest)
    return xp.stack(columns, axis=1)

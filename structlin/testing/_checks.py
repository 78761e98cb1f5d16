"""The properties of linear operators: what `structlin.testing.check_operator` checks."""

from __future__ import annotations

import cmath
import copy
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin.matrices._base import LinearOperator, conjugate
from structlin.matrices._indices import as_slice
from structlin.matrices.dense import Dense
from structlin.matrices.functions import (
    diagonal,
    eigh,
    explain,
    inv,
    logdet,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.operations import aslinearoperator, is_hermitian

# matrices beyond this size are not compared with dense ones
_dense_entries = 2**22
# and the functions of square matrices are checked up to this size
_dense_rows = 256


def check_operator(
    A: LinearOperator, *, rng: Any = None, condition: float = 1.0, functions: bool = True
) -> None:
    """Check that an operator does what the dense matrix of the same entries does.

    Parameters
    ----------
    A : (m, n) LinearOperator
        The operator; small, since it is compared with ``A.todense()``.
    rng : seed or numpy.random.Generator, optional
        Gives the vectors for which the properties are tried.
    condition : float, default 1
        How much the products of ``A`` may amplify rounding errors.
    functions : bool, default True
        Whether to check `solve`, `slogdet` and the other functions as well, if ``A`` is square
        and has at most 256 rows.

    Raises
    ------
    AssertionError
        With the property that fails, and by how much.

    Notes
    -----
    Products may differ from the dense ones by ``100 eps max(m, n) condition`` times the norms
    of matrix and vector. Solutions, inverses and determinants may differ by the condition number
    of the matrix on top; where that exceeds ``1 / (10⁴ n eps)``, they are not compared. Of a
    singular matrix `slogdet` must give sign 0 and −∞, or what rounding makes of them, and `solve`
    and `inv` must raise a `numpy.linalg.LinAlgError` or give finite numbers: never NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import LinearOperator
    >>> class Shift(LinearOperator):
    ...     def _matmat(self, X): return self.xp.roll(X, 1, axis=0)
    ...     def _rmatmat(self, X): return self.xp.roll(X, -1, axis=0)
    >>> check_operator(Shift((5, 5)))
    """
    if math.prod(A.shape) > _dense_entries:
        raise ValueError(f"{A!r} is too large to be compared with a dense matrix")
    case = _Case(A, np.random.default_rng(rng), condition)
    functions = functions and A.shape[0] == A.shape[1] <= _dense_rows
    for words, square, check in _checks:
        if square and not functions:
            continue
        try:
            check(case)
        except Exception as error:
            raise AssertionError(f"{A!r} fails: {words}: {error}") from error


class _Case:
    """An operator, the dense matrix of its entries, and random vectors for them."""

    def __init__(self, A: LinearOperator, rng: np.random.Generator, condition: float) -> None:
        self.A, self.rng, self.xp = A, rng, A.xp
        self.slack = 100.0 * condition * max(*A.shape, 1)

    @functools.cached_property
    def D(self) -> Any:
        return self.A.todense()

    @functools.cached_property
    def norm(self) -> float:
        return self.size(self.D)

    @functools.cached_property
    def condition(self) -> float:
        """The condition number, or infinity."""
        if self.A.shape[0] == 0:
            return 1.0
        values = self.xp.linalg.svdvals(self.D)
        smallest, largest = float(self.xp.min(values)), float(self.xp.max(values))
        return largest / smallest if smallest > 0 else math.inf

    @property
    def ill_conditioned(self) -> bool:
        eps = float(self.xp.finfo(self.A.dtype).eps)
        return not self.condition * eps * 1e4 * max(self.A.shape[0], 1) < 1

    def size(self, x: Any) -> float:
        """Return the Frobenius norm."""
        return float(self.xp.linalg.vector_norm(x))

    def mirror(self, x: Any) -> Any:
        """Return the adjoint of a dense matrix."""
        return conjugate(self.xp.matrix_transpose(x), self.xp)

    def random(self, *shape: int, dtype: Any = None) -> Any:
        """Return normal numbers in the library of the operator."""
        dtype = self.A.dtype if dtype is None else dtype
        values = self.rng.standard_normal(shape)
        if self.xp.isdtype(dtype, "complex floating"):
            values = values + 1j * self.rng.standard_normal(shape)
        return self.array(values, dtype)

    def array(self, values: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(values, dtype=dtype, device=self.A.device)

    def close(self, actual: Any, expected: Any, scale: float, slack: float = 0.0) -> None:
        """Require equal shapes and data types, and values within rounding of the scale."""
        found, wanted = tuple(actual.shape), tuple(expected.shape)
        _require(found == wanted, f"shape {found} instead of {wanted}")
        _require(
            actual.dtype == expected.dtype, f"dtype {actual.dtype} instead of {expected.dtype}"
        )
        eps = max(float(self.xp.finfo(x.dtype).eps) for x in (self.D, expected))
        bound = (slack or self.slack) * eps * scale
        error = self.size(actual - expected)
        _require(error <= bound, f"off by {error:.1e}, more than {bound:.1e}")

    def same(self, B: Any, dense: Any, scale: float) -> None:
        """Require an operator with the entries of a dense matrix."""
        _require(isinstance(B, LinearOperator), f"{type(B).__name__} instead of an operator")
        _require(B.shape == tuple(dense.shape), f"shape {B.shape} instead of {dense.shape}")
        self.close(B.todense(), dense, scale)
        X, Y = (self.random(size, 2, dtype=dense.dtype) for size in dense.shape[::-1])
        self.close(B @ X, dense @ X, scale * self.size(X))
        self.close(B.H @ Y, self.mirror(dense) @ Y, scale * self.size(Y))


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)


_Check = Callable[[_Case], None]
_checks: list[tuple[str, bool, _Check]] = []


def _property(words: str, *, square: bool = False) -> Callable[[_Check], _Check]:
    """Register a check of the property that the words state, of square operators only or of all."""

    def register(check: _Check) -> _Check:
        _checks.append((words, square, check))
        return check

    return register


@_property("it has Python sizes, an inexact data type and a repr of one line")
def _attributes(c: _Case) -> None:
    A = c.A
    _require(all(type(size) is int for size in A.shape), f"shape {A.shape} is not of Python ints")
    _require(c.xp.isdtype(A.dtype, ("real floating", "complex floating")), f"dtype {A.dtype}")
    _require("\n" not in repr(A), "the repr has several lines")


@_property("todense() has the shape and the data type of the operator")
def _dense(c: _Case) -> None:
    _require(tuple(c.D.shape) == c.A.shape, f"shape {tuple(c.D.shape)}")
    _require(c.D.dtype == c.A.dtype, f"dtype {c.D.dtype}")


@_property("it is immutable, and a copy is as good as the original")
def _immutable(c: _Case) -> None:
    A = c.A
    try:
        A.shape = (1, 1)
    except AttributeError:
        pass
    else:
        raise AssertionError("its shape can be set")
    twin = copy.copy(A)
    c.close(twin.todense(), c.D, c.norm)


@_property("A @ x and x @ A equal the dense products for vectors, blocks and stacks")
def _products(c: _Case) -> None:
    m, n = c.A.shape
    # NumPy and CuPy leave `x @ A` and `B - A` to the operator; array-api-strict refuses them
    for stack, k in (((), 3), ((), 1), ((), 0), ((2,), 3), ((2, 1), 1), ((0,), 2)):
        X, Y = c.random(*stack, n, k), c.random(*stack, k, m)
        c.close(c.A @ X, c.D @ X, c.norm * c.size(X))
        c.close(c.A.__rmatmul__(Y), Y @ c.D, c.norm * c.size(Y))
    x, y = c.random(n), c.random(m)
    c.close(c.A @ x, c.D @ x, c.norm * c.size(x))
    c.close(c.A.__rmatmul__(y), y @ c.D, c.norm * c.size(y))


@_property("products do not depend on the layout of the block, and take it column by column")
def _layouts(c: _Case) -> None:
    X = c.random(2 * c.A.shape[1], 6)[::2, ::2]
    Y = c.A @ X
    for other in (c.xp.asarray(X, copy=True), c.xp.matrix_transpose(c.xp.matrix_transpose(X) + 0)):
        c.close(c.A @ other, Y, c.norm * c.size(X))
    for j in range(X.shape[1]):
        c.close(c.A @ X[:, j], Y[:, j], c.norm * c.size(X[:, j]))


@_property("products have the data type to which operator and operand promote")
def _promotion(c: _Case) -> None:
    n, xp = c.A.shape[1], c.xp
    for dtype in (xp.float32, xp.float64, xp.complex64, xp.complex128):
        x = c.random(n, 2, dtype=dtype)
        c.close(c.A @ x, c.D @ x, c.norm * c.size(x))
    whole = c.array(c.rng.integers(-9, 9, n), xp.int64)
    x = xp.astype(whole, xp.float64)
    c.close(c.A @ whole, c.D @ x, c.norm * c.size(x))


@_property("products neither change nor share the memory of the operand")
def _fresh(c: _Case) -> None:
    x = c.random(c.A.shape[1], 2)
    before = c.xp.asarray(x, copy=True)
    y = c.A @ x
    y *= 0
    _require(bool(c.xp.all(x == before)), "the operand has changed")


@_property("A is linear")
def _linearity(c: _Case) -> None:
    x, y = c.random(c.A.shape[1]), c.random(c.A.shape[1])
    c.close(c.A @ (2 * x - 3 * y), 2 * (c.A @ x) - 3 * (c.A @ y), c.norm * (c.size(x) + c.size(y)))


@_property("<A x, y> = <x, A.H y>")
def _dot_test(c: _Case) -> None:
    m, n = c.A.shape
    x, y = c.random(n), c.random(m)
    left, right = c.xp.vecdot(c.A @ x, y), c.xp.vecdot(x, c.A.H @ y)
    c.close(left, right, c.norm * c.size(x) * c.size(y))


@_property("A.T, A.H and A.conj() are transpose, adjoint and conjugate, and undo themselves")
def _adjoints(c: _Case) -> None:
    c.same(c.A.T, c.xp.matrix_transpose(c.D), c.norm)
    c.same(c.A.H, c.mirror(c.D), c.norm)
    c.same(c.A.conj(), conjugate(c.D, c.xp), c.norm)
    for twin in (c.A.H.H, c.A.T.T, c.A.conj().conj()):
        c.same(twin, c.D, c.norm)


@_property("c A, A / c and -A are multiples, of the same precision")
def _multiples(c: _Case) -> None:
    c.same(2 * c.A, 2 * c.D, 2 * c.norm)
    c.same(c.A * np.float64(0.5), c.D * 0.5, c.norm)
    c.same(c.A / 4, c.D / 4, c.norm)
    c.same(-c.A, -c.D, c.norm)
    imaginary = c.xp.astype(c.D, c.xp.result_type(c.D.dtype, c.xp.complex64)) * 1j
    c.same(1j * c.A, imaginary, c.norm)


@_property("A + B and A - B are sums, for operators and arrays B")
def _sums(c: _Case) -> None:
    B = c.random(*c.A.shape)
    scale = c.norm + c.size(B)
    c.same(c.A + B, c.D + B, scale)
    c.same(c.A.__rsub__(B), B - c.D, scale)
    c.same(c.A + Dense(B) - c.A, c.D + B - c.D, 2 * scale)
    c.same(c.A + c.A, c.D + c.D, 2 * c.norm)


@_property("A @ B is the product of operators")
def _operator_products(c: _Case) -> None:
    B = Dense(c.random(c.A.shape[1], 2))
    c.same(c.A @ B, c.D @ B.array, c.norm * c.size(B.array))
    c.same(c.A @ c.A.H, c.D @ c.mirror(c.D), c.norm**2)
    c.same(c.A @ Identity(c.A.shape[1], like=c.A), c.D, c.norm)


@_property("A[rows, columns] selects entries, rows, columns and submatrices")
def _selection(c: _Case) -> None:
    (m, n), D, scale = c.A.shape, c.D, c.norm
    tail, back, even = (slice(1, None), slice(None, None, -1), slice(None, None, 2))
    for rows, columns in ((tail, back), (even, even), (slice(0, 0), tail)):
        kept = as_slice(range(m)[rows]), as_slice(range(n)[columns])
        c.same(c.A[rows, columns], D[kept], scale)
        c.same(c.A[rows, :][:, columns], D[kept], scale)
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


@_property("operands of the wrong size raise a ValueError that names the size of A")
def _shape_errors(c: _Case) -> None:
    m, n = c.A.shape
    wrong: list[Callable[[], Any]] = [
        lambda: c.A @ c.random(n + 1),
        lambda: c.A @ c.random(2, n + 1, 3),
        lambda: c.A.__rmatmul__(c.random(2, m + 1)),
        lambda: c.A @ Dense(c.random(n + 1, 2)),
        lambda: c.A + Dense(c.random(m + 1, n)),
    ]
    if m != n:
        wrong += [functools.partial(f, c.A) for f in (inv, slogdet, logdet, eigh, trace)]
        wrong.append(lambda: solve(c.A, c.random(m)))
    for product in wrong:
        try:
            product()
        except ValueError as error:
            _require(f"{m}x{n}" in str(error), f"the error does not name {m}x{n}: {error}")
        else:
            raise AssertionError("there was no error")


@_property("SciPy takes it as a LinearOperator, and it comes back the same (NumPy only)")
def _scipy(c: _Case) -> None:
    if not is_numpy(c.xp) or 0 in c.A.shape:
        return
    theirs = scipy_of(c.xp, "sparse.linalg").aslinearoperator(c.A)
    (m, n), X, Y = c.A.shape, c.random(c.A.shape[1], 2), c.random(c.A.shape[0], 2)
    c.close(theirs.matvec(X[:, 0]), c.D @ X[:, 0], c.norm * c.size(X))
    c.close(theirs.rmatvec(Y[:, 0]), c.mirror(c.D) @ Y[:, 0], c.norm * c.size(Y))
    c.close(theirs.matmat(X), c.D @ X, c.norm * c.size(X))
    c.close(theirs.rmatmat(Y), c.mirror(c.D) @ Y, c.norm * c.size(Y))
    _require(theirs.shape == (m, n), "SciPy sees another shape")
    c.same(aslinearoperator(theirs), c.D, c.norm)
    c.same(c.A + theirs, c.D + c.D, 2 * c.norm)


# square matrices


@_property("diagonal and trace are those of the dense matrix", square=True)
def _diagonal_and_trace(c: _Case) -> None:
    c.close(diagonal(c.A), c.xp.linalg.diagonal(c.D), c.norm)
    c.close(c.array(trace(c.A)), c.xp.linalg.trace(c.D), c.norm * c.A.shape[0])


@_property("an operator that counts as Hermitian is Hermitian, and eigh works for it", square=True)
def _hermitian(c: _Case) -> None:
    if not is_hermitian(c.A):
        return
    c.close(c.D, c.mirror(c.D), c.norm)
    w, V = eigh(c.A)
    n = c.A.shape[0]
    ascending = eigh(c.A).sorted()
    half = (c.D + c.mirror(c.D)) / 2
    c.close(ascending.eigenvalues, c.xp.linalg.eigvalsh(half), c.norm)
    one = c.xp.eye(n, dtype=c.D.dtype, device=c.A.device)
    for values, vectors in ((w, V), ascending):
        Q = vectors.todense()
        c.close(c.mirror(Q) @ Q, one, math.sqrt(n))
        c.close(c.A @ Q, Q * c.xp.astype(values, c.D.dtype), c.norm * math.sqrt(n))


@_property("solve and inv undo products, as far as the condition number lets them", square=True)
def _inverse(c: _Case) -> None:
    n = c.A.shape[0]
    if c.ill_conditioned:
        return
    inverse = inv(c.A)
    for shape in ((n,), (n, 3), (2, n, 2)):
        x = c.random(*shape)
        b = c.D @ x
        c.close(solve(c.A, b), x, c.condition * c.size(x))
        c.close(inverse @ b, x, c.condition * c.size(x))
        c.close(inverse.H @ (c.mirror(c.D) @ x), x, c.condition * c.size(x))
    try:
        solve(c.A, c.random(n) + math.nan)
    except ValueError:
        return
    _require(n == 0, "a right-hand side of NaN is accepted")


@_property(
    "slogdet is that of the dense matrix, as far as the condition number lets it", square=True
)
def _determinant(c: _Case) -> None:
    if c.ill_conditioned:
        return
    sign, logabsdet = slogdet(c.A)
    expected = c.xp.linalg.slogdet(c.D)
    n = max(c.A.shape[0], 1)
    c.close(c.array(sign), expected[0], n * c.condition)
    c.close(c.array(logabsdet), expected[1], n * c.condition)
    if not c.A.is_complex and float(sign) < 0:
        try:
            logdet(c.A)
        except ValueError:
            return
        raise AssertionError("a negative determinant has a real logarithm")
    phase = c.xp.exp(c.array(logdet(c.A), c.A.dtype) - c.array(logabsdet, c.A.dtype))
    c.close(phase, expected[0], n * c.condition)


@_property(
    "of a singular matrix slogdet is no NaN, and solve and inv raise or are finite", square=True
)
def _singular(c: _Case) -> None:
    n, xp = c.A.shape[0], c.xp
    if n == 0 or int(xp.linalg.matrix_rank(c.D)) == n:
        return
    sign, logabsdet = complex(c.array(slogdet(c.A).sign)), float(slogdet(c.A).logabsdet)
    zero = sign == 0 and logabsdet == -math.inf
    _require(
        zero or (cmath.isfinite(sign) and sign != 0 and math.isfinite(logabsdet)),
        f"slogdet gives sign {sign} and logarithm {logabsdet}",
    )
    b = c.random(n, 2)
    solutions: dict[str, Callable[[], Any]] = {
        "solve": lambda: solve(c.A, b),
        "inv": lambda: inv(c.A) @ b,
    }
    for name, solution in solutions.items():
        try:
            x = solution()
        except ValueError:  # a LinAlgError is one
            continue
        _require(bool(xp.all(xp.isfinite(x))), f"{name} gives NaN or Inf")


@_property("explain names a rule for every function", square=True)
def _explained(c: _Case) -> None:
    for name in ("solve", "inv", "slogdet", "logdet", "eigh", "trace", "diagonal"):
        _require(bool(explain(name, c.A).how), f"{name} has no rule")

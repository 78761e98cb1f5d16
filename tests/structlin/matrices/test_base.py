"""Linear operators: operands, mixing, immutability, indexing, SciPy."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
from typing import Any

import array_api_strict
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from structlin.matrices import (
    Dense,
    Diagonal,
    Foreign,
    GridOperator,
    Identity,
    Kronecker,
    KroneckerSum,
    LinearOperator,
    Product,
    Scaled,
    Selected,
    Sparse,
    Sum,
    aslinearoperator,
    solve,
)
from tests.conftest import LIBRARIES, ArrayLibrary

A = Kronecker(np.arange(12.0).reshape(3, 4), np.array([[1.0, -2.0], [0.5, 3.0]]))
D = A.todense()


# operands


@pytest.mark.parametrize(
    ("product", "message"),
    [
        (lambda: A @ np.ones(7), "x has 7 rows but A is 6x8: A @ x needs 8 rows"),
        (lambda: A @ np.ones((8, 7, 2)), "x has 7 rows but A is 6x8: A @ x needs 8 rows"),
        (lambda: A.rmatvec(np.ones(8)), "x has 8 rows but A is 6x8: A.H @ x needs 6 rows"),
        (lambda: np.ones(8) @ A, "x has 8 columns but A is 6x8: x @ A needs 6 columns"),
        (lambda: A @ np.array(1.0), "x is a scalar: A @ x needs 8 rows"),
        (lambda: A @ A, "A is 6x8 but B is 6x8: A @ B needs 8 rows in B"),
        (lambda: A + A.T, "A is 6x8 but B is 8x6: a sum needs equal shapes"),
        (lambda: solve(A, np.ones(6)), "A is 6x8: solve needs a square matrix"),
        (lambda: Sum(A, A.T), "terms of shapes 6x8, 8x6: a sum needs terms of one shape"),
        (lambda: Product(A, A), "factors 6x8 and 6x8 stand side by side"),
        (lambda: Identity(-1), "shape -1x-1 is negative"),
        (lambda: Diagonal(np.ones((2, 2))), r"entries have shape (2, 2)"),
        (lambda: A + np.ones(8), r"array has shape (8,): a matrix has two dimensions"),
    ],
)
def test_shape_errors(product: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        product()
    assert message in str(error.value)


@pytest.mark.parametrize("bad", ["x", [1.0, 2.0], None, {}])
def test_operands_that_are_no_arrays(bad: Any) -> None:
    for use in (
        lambda: A @ bad,
        lambda: bad @ A,
        lambda: A + bad,
        lambda: bad - A,
        lambda: A * bad,
    ):
        with pytest.raises(TypeError):
            use()


def test_data_types() -> None:
    single = Dense(np.ones((2, 2), dtype=np.float32))
    assert (single @ np.ones(2, dtype=np.float32)).dtype == np.float32
    assert (single @ np.ones(2)).dtype == np.float64
    assert (single @ np.ones(2, dtype=np.int32)).dtype == np.float64
    assert (single @ np.ones(2, dtype=bool)).dtype == np.float64
    assert (single @ np.ones(2, dtype=np.complex64)).dtype == np.complex64
    assert (2 * single).dtype == (np.float64(2) * single).dtype == np.float32
    assert (2j * single).dtype == np.complex64
    assert (single + Identity(2)).dtype == np.float64
    assert Dense(np.ones((2, 2), dtype=int)).dtype == np.float64
    assert Identity(2, dtype="float32").dtype == np.float32
    assert Identity(2, dtype=int).dtype == np.float64
    for bad in (np.array([["a"]]), np.array([[None]])):
        with pytest.raises(TypeError):
            Dense(bad)


def test_mixed_libraries() -> None:
    strict = array_api_strict.ones((8, 8))
    message = "NumPy and array_api_strict|array_api_strict.*NumPy"
    for use in (
        lambda: A @ strict,
        lambda: Dense(strict) @ A.T,
        lambda: Dense(strict) + np.ones((8, 8)),
        lambda: Kronecker(np.eye(2), strict),
        lambda: solve(np.eye(8), strict),
        lambda: Identity(8) @ strict,
        lambda: A[array_api_strict.asarray([0, 1]), :],
    ):
        with pytest.raises(TypeError, match=message):
            use()


def test_mixed_devices() -> None:
    here, there = (
        array_api_strict.ones((4, 4), device=array_api_strict.Device(name))
        for name in ("CPU_DEVICE", "device1")
    )
    for use in (
        lambda: Dense(here) @ there,
        lambda: Dense(here) + Dense(there),
        lambda: Dense(here) @ Dense(there),
        lambda: Kronecker(here, there),
        lambda: solve(here, there),
    ):
        with pytest.raises(ValueError, match=r"devices .* are mixed"):
            use()


def test_operators_without_data_live_where_they_are_told(library: ArrayLibrary) -> None:
    one = library.asarray(np.ones(2, dtype=np.complex64))
    eye = Identity(3, like=one)
    assert eye.dtype == one.dtype
    x = library.asarray(np.arange(3.0))
    np.testing.assert_array_equal(library.to_numpy(eye @ x), np.arange(3.0))
    assert Identity(3, like=eye, dtype="float32").dtype == library.dtype("float32")


def test_nan_in_products_propagates() -> None:
    x = np.ones(8)
    x[3] = np.nan
    for B in (A, Dense(D), Sum(A, D), 2 * A):
        assert np.isnan(B @ x).any()
    broken = Diagonal(np.array([1.0, np.inf]))
    np.testing.assert_array_equal(broken.todense(), [[1, 0], [0, np.inf]])
    np.testing.assert_array_equal(broken @ np.array([1.0, 1.0]), [1, np.inf])


# immutable


def test_immutable() -> None:
    for operator in (A, Dense(D), Identity(2), A + D, A.H):
        with pytest.raises(AttributeError, match="is immutable: make a new operator"):
            operator.shape = (1, 1)  # type: ignore[misc]
        with pytest.raises(AttributeError, match="is immutable"):
            operator.anything = 1
        with pytest.raises(AttributeError, match="is immutable"):
            del operator.dtype


def test_copies_and_pickles() -> None:
    for operator in (A, A + Identity(8, like=D)[:6, :], KroneckerSum(np.eye(2), np.eye(3))):
        for twin in (
            copy.copy(operator),
            copy.deepcopy(operator),
            pickle.loads(pickle.dumps(operator)),
        ):
            np.testing.assert_array_equal(twin.todense(), operator.todense())
            assert twin.xp is operator.xp
            with pytest.raises(AttributeError):
                twin.shape = (1, 1)


def test_classes_show_the_parameters_of_their_constructor() -> None:
    class Heir(Identity):
        pass

    assert list(inspect.signature(GridOperator).parameters)[:2] == ["grid", "weights"]
    assert str(inspect.signature(Kronecker)) == "(*factors: 'Any')"
    assert inspect.signature(Heir) == inspect.signature(Identity) != inspect.signature(Dense)
    assert "Diagonal(entries: " in pydoc.render_doc(Diagonal, renderer=pydoc.plaintext)


def test_abstract_methods() -> None:
    with pytest.raises(TypeError, match="_matmat"):
        LinearOperator((2, 2))  # type: ignore[abstract]


# algebra


def test_structure_survives() -> None:
    I, d = Identity(3), Diagonal(np.arange(3.0))  # noqa: E741
    F = np.ones((3, 3))
    assert I @ d is d
    assert d @ I is d
    assert I.H is I
    assert d.T is d
    assert A.H.H.factors[0].shape == (3, 4)  # type: ignore[attr-defined]
    for made, kind in (
        (d @ d, Diagonal),
        (d + d, Diagonal),
        (d + I, Diagonal),
        (2 * d, Diagonal),
        (Dense(F) + Dense(F), Dense),
        (Dense(F) @ Dense(F), Dense),
        (d @ Dense(F), Dense),
        (Dense(F[:, :1]) @ Dense(F[:1, :]), Product),
        (A.T, Kronecker),
        (A @ A.H, Kronecker),
        ((2 * A) @ (3 * A.H), type(2 * A)),
        ((A + D) + D, Sum),
    ):
        assert isinstance(made, kind)
    assert len(((A + D) + D).terms) == 2  # type: ignore[attr-defined]
    assert (2 * (3 * A)).scalar == 6  # type: ignore[attr-defined]
    assert len((A @ Dense(D.T) @ Dense(D)).factors) == 2  # type: ignore[attr-defined]


def test_multiples_of_one_join_what_is_stored() -> None:
    F = np.arange(9.0).reshape(3, 3)
    for B, kind in (
        (Dense(F), Dense),
        (Diagonal(F[0]), Diagonal),
        (Sparse(scipy.sparse.csr_array(F)), Sparse),
        (2 * Identity(3), Scaled | Identity),
        (Identity(3), Scaled | Identity),
    ):
        dense = B.todense()
        for made, expected in (
            (B + Identity(3), dense + np.eye(3)),
            (3 * Identity(3) - B, 3 * np.eye(3) - dense),
            (B + 1j * Identity(3), dense + 1j * np.eye(3)),
        ):
            assert isinstance(made, kind)
            np.testing.assert_array_equal(made.todense(), expected)
    assert isinstance(Sparse(scipy.sparse.csr_array(F)) + Diagonal(F[1]), Sparse)


def test_arrays_on_the_left() -> None:
    x = np.arange(6.0)
    np.testing.assert_allclose(x @ A, x @ D)
    np.testing.assert_allclose((D + A).todense(), 2 * D)
    np.testing.assert_allclose((2 * D - A).todense(), D)
    with pytest.raises(ZeroDivisionError):
        A / 0


# selection


def test_indexing() -> None:
    np.testing.assert_allclose(A[2, :], D[2])
    np.testing.assert_allclose(A[-1], D[-1])
    np.testing.assert_allclose(A[..., 3], D[:, 3])
    assert A[4, 5] == D[4, 5]
    rows, columns = [4, -1, 4], np.array([7, 0])
    np.testing.assert_allclose(A[rows, columns].todense(), D[np.ix_(rows, columns)])
    np.testing.assert_allclose(
        A[rows, columns].H @ np.ones(3), D[np.ix_(rows, columns)].T @ np.ones(3)
    )
    np.testing.assert_allclose(A[rows, 3], D[rows, 3])
    np.testing.assert_allclose(A[1, [1, 1]], D[1, [1, 1]])
    mask = D[0] > 2
    np.testing.assert_allclose(A[:, mask].todense(), D[:, mask])
    np.testing.assert_allclose(A[range(2), :].todense(), D[:2])
    nested = A[1:, ::-2][[0, 2], 1:]
    assert isinstance(nested, Selected)
    np.testing.assert_allclose(nested.todense(), D[1:, ::-2][[0, 2], 1:])
    assert nested[1, 0] == D[3, 5]
    assert A[:, :] is A


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ((6, 0), IndexError),
        ((0, -9), IndexError),
        (([0, 8], 0), IndexError),
        ((np.ones((2, 2), dtype=int), 0), IndexError),
        ((np.ones(3), 0), IndexError),
        ((np.ones(3, dtype=bool), 0), IndexError),
        ((1.5, 0), TypeError),
        ("ab", TypeError),
    ],
)
def test_bad_indices(key: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"row|column"):
        A[key]


# SciPy


def test_scipy_solvers_take_operators() -> None:
    rng = np.random.default_rng(4)
    F, G = (
        M @ M.T + np.eye(len(M)) for M in (rng.standard_normal((4, 4)), rng.standard_normal((5, 5)))
    )
    S, dense = Kronecker(F, G), np.kron(F, G)
    b = rng.standard_normal(20)
    x = np.linalg.solve(dense, b)
    for solver in (scipy.sparse.linalg.cg, scipy.sparse.linalg.gmres):
        found, info = solver(S, b, rtol=1e-12, maxiter=500)
        assert info == 0
        np.testing.assert_allclose(found, x, rtol=1e-7)
    w = scipy.sparse.linalg.eigsh(S, k=3, v0=b, return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(w), np.linalg.eigvalsh(dense)[-3:])
    s = scipy.sparse.linalg.svds(A, k=2, v0=np.ones(6), return_singular_vectors=False)
    np.testing.assert_allclose(np.sort(s), np.linalg.svd(D, compute_uv=False)[1::-1])


def test_scipy_matrices_and_operators_are_operands() -> None:
    S = scipy.sparse.random_array((8, 5), density=0.4, rng=np.random.default_rng(0)).tocsr()
    L = scipy.sparse.linalg.aslinearoperator(S.toarray())
    for right in (S, L):
        product = A @ right
        assert isinstance(product, LinearOperator)
        np.testing.assert_allclose(product.todense(), D @ S.toarray())
    np.testing.assert_allclose((S.T @ A.H).todense(), S.T.toarray() @ D.T)
    T = scipy.sparse.csr_matrix(D)
    for total in (A + T, T + A, A + scipy.sparse.linalg.aslinearoperator(T)):
        assert isinstance(total, Sum)
        np.testing.assert_allclose(total.todense(), 2 * D)
    np.testing.assert_allclose(
        (scipy.sparse.linalg.aslinearoperator(T) + A).matvec(np.ones(8)), 2 * D @ np.ones(8)
    )
    np.testing.assert_allclose((T - A).todense(), 0 * D)


def test_wrapping() -> None:
    assert aslinearoperator(A) is A
    assert isinstance(aslinearoperator(D), Dense)
    assert isinstance(aslinearoperator(scipy.sparse.coo_array(D)), Sparse)
    assert isinstance(aslinearoperator(scipy.sparse.linalg.aslinearoperator(D)), Foreign)

    class Plain:
        """Knows a shape and a product with vectors, no more."""

        shape = (2, 3)
        dtype = np.dtype(np.float64)

        def matvec(self, x: Any) -> Any:
            return np.ones((2, 3)) @ x

    wrapped = aslinearoperator(Plain())
    np.testing.assert_array_equal(wrapped.todense(), np.ones((2, 3)))
    with pytest.raises(TypeError, match="list is no matrix"):
        aslinearoperator([[1.0]])


def test_matrices_of_numpy_become_arrays() -> None:
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0]])
    assert (Dense(matrix) @ np.ones(2)).shape == (1,)


def test_every_library_has_a_check() -> None:
    assert {"numpy", "strict"} <= set(LIBRARIES)


def test_operators_of_scipy_say_that_they_have_no_adjoint():
    lacking = scipy.sparse.linalg.LinearOperator((3, 2), matvec=lambda x: np.ones(3), dtype=float)
    for Y in (np.ones(3), np.ones((3, 2))):
        with pytest.raises(NotImplementedError, match="rmatvec is not defined"):
            aslinearoperator(lacking).H @ Y
    broken = scipy.sparse.linalg.LinearOperator(
        (3, 2), matvec=lambda x: np.ones(3), rmatvec=lambda y: len(3), dtype=float
    )
    with pytest.raises(TypeError, match="has no len"):
        aslinearoperator(broken).H @ np.ones((3, 2))

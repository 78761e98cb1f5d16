"""The nearest Kronecker product, and sums of several."""

from __future__ import annotations

import functools
import math
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from structlin import ConvergenceWarning
from structlin.matrices import Kronecker, SumOfKroneckers, Toeplitz
from structlin.matrices.nearest import nearest_kronecker

DTYPES = ["float32", "float64", "complex64", "complex128"]


def drawn(rng, *shape, dtype="float64"):
    x = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def blocks_as_rows(W, first, second):
    """Return the matrix whose rows are the blocks of ``W``, one by one."""
    (m, n), (p, q) = first, second
    return np.array(
        [W[i * p : i * p + p, j * q : j * q + q].ravel() for i in range(m) for j in range(n)]
    )


def tails(W, first, second):
    """Return the relative errors of the best sums of 1, 2, … products."""
    sigma = np.linalg.svd(blocks_as_rows(W, first, second), compute_uv=False)
    return [np.linalg.norm(sigma[t:]) / np.linalg.norm(sigma) for t in range(1, len(sigma) + 1)]


def terms_of(A):
    return A.terms if isinstance(A, SumOfKroneckers) else (A,)


# two factors


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("terms", [1, 2, 5])
@pytest.mark.parametrize("shapes", [[(3, 3), (4, 4)], [(2, 3), (5, 2)], [(1, 4), (6, 1)]])
def test_the_error_is_the_tail_of_the_singular_values(library, rng, shapes, terms, dtype):
    (m, n), (p, q) = shapes
    W = drawn(rng, m * p, n * q, dtype=dtype)
    A, error = nearest_kronecker(library.asarray(W), shapes, terms=terms)
    wanted = [*tails(W, *shapes), *[0] * terms][terms - 1]
    close = {"abs": 1e-12 if dtype in ("float64", "complex128") else 1e-5}
    assert float(error) == pytest.approx(wanted, **close)
    assert error.dtype == library.dtype(
        "float32" if dtype in ("float32", "complex64") else "float64"
    )
    assert A.dtype == library.dtype(dtype)
    assert isinstance(A, Kronecker if terms == 1 else SumOfKroneckers)
    assert [F.shape for F in terms_of(A)[0].factors] == shapes
    off = np.linalg.norm(W - library.to_numpy(A.todense())) / np.linalg.norm(W)
    assert off == pytest.approx(wanted, **close)


def test_a_large_matrix_by_random_blocks(rng):
    # 576 x 576 after rearranging: more than the decomposition takes as a whole
    left, right = drawn(rng, 3, 24, 24), drawn(rng, 3, 24, 24)
    W = sum(10.0**-i * np.kron(left[i], right[i]) for i in range(3))
    A, error = nearest_kronecker(W, [(24, 24)] * 2, terms=2, rng=0)
    R, S = (np.linalg.qr(x.reshape(3, -1).T, mode="r") for x in (left, right))
    sigma = np.linalg.svd(R * [1, 0.1, 0.01] @ S.T, compute_uv=False)
    assert float(error) == pytest.approx(sigma[2] / np.linalg.norm(sigma), rel=1e-10)
    assert float(error) == pytest.approx(
        np.linalg.norm(W - A.todense()) / np.linalg.norm(W), rel=1e-12
    )


def test_the_factors_have_equal_norms(rng):
    A, _ = nearest_kronecker(drawn(rng, 12, 12), [(3, 3), (4, 4)])
    sizes = [np.linalg.norm(F.todense()) for F in A.factors]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-13)


@pytest.mark.parametrize("terms", [4, 9, 30])
def test_no_more_terms_than_a_factor_has_entries(rng, terms):
    W = drawn(rng, 6, 6)
    for matrix in (W, W + W.T):
        A, error = nearest_kronecker(matrix, [(2, 2), (3, 3)], terms=terms)
        assert len(A.terms) == 4
        assert error < 1e-14


@pytest.mark.parametrize("terms", [1, 3])
@pytest.mark.parametrize("shapes", [[(2, 2), (3, 3)], [(2, 2), (3, 1), (1, 3)]])
def test_zero_is_its_own_nearest(library, shapes, terms):
    A, error = nearest_kronecker(library.asarray(np.zeros((6, 6))), shapes, terms=terms)
    assert float(error) == 0
    assert not library.to_numpy(A.todense()).any()


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("shapes", [[(2, 2), (4, 4)], [(2, 2), (2, 2), (2, 2)]])
def test_scaling_changes_nothing(rng, shapes, scale):
    W = drawn(rng, 8, 8)
    for matrix in (W, W + W.T):
        A, error = nearest_kronecker(matrix, shapes)
        B, other = nearest_kronecker(scale * matrix, shapes)
        assert float(other) == pytest.approx(float(error), rel=1e-9)
        np.testing.assert_allclose(B.todense() / scale, A.todense(), rtol=0, atol=1e-6)


def test_smallest_numbers():
    W = np.full((4, 4), 5e-324)
    A, error = nearest_kronecker(W, [(2, 2), (2, 2)])
    assert error < 1e-14
    np.testing.assert_array_equal(A.todense(), W)
    W = np.kron(np.ones((2, 2)), [[1, 2], [3, 4]]).astype("float32") * np.float32(5e37)
    assert nearest_kronecker(W, [(2, 2), (2, 2)]).relative_error < 1e-6


# Hermitian matrices


def swap(n):
    """Return the matrix with ``S (x ⊗ y) = y ⊗ x``: all n² singular values are equal."""
    return np.eye(n * n).reshape(n, n, n, n).swapaxes(0, 1).reshape(n * n, n * n)


def hermitian(rng, n, dtype="float64"):
    A = drawn(rng, n, n, dtype=dtype)
    return A + A.conj().T


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("terms", [1, 2, 4, 9])
@pytest.mark.parametrize("name", ["eye", "swap", "drawn", "sum"])
def test_hermitian_matrices_have_hermitian_factors(library, rng, name, terms, dtype):
    X, Y = drawn(rng, 3, 3, dtype=dtype), drawn(rng, 3, 3, dtype=dtype)
    W = {
        "eye": np.eye(9, dtype=dtype),
        "swap": swap(3).astype(dtype),
        "drawn": hermitian(rng, 9, dtype),
        "sum": np.kron(X, Y) + np.kron(X, Y).conj().T,
    }[name]
    A, error = nearest_kronecker(library.asarray(W), [(3, 3), (3, 3)], terms=terms)
    single = dtype in ("float32", "complex64")
    assert float(error) == pytest.approx(
        tails(W, (3, 3), (3, 3))[terms - 1], abs=1e-5 if single else 1e-12
    )
    for term in terms_of(A):
        F, G = (library.to_numpy(factor.todense()) for factor in term.factors)
        sign = 1 if np.array_equal(F, F.conj().T) else -1
        assert sign == 1 or not dtype.startswith("complex")
        for factor in (F, G):
            np.testing.assert_array_equal(factor, sign * factor.conj().T)


def test_skew_symmetric_pairs_are_found(rng):
    K, L = drawn(rng, 3, 3), drawn(rng, 4, 4)
    W = np.kron(K - K.T, L - L.T)
    A, error = nearest_kronecker(W, [(3, 3), (4, 4)])
    assert error < 1e-14
    np.testing.assert_array_equal(A.factors[0].todense(), -A.factors[0].todense().T)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_positive_semidefinite_factors(rng, dtype):
    for _ in range(20):
        X = drawn(rng, 12, 5, dtype=dtype)
        W = X @ X.conj().T
        A, _ = nearest_kronecker(W, [(3, 3), (4, 4)])
        for factor in A.factors:
            values = np.linalg.eigvalsh(factor.todense())
            assert values[0] >= -1e-14 * values[-1]
            assert values[-1] > 0


# more factors


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shapes", [[(2, 2)] * 3, [(2, 1), (3, 2), (1, 3), (2, 2)]])
def test_products_of_many_factors_are_found(library, rng, shapes, dtype):
    W = functools.reduce(np.kron, [drawn(rng, *shape, dtype=dtype) for shape in shapes])
    A, error = nearest_kronecker(library.asarray(W), shapes)
    tolerance = 1e-5 if dtype in ("float32", "complex64") else 1e-13
    assert float(error) < tolerance
    assert A.dtype == library.dtype(dtype)
    assert [F.shape for F in A.factors] == shapes
    np.testing.assert_allclose(
        library.to_numpy(A.todense()), W, rtol=0, atol=tolerance * np.linalg.norm(W)
    )


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_sums_of_products_of_many_factors_are_found(rng, dtype):
    shapes = [(2, 3), (3, 2), (2, 2)]
    # orthogonal in the first factor: unique, and not nearly degenerate
    P, Q = drawn(rng, 2, 3, dtype=dtype), drawn(rng, 2, 3, dtype=dtype)
    Q = Q - P * np.vdot(P, Q) / np.vdot(P, P)
    rest = [[drawn(rng, *shape, dtype=dtype) for shape in shapes[1:]] for _ in range(2)]
    W = sum(functools.reduce(np.kron, [F, *others]) for F, others in zip((P, Q), rest, strict=True))
    A, error = nearest_kronecker(W, shapes, terms=2)
    assert error < 1e-10
    assert len(A.terms) == 2
    np.testing.assert_allclose(A.todense(), W, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("terms", [1, 2])
def test_the_optimum_is_a_local_one(rng, terms, dtype):
    shapes = [(2, 2), (2, 3), (3, 2)]
    exact = [
        functools.reduce(np.kron, [drawn(rng, *s, dtype=dtype) for s in shapes])
        for _ in range(terms)
    ]
    W = sum(exact) + 0.3 * drawn(rng, 12, 12, dtype=dtype)
    A, error = nearest_kronecker(W, shapes, terms=terms, max_iterations=5000)
    R = W - A.todense()
    assert float(error) == pytest.approx(np.linalg.norm(R) / np.linalg.norm(W), rel=1e-12)
    # no factor can be improved: the residual is orthogonal to every change of one factor
    for term in terms_of(A):
        factors = [F.todense() for F in term.factors]
        for i, shape in enumerate(shapes):
            for entry in range(math.prod(shape)):
                unit = np.zeros(shape)
                unit.flat[entry] = 1
                change = functools.reduce(np.kron, [*factors[:i], unit, *factors[i + 1 :]])
                cosine = abs(np.vdot(change, R)) / np.linalg.norm(change) / np.linalg.norm(R)
                assert cosine < 1e-5


def test_more_terms_than_singular_vectors(library, rng):
    # the rank of almost all 2x2x2 tensors is two or three, but an axis has two vectors only
    for seed in range(3):
        W = drawn(rng, 2, 4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            A, error = nearest_kronecker(
                library.asarray(W), [(2, 1), (1, 2), (1, 2)], terms=4, rng=seed
            )
        assert len(A.terms) == 4
        assert float(error) < 1e-3


def test_what_does_not_settle_warns(rng):
    # two terms come as close to a ⊗ a ⊗ b + a ⊗ b ⊗ a + b ⊗ a ⊗ a as one likes, and diverge
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    kron = functools.partial(functools.reduce, np.kron)
    W = kron([a, a, b]) + kron([a, b, a]) + kron([b, a, a])
    W += 1e-3 * drawn(rng, *W.shape)
    with pytest.warns(ConvergenceWarning, match="did not settle in 50 sweeps") as caught:
        error = nearest_kronecker(W, [(1, 2)] * 3, terms=2, max_iterations=50).relative_error
    assert caught[0].filename == __file__
    assert 0 < error < 0.3


# what comes in


def test_sparse_matrices_and_operators(rng):
    A, B = np.diag([1.0, 2.0, 3.0]), drawn(rng, 2, 2)
    for W in (sp.csr_array(np.kron(A, B)), Kronecker(A, B), np.kron(A, B).tolist()):
        if isinstance(W, list):
            W = np.array(W)
        assert nearest_kronecker(W, [(3, 3), (2, 2)]).relative_error < 1e-14
    T = Toeplitz(np.array([2.0, -1.0, 0.0, 0.0]))
    assert nearest_kronecker(T, [(2, 2), (2, 2)], terms=3).relative_error < 1e-14


def test_integers_become_floats():
    W = np.kron([[1, 2], [3, 4]], [[0, 1], [1, 1]])
    A, error = nearest_kronecker(W, [(2, 2), (2, 2)])
    assert A.dtype == np.float64
    assert error < 1e-14


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_entries_that_are_not_finite(library, bad):
    W = np.ones((4, 4))
    W[1, 2] = bad
    with pytest.raises(ValueError, match="W has"):
        nearest_kronecker(library.asarray(W), [(2, 2), (2, 2)])


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        ([(6, 6)], {}, "shapes has 1 entries"),
        ([(2, 2), (2, 3)], {}, "W is 6x6 but factors of the shapes 2x2, 2x3 make a 4x6 matrix"),
        ([(0, 2), (3, 3)], {}, "every factor needs a row and a column"),
        ([(2, 2), (3, 3)], {"terms": 0}, "terms is 0"),
        ([(2, 2), (3, 3)], {"max_iterations": 0}, "max_iterations 0"),
    ],
)
def test_impossible_wishes(shapes, options, message):
    with pytest.raises(ValueError, match=message):
        nearest_kronecker(np.eye(6), shapes, **options)

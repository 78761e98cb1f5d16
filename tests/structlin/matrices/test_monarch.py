"""Monarch matrices: what the shared properties do not see."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as npst

from structlin._backend import kernel, namespace
from structlin._kernels import monarch as plain
from structlin.matrices import (
    Dense,
    Diagonal,
    Kronecker,
    LinearOperator,
    Monarch,
    Product,
    diagonal,
    explain,
    inv,
    logdet,
    lstsq,
    norm,
    pinv,
    slogdet,
    solve,
    trace,
)
from tests.conftest import ArrayLibrary

numpy = namespace(np.empty(0))


def by_definition(L: Any, R: Any) -> Any:
    """Return the dense matrix of two stacks, number by number."""
    (l_count, s_count, r_count), (k_count, q_count, p_count) = L.shape, R.shape
    M = np.zeros((l_count * s_count, k_count * p_count), dtype=np.result_type(L, R))
    for column, (k, p) in enumerate(itertools.product(range(k_count), range(p_count))):
        t = np.zeros(k_count * q_count, dtype=M.dtype)
        t[k * q_count : (k + 1) * q_count] = R[k, :, p]
        for one in range(l_count):
            for s in range(s_count):
                M[s * l_count + one, column] = sum(
                    L[one, s, r] * t[r * l_count + one] for r in range(r_count)
                )
    return M


def normal(rng: np.random.Generator, *shape: int, dtype: str = "float64") -> Any:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def square(rng: np.random.Generator, b: int, dtype: str = "float64") -> Monarch:
    """Return a well-conditioned Monarch matrix of ``b²`` rows."""
    stacks = (normal(rng, b, b, b, dtype=dtype) + 3 * math.sqrt(b) * np.eye(b) for _ in range(2))
    return Monarch(*(stack.astype(dtype) for stack in stacks))


# what it is


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3, 4), (4, 2, 5)),
        ((2, 3, 6), (4, 3, 1)),
        ((3, 2, 4), (4, 3, 3)),
        ((6, 1, 2), (3, 4, 2)),
    ],
)
def test_the_definition(library: ArrayLibrary, rng: Any, left: Any, right: Any, dtype: str) -> None:
    L, R = normal(rng, *left, dtype=dtype), normal(rng, *right, dtype=dtype)
    A = Monarch(library.asarray(L), library.asarray(R))
    expected = by_definition(L, R)
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(library.to_numpy(A.todense()), expected, atol=tolerance, rtol=0)
    x = normal(rng, expected.shape[1], dtype=dtype)
    product = library.to_numpy(A @ library.asarray(x))
    np.testing.assert_allclose(product, expected @ x, atol=5 * tolerance, rtol=0)
    assert A.parameters == L.size + R.size


def test_square_blocks_are_transpositions_between_block_diagonals(rng: Any) -> None:
    b = 4
    L, R = normal(rng, b, b, b), normal(rng, b, b, b)
    P = np.eye(b * b)[np.arange(b * b).reshape(b, b).T.ravel()]
    expected = P @ scipy.linalg.block_diag(*L) @ P @ scipy.linalg.block_diag(*R)
    np.testing.assert_allclose(Monarch(L, R).todense(), expected, atol=1e-14)


def test_three_factors_replace_the_axes_of_a_tensor_last_to_first(rng: Any) -> None:
    (a, b, c), (i, j, k) = (2, 3, 5), (3, 2, 4)
    F, G, H = normal(rng, b * c, a, i), normal(rng, i * c, b, j), normal(rng, i * j, c, k)
    shapes = F.reshape(b, c, a, i), G.reshape(i, c, b, j), H.reshape(i, j, c, k)
    expected = np.einsum("bcai,icbj,ijck->abcijk", *shapes).reshape(a * b * c, i * j * k)
    A = Monarch(F, G, H)
    np.testing.assert_allclose(A.todense(), expected, atol=1e-13)
    np.testing.assert_allclose(A.T.todense(), expected.T, atol=1e-13)
    np.testing.assert_allclose(A[7, 11], expected[7, 11], atol=1e-13)
    np.testing.assert_allclose(norm(A), np.linalg.norm(expected), rtol=1e-14)
    assert A.T.reverse
    assert not A.T.T.reverse


def test_kronecker_products_are_monarch(rng: Any) -> None:
    X, Y = normal(rng, 3, 4), normal(rng, 2, 5)
    L, R = np.broadcast_to(X, (2, 3, 4)), np.broadcast_to(Y, (4, 2, 5))
    np.testing.assert_allclose(
        Monarch(L, R).todense(), Kronecker(X, Y).todense(), atol=1e-14, rtol=0
    )


def test_the_hadamard_matrix_is_a_monarch_of_any_number_of_factors() -> None:
    H = np.array([[1.0, 1.0], [1.0, -1.0]])
    A = Monarch(*(np.broadcast_to(H, (32, 2, 2)) for _ in range(6)))
    np.testing.assert_array_equal(A @ np.eye(64), scipy.linalg.hadamard(64))


def test_products_of_real_factors_with_complex_vectors(rng: Any) -> None:
    A = square(rng, 5)
    X = normal(rng, 25, 3, dtype="complex128")
    np.testing.assert_allclose(A @ X, A.todense() @ X, atol=1e-12)
    np.testing.assert_allclose(A @ X[:, 0], A.todense() @ X[:, 0], atol=1e-12)
    np.testing.assert_allclose(A.H @ X, A.todense().T @ X, atol=1e-12)


def test_nan_in_a_vector_reaches_the_product(rng: Any) -> None:
    assert np.isnan(square(rng, 3) @ np.array([math.nan] + 8 * [1.0])).any()


@pytest.mark.parametrize(
    ("stacks", "message"),
    [
        ([(2, 3, 4)], "two stacks at least"),
        ([(2, 3, 4), (3, 4)], "three dimensions"),
        ([(2, 3, 4), (4, 3, 5)], "takes 8 numbers, the second gives 12"),
        ([(4, 2, 2), (4, 2, 2), (3, 2, 2)], "stack 2 has 3 blocks 2x2: it needs 4"),
    ],
)
def test_stacks_that_do_not_fit(stacks: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Monarch(*(np.ones(shape) for shape in stacks))


def test_its_repr_tells_the_blocks(rng: Any) -> None:
    A = Monarch(np.ones((2, 3, 4), dtype=np.float32), np.ones((4, 2, 5), dtype=np.float32))
    assert repr(A) == "<Monarch 6x20 float32 = 2 of 3x4 · 4 of 2x5>"
    assert repr(A.T) == "<Monarch 20x6 float32 = 4 of 5x2 · 2 of 4x3, reversed>"


# the twins


@given(data=st.data())
def test_the_twin_of_the_product(data: Any) -> None:
    size = st.integers(0, 3)
    kinds = st.sampled_from(["float32", "float64", "complex128"])
    i, j, k, a, b, c, columns = (data.draw(size) for _ in range(7))
    shapes = data.draw(
        st.sampled_from(
            [
                [(i * j, 1, c, k), (i, c, b, j), (1, b * c, a, i)],  # last axis to first
                [(1, j * k, a, i), (a, k, b, j), (a * b, 1, c, k)],  # first axis to last
                [(2, 1, 3, k), (1, 2, a, 3)],  # axes that do not fit
                [(1, 6, a, i), (a, 2, b, 3), (a, b, c, 2)],
            ]
        )
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dtype = data.draw(kinds)
    stacks = [normal(rng, *shape, dtype=dtype) for shape in shapes]
    if data.draw(st.booleans()):
        stacks = [np.swapaxes(np.ascontiguousarray(np.swapaxes(F, 2, 3)), 2, 3) for F in stacks]
    first = shapes[0]
    X = normal(rng, first[0] * first[3] * first[1], columns, dtype=data.draw(kinds))
    X = X.astype(np.result_type(X, stacks[0]))
    expected = plain.multiply_stacks(stacks, X)
    found = kernel(numpy, plain.multiply_stacks)(stacks, np.asfortranarray(X))
    assert found.dtype == X.dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1000 * np.finfo(X.dtype).eps)


@given(data=st.data())
def test_the_twin_of_the_best_rank_one(data: Any) -> None:
    shape = tuple(data.draw(st.integers(1, 6)) for _ in range(4))
    dtype = data.draw(st.sampled_from(["float32", "complex128"]))
    entries = npst.arrays(np.int8, shape, elements=st.integers(-3, 3))
    blocks = data.draw(entries).astype(dtype)
    if dtype.startswith("complex"):
        blocks = blocks + 1j * data.draw(entries).astype(blocks.real.dtype)
    unit = max(float(np.linalg.norm(blocks.ravel())), 1.0)
    tail = np.linalg.svd(blocks, compute_uv=False)[..., 1:]
    least = np.linalg.norm(tail, axis=-1) if tail.shape[-1] else 0.0
    for function in (plain.rank_one, kernel(numpy, plain.rank_one)):
        u, v, misfit = function(blocks, unit)
        rest = np.linalg.norm(blocks - u[..., :, None] * v[..., None, :], axis=(-2, -1))
        slack = 100 * np.finfo(dtype).eps * unit
        np.testing.assert_allclose(misfit * unit, rest, atol=slack)
        np.testing.assert_allclose(rest, least, atol=slack)
        sizes = np.linalg.norm(u, axis=-1), np.linalg.norm(v, axis=-1)
        np.testing.assert_allclose(*sizes, rtol=1e-4, atol=1e-6)


def with_singular_values(rng: Any, values: Any) -> Any:
    n = len(values)
    U, V = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    return (U * values) @ V


@pytest.mark.parametrize(
    "values",
    [
        1 - np.linspace(0, 1, 48) ** 4 / 2,  # too close together for Lanczos
        1 - np.linspace(0, 1, 48) / 2,
        np.r_[1.0, 1.0 - 1e-9, np.linspace(0.9, 0, 46)],
        np.r_[np.ones(24), np.zeros(24)],
        np.ones(48),
        0.5 ** np.arange(48.0),
    ],
)
def test_close_singular_values(rng: Any, values: Any) -> None:
    for W in (with_singular_values(rng, values), np.diag(values[::-1])):
        misfit = kernel(numpy, plain.rank_one)(W[None, None], float(np.linalg.norm(W)))[2]
        least = np.linalg.norm(values[1:]) / np.linalg.norm(values)
        assert misfit[0, 0] == pytest.approx(least, rel=1e-11)


def test_zeros_in_a_block_do_not_hide_its_largest_singular_value() -> None:
    # the first two rows have it, the largest entry is elsewhere
    W = scipy.linalg.block_diag([[1.0, 0.95], [0.95, 1.0]], 1.5, 0.0)
    _, _, misfit = kernel(numpy, plain.rank_one)(W[None, None], 1.0)
    assert misfit[0, 0] == pytest.approx(math.hypot(0.05, 1.5), rel=1e-12)


# systems


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_systems_by_blocks(library: ArrayLibrary, rng: Any, dtype: str) -> None:
    A = square(rng, 6, dtype)
    B = Monarch(*map(library.asarray, A.factors))
    D, b = A.todense(), normal(rng, 36, 2, dtype=dtype)
    tolerance = float(100 * np.finfo(dtype).eps * np.linalg.cond(D))
    for C, E in ((B, D), (B.T, D.T), (B.H, D.conj().T)):
        x = library.to_numpy(solve(C, library.asarray(b)))
        np.testing.assert_allclose(x, np.linalg.solve(E, b), atol=tolerance)
        sign, logarithm = slogdet(C)
        expected = np.linalg.slogdet(E)
        assert abs(complex(sign) - expected.sign) < tolerance
        assert float(logarithm) == pytest.approx(expected.logabsdet, rel=tolerance)
        inverse = inv(C)
        assert isinstance(inverse, Monarch)
        np.testing.assert_allclose(
            library.to_numpy(inverse.todense()), np.linalg.inv(E), atol=tolerance
        )
        assert "blocks" in explain("solve", C).how


def test_the_sign_of_the_determinant_is_exact_and_the_logarithm_scales(rng: Any) -> None:
    b = 16
    A = square(rng, b)
    L, R = (np.linalg.qr(F)[0] for F in A.factors)
    signs = [round(float(np.prod(np.linalg.det(F)))) for F in (L, R)]
    n = b * b
    for scale in (1.0, 1e8, 1e-8):
        sign, logarithm = slogdet(Monarch(scale * L, R))
        assert float(sign) == math.prod(signs)
        assert float(logarithm) == pytest.approx(n * math.log(scale), rel=1e-12, abs=1e-11)
    L[0, 0] *= -1
    assert float(slogdet(Monarch(L, R)).sign) == -math.prod(signs)
    positive = Monarch(L @ np.swapaxes(L, 1, 2) * 2, np.broadcast_to(np.eye(b), (b, b, b)))
    assert float(logdet(positive)) == pytest.approx(n * math.log(2), rel=1e-12)


def test_a_singular_block(library: ArrayLibrary, rng: Any) -> None:
    A = square(rng, 4)
    L = A.factors[0].copy()
    L[2] = 0
    B = Monarch(library.asarray(L), library.asarray(A.factors[1]))
    for C in (B, B.H):
        with pytest.raises(np.linalg.LinAlgError, match="a block is"):
            solve(C, library.asarray(np.ones(16)))
        with pytest.raises(np.linalg.LinAlgError, match="a block is"):
            inv(C)
        assert float(slogdet(C).sign) == 0
        assert float(slogdet(C).logabsdet) == -math.inf


def test_blocks_with_nan(rng: Any) -> None:
    A = square(rng, 3)
    A.factors[1][1, 2, 0] = math.nan
    for function in (lambda: solve(A, np.ones(9)), lambda: slogdet(A), lambda: pinv(A)):
        with pytest.raises(ValueError, match=r"NaN or Inf at \[1, 2, 0\]"):
            function()


def test_a_narrow_middle_is_singular(rng: Any) -> None:
    A = Monarch(normal(rng, 2, 4, 3), normal(rng, 2, 3, 4))
    with pytest.raises(np.linalg.LinAlgError, match="rank is at most 6"):
        solve(A, np.ones(8))
    with pytest.raises(np.linalg.LinAlgError, match="rank is at most 6"):
        inv(A)
    assert float(slogdet(A).sign) == 0
    assert explain("slogdet", A).how == "singular"


def test_a_wide_middle_falls_back(rng: Any) -> None:
    A = Monarch(normal(rng, 2, 4, 6), normal(rng, 2, 6, 4))
    b = normal(rng, 8)
    np.testing.assert_allclose(solve(A, b), np.linalg.solve(A.todense(), b), rtol=1e-9)


@pytest.mark.parametrize(
    "shapes",
    [((3, 4, 2), (2, 3, 5)), ((2, 3, 3), (3, 2, 4)), ((4, 2, 2), (4, 2, 2), (4, 2, 3))],
)
def test_least_squares_by_blocks_where_these_have_full_rank(rng: Any, shapes: Any) -> None:
    A = Monarch(*(normal(rng, *shape) for shape in shapes))
    D, b = A.todense(), normal(rng, A.shape[0])
    assert isinstance(pinv(A), Monarch)
    np.testing.assert_allclose(pinv(A).todense(), np.linalg.pinv(D), atol=1e-11)
    np.testing.assert_allclose(lstsq(A, b), np.linalg.pinv(D) @ b, atol=1e-11)
    np.testing.assert_allclose(lstsq(A.H, D.T @ b), np.linalg.pinv(D.T) @ (D.T @ b), atol=1e-10)


def test_least_squares_fall_back_where_a_block_is_deficient(rng: Any) -> None:
    L, R = normal(rng, 3, 4, 2), normal(rng, 2, 3, 5)
    R[1, 2] = R[1, 1]
    A, b = Monarch(L, R), normal(rng, 12)
    assert not isinstance(pinv(A), Monarch)
    np.testing.assert_allclose(lstsq(A, b), np.linalg.pinv(A.todense()) @ b, atol=1e-10)


# entries, norms, products


@pytest.mark.parametrize(("left", "right"), [((2, 6, 4), (4, 2, 3)), ((3, 4, 4), (2, 6, 5))])
@pytest.mark.parametrize("turn", [False, True])
def test_entries_and_norms(
    library: ArrayLibrary, rng: Any, left: Any, right: Any, turn: bool
) -> None:
    A = Monarch(*(library.asarray(normal(rng, *shape)) for shape in (left, right)))
    B = A.T if turn else A
    D = library.to_numpy(B.todense())
    assert explain("diagonal", B).how == "products of entries of the factors"
    np.testing.assert_allclose(library.to_numpy(diagonal(B)), np.diagonal(D), atol=1e-14)
    for i, j in itertools.product((0, 7, -1), (2, 9, -1)):
        assert float(B[i, j]) == pytest.approx(D[i, j], abs=1e-14)
    for ord in ("fro", 1, math.inf):
        expected = np.linalg.norm(D, ord)
        assert float(norm(B, ord)) == pytest.approx(expected, rel=1e-13)


def test_the_trace_of_a_large_matrix(rng: Any) -> None:
    b = 64
    L, R = normal(rng, b, b, b), normal(rng, b, b, b)
    # entry (s l, k p) is L[l, s, k] R[k, l, p]; on the diagonal, k = s and p = l
    expected = np.einsum("lss,sll->", L, R)
    assert float(trace(Monarch(L, R))) == pytest.approx(expected, rel=1e-12)


def test_the_frobenius_norm_neither_overflows_nor_vanishes(rng: Any) -> None:
    A = square(rng, 4)
    expected = np.linalg.norm(A.todense())
    for scale in (1e-200, 1e200):
        B = Monarch(scale * A.factors[0], A.factors[1])
        assert float(norm(B)) / scale == pytest.approx(expected, rel=1e-13)


def test_products_keep_the_structure(rng: Any) -> None:
    A = Monarch(normal(rng, 2, 3, 4), normal(rng, 4, 2, 5))
    D = A.todense()
    rows, columns = normal(rng, 6), normal(rng, 20)
    cases: list[tuple[LinearOperator, Any]] = [
        (Diagonal(rows) @ A, rows[:, None] * D),
        (A @ Diagonal(columns), D * columns),
        (A.T @ Diagonal(rows), D.T * rows),
        (Diagonal(columns) @ A.T, columns[:, None] * D.T),
        (3 * A, 3 * D),
        (2j * A, 2j * D),
    ]
    for B, expected in cases:
        assert isinstance(B, Monarch)
        np.testing.assert_allclose(B.todense(), expected, atol=1e-13)


def test_products_with_dense_matrices_become_dense_where_that_is_smaller(rng: Any) -> None:
    A = square(rng, 4)
    thin, wide = normal(rng, 16, 2), normal(rng, 16, 20)
    assert isinstance(A @ Dense(thin), Dense)
    assert isinstance(Dense(thin.T) @ A, Dense)
    small = Monarch(normal(rng, 4, 4, 1), normal(rng, 1, 4, 1))
    assert isinstance(small @ Dense(normal(rng, 1, 20)), Product)
    np.testing.assert_allclose((A @ Dense(wide)).todense(), A.todense() @ wide, atol=1e-12)


# projection


def least_error(W: Any, b: int) -> float:
    n = W.shape[0]
    blocks = W.reshape(n // b, b, b, n // b).transpose(1, 2, 0, 3)
    values = np.linalg.svd(blocks, compute_uv=False)
    return float(np.linalg.norm(values[..., 1:]) / np.linalg.norm(values))


def test_noise_is_approximated_as_well_as_by_singular_values(rng: Any) -> None:
    W = rng.standard_normal((256, 256))
    A, error = Monarch.nearest(W, 16)
    assert float(error) == pytest.approx(least_error(W, 16), rel=1e-11)
    assert float(error) == pytest.approx(np.linalg.norm(W - A.todense()) / np.linalg.norm(W))
    again, _ = Monarch.nearest(W, 16)
    assert all(np.array_equal(F, G) for F, G in zip(A.factors, again.factors, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_every_library_approximates_alike(library: ArrayLibrary, rng: Any, dtype: str) -> None:
    W = normal(rng, 30, 42, dtype=dtype)
    (s, p), (b, k) = (5, 6), (6, 7)
    values = np.linalg.svd(W.reshape(s, b, k, p).transpose(1, 2, 0, 3), compute_uv=False)
    for rank in (1, 2):
        A, error = Monarch.nearest(library.asarray(W), (b, k), rank=rank)
        assert [tuple(F.shape) for F in A.factors] == [(b, s, k * rank), (k, b * rank, p)]
        D = library.to_numpy(A.todense())
        expected = float(np.linalg.norm(values[..., rank:]) / np.linalg.norm(values))
        tolerance = float(100 * np.finfo(dtype).eps)
        assert float(error) == pytest.approx(expected, rel=tolerance)
        assert np.linalg.norm(W - D) / np.linalg.norm(W) == pytest.approx(expected, rel=tolerance)
        assert error.dtype == A.real_dtype


def test_which_matrices_are_monarch() -> None:
    n, b = 64, 8
    swap = np.arange(n).reshape(b, b).T.ravel()
    fourier = scipy.linalg.dft(n)
    assert float(Monarch.nearest(scipy.linalg.hadamard(n), b).relative_error) < 1e-15
    assert float(Monarch.nearest(fourier[:, swap], b).relative_error) < 1e-14
    # every block of the rows and columns as they are has orthogonal rows of one norm
    assert float(Monarch.nearest(fourier, b).relative_error) == pytest.approx(math.sqrt(7 / 8))


def test_a_monarch_matrix_is_found_again(rng: Any) -> None:
    A = Monarch(normal(rng, 6, 4, 5), normal(rng, 5, 6, 7))
    W = A.todense()
    assert float(Monarch.nearest(W, (6, 5)).relative_error) < 1e-15
    B = Monarch(normal(rng, 6, 4, 10), normal(rng, 5, 12, 7))
    assert float(Monarch.nearest(B, (6, 5), rank=2).relative_error) < 2e-15
    # an error of 1e-9 is no difference of squares
    noise = rng.standard_normal(W.shape)
    noise *= 1e-9 * np.linalg.norm(W) / np.linalg.norm(noise)
    blocks = (W + noise).reshape(4, 6, 5, 7).transpose(1, 2, 0, 3)
    tail = np.linalg.norm(np.linalg.svd(blocks, compute_uv=False)[..., 1:])
    _, error = Monarch.nearest(W + noise, (6, 5))
    assert float(error) == pytest.approx(tail / np.linalg.norm(W), rel=1e-5)


def test_prime_sizes_are_padded_and_the_repr_says_so(library: ArrayLibrary, rng: Any) -> None:
    W = rng.standard_normal((13, 17))
    A, error = Monarch.nearest(library.asarray(W), (4, 3))
    assert repr(A) == "<Selected 13x17 float64 = Monarch[0:13, 0:17]>"
    assert A.operator.shape == (16, 18)
    D = library.to_numpy(A.todense())
    assert float(error) == pytest.approx(np.linalg.norm(W - D) / np.linalg.norm(W), rel=1e-12)
    # the blocks of rows and columns l::4 and consecutive ones, of which each is nearest
    squares = 0.0
    for one, k in itertools.product(range(4), range(3)):
        values = np.linalg.svd(W[one::4, 6 * k : 6 * (k + 1)], compute_uv=False)
        squares += float(np.sum(values[1:] ** 2))
    assert float(error) == pytest.approx(math.sqrt(squares) / np.linalg.norm(W), rel=1e-12)


def test_scale_does_not_matter(rng: Any) -> None:
    W = rng.standard_normal((16, 16))
    _, expected = Monarch.nearest(W, 4)
    for scale in (1e-300, 1e-8, 1e200):
        A, error = Monarch.nearest(scale * W, 4)
        assert float(error) == pytest.approx(float(expected), rel=1e-12)
        np.testing.assert_allclose(A.todense() / scale, Monarch.nearest(W, 4)[0].todense())


def test_zero_and_empty_matrices(library: ArrayLibrary) -> None:
    for shape in ((6, 4), (0, 4), (6, 0), (0, 0)):
        A, error = Monarch.nearest(library.asarray(np.zeros(shape)), 2 if min(shape) else 1)
        assert A.shape == shape
        assert float(error) == 0
        assert not np.any(library.to_numpy(A.todense()))


def test_sparse_matrices_and_operators_are_approximated(rng: Any) -> None:
    W = scipy.sparse.random_array((16, 16), density=0.3, rng=rng).tocsr()
    expected = float(Monarch.nearest(W.toarray(), 4).relative_error)
    assert float(Monarch.nearest(W, 4).relative_error) == pytest.approx(expected)
    K = Kronecker(normal(rng, 4, 4), normal(rng, 4, 4))
    assert float(Monarch.nearest(K, 4).relative_error) < 1e-15
    assert float(Monarch.nearest(np.arange(16).reshape(4, 4), 2).relative_error) < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"blocks": 0}, "has 1 to 8 blocks in L"),
        ({"blocks": (2, 13)}, "1 to 12 in R"),
        ({"blocks": 4, "rank": 3}, "blocks of 2x3 need 1 to 2"),
        ({"blocks": 4, "rank": 0}, "rank is 0"),
    ],
)
def test_bad_arguments_of_the_projection(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Monarch.nearest(np.ones((8, 12)), **arguments)


def test_bad_matrices_are_not_approximated() -> None:
    W = np.ones((4, 4))
    W[1, 2] = math.nan
    with pytest.raises(ValueError, match=r"W has a NaN or Inf at \[1, 2\]"):
        Monarch.nearest(W, 2)
    with pytest.raises(ValueError, match="only an array is approximated"):
        Monarch.nearest(Kronecker(np.eye(100), np.eye(100)), 100)


def test_the_precision_of_the_matrix_decides_its_rank() -> None:
    # blocks of rank 1 up to the rounding of single precision
    block = np.outer([0.1, 0.7], [0.3, 0.9]).astype(np.float32)
    A, b = Monarch(np.stack([block, block]), np.stack([block, block])), np.arange(4.0)
    expected = np.linalg.pinv(A.todense().astype(np.float64), rcond=1e-6) @ b
    np.testing.assert_allclose(lstsq(A, b), expected, rtol=1e-6)

"""Kronecker-sparse matrices: against the definition, transforms, and dense linear algebra."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from structlin._kernels import kronecker_sparse as plain, kronecker_sparse_numba as compiled
from structlin.matrices import (
    Butterfly,
    Diagonal,
    Identity,
    KroneckerSparse,
    KroneckerSparseChain,
    Pattern,
    Product,
    butterfly_patterns,
    cholesky,
    cond,
    diagonal,
    eig,
    eigh,
    explain,
    expm,
    inv,
    logdet,
    lstsq,
    monarch_patterns,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.testing import arrays, dtypes
from tests.conftest import ArrayLibrary

few = st.integers(1, 3)


def normal(rng: np.random.Generator, *shape: int, dtype: str = "complex128") -> Any:
    values = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return (values if dtype.startswith("complex") else values.real).astype(dtype)


def random_chain(rng: np.random.Generator, *patterns: Any, dtype: str = "float64") -> Any:
    return KroneckerSparseChain(*(normal(rng, *pattern, dtype=dtype) for pattern in patterns))


def dft_values(n: int) -> list[Any]:
    """Return the factors of Cooley and Tukey: F = B₁ (I ⊗ B₂) … times the bit reversal."""
    found = []
    for a, _, _, d in butterfly_patterns(n):
        twiddles = np.exp(-1j * np.pi * np.arange(d) / d)
        block = np.array([[np.ones(d), twiddles], [np.ones(d), -twiddles]])
        found.append(np.tile(block, (a, 1, 1, 1)))
    return found


def bit_reversal(n: int) -> list[int]:
    bits = n.bit_length() - 1
    return [int(f"{i:0{bits}b}"[::-1], 2) for i in range(n)]


# the definition


@given(sizes=st.tuples(few, few, few, few), seed=st.integers(0, 99))
def test_entries_stand_where_the_definition_says(sizes: Any, seed: int) -> None:
    a, b, c, d = sizes
    values = normal(np.random.default_rng(seed), a, b, c, d)
    expected = np.zeros((a * b * d, a * c * d), dtype=complex)
    for i, j, k, e in np.ndindex(a, b, c, d):
        expected[i * b * d + j * d + e, i * c * d + k * d + e] = values[i, j, k, e]
    A = KroneckerSparse(values)
    np.testing.assert_array_equal(A.todense(), expected)
    for i, j in np.ndindex(A.shape):
        assert A[i, j] == expected[i, j]
    np.testing.assert_array_equal(KroneckerSparse.from_blocks(A.blocks).values, values)


def test_the_support_is_a_kronecker_product() -> None:
    support = np.kron(np.kron(np.eye(2), np.ones((3, 2))), np.eye(4))
    np.testing.assert_array_equal(KroneckerSparse(np.ones((2, 3, 2, 4))).todense(), support)


def test_complex_adjoint_is_no_transpose(rng: np.random.Generator) -> None:
    A = KroneckerSparse(normal(rng, 2, 9, 8, 3))  # blocks that are left to matmul
    x, y = normal(rng, A.shape[1], 2), normal(rng, A.shape[0], 2)
    dense = A.todense()
    np.testing.assert_allclose(A @ x, dense @ x)
    np.testing.assert_allclose(A.H @ y, dense.conj().T @ y)
    np.testing.assert_allclose(A.T @ y, dense.T @ y)
    np.testing.assert_allclose(A.rmatvec(y), dense.conj().T @ y)


def test_entries_outside_the_support_are_zero_whatever_the_values() -> None:
    dense = KroneckerSparse(np.full((2, 1, 1, 2), np.inf)).todense()
    np.testing.assert_array_equal(dense, np.diag(np.full(4, np.inf)))


@given(data=st.data(), dtype=dtypes(), width=st.integers(1, 6))
def test_kernel_twin(data: Any, dtype: str, width: int) -> None:
    a, s, r, t, d = (data.draw(few) for _ in range(5))
    b, c = data.draw(few), data.draw(few)
    left = data.draw(arrays((a, b, s * r, t * d), dtype))
    right = data.draw(arrays((a * s, r * t, c, d), dtype))
    X = data.draw(arrays((a * s * c * d, width), dtype))
    factors = [np.ascontiguousarray(right), np.ascontiguousarray(left)]
    before = X.copy()
    found = compiled.small_blocks(factors, X)
    np.testing.assert_array_equal(X, before)
    assert found.dtype == X.dtype
    np.testing.assert_allclose(found, plain.small_blocks(factors, X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("width", [1, 2, 16, 17, 40])
@pytest.mark.parametrize("sizes", [(8, 2, 2, 1), (1, 2, 2, 8), (3, 4, 5, 2), (2, 8, 8, 2)])
def test_products_of_small_and_large_blocks(
    sizes: Any, width: int, library: ArrayLibrary, rng: np.random.Generator
) -> None:
    values = normal(rng, *sizes)
    A = KroneckerSparse(library.asarray(values))
    dense = KroneckerSparse(values).todense()
    x, y = normal(rng, A.shape[1], width), normal(rng, A.shape[0], width)
    np.testing.assert_allclose(library.to_numpy(A @ library.asarray(x)), dense @ x, atol=1e-12)
    found = library.to_numpy(A.H @ library.asarray(y))
    np.testing.assert_allclose(found, dense.conj().T @ y, atol=1e-12)


# chains


@given(data=st.data())
def test_product_of_chainable_factors(data: Any) -> None:
    a, s, r, t, d, b, c = (data.draw(few) for _ in range(7))
    A = KroneckerSparse(data.draw(arrays((a, b, s * r, t * d), "complex128")))
    B = KroneckerSparse(data.draw(arrays((a * s, r * t, c, d), "complex128")))
    C = A @ B
    assert isinstance(C, (KroneckerSparse, KroneckerSparseChain))
    chain = KroneckerSparseChain(A, B)
    assert chain.ranks == (r,)
    assert chain.is_redundant == (r >= min(b, c))
    assert chain.parameters == A.values.size + B.values.size
    assert chain.fused().pattern == (a, b * t, s * c, d)
    expected = A.todense() @ B.todense()
    for product in (C, chain, chain.fused(), chain.T.T, chain.T.fused().T):
        np.testing.assert_allclose(product.todense(), expected, rtol=0, atol=1e-10)
    # every block of the product has the rank of the seam
    blocks = expected.reshape(a, b, t, d, a, s, c, d)
    for i, j, k, e in np.ndindex(a, s, t, d):
        assert np.linalg.matrix_rank(blocks[i, :, k, e, i, j, :, e]) <= r


def test_products_merge_only_where_that_saves_entries(rng: np.random.Generator) -> None:
    stages = [KroneckerSparse(normal(rng, *pattern)) for pattern in butterfly_patterns(8)]
    product = stages[0] @ stages[1] @ stages[2]
    assert isinstance(product, KroneckerSparseChain)
    assert product.patterns == butterfly_patterns(8)
    assert isinstance(product @ product.H, Product)  # forward, then backward
    assert (product.H @ product).shape == (8, 8)
    assert isinstance(stages[0] @ stages[0].H, KroneckerSparse)
    assert isinstance(stages[1] @ stages[0], KroneckerSparseChain)
    merged = product @ inv(stages[2])
    assert merged.patterns == butterfly_patterns(8)
    dense = product.todense() @ np.linalg.inv(stages[2].todense())
    np.testing.assert_allclose(merged.todense(), dense, atol=1e-12)


def test_algebra_keeps_the_structure(rng: np.random.Generator) -> None:
    A, B = (KroneckerSparse(rng.standard_normal((2, 3, 3, 2))) for _ in range(2))
    D = Diagonal(rng.standard_normal(12))
    chain = random_chain(rng, *butterfly_patterns(8))
    E = Diagonal(rng.standard_normal(8))
    kept = [
        (A + B, A.todense() + B.todense()),
        (A + D, A.todense() + D.todense()),
        (D - A, D.todense() - A.todense()),
        (A + 3 * Identity(12), A.todense() + 3 * np.eye(12)),
        (D @ A, D.todense() @ A.todense()),
        (A @ D, A.todense() @ D.todense()),
        (2j * A, 2j * A.todense()),
        (A.T, A.todense().T),
        (inv(A), np.linalg.inv(A.todense())),
        (pinv(A), np.linalg.inv(A.todense())),
        (E @ chain, E.todense() @ chain.todense()),
        (chain @ E, chain.todense() @ E.todense()),
        (chain.H, chain.todense().T),
        (inv(chain), np.linalg.inv(chain.todense())),
        (-chain, -chain.todense()),
    ]
    for operator, dense in kept:
        assert isinstance(operator, (KroneckerSparse, KroneckerSparseChain))
        np.testing.assert_allclose(operator.todense(), dense, rtol=1e-9, atol=1e-12)
    lopsided = KroneckerSparse(rng.standard_normal((1, 2, 4, 2)))
    other = KroneckerSparse(rng.standard_normal((2, 1, 2, 2)))
    dense = lopsided.todense() + other.todense()
    np.testing.assert_allclose((lopsided + other).todense(), dense)


@pytest.mark.parametrize(
    ("patterns", "complaint"),
    [
        ([(1, 2, 2, 2), (2, 2, 2, 2)], "a c d = 4 columns, the second a b d = 8 rows"),
        ([(2, 1, 3, 1), (3, 2, 1, 1)], "a = 2 of the first does not divide a = 3"),
        ([(1, 1, 3, 2), (1, 2, 1, 3)], "d = 3 of the second does not divide d = 2"),
        ([(1, 1, 2, 4), (4, 1, 1, 2)], "a = 4 of the second does not divide a c = 2"),
        ([(1, 2, 2, 4), (2, 2, 2, 2), (1, 2, 2, 4)], "of the patterns 1 and 2"),
        ([(1, 2, 0, 1)], "is empty"),
        ([(1, 2, 2)], "give four integers"),
        ([(1, 2, 2, 0.5)], "give four integers"),
        ([(1, 2, -2, 1)], "is negative"),
        ([], "no factors"),
    ],
)
def test_what_is_no_chain(patterns: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        KroneckerSparse.nearest(np.ones((8, 8)), patterns)


def test_factors_are_checked() -> None:
    with pytest.raises(ValueError, match="not chainable: of the patterns 0 and 1, a = 2 of the"):
        KroneckerSparseChain(np.ones((2, 1, 3, 1)), np.ones((3, 2, 1, 1)))
    with pytest.raises(ValueError, match="no factors"):
        KroneckerSparseChain()
    with pytest.raises(ValueError, match=r"shape \(2, 2\): a Kronecker-sparse matrix has values"):
        KroneckerSparse(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"a butterfly of 2 factors has \(1, 2, 2, 2\)"):
        Butterfly(np.ones((2, 2, 2, 1)), np.ones((1, 2, 2, 2)))
    with pytest.raises(ValueError, match="power of two"):
        butterfly_patterns(12)
    with pytest.raises(ValueError, match="do not divide a 6x8 matrix"):
        monarch_patterns(6, 8, 4, 4)
    with pytest.raises(ValueError, match="fits no machine"):
        KroneckerSparse(np.broadcast_to(1.0, (1, 2**25, 2**25, 1))).todense()


def test_repr() -> None:
    A = Butterfly(*(np.ones(pattern) for pattern in butterfly_patterns(64)))
    assert repr(A) == (
        "<Butterfly 64x64 float64 = (1, 2, 2, 32) @ (2, 2, 2, 16) @ … @ (32, 2, 2, 1) (6 factors)>"
    )
    assert Pattern(2, 3, 4, 5).T == (2, 4, 3, 5)


# transforms


def test_the_hadamard_matrix_is_a_butterfly() -> None:
    H = np.array([[1.0, 1.0], [1.0, -1.0]])
    values = [np.tile(H[None, :, :, None], (a, 1, 1, d)) for a, _, _, d in butterfly_patterns(64)]
    expected = scipy.linalg.hadamard(64)
    np.testing.assert_array_equal(Butterfly(*values).todense(), expected)
    A, error = Butterfly.nearest(expected)
    assert isinstance(A, Butterfly)
    assert error < 1e-14
    np.testing.assert_allclose(A @ np.eye(64), expected, atol=1e-12)


@pytest.mark.parametrize("n", [2, 8, 64])
def test_the_fourier_transform_in_bit_reversed_order_is_a_butterfly(n: int) -> None:
    x = np.random.default_rng(n).standard_normal(n)
    expected = np.fft.fft(np.eye(n))[:, bit_reversal(n)]
    A = Butterfly(*dft_values(n))
    np.testing.assert_allclose(A.todense(), expected, atol=1e-12)
    np.testing.assert_allclose(A @ x[bit_reversal(n)], np.fft.fft(x), atol=1e-12)
    np.testing.assert_allclose(solve(A, np.fft.fft(x)), x[bit_reversal(n)], atol=1e-12)
    # F Fᴴ = n I, and det² of F is n^n up to the sign
    assert logdet(A).real == pytest.approx(n / 2 * math.log(n), rel=1e-13)
    found, error = Butterfly.nearest(expected)
    assert error < 1e-14
    np.testing.assert_allclose(found.todense(), expected, atol=1e-12)


def test_the_fourier_transform_in_plain_order_is_none() -> None:
    F = np.fft.fft(np.eye(16))
    bound = KroneckerSparse.lower_bound(F, butterfly_patterns(16))
    # at the middle seam the blocks are unitary up to a factor: one of four singular values stays
    assert bound >= math.sqrt(3 / 4) - 1e-12


# projection


def block_errors(W: Any, p: int, q: int) -> float:
    """Return the least relative error of a Monarch matrix: block after block."""
    m, n = W.shape
    lost = 0.0
    for row in range(m // p):
        for column in range(q):
            block = W[row :: m // p, column * (n // q) : (column + 1) * (n // q)]
            lost += float(np.sum(np.linalg.svd(block, compute_uv=False)[1:].astype(float) ** 2))
    return math.sqrt(lost) / float(np.linalg.norm(W))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("sizes", [(16, 16, 4, 4), (12, 20, 3, 5), (20, 12, 10, 2), (7, 5, 7, 1)])
def test_monarch_projection_is_optimal(
    sizes: Any, dtype: str, library: ArrayLibrary, rng: np.random.Generator
) -> None:
    m, n, p, q = sizes
    W = normal(rng, m, n, dtype=dtype)
    A, error = KroneckerSparse.nearest(library.asarray(W), monarch_patterns(*sizes))
    eps = float(np.finfo(dtype).eps)
    assert A.shape == (m, n)
    assert A.dtype == library.dtype(dtype)
    assert error.dtype == A.real_dtype
    assert float(error) == pytest.approx(block_errors(W, p, q), rel=100 * eps)
    distance = np.linalg.norm(W - library.to_numpy(A.todense())) / np.linalg.norm(W)
    assert float(error) == pytest.approx(distance, rel=100 * eps)
    bound = KroneckerSparse.lower_bound(library.asarray(W), A)
    assert float(bound) == pytest.approx(float(error), rel=100 * eps)


architectures = {
    "butterfly": butterfly_patterns(16),
    "rank 2": ((1, 4, 4, 4), (2, 4, 4, 2), (4, 4, 4, 1)),
    "mixed": ((1, 3, 4, 6), (2, 6, 4, 2), (8, 2, 2, 1)),
    "support": ((2, 2, 2, 4), (4, 2, 3, 2)),
    "backward": tuple(Pattern(*p).T for p in reversed(butterfly_patterns(16))),
}


@pytest.mark.parametrize("name", architectures)
def test_members_are_found_and_noise_grows_as_the_bound_says(
    name: str, rng: np.random.Generator
) -> None:
    patterns = architectures[name]
    chain = random_chain(rng, *patterns, dtype="complex128")
    W = chain.todense()
    A, error = KroneckerSparse.nearest(W, patterns)
    assert error < 1e-14
    assert A.patterns == chain.patterns
    for size in (1e-6, 1e-2, 10.0):
        noisy = W + size * normal(rng, *W.shape)
        found, error = KroneckerSparse.nearest(noisy, chain)
        assert KroneckerSparse.lower_bound(noisy, chain) <= error + 1e-14
        # W is a member at a known distance, so the best is no farther
        best = np.linalg.norm(noisy - W) / np.linalg.norm(noisy)
        assert error <= math.sqrt(len(patterns) - 1) * best + 1e-14
        distance = np.linalg.norm(noisy - found.todense()) / np.linalg.norm(noisy)
        assert error == pytest.approx(distance, abs=1e-14)


def test_certificate_is_the_tail_of_the_worst_seam(rng: np.random.Generator) -> None:
    W = rng.standard_normal((16, 16))
    tails = []
    for i in range(1, 4):  # blocks 2^i × 2^(4 - i), every 2^(4 - i)-th row
        s = 2 ** (4 - i)
        blocks = [W[row::s, column : column + s] for row in range(s) for column in range(0, 16, s)]
        tails.append(sum(np.sum(np.linalg.svd(M, compute_uv=False)[1:] ** 2) for M in blocks))
    bound = KroneckerSparse.lower_bound(W, butterfly_patterns(16))
    assert bound == pytest.approx(math.sqrt(max(tails)) / np.linalg.norm(W), rel=1e-12)
    error = Butterfly.nearest(W).relative_error
    assert bound <= error <= math.sqrt(sum(tails)) / np.linalg.norm(W) * (1 + 1e-12)


def test_one_factor_keeps_what_lies_on_its_support(rng: np.random.Generator) -> None:
    W = rng.standard_normal((12, 8))
    support = np.kron(np.kron(np.eye(2), np.ones((3, 2))), np.eye(2))
    A, error = KroneckerSparse.nearest(W, [(2, 3, 2, 2)])
    np.testing.assert_allclose(A.todense(), W * support, rtol=1e-14)
    expected = np.linalg.norm(W * (1 - support)) / np.linalg.norm(W)
    assert error == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("redundant", "lean"),
    [
        ([(1, 2, 4, 4), (1, 4, 8, 4), (4, 8, 2, 1)], [(1, 2, 8, 4), (4, 8, 2, 1)]),
        ([(1, 8, 8, 1), (1, 8, 4, 1)], [(1, 8, 4, 1)]),
        ([(1, 8, 16, 1), (4, 4, 1, 1), (4, 1, 2, 1)], [(1, 8, 4, 1), (4, 1, 2, 1)]),
    ],
)
def test_redundant_chains_reach_what_the_lean_ones_do(
    redundant: Any, lean: Any, rng: np.random.Generator
) -> None:
    chain = random_chain(rng, *redundant)
    assert chain.is_redundant
    W = rng.standard_normal(chain.shape)
    A, error = KroneckerSparse.nearest(W, chain)
    assert A.patterns == chain.patterns
    expected = KroneckerSparse.nearest(W, lean).relative_error
    assert error == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_transposed_chains_are_factorised_alike(rng: np.random.Generator) -> None:
    W = normal(rng, 16, 16)
    chain = random_chain(rng, *butterfly_patterns(16))
    assert KroneckerSparse.nearest(W.T, chain.T).relative_error == pytest.approx(
        KroneckerSparse.nearest(W, chain).relative_error, rel=1e-12
    )


@pytest.mark.parametrize("size", [1e-200, 1e-8, 1e8, 1e200])
def test_projection_does_not_depend_on_the_scale(size: float, rng: np.random.Generator) -> None:
    W = rng.standard_normal((16, 16))
    A, error = Butterfly.nearest(W)
    B, scaled = Butterfly.nearest(size * W)
    assert scaled == pytest.approx(error, rel=1e-12)
    np.testing.assert_allclose(B.todense() / size, A.todense(), rtol=1e-9, atol=1e-12)


def test_projection_of_special_matrices(rng: np.random.Generator) -> None:
    A, error = Butterfly.nearest(np.zeros((8, 8)))
    assert error == 0
    np.testing.assert_array_equal(A.todense(), np.zeros((8, 8)))
    assert Butterfly.nearest(A + Identity(8)).relative_error < 1e-15  # an operator
    whole, error = Butterfly.nearest(np.diag(np.arange(8)))  # integers; rank 1 in every block
    assert error < 1e-15
    np.testing.assert_allclose(whole.todense(), np.diag(np.arange(8.0)), atol=1e-14)
    W = rng.standard_normal((8, 8))
    W[3, 5] = math.nan
    with pytest.raises(ValueError, match=r"W has a NaN or Inf at \[3, 5\]"):
        Butterfly.nearest(W)
    with pytest.raises(ValueError, match="W is 8x4: the chain approximates 8x8"):
        Butterfly.nearest(W[:, :4])


# functions


def random_rotations(rng: np.random.Generator, n: int, scale: float = 1.0) -> Butterfly:
    values = []
    for a, _, _, d in butterfly_patterns(n):
        angle = rng.uniform(0, 2 * math.pi, (a, d))
        block = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        values.append(scale * np.moveaxis(block, 2, 0))
    return Butterfly(*values)


def test_large_butterfly_of_rotations_is_orthogonal(rng: np.random.Generator) -> None:
    A = random_rotations(rng, 2**14)
    x = rng.standard_normal(2**14)
    assert np.linalg.norm(A @ x) == pytest.approx(np.linalg.norm(x), rel=1e-13)
    np.testing.assert_allclose(A.H @ (A @ x), x, atol=1e-12)
    np.testing.assert_allclose(solve(A, x), A.H @ x, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_slogdet_counts_reflections(scale: float, rng: np.random.Generator) -> None:
    n, stages = 256, 8
    A = random_rotations(rng, n, scale)
    values = [np.array(factor.values) for factor in A.factors]
    for factor, count in zip(values, (3, 0, 1, 2, 0, 0, 5, 2), strict=True):
        flipped = factor.transpose(0, 3, 1, 2).reshape(-1, 2, 2)
        flipped[:count, 0] *= -1
        factor[...] = flipped.reshape(*factor.transpose(0, 3, 1, 2).shape).transpose(0, 2, 3, 1)
    for sign, chain in ((1, A), (-1, Butterfly(*values))):
        found = slogdet(chain)
        assert float(found.sign) == sign
        expected = n * stages * math.log(scale)
        assert float(found.logabsdet) == pytest.approx(expected, rel=1e-13, abs=1e-10)


def test_sign_of_a_matrix_with_permuted_blocks() -> None:
    # rows and columns are permuted alike, so that the sign is that of the blocks
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    for a, d in ((1, 1), (1, 3), (3, 1), (2, 2), (3, 3)):
        A = KroneckerSparse(np.tile(swap[None, :, :, None], (a, 1, 1, d)))
        assert slogdet(A) == (np.linalg.det(A.todense()), 0.0) == ((-1) ** (a * d), 0.0)


@pytest.mark.parametrize("sizes", [(2, 3, 2, 2), (2, 2, 3, 2), (1, 2, 5, 3)])
def test_singular_values_and_least_squares(sizes: Any, rng: np.random.Generator) -> None:
    values = normal(rng, *sizes)
    values[0, :, :, 0] = values[0, :, :1, 0]  # one block of rank 1
    A = KroneckerSparse(values)
    dense = A.todense()
    expected = np.linalg.svd(dense, compute_uv=False)
    np.testing.assert_allclose(svdvals(A), expected, atol=1e-13)
    U, S, Vh = svd(A)
    np.testing.assert_allclose((U @ Diagonal(S) @ Vh).todense(), dense, atol=1e-13)
    np.testing.assert_allclose((U.H @ U).todense(), np.eye(S.size), atol=1e-13)
    assert rank(A) == np.linalg.matrix_rank(dense) == min(A.shape) - min(sizes[1:3]) + 1
    b = normal(rng, A.shape[0], 2)
    least = np.linalg.lstsq(dense, b, rcond=1e-12)[0]
    np.testing.assert_allclose(lstsq(A, b), least, atol=1e-12)
    np.testing.assert_allclose(pinv(A).todense(), np.linalg.pinv(dense, rcond=1e-12), atol=1e-12)
    for ord in ("fro", "nuc", 1, 2, math.inf):
        assert norm(A, ord) == pytest.approx(np.linalg.norm(dense, ord), rel=1e-13)


def test_functions_of_square_blocks(library: ArrayLibrary, rng: np.random.Generator) -> None:
    G = KroneckerSparse(normal(rng, 2, 3, 3, 2))
    A = KroneckerSparse(library.asarray((G @ G.H + Identity(12)).values))
    dense = library.to_numpy(A.todense())

    def host(x: Any) -> Any:
        return library.to_numpy(x)

    L = cholesky(A)
    assert isinstance(L, KroneckerSparse)
    np.testing.assert_allclose(host(L.todense()), np.linalg.cholesky(dense), atol=1e-12)
    w, V = eigh(A)
    assert isinstance(V, KroneckerSparse)
    np.testing.assert_allclose(np.sort(host(w)), np.linalg.eigvalsh(dense), rtol=1e-12)
    np.testing.assert_allclose(host(V.todense()) * host(w) @ host(V.H.todense()), dense, atol=1e-11)
    np.testing.assert_allclose(
        host(expm(0.1 * A).todense()), scipy.linalg.expm(0.1 * dense), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(host(diagonal(A)), np.diag(dense))
    np.testing.assert_allclose(host(trace(A)), np.trace(dense))
    np.testing.assert_allclose(host(cond(A)), np.linalg.cond(dense), rtol=1e-10)


def test_eigenvalues_of_blocks_that_are_not_hermitian(rng: np.random.Generator) -> None:
    A = KroneckerSparse(rng.standard_normal((2, 3, 3, 2)))
    w, V = eig(A)
    assert isinstance(V, KroneckerSparse)
    np.testing.assert_allclose(A @ V.todense(), V.todense() * w, atol=1e-12)
    np.testing.assert_allclose(np.prod(w), np.linalg.det(A.todense()), rtol=1e-10)


def test_singular_and_indefinite_matrices() -> None:
    values = np.tile(np.eye(2)[None, :, :, None], (2, 1, 1, 2))
    values[1, 1, 1, 0] = 0
    A = KroneckerSparse(values)
    other = KroneckerSparse(np.ones((1, 4, 4, 2)) + 0.0)
    for chain in (A, KroneckerSparseChain(A, np.ones((4, 2, 2, 1)))):
        for function in (lambda A: solve(A, np.ones(8)), inv):
            with pytest.raises(np.linalg.LinAlgError, match="singular"):
                function(chain)
        assert slogdet(chain) == (0.0, -math.inf)
    assert rank(other) == 2
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        cholesky(A)
    with pytest.raises(ValueError, match="not Hermitian"):
        eigh(KroneckerSparse(np.arange(8.0).reshape(2, 2, 2, 1)))
    values = np.ones((1, 2, 2, 2))
    values[0, 0, 1, 1] = math.inf
    with pytest.raises(ValueError, match=r"NaN or Inf at \[0, 0, 1, 1\]"):
        solve(KroneckerSparse(values), np.ones(4))


def test_a_chain_that_is_narrow_inside_is_singular(rng: np.random.Generator) -> None:
    chain = random_chain(rng, (1, 4, 2, 2), (2, 2, 4, 1))
    assert slogdet(chain) == (0.0, -math.inf)
    with pytest.raises(np.linalg.LinAlgError, match="fewer columns"):
        solve(chain, np.ones(8))
    with pytest.raises(np.linalg.LinAlgError, match="fewer columns"):
        inv(chain)


def test_a_chain_of_rectangular_factors_is_solved(rng: np.random.Generator) -> None:
    chain = random_chain(rng, (1, 4, 6, 2), (2, 6, 4, 1))
    assert chain.shape == (8, 8)
    b = rng.standard_normal(8)
    np.testing.assert_allclose(chain.todense() @ solve(chain, b), b, atol=1e-9)


def test_explain(rng: np.random.Generator) -> None:
    A = KroneckerSparse(rng.standard_normal((2, 3, 3, 2)))
    assert explain("solve", A).how == "LU of each block"
    assert explain("svd", A).cost == "about 10 a d b c min(b, c)"
    chain = random_chain(rng, *butterfly_patterns(8))
    told = explain("slogdet", chain)
    assert told.how == "sum over the factors"
    assert len(told.parts) == 3


def test_projections_refuse_what_overflows() -> None:
    W = np.full((4, 4), 1.7e308)
    with pytest.raises(ValueError, match="the norm of W overflows: divide W"):
        KroneckerSparse.nearest(W, butterfly_patterns(4))
    with pytest.raises(ValueError, match="the norm of W overflows: divide W"):
        Butterfly.nearest(W * (0.9 + 0.9j))


def test_arguments_of_the_wrong_type() -> None:
    with pytest.raises(TypeError, match="list is no matrix"):
        Butterfly.nearest([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match=r"blocks have shape \(2, 2\): they are an"):
        KroneckerSparse.from_blocks(np.ones((2, 2)))
    for call in (lambda: butterfly_patterns(4.0), lambda: monarch_patterns(4, 4, 2, 2.0)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
            call()


def test_the_precision_of_the_matrix_decides_its_rank() -> None:
    # rank 1 up to the rounding of single precision
    block = np.outer([0.1, 0.7], [0.3, 0.9]).astype(np.float32)
    x = lstsq(KroneckerSparse(block[None, :, :, None]), np.array([1.0, 2.0]))
    expected = np.linalg.pinv(block.astype(np.float64), rcond=1e-6) @ [1.0, 2.0]
    np.testing.assert_allclose(x, expected, rtol=1e-6)

"""Block diagonal matrices: against scipy.linalg.block_diag, one by one and all at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from structlin.matrices import (
    Banded,
    BlockDiagonal,
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    Permutation,
    Product,
    Sum,
    Triangular,
    cholesky,
    diagonal,
    eig,
    eigh,
    explain,
    expm,
    inv,
    logdet,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from tests.conftest import ArrayLibrary


def _stack(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def test_entries_are_those_of_scipy(library: ArrayLibrary, rng: np.random.Generator) -> None:
    blocks = [_stack(rng, *shape) for shape in ((2, 3), (1, 1), (0, 2), (3, 0), (2, 2))]
    expected = scipy.linalg.block_diag(*blocks)
    A = BlockDiagonal(*map(library.asarray, blocks))
    np.testing.assert_array_equal(library.to_numpy(A.todense()), expected)
    X = rng.standard_normal((expected.shape[1], 2))
    np.testing.assert_allclose(library.to_numpy(A @ library.asarray(X)), expected @ X)
    for i in range(expected.shape[0]):
        np.testing.assert_array_equal(library.to_numpy(A[i, :]), expected[i])
    for j in range(expected.shape[1]):
        np.testing.assert_array_equal(library.to_numpy(A[:, j]), expected[:, j])


def test_equal_arrays_become_one_stack(rng: np.random.Generator) -> None:
    stack = _stack(rng, 5, 2, 3)
    from_arrays, from_stack = BlockDiagonal(*stack), BlockDiagonal(stack)
    assert from_stack.stack is stack
    np.testing.assert_array_equal(from_arrays.stack, stack)
    np.testing.assert_array_equal(from_stack.todense(), scipy.linalg.block_diag(*stack))
    assert len(from_stack.blocks) == 5
    assert repr(from_stack) == "<BlockDiagonal 10x15 float64 = 5 blocks of 2x3>"
    mixed = BlockDiagonal(np.ones((2, 2), dtype=np.float32), np.ones((2, 2)))
    assert mixed.stack.dtype == np.float64


def test_other_blocks_keep_their_structure(rng: np.random.Generator) -> None:
    T = Triangular(_stack(rng, 2, 2))
    A = BlockDiagonal(T, T)
    assert A.stack is None
    assert A.blocks == (T, T)
    nested = BlockDiagonal(A, BlockDiagonal(_stack(rng, 3, 1, 2)))
    assert [B.shape for B in nested.blocks] == [(2, 2), (2, 2), (1, 2), (1, 2), (1, 2)]
    assert repr(BlockDiagonal(T, np.ones((1, 3)))).endswith("= blocks of 2x2, 1x3>")
    many = BlockDiagonal(*([T] * 20))
    assert repr(many).endswith("2x2, 2x2, 2x2, …, 2x2>")


@pytest.mark.parametrize("size", [3, 40])
def test_functions_of_a_stack(size: int, rng: np.random.Generator) -> None:
    stack = _stack(rng, 2, size, size) + 1j * _stack(rng, 2, size, size) + 2 * np.eye(size)
    A, D = BlockDiagonal(stack), scipy.linalg.block_diag(*stack)
    b = rng.standard_normal((2 * size, 2))
    np.testing.assert_allclose(solve(A, b), np.linalg.solve(D, b), rtol=1e-8)
    np.testing.assert_allclose(lstsq(A, b), np.linalg.solve(D, b), rtol=1e-8)
    np.testing.assert_allclose(inv(A).todense(), np.linalg.inv(D), atol=1e-9)
    np.testing.assert_allclose(pinv(A).todense(), np.linalg.inv(D), atol=1e-9)
    np.testing.assert_allclose(slogdet(A), np.linalg.slogdet(D), rtol=1e-10)
    np.testing.assert_allclose(svdvals(A), np.linalg.svdvals(D), atol=1e-11)
    np.testing.assert_allclose(expm(A).todense(), scipy.linalg.expm(D), rtol=1e-6, atol=1e-6)
    for ord in ("fro", "nuc", 1, 2, np.inf):
        np.testing.assert_allclose(norm(A, ord), np.linalg.norm(D, ord), rtol=1e-12)
    H = A @ A.H
    assert isinstance(H, BlockDiagonal)
    np.testing.assert_allclose(
        eigh(H).sorted().eigenvalues, np.linalg.eigvalsh(D @ D.conj().T), rtol=1e-8
    )
    np.testing.assert_allclose(cholesky(H).todense(), np.linalg.cholesky(D @ D.conj().T), atol=1e-8)
    for made in (inv(A), pinv(A), expm(A), cholesky(H), eigh(H).eigenvectors, svd(A).U):
        assert made.stack is not None


def test_functions_of_rectangular_blocks(rng: np.random.Generator) -> None:
    blocks = [_stack(rng, 3, 2), _stack(rng, 2, 4), np.ones((3, 3))]
    A, D = BlockDiagonal(*blocks), scipy.linalg.block_diag(*blocks)
    b = rng.standard_normal((8, 2))
    np.testing.assert_allclose(lstsq(A, b), np.linalg.lstsq(D, b)[0], atol=1e-13)
    np.testing.assert_allclose(pinv(A).todense(), np.linalg.pinv(D), atol=1e-13)
    assert rank(A) == np.linalg.matrix_rank(D) == 5
    np.testing.assert_allclose(svdvals(A), np.linalg.svdvals(D), atol=1e-14)
    for ord in ("fro", "nuc", 1, 2, np.inf):
        np.testing.assert_allclose(norm(A, ord), np.linalg.norm(D, ord), rtol=1e-13)
    np.testing.assert_allclose(diagonal(A), np.diag(D))


def test_blocks_that_are_not_square_make_it_singular() -> None:
    for A in (
        BlockDiagonal(np.ones((1, 2)), np.ones((2, 1))),
        BlockDiagonal(Identity(2), np.ones((0, 1)), np.ones((1, 0))),
    ):
        assert slogdet(A) == (0, -math.inf)
        for refused in (lambda A: solve(A, np.ones(3)), inv):
            with pytest.raises(np.linalg.LinAlgError, match="blocks that are not square"):
                refused(A)
        np.testing.assert_allclose(trace(A), np.trace(A.todense()))
        assert isinstance(A + Identity(3), Sum)


@pytest.mark.parametrize("size", [2, 40])
def test_a_singular_block_is_found(size: int, rng: np.random.Generator) -> None:
    stack = _stack(rng, 3, size, size)
    stack[1, 0, :] = 0
    A = BlockDiagonal(stack)
    assert slogdet(A) == (0, -math.inf)
    assert rank(A) == 3 * size - 1
    for refused in (lambda A: solve(A, np.ones(3 * size)), inv):
        with pytest.raises(np.linalg.LinAlgError, match="is singular"):
            refused(A)
    with pytest.raises(np.linalg.LinAlgError, match="is not positive definite"):
        cholesky(-1 * (A @ A.H))
    with pytest.raises(ValueError, match="is not Hermitian"):
        eigh(A)


def test_the_rank_is_measured_block_by_block() -> None:
    # the singular values of each block are measured by the largest of the same block
    A = BlockDiagonal(np.array([np.eye(2), 1e-30 * np.eye(2), np.ones((2, 2))]))
    assert rank(A) == 5
    np.testing.assert_allclose(A @ (pinv(A) @ (A @ np.ones(6))), A @ np.ones(6), rtol=1e-14)
    np.testing.assert_allclose(lstsq(A, A @ np.ones(6)), np.ones(6), rtol=1e-14)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_determinants_at_any_scale(scale: float, rng: np.random.Generator) -> None:
    stack = _stack(rng, 50, 4, 4)
    stack = stack @ np.matrix_transpose(stack) + np.eye(4)
    expected = np.sum(np.linalg.slogdet(stack).logabsdet)
    found = logdet(BlockDiagonal(scale * stack))
    np.testing.assert_allclose(found, expected + 200 * math.log(scale), rtol=1e-12)


def test_algebra_keeps_the_blocks(library: ArrayLibrary, rng: np.random.Generator) -> None:
    a, b, d = _stack(rng, 3, 2, 2), _stack(rng, 3, 2, 2), rng.standard_normal(6)
    A, B, D = (
        BlockDiagonal(library.asarray(a)),
        BlockDiagonal(*(library.asarray(x) for x in b)),
        Diagonal(library.asarray(d)),
    )
    C = BlockDiagonal(Diagonal(D.entries[:2]), *(library.asarray(x) for x in b[1:]))
    x, y, z = (scipy.linalg.block_diag(*blocks) for blocks in (a, b, [np.diag(d[:2]), *b[1:]]))
    one, e = Identity(6, like=A), np.eye(6)
    cases: list[tuple[Any, np.ndarray]] = [
        (A + B, x + y),
        (A - C, x - z),
        (A @ B, x @ y),
        (C @ A, z @ x),
        (A + D, x + np.diag(d)),
        (D + C, np.diag(d) + z),
        (A @ D, x * d),
        (D @ C, d[:, None] * z),
        (C @ D, z * d),
        (2 * A - 3 * one, 2 * x - 3 * e),
        (C + one, z + e),
        (C.T, z.T),
    ]
    for found, expected in cases:
        assert isinstance(found, BlockDiagonal)
        np.testing.assert_allclose(library.to_numpy(found.todense()), expected, atol=1e-14)


def test_products_that_would_grow_stay_products() -> None:
    thin = BlockDiagonal(np.ones((3, 50, 1)))
    assert isinstance(thin @ thin.T, Product)
    assert isinstance(thin.T @ thin, BlockDiagonal)
    other = BlockDiagonal(np.ones((1, 2)), np.ones((2, 1)))
    assert isinstance(other @ other, Product)


def test_each_block_follows_its_own_rule(rng: np.random.Generator) -> None:
    n = 5000  # above the limit of the dense way
    tridiagonal = Banded.tridiagonal(-np.ones(n - 1), np.full(n, 3.0), -np.ones(n - 1))
    A = BlockDiagonal(Permutation(rng.permutation(n)), tridiagonal, Kronecker(*[2 * np.eye(4)] * 3))
    x = rng.standard_normal(A.shape[0])
    np.testing.assert_allclose(solve(A, A @ x), x, atol=1e-12)
    np.testing.assert_allclose(inv(A) @ (A @ x), x, atol=1e-12)
    expected = logdet(tridiagonal) + 3 * 64 * math.log(2)
    np.testing.assert_allclose(slogdet(A).logabsdet, expected)
    told = explain("solve", A)
    assert told.how == "block by block"
    assert told.parts[0].how == "the transpose"


def test_eigenvalues_go_block_by_block(rng: np.random.Generator) -> None:
    rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    A = BlockDiagonal(rotation, Diagonal(np.array([5.0])))
    w, V = eig(A)
    np.testing.assert_allclose(A @ V.todense(), V.todense() * w, atol=1e-15)
    np.testing.assert_allclose(sorted(w, key=lambda z: z.imag), [-1j, 5, 1j], atol=1e-15)


def test_solve_tells_how(rng: np.random.Generator) -> None:
    assert "all blocks at once" in explain("solve", BlockDiagonal(_stack(rng, 9, 4, 4))).how
    assert explain("solve", BlockDiagonal(_stack(rng, 2, 99, 99))).how == "block by block"


def test_empty_stacks(library: ArrayLibrary) -> None:
    for shape in ((0, 2, 3), (3, 0, 0), (1, 0, 0)):
        A = BlockDiagonal(library.asarray(np.zeros(shape)))
        assert A.shape == (0, 0)
        assert float(slogdet(A).sign) == 1
        assert solve(A, library.asarray(np.zeros((0, 2)))).shape == (0, 2)
        assert norm(A) == 0
    flat = BlockDiagonal(library.asarray(np.zeros((2, 0, 3))))
    assert flat.shape == (0, 6)
    assert rank(flat) == 0
    assert svdvals(flat).shape == (0,)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"BlockDiagonal\(\) has no blocks"):
        BlockDiagonal()
    with pytest.raises(ValueError, match="two dimensions"):
        BlockDiagonal(np.ones((2, 2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"A has a NaN or Inf at \[1, 0, 0\]"):
        solve(BlockDiagonal(np.array([[[1.0]], [[np.nan]]])), np.ones(2))
    assert isinstance(BlockDiagonal(np.ones((2, 2))).blocks[0], Dense)


def test_singular_values_may_be_overwritten() -> None:
    A = BlockDiagonal(np.array([[[2.0]], [[4.0]]]))
    values = svd(A).S
    values[:] = 0.0
    np.testing.assert_allclose(lstsq(A, np.array([2.0, 4.0])), 1.0)
    np.testing.assert_allclose(svd(A).S, [2.0, 4.0])


def test_the_precision_of_the_matrix_decides_its_rank() -> None:
    # rank 1 up to the rounding of single precision
    block = np.outer([0.1, 0.7], [0.3, 0.9]).astype(np.float32)
    b = np.arange(4.0)
    expected = np.linalg.pinv(scipy.linalg.block_diag(block, block), rcond=1e-6) @ b
    x = lstsq(BlockDiagonal(np.stack([block, block])), b)
    assert x.dtype == np.float64
    np.testing.assert_allclose(x, expected, rtol=1e-6)

"""Tucker tensors against the arrays that they stand for."""

from __future__ import annotations

import pickle
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.matrices import Toeplitz
from structlin.tensors import TensorTrain, Tucker
from structlin.tensors._arrays.truncation import truncated

# what a few operations may lose, relative to the norm
PRECISIONS = {"float32": 2e-5, "float64": 5e-14, "complex64": 2e-5, "complex128": 5e-14}


def array(rng: np.random.Generator, shape: tuple[int, ...], dtype: str = "float64") -> Any:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def made(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str = "float64", train: bool = False
) -> Tucker:
    """Return a tensor of random ranks, which may exceed the sizes."""
    ranks = tuple(int(r) for r in rng.integers(1, 4, len(shape)))
    core = array(rng, ranks, dtype)
    factors = [array(rng, size, dtype) for size in zip(shape, ranks, strict=True)]
    return Tucker(TensorTrain.from_array(core) if train else core, factors)


def dense(T: Tucker) -> Any:
    """Return the array by the definition."""
    out = T.core.full() if isinstance(T.core, TensorTrain) else T.core
    for axis, U in enumerate(T.factors):
        out = np.moveaxis(np.tensordot(U, out, axes=(1, axis)), 0, axis)
    return out


def size(T: Tucker) -> float:
    """Return the norm that the tensor would have if nothing in it cancelled."""
    core = T.core.full() if isinstance(T.core, TensorTrain) else T.core
    return float(np.linalg.norm(core) * np.prod([np.linalg.norm(U) for U in T.factors]))


def close(found: Any, wanted: Any, tol: float = 5e-14, scale: float | None = None) -> None:
    found = found.full() if isinstance(found, Tucker) else np.asarray(found)
    assert found.shape == np.shape(wanted)
    scale = float(np.linalg.norm(np.ravel(wanted))) if scale is None else scale
    assert np.linalg.norm(np.ravel(found - wanted)) <= tol * scale


@st.composite
def tensors(draw: Any, count: int) -> list[Tucker]:
    """Return several tensors of one shape."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    dtype = draw(st.sampled_from(["float64", "complex128"]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return [made(rng, shape, dtype, draw(st.booleans())) for _ in range(count)]


@given(tensors(2))
def test_algebra(pair: list[Tucker]) -> None:
    a, b = pair
    A, B = dense(a), dense(b)
    close(a, A, scale=size(a))
    scale = size(a) + size(b)
    close(a + b, A + B, scale=scale)
    close(a - b, A - B, scale=scale)
    close(a * b, A * B, scale=size(a) * size(b))
    close(a.inner(b), np.vdot(A, B), scale=size(a) * size(b))
    close(-a, -A, scale=scale)
    close(3 * a, 3 * A, scale=scale)
    close(np.float64(3) * a, 3 * A, scale=scale)
    close(a * 1j, A * 1j, scale=scale)
    close(a / 3, A / 3, scale=scale)
    close(a.conj(), A.conj(), scale=scale)
    close(a.norm(), np.linalg.norm(A), scale=scale)
    close(a.orthogonalize(), A, scale=scale)
    close((a + b).recompress(), A + B, scale=scale)
    close(np.asarray(a), A, scale=scale)
    close(pickle.loads(pickle.dumps(a)), A, scale=scale)


@given(tensors(1), st.data())
def test_axes(one: list[Tucker], data: Any) -> None:
    (T,) = one
    A, d, scale = dense(T), T.ndim, size(T)
    axes = data.draw(st.permutations(range(d)))
    close(T.permute(axes), np.transpose(A, axes), scale=scale)
    gone = tuple(data.draw(st.lists(st.integers(0, d - 1), unique=True)))
    close(T.sum(gone), A.sum(axis=gone), scale=scale * A.size)
    close(T.sum(), A.sum(), scale=scale * A.size)
    axis = data.draw(st.integers(-d, d - 1))
    matrix = np.random.default_rng(0).standard_normal((3, A.shape[axis]))
    wanted = np.moveaxis(np.tensordot(matrix, A, axes=(1, axis)), 0, axis)
    close(T.mode_product(matrix, axis), wanted, scale=scale * float(np.linalg.norm(matrix)))
    close(T.mode_products([None] * d), A, scale=scale)


@given(tensors(1), st.data())
def test_entries_and_parts(one: list[Tucker], data: Any) -> None:
    (T,) = one
    A, scale = dense(T), size(T)
    key: list[Any] = []
    for n in A.shape:
        start = data.draw(st.integers(-n, n - 1))
        key.append(data.draw(st.sampled_from([start, slice(None), slice(start, None, 2)])))
    close(T[tuple(key)], A[tuple(key)], scale=scale)
    if data.draw(st.booleans()):
        axis = data.draw(st.integers(0, T.ndim - 1))
        n = A.shape[axis]
        key = [slice(None)] * T.ndim
        chosen = data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=4))
        key[axis] = chosen
        close(T[tuple(key)], A[tuple(key)], scale=scale)
        key[axis] = np.arange(n) % 2 == 0
        close(T[tuple(key)], A[tuple(key)], scale=scale)
    rng = np.random.default_rng(0)
    places = np.stack([rng.integers(-n, n, 6) for n in A.shape], axis=1)
    close(T.at(places), A[tuple(places.T)], scale=scale)
    close(T[tuple(places.T)], A[tuple(places.T)], scale=scale)
    close(T[..., 0], A[..., 0], scale=scale)
    out = np.full(A.shape, np.nan, dtype=A.dtype)
    for where, block in T.blocks(max_bytes=data.draw(st.sampled_from([1, 100, 10**6]))):
        out[where] = block
    close(out, A, scale=scale)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_every_library_and_precision(library: Any, dtype: str) -> None:
    rng, tol = np.random.default_rng(3), PRECISIONS[dtype]
    pair = [made(rng, (4, 5, 6), dtype) for _ in range(2)]
    A, B = map(dense, pair)
    a, b = (Tucker(library.asarray(T.core), [library.asarray(U) for U in T.factors]) for T in pair)
    real = dtype.replace("complex64", "float32").replace("complex128", "float64")
    matrix = array(rng, (3, 5), real)

    def same(found: Any, wanted: Any, scale: float | None = None) -> None:
        array = found.full() if isinstance(found, Tucker) else found
        assert array.dtype == library.dtype(dtype)
        close(library.to_numpy(array), wanted, tol, scale)

    scale = float(np.linalg.norm(A) * np.linalg.norm(B))
    same(a, A)
    same(a + b, A + B)
    same(a * b, A * B, scale)
    same(a * 2 - a / np.float64(3), A * 2 - A / 3)
    same(a.inner(b), np.vdot(A, B), scale)
    same((a + a).recompress(1e-3), 2 * A)
    same(a[1, :, ::2], A[1, :, ::2])
    same(a[1, 2, 3], A[1, 2, 3], scale)
    same(a[:, [0, 4], :], A[:, [0, 4], :])
    same(a[:, library.asarray(np.array([0, 4])), :], A[:, [0, 4], :])
    same(a.at(library.asarray(np.array([[1, 2, 3], [0, 0, -1]]))), A[[1, 0], [2, 0], [3, -1]])
    same(a.sum((0, 2)), A.sum(axis=(0, 2)), scale)
    same(a.permute((2, 0, 1)), A.transpose(2, 0, 1))
    same(a.mode_product(library.asarray(matrix), 1), np.einsum("ij,ajb->aib", matrix, A), scale)
    same(a.conj(), A.conj())
    assert abs(a.norm() - np.linalg.norm(A)) <= tol * np.linalg.norm(A)
    assert (a + a).recompress().ranks == a.recompress().ranks
    if library.name == "strict":
        with pytest.raises(TypeError, match="not on the host"):
            np.asarray(a)


def test_operators_multiply_axes() -> None:
    T = made(np.random.default_rng(0), (4, 5))
    A = Toeplitz(np.arange(1.0, 5.0), np.array([1.0, 7.0, 8.0, 9.0]))
    close(T.mode_product(A, 0), A.todense() @ dense(T))


def test_products_of_large_ranks_are_formed_entry_by_entry() -> None:
    rng = np.random.default_rng(0)
    a, b = (Tucker(array(rng, (4, 4)), [array(rng, (4, 4)) for _ in range(2)]) for _ in range(2))
    product = a * b
    assert product.ranks == (4, 4)
    close(product, dense(a) * dense(b), scale=float(np.linalg.norm(dense(a) * dense(b))))


def test_recompression_keeps_its_tolerance_and_its_ranks() -> None:
    rng = np.random.default_rng(0)
    decay = [array(rng, (30, 12)) * 0.1 ** np.arange(12) for _ in range(3)]
    T = Tucker(array(rng, (12, 12, 12)), decay)
    A = dense(T)
    for tol in (1e-2, 1e-6, 1e-12):
        small = T.recompress(tol)
        assert np.linalg.norm(dense(small) - A) <= tol * np.linalg.norm(A)
        for U in small.factors:
            close(U.T @ U, np.eye(U.shape[1]))
    assert T.recompress(ranks=(3, 5, 20)).ranks == (3, 5, 12)
    assert T.recompress(ranks=2).ranks == (2, 2, 2)


@pytest.mark.parametrize("scale", [1e-300, 1e300, 1e-30, 1e30])
def test_truncation_has_no_absolute_sizes(scale: float) -> None:
    A = np.fromfunction(lambda i, j, k: 1 / (1 + i + j + k), (6, 7, 8))
    core, factors = truncated(A * scale, 1e-4)
    assert core.shape == truncated(A, 1e-4)[0].shape
    error = np.linalg.norm(dense(Tucker(core / scale, factors)) - A)
    assert error <= 1e-4 * np.linalg.norm(A)


def test_truncation_of_what_is_zero_or_empty() -> None:
    core, factors = truncated(np.zeros((3, 4)))
    assert core.shape == (1, 1)
    assert not core.any()
    core, factors = truncated(np.zeros((3, 0, 2)))
    assert core.shape == (1, 0, 1)
    assert [U.shape for U in factors] == [(3, 1), (0, 0), (2, 1)]
    core, (U,) = truncated(np.array([3.0, 4.0]))
    close(abs(core), [5.0])
    close(U @ core, [3.0, 4.0])


def test_empty_tensors() -> None:
    T = Tucker(np.ones((1, 1)), [np.ones((0, 1)), np.ones((3, 1))])
    assert T.full().shape == (0, 3)
    assert T.norm() == 0
    assert T.sum() == 0
    assert (T + T).recompress().full().shape == (0, 3)
    assert list(T.blocks()) == []


def test_storage_is_counted() -> None:
    T = Tucker(np.ones((2, 3), dtype=np.float32), [np.ones((5, 2)), np.ones((7, 3))])
    assert T.dtype == np.float64
    assert T.parameters == 6 + 10 + 21
    assert T.nbytes == 8 * 37
    assert T.astype(np.float32).nbytes == 4 * 37


def test_bad_input_is_named() -> None:
    T = Tucker(np.ones((1, 2)), [np.ones((4, 1)), np.ones((5, 2))])
    with pytest.raises(ValueError, match="2 axes, and there are 1 factors"):
        Tucker(np.ones((1, 2)), [np.ones((4, 1))])
    with pytest.raises(ValueError, match=r"factor 1 has shape \(5, 3\).*2 columns"):
        Tucker(np.ones((1, 2)), [np.ones((4, 1)), np.ones((5, 3))])
    with pytest.raises(ValueError, match=r"\(4, 5\) and \(5, 4\)"):
        _ = T + T.permute((1, 0))
    with pytest.raises(TypeError):
        _ = T + 1
    with pytest.raises(TypeError):
        _ = T / T
    with pytest.raises(TypeError):
        _ = T * np.ones((4, 5))
    with pytest.raises(IndexError, match="index 4 of axis 0"):
        T[4]
    with pytest.raises(IndexError, match="3 indices"):
        T[0, 0, 0]
    for key in (True, None, 1.0):
        with pytest.raises(IndexError, match=f"the index of axis 0 is {key}: pass an integer"):
            T[key]
    with pytest.raises(TypeError, match="dtype int64 is no floating-point type"):
        T.astype("int64")
    with pytest.raises(TypeError, match="float64 cannot hold complex numbers"):
        (1j * T).astype("float64")
    with pytest.raises(ValueError, match="an entry of the tensor is NaN or Inf"):
        (T * np.nan).recompress()
    with pytest.raises(IndexError, match="mask of 3"):
        T[np.ones(3, dtype=bool)]
    with pytest.raises(IndexError, match="mixed"):
        Tucker(np.ones((1, 1, 1)), [np.ones((3, 1))] * 3)[[0, 1], [1, 2]]
    with pytest.raises(MemoryError, match="blocks"):
        T.full(max_bytes=100)
    with pytest.raises(ValueError, match="5 columns"):
        T.mode_product(np.ones((2, 4)), 1)
    with pytest.raises(ValueError, match="permutation"):
        T.permute((0, 0))
    with pytest.raises(ValueError, match="axis is 2"):
        T.sum(2)
    with pytest.raises(ValueError, match="an axis appears twice"):
        T.sum((0, -2))
    with pytest.raises(ValueError, match="tol is -1"):
        T.recompress(-1)
    with pytest.raises(ValueError, match="ranks is 0"):
        T.recompress(ranks=0)
    with pytest.raises(TypeError, match="mixed"):
        T.mode_product(array_api_strict.ones((2, 4)), 0)
    wide = Tucker(np.ones((40, 40, 40)), [np.ones((10**4, 40))] * 3)
    with pytest.raises(MemoryError, match="recompress"):
        _ = wide * wide

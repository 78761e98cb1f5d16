"""Frequent directions: the bound holds for every order, portion, container and scale."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin.sketching import FrequentDirections, RowBlocks


def stream(seed, m, n, decay, dtype=float):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    if np.dtype(dtype).kind == "c":
        A = A + 1j * rng.standard_normal((m, n))
    return (A * decay ** np.arange(n)).astype(dtype)


def check_bound(A, B):
    """Check 0 ≤ ‖Ax‖² − ‖Bx‖² ≤ bound² ≤ ‖A − A_k‖_F² / (ℓ − k) for all k."""
    gap = np.linalg.eigvalsh(A.conj().T @ A - B.sketch.conj().T @ B.sketch)
    squares = np.linalg.svd(A, compute_uv=False) ** 2
    slack = 100 * np.finfo(A.dtype).eps * (squares.sum() + np.finfo(float).tiny)
    assert gap.min(initial=0) >= -slack
    assert gap.max(initial=0) <= B.error_bound**2 + slack
    for k in range(B.rank):
        assert B.error_bound**2 <= squares[k:].sum() / (B.rank - k) + slack
    assert B.sketch.shape[0] < 2 * B.rank
    assert B.rows == A.shape[0]


@given(
    seed=st.integers(0, 99),
    m=st.integers(0, 90),
    n=st.integers(1, 12),
    rank=st.integers(1, 14),
    decay=st.sampled_from([0.0, 0.5, 1.0]),
    dtype=st.sampled_from(["float32", "float64", "complex128"]),
    data=st.data(),
)
def test_the_bound_holds(seed, m, n, rank, decay, dtype, data):
    A = stream(seed, m, n, decay, dtype)
    if data.draw(st.booleans()):
        A = A[np.argsort(np.linalg.norm(A, axis=1))]  # the largest come last
    B = FrequentDirections(rank, n, like=A)
    place = 0
    while place < m:
        height = data.draw(st.integers(1, m))
        B.update(A[place : place + height])
        place += height
    assert B.sketch.dtype == A.dtype
    check_bound(A, B)
    if rank > n:
        assert B.error_bound == 0


@given(seed=st.integers(0, 99), ranks=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_merged_sketches_bound_all_rows(seed, ranks):
    A = stream(seed, 80, 7, 0.8)
    B, C = (FrequentDirections(rank, 7) for rank in ranks)
    B.update(A[:50])
    C.update(A[50:])
    B.merge(C)
    gap = np.linalg.eigvalsh(A.T @ A - B.sketch.T @ B.sketch)
    slack = 1e-13 * np.linalg.norm(A) ** 2
    assert gap.min() >= -slack
    assert gap.max() <= B.error_bound**2 + slack
    assert B.rows == 80


def test_merging_keeps_the_theorem():
    A = stream(1, 400, 20, 0.9)
    parts = []
    for part in np.split(A, 4):
        parts.append(FrequentDirections(8, 20))
        parts[-1].update(part)
    whole = parts[0]
    for part in parts[1:]:
        whole.merge(part)
    check_bound(A, whole)


def test_components():
    A = stream(2, 500, 15, 0.6)
    B = FrequentDirections(10, 15)
    B.update(A)
    s, Vh = B.components(10)
    exact = np.linalg.svd(A, compute_uv=False)[:10]
    assert np.all(s**2 <= exact**2 * (1 + 1e-12))
    assert np.all(exact**2 <= s**2 + B.error_bound**2 + 1e-12)
    np.testing.assert_allclose(Vh @ Vh.T, np.eye(10), atol=1e-13)
    # the best rank 3 of the sketch is nearly the best of the matrix
    V = Vh[:3]
    left = np.linalg.norm(A - A @ V.T @ V) ** 2
    best = np.sum(np.linalg.svd(A, compute_uv=False)[3:] ** 2)
    assert left <= best * 10 / (10 - 3)


def test_libraries(library):
    A = stream(3, 60, 6, 0.7, "complex64")
    B = FrequentDirections(3, 6, like=library.asarray(A))
    B.update(library.asarray(A[:40]))
    B.update(library.asarray(A[40]))
    B.update(RowBlocks(library.asarray(A[41:]), chunk=4))
    plain = FrequentDirections(3, 6, dtype="complex64")
    plain.update(A)
    assert B.rows == 60
    np.testing.assert_allclose(B.error_bound, plain.error_bound, rtol=1e-4)
    S, T = library.to_numpy(B.sketch), plain.sketch
    np.testing.assert_allclose(S.conj().T @ S, T.conj().T @ T, atol=1e-4)
    assert B.sketch.dtype == library.xp.complex64
    assert library.to_numpy(B.components(2)[0]).shape == (2,)


def test_containers_and_promotion():
    A = scipy.sparse.random_array((100, 8), density=0.3, rng=4, dtype=np.float32)
    B, C = FrequentDirections(4, 8, dtype="float32"), FrequentDirections(4, 8, dtype="float32")
    B.update(A.tocsr())
    C.update(A.toarray())
    np.testing.assert_array_equal(B.sketch, C.sketch)
    B = FrequentDirections(4, 3)
    B.update(np.arange(30).reshape(10, 3))
    assert B.sketch.dtype == np.float64


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scale(scale):
    A = stream(5, 100, 9, 0.8)
    B, C = FrequentDirections(4, 9), FrequentDirections(4, 9)
    B.update(A)
    C.update(A * scale)
    np.testing.assert_allclose(C.error_bound, B.error_bound * scale, rtol=1e-12)
    np.testing.assert_allclose(np.abs(C.sketch), np.abs(B.sketch) * scale, rtol=1e-9)


def test_zero_and_empty():
    B = FrequentDirections(3, 4)
    B.update(np.zeros((50, 4)))
    B.update(np.zeros((0, 4)))
    assert B.error_bound == 0
    np.testing.assert_array_equal(B.components(3)[0], 0)
    B = FrequentDirections(3, 0)
    B.update(np.zeros((50, 0)))
    assert B.rows == 50


def test_it_is_saved_and_goes_on():
    A = stream(6, 90, 5, 0.9)
    B = FrequentDirections(3, 5)
    B.update(A[:50])
    C = pickle.loads(pickle.dumps(B))
    for one in (B, C):
        one.update(A[50:])
    np.testing.assert_array_equal(B.sketch, C.sketch)
    assert repr(C).startswith("<FrequentDirections 2x5 of 90 rows, rank 3, error bound ")


def test_bad_input():
    B = FrequentDirections(3, 5)
    with pytest.raises(ValueError, match="rows is 2x4, but a row has 5 entries"):
        B.update(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"rows has a NaN or Inf at \[1, 0\]"):
        B.update(np.array([[1.0] * 5, [np.nan] * 5]))
    with pytest.raises(ValueError, match="rank is 0"):
        FrequentDirections(0, 5)
    B.update(np.ones((2, 5)))
    with pytest.raises(ValueError, match="k is 3, but 2 rows of 5 columns"):
        B.components(3)


def test_what_the_data_type_cannot_hold():
    real, single = FrequentDirections(3, 5), FrequentDirections(3, 5, dtype="float32")
    with pytest.raises(TypeError, match="rows are complex128, but the sketch is float64"):
        real.update(np.ones((2, 5)) + 1j)
    with pytest.raises(ValueError, match=r"rows as float32 has a NaN or Inf at \[0, 0\]"):
        single.update(np.full((2, 5), 1e200))
    assert real.rows == single.rows == 0
    with pytest.raises(OverflowError, match="the rows exceed what float64 can hold"):
        real.update(np.full((9, 5), 1e308))

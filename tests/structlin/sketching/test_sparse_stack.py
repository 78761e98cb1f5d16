"""Stacks of CountSketches: reproducible to the bit, and isometric on average and on subspaces."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse

from structlin.sketching import CountSketch, SparseStack
from structlin.sketching._superblocks import SUPERBLOCK

rng = np.random.default_rng(20)


def matrix(m: int, n: int, dtype: str = "float64") -> np.ndarray:
    parts = [rng.standard_normal((m, n)) for _ in range(1 + dtype.startswith("complex"))]
    return (parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]).astype(dtype)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def in_chunks(S: SparseStack, A: np.ndarray, size: int) -> np.ndarray:
    """Return the sketch from rows that come a few at a time, within one superblock."""
    Y = None
    for low in range(0, A.shape[0], size):
        Y = S.apply(A[low : low + size], row_offset=low, out=Y, scaled=False)
    return Y * S.scale


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_chunks_do_not_change_a_bit(dtype):
    A = matrix(5000, 6, dtype)
    S = SparseStack(64, 5000, rng=1, like=A)
    whole = S @ A
    for size in (7, 4096, 5000):
        assert same_bits(in_chunks(S, A, size), whole)
    assert same_bits(in_chunks(S.block(0, 300), A[:300], 1), S.block(0, 300) @ A[:300])


def layouts(A: np.ndarray) -> dict[str, np.ndarray]:
    m, n = A.shape
    spread = np.zeros((2 * m, 3 * n), dtype=A.dtype)
    spread[::2, ::3] = A
    read_only = A.copy()
    read_only.flags.writeable = False
    return {
        "Fortran": np.asfortranarray(A),
        "some columns": np.concatenate([A, A], axis=1)[:, :n],
        "strided": spread[::2, ::3],
        "rows backwards": A[::-1].copy()[::-1],
        "columns backwards": A[:, ::-1].copy()[:, ::-1],
        "both backwards, Fortran": np.asfortranarray(A[::-1, ::-1])[::-1, ::-1],
        "read-only": read_only,
    }


@pytest.mark.parametrize(("m", "n"), [(500, 30), (3000, 70), (200, 1)])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_layouts_do_not_change_a_bit(m, n, dtype):
    A = matrix(m, n, dtype)
    S = SparseStack(40, m, rng=1, like=A)
    whole = S @ A
    for name, view in layouts(A).items():
        assert np.array_equal(view, A), name
        assert same_bits(S @ view, whole), name


def test_superblocks_are_added_in_the_order_of_a_tree():
    m = 2 * SUPERBLOCK + 100
    A = matrix(m, 3)
    S = SparseStack(16, m, nonzeros=4, rng=1)
    ends = [0, SUPERBLOCK, 2 * SUPERBLOCK, m]
    one, two, three = (
        S.block(low, high).apply(A[low:high], scaled=False)
        for low, high in itertools.pairwise(ends)
    )
    assert same_bits(S @ A, ((one + two) + three) * S.scale)


_script = """
import sys, numba, numpy as np, scipy.sparse
from structlin.sketching import SparseStack
m = 3 * 65536 + 10
A = np.random.default_rng(0).standard_normal((m, 36))
S = SparseStack(48, m, rng=1)
sparse = scipy.sparse.csr_array(np.where(abs(A) > 1.5, A, 0.0))
W = np.random.default_rng(1).standard_normal((48, 36))
found = []
for threads in (1, 2, 4):
    numba.set_num_threads(threads)
    found.append([S @ A, S @ np.asfortranarray(A), S.block(0, 60000) @ A[:60000],
                  S.apply(sparse), S.apply(sparse.tocsc()), S.H @ W])
for one, *others in zip(*found):
    for other in others:
        assert one.tobytes() == other.tobytes()
assert found[0][0].tobytes() == found[0][1].tobytes()
assert found[0][3].tobytes() == found[0][4].tobytes()
"""


def test_threads_do_not_change_a_bit():
    variables = {**os.environ, "NUMBA_NUM_THREADS": "4"}
    done = subprocess.run(
        [sys.executable, "-c", _script], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_several_threads_may_sketch_at_once():
    A = matrix(20_000, 40)
    S = SparseStack(80, 20_000, rng=1)
    whole = S @ A
    with ThreadPoolExecutor(4) as pool:
        for Y in pool.map(lambda _: S @ A, range(8)):
            assert same_bits(Y, whole)


@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_sparse_input_gives_the_bits_of_dense_input(form, dtype):
    m = SUPERBLOCK + 1000
    sparse = scipy.sparse.random_array((m, 9), density=0.02, rng=rng, format=form)
    A = (sparse * (1 + 2j if dtype.startswith("complex") else 1)).astype(dtype)
    S = SparseStack(32, m, rng=1, like=A.toarray())
    assert same_bits(S.apply(A), S @ A.toarray())


@pytest.mark.filterwarnings("ignore:a sketch with 8 rows")
def test_sparse_input_with_unsorted_and_wide_indices():
    A = scipy.sparse.csc_array(([1.0, 2.0, 3.0], [4, 0, 2], [0, 3]), shape=(5, 1))
    S = SparseStack(8, 5, nonzeros=2, rng=1)
    expected = S.todense() @ A.toarray()
    np.testing.assert_allclose(S.apply(A), expected, rtol=1e-15)
    wide = A.tocsr()
    wide.indptr, wide.indices = wide.indptr.astype(np.int64), wide.indices.astype(np.int64)
    np.testing.assert_allclose(S.apply(wide), expected, rtol=1e-15)


@pytest.mark.filterwarnings("ignore:a sketch with")
@pytest.mark.parametrize("shape", [(0, 5), (8, 0), (0, 0), (8, 5)])
@pytest.mark.parametrize("columns", [0, 3])
def test_nothing_to_sketch(shape, columns):
    S = SparseStack(*shape, rng=1)
    A, W = np.ones((shape[1], columns)), np.ones((shape[0], columns))
    dense = S.todense()
    assert dense.shape == S.tosparse().shape == shape
    np.testing.assert_allclose(S @ A, dense @ A, atol=1e-14)
    np.testing.assert_allclose(S.H @ W, dense.T @ W, atol=1e-14)
    for form in ("csr", "csc"):
        found = S.apply(scipy.sparse.csr_array(A).asformat(form))
        np.testing.assert_allclose(found, dense @ A, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_products_are_those_of_the_dense_matrix(library, dtype):
    A, W = matrix(700, 5, dtype), matrix(24, 5, dtype)
    S = SparseStack(24, 700, rng=1, like=library.asarray(A))
    dense = library.to_numpy(S.todense())
    tolerance = {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}
    np.testing.assert_allclose(library.to_numpy(S @ library.asarray(A)), dense @ A, **tolerance)
    np.testing.assert_allclose(library.to_numpy(S.H @ library.asarray(W)), dense.T @ W, **tolerance)


def test_entries_are_those_of_the_definition(library):
    S = SparseStack(24, 300, nonzeros=4, rng=1, like=library.asarray(np.ones(1)))
    dense = library.to_numpy(S.todense())
    blocks = dense.reshape(4, 6, 300)
    assert np.all(np.sum(blocks != 0, axis=1) == 1)
    assert set(np.unique(dense)) == {-0.5, 0.0, 0.5}
    assert same_bits(dense, SparseStack(24, 300, nonzeros=4, rng=1).tosparse().toarray())


def test_entries_far_down_are_those_of_their_places():
    rows = 2**32 + 1000
    S = SparseStack(32, rows, rng=1)
    for start in (2**31 - 3, 2**32 - 3):
        block = S.block(start, start + 6).todense()
        alone = [S.block(start + i, start + i + 1).todense() for i in range(6)]
        assert same_bits(block, np.concatenate(alone, axis=1))
    places = [0, 2**31, 2**32]
    assert len({S.block(place, place + 20).todense().tobytes() for place in places}) == 3


def test_squared_norms_are_kept_on_average():
    # 400 independent seeds, within 4.5 standard errors: a failure has probability 7e-6
    x = rng.standard_normal(50)
    x[0] = 10.0
    values = np.array([np.sum((SparseStack(24, 50, rng=seed) @ x) ** 2) for seed in range(400)])
    error = np.mean(values) - np.sum(x**2)
    assert abs(error) <= 4.5 * np.std(values) / math.sqrt(values.size)


def subspace(kind: str, m: int, n: int) -> np.ndarray:
    """Return an orthonormal basis whose rows are alike, concentrated, or repeated."""
    if kind == "coherent":
        return np.eye(m, n)
    if kind == "incoherent":
        return np.linalg.qr(np.random.default_rng(0).standard_normal((m, n)))[0]
    few = np.linalg.qr(np.random.default_rng(0).standard_normal((2 * n, n)))[0]
    return np.repeat(few, m // (2 * n), axis=0) / math.sqrt(m // (2 * n))


def failures(kind: str, m: int, n: int, times: int, seeds: int) -> int:
    """Count seeds whose singular values of S U leave [1 − 1.15 η, 1 + 1.35 η], η = √(n/d)."""
    U, d, count = subspace(kind, m, n), times * n, 0
    eta = math.sqrt(1 / times)
    for seed in range(seeds):
        s = np.linalg.svd(SparseStack(d, m, rng=seed) @ U, compute_uv=False)
        count += not 1 - 1.15 * eta <= s[-1] <= s[0] <= 1 + 1.35 * eta
    return count


kinds = ["incoherent", "coherent", "repeated"]


@pytest.mark.parametrize("kind", kinds)
def test_subspaces_are_embedded(kind):
    # ten fixed seeds, of which a hundredth may fail
    assert failures(kind, 4000, 100, 8, 10) == 0


@pytest.mark.slow
@pytest.mark.parametrize("times", [4, 8])
@pytest.mark.parametrize("kind", kinds)
def test_subspaces_are_embedded_by_nearly_all_seeds(kind, times):
    assert failures(kind, 20_000, 100, times, 200) <= 2


def test_extension_keeps_the_first_rows():
    S = SparseStack(24, 100, nonzeros=4, rng=1)
    more = S.extend(36)
    assert more.nonzeros == 6
    np.testing.assert_allclose(more.todense()[:24] / more.scale, S.todense() / S.scale, rtol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        ((21, 100), {}, "does not divide rows = 21: take rows = 24"),
        ((16, 100), {"nonzeros": 0}, "nonzeros is 0"),
        ((2**30, 2**31), {}, "rows is 1073741824: fewer than 2"),
    ],
)
def test_what_cannot_be_is_refused(arguments, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        SparseStack(*arguments, **options)


def test_extension_by_a_part_of_a_part_is_refused():
    with pytest.raises(ValueError, match="grows by parts of 6 rows"):
        SparseStack(24, 100, nonzeros=4).extend(27)


def test_count_sketch_warns_of_its_weakness():
    with pytest.warns(UserWarning, match="dominant rows"):
        S = CountSketch(40, 100, rng=1)
    assert same_bits(S.todense(), SparseStack(40, 100, nonzeros=1, rng=1).todense())

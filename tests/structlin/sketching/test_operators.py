"""Sketching operators: entries, parts, containers, moments, and what they refuse."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given, strategies as st

from structlin._backend import kernel
from structlin._kernels import variates
from structlin.matrices import KhatriRao, Kronecker, LinearOperator, SumOfKroneckers
from structlin.sketching import (
    SRCT,
    SRHT,
    CountSketch,
    Gaussian,
    KhatriRaoSketch,
    KroneckerSketch,
    Rademacher,
    RowBlocks,
    SparseStack,
    TensorSketch,
)
from structlin.sketching._random import distinct, random_words, seed_of
from structlin.testing import arrays
from tests.conftest import LIBRARIES, ArrayLibrary

DIMS = (4, 5, 6)
M, N = math.prod(DIMS), 7
DTYPES = ["float32", "float64", "complex64", "complex128"]


def _count(rows: int, columns: int, **options: Any) -> CountSketch:
    with pytest.warns(UserWarning, match="CountSketch is singular"):
        return CountSketch(rows, columns, **options)


def _tensor(kind: Any, **more: Any) -> Callable[..., Any]:
    return lambda rows, columns, **options: kind(
        rows, DIMS if columns == M else (columns,), **more, **options
    )


KINDS: dict[str, Callable[..., Any]] = {
    "gaussian": Gaussian,
    "rademacher": Rademacher,
    "sparse": SparseStack,
    "count": _count,
    "srct": SRCT,
    "srht": SRHT,
    "khatri-rao": _tensor(KhatriRaoSketch),
    "khatri-rao gaussian": _tensor(KhatriRaoSketch, base="gaussian"),
    "khatri-rao spherical": _tensor(KhatriRaoSketch, base="spherical"),
    "kronecker": _tensor(KroneckerSketch),
    "tensor": _tensor(TensorSketch),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def _random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def _close(actual: Any, expected: Any, scale: float = 1.0) -> None:
    """Compare within 1000 units of rounding of the largest number (or of the scale)."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.size:
        bound = 1000 * np.finfo(expected.dtype).eps * max(scale, np.abs(expected).max())
        assert np.abs(actual - expected).max() <= bound


# parts and wholes


@every_kind
@every_dtype
def test_a_block_is_the_slice_bit_for_bit(kind: str, dtype: str) -> None:
    S = KINDS[kind](24, M, rng=3, dtype=dtype)
    whole = S.todense()
    for start, stop in ((0, M), (5, 117), (17, 18), (64, 64), (119, 120)):
        part = S.block(start, stop)
        assert part.shape == (24, stop - start)
        assert np.array_equal(part.todense(), whole[:, start:stop])
    twice = S.block(10, 100).block(3, 40)
    assert np.array_equal(twice.todense(), whole[:, 13:50])


@pytest.mark.parametrize("kind", ["gaussian", "rademacher", "sparse", "count"])
@given(start=st.integers(0, 3000), length=st.integers(0, 1100))
def test_entries_depend_neither_on_their_tile_nor_on_the_columns(
    kind: str, start: int, length: int
) -> None:
    long, longer = (KINDS[kind](40, m, rng=8) for m in (4100, 2**40))
    dense = long.todense()[:, start : start + length]
    assert np.array_equal(long.block(start, start + length).todense(), dense)
    assert np.array_equal(longer.block(start, start + length).todense(), dense)


@every_kind
@every_dtype
def test_extending_keeps_the_first_rows(kind: str, dtype: str) -> None:
    S = KINDS[kind](24, M, rng=5, dtype=dtype)
    if kind in ("tensor", "count"):
        assert S.extend(24).shape == S.shape
        if kind == "tensor":
            with pytest.raises(ValueError, match=r"make a TensorSketch\(48, \(4, 5, 6\)\)"):
                S.extend(48)
        return
    longer = S.extend(48)
    assert longer.shape == (48, M)
    _close(longer.todense()[:24, :] / longer.scale, S.todense() / S.scale)
    again = KINDS[kind](48, M, rng=5, dtype=dtype, **({"nonzeros": 16} if kind == "sparse" else {}))
    assert np.array_equal(longer.todense(), again.todense())
    with pytest.raises(ValueError, match="rows is 12, but S has 24"):
        S.extend(12)


@every_kind
def test_seeds(kind: str) -> None:
    make, key = KINDS[kind], 2**64 - 1
    S = make(24, M)  # None takes entropy, and keeps it
    assert np.array_equal(make(24, M, rng=S.seed).todense(), S.todense())
    assert make(24, M, rng=key).seed == key
    assert not np.array_equal(make(24, M, rng=1).todense(), make(24, M, rng=2).todense())
    one, two = (make(24, M, rng=np.random.default_rng(4)) for _ in range(2))
    assert one.seed == two.seed
    generator = np.random.default_rng(4)
    assert make(24, M, rng=generator).seed != make(24, M, rng=generator).seed


def test_what_a_key_is_made_of() -> None:
    assert seed_of(np.int64(7)) == 7
    assert seed_of([1, 2]) == seed_of(np.random.SeedSequence([1, 2])) != seed_of([1, 3])
    assert 0 <= seed_of(2**100) < 2**64
    for wrong in (True, 1.0, "7", -1):
        with pytest.raises(TypeError, match="rng is"):
            seed_of(wrong)


@every_kind
def test_copies_and_text(kind: str) -> None:
    S = KINDS[kind](24, M, rng=6, dtype="complex64").block(2, 100)
    S @ np.ones(98)  # what it keeps is not copied
    for twin in (copy.copy(S), copy.deepcopy(S), pickle.loads(pickle.dumps(S))):
        assert repr(twin) == repr(S)
        assert np.array_equal(twin.todense(), S.todense())
    assert f"<{type(S).__name__} 24x98 complex64 = " in repr(S)
    assert "seed 6" in repr(S)


# products


@every_kind
@every_dtype
def test_products_are_those_of_the_entries(kind: str, dtype: str, rng: np.random.Generator) -> None:
    S, A = KINDS[kind](24, M, rng=1, dtype=dtype), _random(rng, (M, N), dtype)
    D, Y = S.todense(), _random(rng, (24, N), dtype)
    assert D.dtype == dtype
    _close(S @ A, D @ A)
    _close(S @ A[:, 0], D @ A[:, 0])
    _close(S.H @ Y, D.conj().T @ Y)
    _close(S.T @ Y, D.T @ Y)
    _close(A.T @ S.T, A.T @ D.T)
    _close(A.conj().T @ S.H, A.conj().T @ D.conj().T)
    _close(S.tosparse().toarray(), D)


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_every_container_gives_the_same(kind: str, dtype: str, rng: np.random.Generator) -> None:
    S, A = KINDS[kind](24, M, rng=1, dtype=dtype), _random(rng, (M, N), dtype)
    A[rng.random(A.shape) < 0.7] = 0
    expected = S.todense() @ A
    _close(S.apply(A), expected)
    _close(S.apply(RowBlocks(A)), expected)
    _close(S.apply(_Hidden(A)), expected)
    for form in ("csr", "csc", "coo", "lil"):
        sparse = scipy.sparse.coo_array(A).asformat(form)
        _close(S @ sparse, expected)
        _close(S.apply(sparse), expected)
        _close(sparse.T @ S.T, expected.T)
        _close(sparse.conj().T @ S.H, expected.conj().T)
        _close(S.apply(sparse.T, side="right"), expected.T)
    assert isinstance(S @ _Hidden(A), LinearOperator)
    _close(S.apply(A.T, side="right"), expected.T)
    B = _random(rng, (N, 3), dtype)
    _close(S.apply(_Hidden(A) @ scipy.sparse.csr_array(B)), expected @ B)
    _close(S.apply(2 * _Hidden(A) - A), expected)


class _Hidden(LinearOperator):
    """An operator of which nothing but its products is known."""

    def __init__(self, array: Any) -> None:
        super().__init__(array.shape, like=array)
        self._array = array

    def _matmat(self, X: Any) -> Any:
        return self._array @ X

    def _rmatmat(self, X: Any) -> Any:
        return self._array.conj().T @ X


@every_kind
@given(cut=st.integers(0, M))
def test_sketches_of_parts_add_up(kind: str, cut: int) -> None:
    S = KINDS[kind](24, M, rng=9)
    A = np.random.default_rng(cut).standard_normal((M, 3))
    out = np.zeros((24, 3))
    assert S.apply(A[:cut], out=out) is out
    assert S.apply(A[cut:], row_offset=cut, out=out) is out
    _close(out, S @ A)
    unscaled = S.apply(A[cut:], row_offset=cut, scaled=False)
    _close(S.apply(A[:cut], out=unscaled, scaled=False) * S.scale, S @ A)
    right = S.apply(A[:cut].T, side="right")
    S.apply(A[cut:].T, side="right", row_offset=cut, out=right)
    _close(right, (S @ A).T)


@pytest.mark.parametrize("kind", ["gaussian", "rademacher", "sparse"])
def test_unscaled_parts_that_respect_the_tiles_have_the_bits_of_the_whole(
    kind: str, rng: np.random.Generator
) -> None:
    S, A = KINDS[kind](24, 5000, rng=9), rng.standard_normal((5000, 3))
    for step in (1024, 2048, 4096):
        out = np.zeros((24, 3))
        for low in range(0, 5000, step):
            out = S.apply(A[low : low + step], row_offset=low, out=out, scaled=False)
        assert np.array_equal(out * S.scale, S @ A)


@every_kind
def test_every_library(kind: str, library: ArrayLibrary, rng: np.random.Generator) -> None:
    A = rng.standard_normal((M, N))
    like = library.asarray(A)
    S, T = KINDS[kind](24, M, rng=1, like=like), KINDS[kind](24, M, rng=1)
    _close(library.to_numpy(S.todense()), T.todense())
    _close(library.to_numpy(S @ like), T @ A)
    _close(library.to_numpy(S.block(3, 90) @ like[3:90, :]), T.block(3, 90) @ A[3:90])
    _close(library.to_numpy(S.H @ S.todense()), T.H @ T.todense())


@given(
    words=arrays((6, 4), "float64").map(lambda x: np.abs(x * 2**27).astype(np.uint32)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_twins_of_variates(words: np.ndarray, dtype: str) -> None:
    xp = LIBRARIES["numpy"].xp
    signs, normals = (kernel(xp, plain) for plain in (variates.signs, variates.normals))
    assert np.array_equal(signs(words, dtype), variates.signs(words, np.dtype(dtype)))
    plain = variates.normals(words, np.dtype(dtype))
    assert (np.abs(normals(words, dtype) - plain) <= 4 * np.spacing(np.abs(plain))).all()


# formulas


def _rows_of_the_transform(S: Any, transform: np.ndarray) -> None:
    """Check that the rows are distinct ones of an orthogonal transform, with signs of columns."""
    D = S.todense() * math.sqrt(S.shape[0])
    for first in transform:  # the row that was taken first tells the signs
        signs = D[0] / first
        rows = np.argmax(transform @ (D * signs).T, axis=0)
        if np.allclose(np.abs(signs), 1) and np.allclose(D, transform[rows] * signs):
            assert len(set(rows.tolist())) == S.shape[0]
            assert 0.2 < np.mean(signs > 0) < 0.8
            return
    raise AssertionError("they are no rows of the transform")


def test_srct_rows_are_those_of_the_cosine_transform() -> None:
    # no cosine is zero where the size is a power of two
    transform = scipy.fft.dct(np.eye(128), axis=0, norm="ortho") * math.sqrt(128)
    _rows_of_the_transform(SRCT(20, 128, rng=2), transform)


def test_srht_rows_are_those_of_the_hadamard_matrix() -> None:
    S = SRHT(20, 100, rng=2)
    assert S.size == 128
    # absolute values tell no rows apart: undo the signs by the first row that was taken
    D, H = S.todense() * math.sqrt(20), scipy.linalg.hadamard(128)[:, :100]
    products = D * D[0]  # rows of the group of Walsh functions, whatever the signs
    rows = [int(np.argmax(H @ row)) for row in products]
    assert np.array_equal(H[rows], products)
    assert len(set(rows)) == 20


def test_kronecker_rows_are_products_of_cosines() -> None:
    parts = [scipy.fft.dct(np.eye(n), axis=0, norm="ortho") * math.sqrt(n) for n in (8, 16)]
    _rows_of_the_transform(KroneckerSketch(20, (8, 16), rng=3), np.kron(*parts))


@pytest.mark.parametrize("base", ["rademacher", "gaussian", "spherical"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_khatri_rao_rows_are_kronecker_products(base: str, dtype: str) -> None:
    D = KhatriRaoSketch(9, DIMS, base=base, rng=3, dtype=dtype).todense() * 3
    for row in D:
        tensor = row.reshape(DIMS)
        pivot = np.unravel_index(np.abs(tensor).argmax(), DIMS)
        a, b, c = tensor[:, *pivot[1:]], tensor[pivot[0], :, pivot[2]], tensor[*pivot[:2], :]
        assert np.allclose(np.kron(np.kron(a, b), c), row * tensor[pivot] ** 2)
        if base != "gaussian":
            assert math.isclose(np.linalg.norm(row), math.sqrt(M))
        if base == "rademacher":
            assert set(row.tolist()) <= {1.0, -1.0}


def test_tensor_sketch_hashes_every_index() -> None:
    S, d = TensorSketch(13, DIMS, rng=11), 13
    xp = LIBRARIES["numpy"].xp
    words = [random_words(11, 8 + 256 * k, 0, n, 0, 1, xp, "cpu")[:, 0] for k, n in enumerate(DIMS)]
    D = np.zeros((d, M))
    for i in range(DIMS[0]):
        for j in range(DIMS[1]):
            for k in range(DIMS[2]):
                taken = [int(w[at]) for w, at in zip(words, (i, j, k), strict=True)]
                row = sum(((u >> 1) * d) >> 31 for u in taken) % d
                D[row, (i * 5 + j) * 6 + k] = (-1) ** sum(u & 1 for u in taken)
    assert np.array_equal(S.todense(), D)


def test_sparse_stack_has_one_entry_in_every_part() -> None:
    D = SparseStack(40, 300, nonzeros=4, rng=1).todense().reshape(4, 10, 300)
    assert set(np.unique(D)) == {-0.5, 0.0, 0.5}
    assert (np.count_nonzero(D, axis=1) == 1).all()


@given(size=st.integers(1, 40), wanted=st.integers(0, 100), seed=st.integers(0, 99))
def test_distinct_numbers(size: int, wanted: int, seed: int) -> None:
    found = distinct(seed, 1, size, wanted)
    assert found.shape == (wanted,)
    assert np.array_equal(found, distinct(seed, 1, size, wanted + 7)[:wanted])
    for low in range(0, wanted, size):
        part = found[low : low + size]
        assert len(set(part.tolist())) == part.size
        assert ((part >= 0) & (part < size)).all()


def test_distinct_numbers_are_uniform() -> None:
    # pairs of 5: 20 ordered ones, 4000 draws; chi² with 19 degrees exceeds 50 at p = 1.3e-4
    pairs = [tuple(distinct(seed, 1, 5, 2).tolist()) for seed in range(4000)]
    counts = np.array([pairs.count((i, j)) for i in range(5) for j in range(5) if i != j])
    assert counts.sum() == 4000
    assert ((counts - 200.0) ** 2 / 200).sum() < 50


# structured operands


@pytest.mark.parametrize("kind", [k for k in KINDS if k[:4] in ("khat", "kron", "tens")])
@pytest.mark.parametrize("sizes", [(4, 5, 6), (20, 6), (4, 30), (2, 2, 5, 3, 2), (10, 12), (120,)])
@every_dtype
def test_products_with_kronecker_operators(
    kind: str, sizes: tuple[int, ...], dtype: str, rng: np.random.Generator
) -> None:
    S = KINDS[kind](24, M, rng=1, dtype=dtype)
    D = S.todense()
    A = Kronecker(*(_random(rng, (n, 2), dtype) for n in sizes))
    B = Kronecker(*(_random(rng, (n, 2), dtype) for n in sizes))
    _close(S.apply(A), D @ A.todense())
    _close(S.apply(A.T, side="right"), A.todense().T @ D.T)
    _close(S.apply(SumOfKroneckers(A, B)), D @ (A.todense() + B.todense()))
    _close(S.apply(2 * A), 2 * D @ A.todense())
    C = KhatriRao(*(_random(rng, (n, 3), dtype) for n in sizes))
    _close(S.apply(C), D @ C.todense())
    out = S.apply(C)
    _close(S.apply(C, out=out), 2 * D @ C.todense())


@pytest.mark.parametrize("kind", [KhatriRaoSketch, KroneckerSketch, TensorSketch])
def test_vectors_of_the_whole_tensor_are_never_formed(kind: Any, rng: np.random.Generator) -> None:
    # 10¹² rows: the norm of x ⊗ y ⊗ z, and one column
    x, y, z = (rng.standard_normal((10**4, 1)) for _ in range(3))
    S = kind(40, (10**4,) * 3, rng=2)
    Y = S.apply(KhatriRao(x, y, z))
    norm = math.prod(np.linalg.norm(v) for v in (x, y, z))
    assert 0.2 < np.linalg.norm(Y) / norm < 3
    _close(S.apply(Kronecker(x, y, z)), Y)
    place = 123 * 10**8 + 456 * 10**4 + 789
    part = S.block(place, place + 1).todense()
    unit = [scipy.sparse.coo_array(([1.0], ([i], [0])), shape=(10**4, 1)) for i in (123, 456, 789)]
    _close(S.apply(Kronecker(*unit)), part)


@pytest.mark.parametrize("kind", [KhatriRaoSketch, KroneckerSketch, TensorSketch])
@pytest.mark.parametrize("types", [("float32", "complex128"), ("complex64", "float64")])
def test_factors_of_several_types(
    kind: Any, types: tuple[str, str], rng: np.random.Generator
) -> None:
    S = kind(24, DIMS, rng=1, dtype="float32")
    D = S.todense().astype("float64")
    factors = [_random(rng, (n, 2), dtype) for n, dtype in zip((4, 30), types, strict=True)]
    for A in (Kronecker(*factors), KhatriRao(*factors)):
        found = S.apply(A)
        assert found.dtype == "complex128"
        assert np.allclose(found, D @ A.todense(), atol=1e-5)


def test_operands_that_do_not_fit_the_axes_are_sketched_all_the_same(
    rng: np.random.Generator,
) -> None:
    S = KhatriRaoSketch(8, (1, 4, 6, 1), rng=1)
    for sizes in ((3, 8), (1, 24, 1), (2, 12), (6, 4)):
        A = Kronecker(*(rng.standard_normal((n, 2)) for n in sizes))
        _close(S.apply(A), S.todense() @ A.todense())
        _close(S.block(2, 20).apply(A[2:20, :]), S.todense()[:, 2:20] @ A.todense()[2:20])


# moments


@every_kind
def test_the_norm_is_kept_on_average(kind: str) -> None:
    # 400 seeds; a mean is off by 4 standard errors with probability 6e-5
    x = np.zeros(M)
    x[:3] = 3.0, -4.0, 12.0  # three large entries: what few nonzeros find hard
    sizes = []
    for seed in range(400):
        sizes.append(np.linalg.norm(KINDS[kind](24, M, rng=seed) @ x) ** 2 / 169)
    error = np.std(sizes) / 20
    assert abs(np.mean(sizes) - 1) <= 4 * error + 1e-12


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_moments_of_normal_numbers(dtype: str) -> None:
    # 10⁶ numbers: standard errors are 1e-3, 1.4e-3, 2.4e-3 and 4.9e-3; bounds are five of them
    D = Gaussian(500, 2000, rng=0, dtype=dtype).todense() * math.sqrt(500)
    parts = [D] if dtype == "float64" else [D.real * math.sqrt(2), D.imag * math.sqrt(2)]
    for z in parts:
        moments = [np.mean(z**k) for k in (1, 2, 3, 4)]
        errors = np.abs(np.array(moments) - [0, 1, 0, 3])
        assert (errors <= 5e-3 * np.array([1, 1.42, math.sqrt(15), math.sqrt(96)])).all()
        z = np.sort(z.reshape(-1))
        # the largest distance of the distributions exceeds 2.3 / √n with probability 5e-5
        normal = 0.5 * (1 + scipy.special.erf(z / math.sqrt(2)))
        assert np.abs(normal - np.linspace(0, 1, z.size)).max() < 2.3 / math.sqrt(z.size)
    if len(parts) == 2:
        assert abs(np.mean(parts[0] * parts[1])) < 5e-3
    # neighbours in rows and columns are uncorrelated
    real = parts[0]
    assert abs(np.mean(real[1:] * real[:-1])) < 5e-3
    assert abs(np.mean(real[:, 1:] * real[:, :-1])) < 5e-3


def test_signs_are_balanced() -> None:
    D = Rademacher(500, 2000, rng=0).todense() * math.sqrt(500)
    assert set(np.unique(D)) == {-1.0, 1.0}
    for product in (D, D[1:] * D[:-1], D[32:] * D[:-32], D[:, 1:] * D[:, :-1]):
        assert abs(product.mean()) < 5e-3  # five standard errors


def _distortion(S: Any, U: np.ndarray) -> tuple[float, float]:
    s = np.linalg.svd(S @ U, compute_uv=False)
    return float(s[-1]), float(s[0])


def test_gaussian_distortion() -> None:
    # d = ((1 + τ)/δ)² n: singular values lie in 1 ± δ but for probability 2 exp(-(τ √n)²/2), here
    # 1e-3 for each seed; of 20 seeds two fail with probability 2e-4
    n, delta = 25, 0.5
    tau = math.sqrt(2 * math.log(2 / 1e-3) / n)
    d = math.ceil(((1 + tau) / delta) ** 2 * n)
    U, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((2000, n)))
    values = [_distortion(Gaussian(d, 2000, rng=seed), U) for seed in range(20)]
    assert sum(low < 1 - delta or high > 1 + delta for low, high in values) <= 1


@pytest.mark.parametrize("case", ["incoherent", "coherent", "repeated"])
@pytest.mark.parametrize(
    "seeds", [20, pytest.param(200, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("times", [4, 8])
def test_sparse_stack_distortion(case: str, seeds: int, times: int) -> None:
    # singular values in [1 - 1.15 η, 1 + 1.35 η] with η = √(n/d): two failures in 200 seeds
    n, m = (100, 20_000) if seeds == 200 else (40, 4000)
    eta = math.sqrt(1 / times)
    if case == "incoherent":
        U, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((m, n)))
    else:
        U = np.zeros((m, n))
        rows = np.arange(m // 2) if case == "repeated" else np.arange(n)
        U[rows, rows % n] = 1.0
        U /= np.linalg.norm(U, axis=0)
    values = [_distortion(SparseStack(times * n, m, rng=seed), U) for seed in range(seeds)]
    bad = sum(low < 1 - 1.15 * eta or high > 1 + 1.35 * eta for low, high in values)
    assert bad <= 2


# sizes


@every_kind
def test_empty_ones(kind: str) -> None:
    for d, m in ((0, M), (8, 0), (0, 0)):
        S = KINDS[kind](d, m, rng=1)
        assert S.todense().shape == (d, m)
        assert np.array_equal(S @ np.ones((m, 3)), np.zeros((d, 3)))
        assert np.array_equal(S.H @ np.ones((d, 3)), np.zeros((m, 3)))
        assert (S @ np.ones((m, 0))).shape == (d, 0)
        assert S.apply(scipy.sparse.csr_array((m, 3))).shape == (d, 3)
        assert S.tosparse().shape == (d, m)
    S = KINDS[kind](0, M, rng=1)
    if kind not in ("sparse", "count", "tensor"):
        assert np.array_equal(S.extend(8).todense(), KINDS[kind](8, M, rng=1).todense())


@every_kind
def test_more_rows_than_columns(kind: str, rng: np.random.Generator) -> None:
    if kind == "count":
        with pytest.warns(UserWarning, match="saves nothing|is singular") as caught:
            S = CountSketch(240, M, rng=1)
        assert len(caught) == 2
    else:
        with pytest.warns(
            UserWarning, match="240 rows of a matrix with 120 saves nothing"
        ) as caught:
            S = KINDS[kind](240, M, rng=1)
    assert {one.filename for one in caught} == {__file__}
    A = rng.standard_normal((M, 3))
    _close(S @ A, S.todense() @ A)
    Y = rng.standard_normal((240, 3))
    _close(S.H @ Y, S.todense().T @ Y)
    if kind in ("srct", "kronecker"):  # every row twice: an isometry
        _close(S.todense().T @ S.todense(), np.eye(M))


@pytest.mark.parametrize("kind", [Gaussian, Rademacher, SparseStack, SRCT, SRHT])
def test_more_rows_than_an_index_of_32_bits_counts(kind: Any) -> None:
    m = 2**40
    S = kind(80, m, rng=0)
    assert S.shape == (80, m)
    part = S.block(m - 5, m)
    assert part.shape == (80, 5)
    D = part.todense()
    assert math.isclose(np.linalg.norm(D), math.sqrt(5), rel_tol=0.5)
    A = np.eye(5, 2)
    _close(S.apply(A, row_offset=m - 5), D @ A)
    assert not np.array_equal(D, S.block(0, 5).todense())


def test_refuses_what_64_bits_do_not_count() -> None:
    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: Gaussian(8, 2**65, rng=0).block(2**64 - 1, 2**64 + 1).todense(), "coordinate"),
        (lambda: SparseStack(8, 2**70, rng=0).block(2**69, 2**69 + 1).tosparse(), "coordinate"),
        (lambda: SRCT(8, 2**62, rng=0).block(0, 3).todense(), "fewer than 2⁶⁰"),
        (lambda: SRHT(8, 2**62, rng=0).block(0, 3).todense(), "fewer than 2⁶⁰"),
        (lambda: KroneckerSketch(8, (10**5,) * 4, rng=0).block(0, 3).todense(), "fewer than 2⁶⁰"),
        (lambda: TensorSketch(2**30, (3, 4), rng=0), "fewer than 2³⁰"),
    ]
    for kind in (KhatriRaoSketch, TensorSketch):
        S = kind(8, (10**5,) * 4, rng=0)
        refused.append((S.block(2**63, 2**63 + 1).todense, "Kronecker and Khatri–Rao products"))
        assert S.block(2**63 - 2, 2**63 - 1).todense().shape == (8, 1)
    for work, words in refused:
        with pytest.raises(ValueError, match=words):
            work()


def test_entries_of_a_tensor_sketch_take_the_memory_of_the_result() -> None:
    S = TensorSketch(3, (500, 500), rng=0)  # an identity of the size of m would take 500 GB
    assert np.array_equal(np.abs(S.todense()).sum(axis=0), np.ones(500**2))


def test_cosines_of_large_numbers_are_exact() -> None:
    # Python's integers reduce f (2 j + 1) modulo 4 m exactly
    m = 2**40 - 87
    S = SRCT(6, m, rng=1)
    D = S.block(m - 3, m).todense() * math.sqrt(6)
    for row, f in zip(D, S._chosen.tolist(), strict=True):
        turns = [f * (2 * j + 1) % (4 * m) / (4 * m) for j in range(m - 3, m)]
        exact = [math.sqrt(2) * abs(math.cos(2 * math.pi * turn)) for turn in turns]
        assert np.allclose(np.abs(row), exact, atol=1e-14)


# refusals


@every_kind
def test_refusals(kind: str) -> None:
    S = KINDS[kind](24, M, rng=1)
    A = np.ones((M, 2))
    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: S @ A[:-1], "x has 119 rows but A is 24x120"),
        (lambda: S @ scipy.sparse.csr_array(A[:-1]), "A is 24x120 but B is 119x2"),
        (lambda: scipy.sparse.csr_array(A[:-1].T) @ S.T, "2x119"),
        (lambda: S.apply(A, row_offset=1), "A is 120x2 at row 1, but S is 24x120"),
        (lambda: S.apply(A[:3], row_offset=-1), "at row -1"),
        (lambda: S.apply(A, out=np.zeros((24, 3))), r"out has shape \(24, 3\): the sketch is 24x2"),
        (lambda: S.apply(A, side="up"), "side is 'up'"),
        (lambda: S.apply(A * np.nan), "A"),
        (lambda: S.apply(scipy.sparse.csr_array(A * np.inf)), "A"),
        (lambda: S.apply(A[:, 0]), "A has shape"),
        (lambda: S.block(3, 2), r"block \[3, 2\) of 120 rows"),
        (lambda: S.block(0, 121), "of 120 rows"),
    ]
    for work, words in refused:
        with pytest.raises(ValueError, match=words):
            work()
    if kind != "count":
        with pytest.raises(ValueError, match="negative"):
            KINDS[kind](24, -1, rng=1)
        with pytest.raises(TypeError, match=r"rng is 0\.5"):
            KINDS[kind](24, M, rng=0.5)


@every_kind
@pytest.mark.parametrize("scaled", [True, False])
def test_what_is_added_to(kind: str, scaled: bool) -> None:
    S, A = KINDS[kind](24, M, rng=1, dtype="float32"), np.ones((M, 2), dtype="float32")
    expected = S.apply(A, scaled=scaled)
    for dtype in ("float32", "float64", "complex64"):
        out = np.zeros((48, 4), dtype=dtype)[::-2, ::2]
        assert S.apply(A, out=out, scaled=scaled) is out
        assert np.allclose(out, expected, rtol=1e-5, atol=1e-5)
    frozen = np.zeros((24, 2))
    frozen.flags.writeable = False
    strict = LIBRARIES["strict"].asarray(frozen)
    for operand in (A, scipy.sparse.csr_array(A), A.astype(complex)):
        for out in (np.zeros((24, 2), dtype="int64"), np.zeros((24, 2), dtype=bool)):
            with pytest.raises(TypeError, match=f"out is {out.dtype}, but the sketch is"):
                S.apply(operand, out=out, scaled=scaled)
        with pytest.raises(TypeError, match="mixed"):
            S.apply(operand, out=strict, scaled=scaled)
    for wrong, out in ((A.astype(complex), np.zeros((24, 2))), (A * 1.0, np.zeros((24, 2), "f2"))):
        with pytest.raises(TypeError, match="float"):
            S.apply(wrong, out=out, scaled=scaled)
    with pytest.raises(ValueError, match="out is read-only"):
        S.apply(A, out=frozen, scaled=scaled)
    with pytest.raises(TypeError, match="list is not an array"):
        S.apply(A, out=frozen.tolist(), scaled=scaled)
    assert not frozen.any()


@every_kind
def test_an_operator_without_an_adjoint_is_named(kind: str) -> None:
    S = KINDS[kind](24, M, rng=1)
    ones = np.ones((M, 2))
    A = scipy.sparse.linalg.LinearOperator((M, 2), matvec=lambda x: ones @ x, dtype=float)
    with pytest.raises(NotImplementedError, match="no product with its adjoint, and its sketch"):
        S.apply(A)
    _close((S @ A) @ np.eye(2), S @ ones)


def test_refusals_of_single_kinds() -> None:
    with pytest.raises(ValueError, match="nonzeros = 8 does not divide rows = 20"):
        SparseStack(20, 100)
    with pytest.raises(ValueError, match="base is 'normal': choose one of rademacher"):
        KhatriRaoSketch(8, (3, 4), base="normal")
    for wrong in ((), 12):
        with pytest.raises(ValueError, match=r"dims is .*: pass the sizes of the axes"):
            TensorSketch(8, wrong)  # type: ignore[arg-type]

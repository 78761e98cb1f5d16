"""Tensor trains against the arrays that they stand for."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.tensors import TensorTrain, _core, tt_svd

# the data types, and what a few operations in them may lose
PRECISIONS = {"float32": 2e-5, "float64": 5e-14, "complex64": 2e-5, "complex128": 5e-14}

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@st.composite
def trains(draw: Any, count: int, dtypes: Any = ("float64", "complex128")) -> list[TensorTrain]:
    """Return several trains of one shape, of random ranks."""
    shape, dtype = draw(shapes), draw(st.sampled_from(dtypes))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return [made(rng, shape, draw(st.integers(1, 3)), dtype) for _ in range(count)]


def made(rng: np.random.Generator, shape: tuple[int, ...], rank: int, dtype: str) -> TensorTrain:
    ranks = [1, *[rank] * (len(shape) - 1), 1]
    sizes = zip(ranks, shape, ranks[1:], strict=False)
    return TensorTrain([array(rng, size, dtype) for size in sizes])


def array(rng: np.random.Generator, shape: tuple[int, ...], dtype: str = "float64") -> Any:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def close(found: Any, wanted: Any, tol: float = 5e-14, scale: float | None = None) -> None:
    found = found.full() if isinstance(found, TensorTrain) else np.asarray(found)
    assert found.shape == np.shape(wanted)
    size = np.linalg.norm(np.ravel(wanted)) if scale is None else scale
    assert np.linalg.norm(np.ravel(found - wanted)) <= tol * size


def dense(T: TensorTrain) -> Any:
    """Return the array by the definition, an index after another."""
    out = np.ones((1, 1), dtype=T.dtype)
    for core in T.cores:
        out = np.einsum("pa,aib->pib", out, np.asarray(core)).reshape(-1, core.shape[2])
    return out.reshape(T.shape)


@given(trains(2))
def test_algebra(pair: list[TensorTrain]) -> None:
    a, b = pair
    A, B = dense(a), dense(b)
    scale = np.linalg.norm(A) + np.linalg.norm(B)
    close(a, A)
    close(a + b, A + B, scale=scale)
    close(a - b, A - B, scale=scale)
    close(a * b, A * B, scale=np.linalg.norm(A) * np.linalg.norm(B))
    close(-a, -A)
    close(2 * a / 4, A / 2)
    close(a / 2j, A / 2j)
    close(a * 2j, A * 2j)
    close(a.conj(), A.conj())
    close(a.sum(), A.sum(), scale=scale * A.size)
    assert abs(a.norm() - np.linalg.norm(A)) <= 1e-13 * scale
    assert abs(a.inner(b) - np.vdot(A, B)) <= 1e-13 * scale**2


@given(trains(2))
def test_cores_of_two(pair: list[TensorTrain]) -> None:
    a, b = pair
    A, B = dense(a), dense(b)
    close(a.direct_sum(b), _core.direct_sum(A, B))
    close(a.kronecker(b), _core.kronecker(A, B))
    close(_core.direct_sum(a, B), _core.direct_sum(A, B))  # a train and an array


@given(trains(1), st.randoms(use_true_random=False))
def test_axes(one: list[TensorTrain], random: Any) -> None:
    (a,) = one
    A, rng = dense(a), np.random.default_rng(1)
    order = list(range(a.ndim))
    random.shuffle(order)
    close(a.transposed(order), A.transpose(order))
    close(a.transposed(range(a.ndim)[::-1]), A.T)
    for axis, n in enumerate(a.shape):
        v = rng.standard_normal(n)
        close(a.contracted(axis, v), np.tensordot(A, v, axes=((axis,), (0,))), scale=n * a.norm())
        close(a.sum(axis), A.sum(axis), scale=n * a.norm())
    matrices = [None if k % 2 else rng.standard_normal((3, n)) for k, n in enumerate(a.shape)]
    close(a.mode_products(matrices), _core.mode_products(A, matrices), scale=99 * a.norm())


@given(trains(1))
def test_entries(one: list[TensorTrain]) -> None:
    (a,) = one
    A, rng = dense(a), np.random.default_rng(2)
    places = np.stack([rng.integers(-n, n, 50) for n in a.shape], axis=1)
    wanted = A[tuple(places.T)]
    close(a.at(places), wanted, scale=a.norm() * 50)
    close(a[tuple(places.T.reshape(a.ndim, 5, 10))], wanted.reshape(5, 10), scale=a.norm() * 50)
    close(a[tuple(places[0])], A[tuple(places[0])], scale=a.norm())
    close(a[..., 0], A[..., 0], scale=a.norm())
    close(a[-1], A[-1], scale=a.norm())
    close(a[::-1, ...], A[::-1, ...])
    rows = [rng.standard_normal((70, n)) for n in a.shape]
    close(a.entries(rows), _core.entries(A, rows), scale=99 * a.norm())


@given(trains(2), st.sampled_from([0.0, 1e-10, 1e-2, 0.5]))
def test_rounding_keeps_the_error_and_drops_ranks(pair: list[TensorTrain], tol: float) -> None:
    a, b = pair
    T = a + a * 2 + b * 1e-5
    A = dense(T)
    found = T.round(tol)
    close(found, A, tol=tol + 1e-13)
    assert all(r <= s for r, s in zip(found.ranks, T.ranks, strict=True))
    small, factors = T.truncated(tol)
    close(small.mode_products(factors), A, tol=tol + 1e-13)
    for U, n, r in zip(factors, T.shape, small.shape, strict=True):
        assert U.shape == (n, r)
        close(U.conj().T @ U, np.eye(r), tol=1e-13)


@given(shapes, st.sampled_from([1e-1, 1e-6, 1e-13]))
def test_tt_svd_within_tolerance(shape: tuple[int, ...], tol: float) -> None:
    grid = sum(np.ix_(*(np.linspace(0, 1, 2 * n) for n in shape)))
    T = 1 / (1 + grid)
    close(tt_svd(T, tol=tol), T, tol=tol + 1e-14)
    for found in (
        tt_svd(T, ranks=1),
        tt_svd(T).round(ranks=1),
        tt_svd(T).round(ranks=[1] * (T.ndim - 1)),
    ):
        assert set(found.ranks) <= {1}
    small, _ = tt_svd(T).truncated(ranks=[1] * T.ndim)
    assert small.shape == (1,) * T.ndim


def test_exact_ranks() -> None:
    x = np.linspace(0, 1, 9)
    T = np.sin(x[:, None, None, None] + x[:, None, None] + x[:, None] + x)
    assert tt_svd(T, tol=1e-12).ranks == (2, 2, 2)
    assert (tt_svd(T, tol=1e-12) * tt_svd(T, tol=1e-12)).round(1e-12).ranks == (3, 3, 3)
    assert TensorTrain.from_array(T).truncated(1e-12)[0].shape == (2, 2, 2, 2)


def test_exchanges_of_axes_add_no_ranks() -> None:
    rng = np.random.default_rng(3)
    T = made(rng, (5,) * 7, 2, "float64")
    for order in ([3, 0, 6, 2, 5, 1, 4], [6, 0, 1, 2, 3, 4, 5]):
        there = T.transposed(order, tol=1e-12)
        back = there.transposed(np.argsort(order).tolist(), tol=1e-12)
        assert back.round(1e-11).ranks == T.ranks
        assert (back - T).norm() <= 1e-11 * T.norm()


@pytest.mark.parametrize("dtype", list(PRECISIONS))
def test_libraries_and_precisions(library: Any, dtype: str) -> None:
    tol, rng = PRECISIONS[dtype], np.random.default_rng(4)
    A, B = array(rng, (3, 4, 2, 3), dtype), array(rng, (3, 4, 2, 3), dtype)
    a, b = (TensorTrain.from_array(library.asarray(X)) for X in (A, B))
    rows = [array(rng, (5, n), dtype) for n in A.shape]

    def same(found: Any, wanted: Any) -> None:
        found = found.full() if isinstance(found, TensorTrain) else found
        assert found.dtype == library.dtype(wanted.dtype.name)
        found = library.to_numpy(found)
        assert np.linalg.norm(found - wanted) <= 10 * tol * np.linalg.norm(A) * np.linalg.norm(B)

    same(a + b, A + B)
    same(a * b, A * B)
    same(a * 0.5, A * A.dtype.type(0.5))
    same(np.float64(0.5) * a, A * A.dtype.type(0.5))
    same((a + a).round(tol), 2 * A)
    same(a.direct_sum(b), _core.direct_sum(A, B))
    same(a.kronecker(b), _core.kronecker(A, B))
    same(a.transposed((2, 0, 3, 1)), A.transpose(2, 0, 3, 1))
    same(a.inner(b), np.vdot(A, B))
    same(a.contracted(1, library.asarray(rows[1][0])), np.tensordot(A, rows[1][0], ((1,), (0,))))
    same(a.entries([library.asarray(row) for row in rows]), _core.entries(A, rows))
    same(a.at(np.array([[0, 1, 1, 2], [2, 3, 0, 0]])), A[[0, 2], [1, 3], [1, 0], [2, 0]])
    same(a[1:, 2, :, -1], A[1:, 2, :, -1])
    small, factors = (a + a).truncated(tol)
    same(small.mode_products(factors), 2 * A)
    assert abs(a.norm() - np.linalg.norm(A)) <= tol * np.linalg.norm(A)
    again = pickle.loads(pickle.dumps(a)) if library.name == "numpy" else a
    same(again, A)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_any_scale(scale: float) -> None:
    A = array(np.random.default_rng(5), (3, 4, 5))
    a = tt_svd(A * scale, tol=1e-12)
    assert a.norm() == pytest.approx(np.linalg.norm(A) * scale, rel=1e-13)
    close((a + a).round(1e-12) / scale, 2 * A, tol=1e-11)
    small, factors = (a + a).truncated(1e-12)
    close(small.mode_products(factors) / scale, 2 * A, tol=1e-11)
    close(a.transposed((1, 2, 0)) / scale, A.transpose(1, 2, 0))


def test_zero_tensors_and_no_terms() -> None:
    zero = TensorTrain([np.zeros((1, 3, 2)), np.zeros((2, 4, 1))])
    for T in (
        zero,
        zero.round(1e-3),
        tt_svd(np.zeros((3, 4))),
        zero.transposed((1, 0)).transposed((1, 0)),
    ):
        assert T.norm() == 0
        close(T, np.zeros((3, 4)))
    small, factors = zero.truncated(1e-3)
    assert small.shape == (1, 1)
    close(factors[0].T @ factors[0], np.eye(1))
    empty = TensorTrain([np.zeros((1, 3, 0)), np.zeros((0, 4, 1))])
    assert empty.ranks == (1,)
    close(empty, np.zeros((3, 4)))


def test_axes_without_entries() -> None:
    T = TensorTrain([np.ones((1, 3, 2)), np.ones((2, 0, 2)), np.ones((2, 4, 1))])
    assert T.full().shape == (3, 0, 4)
    assert T.norm() == 0
    assert (T + T).round(1e-3).shape == (3, 0, 4)
    assert T.sum() == 0
    assert tt_svd(np.ones((3, 0, 4))).shape == (3, 0, 4)
    assert T.at(np.zeros((0, 3), dtype=int)).shape == (0,)


def test_norms_of_differences_keep_their_digits() -> None:
    a = made(np.random.default_rng(8), (4,) * 6, 2, "float64")
    b = made(np.random.default_rng(9), (4,) * 6, 2, "float64")
    close_by = a + b * 1e-11
    assert (close_by - a).norm() == pytest.approx(1e-11 * b.norm(), rel=1e-3)


def test_large_tensors_are_never_formed() -> None:
    T = made(np.random.default_rng(6), (10,) * 40, 3, "float64")
    S = (T + T).round(1e-12)
    assert S.ranks == T.ranks
    assert S.norm() == pytest.approx(2 * T.norm(), rel=1e-12)
    assert T.parameters == sum(core.size for core in T.cores)
    with pytest.raises(MemoryError, match="max_bytes"):
        T.full()


def test_repr() -> None:
    assert repr(tt_svd(np.ones((2, 3)))) == "<TensorTrain 2x3 float64, ranks 1>"
    assert repr(tt_svd(np.ones(4))) == "<TensorTrain 4 float64>"


def test_integers_become_floats() -> None:
    assert TensorTrain([np.ones((1, 3, 1), dtype=int)]).dtype == np.float64
    assert tt_svd(np.ones((2, 2), dtype=int)).dtype == np.float64


def ones(*sizes: tuple[int, int, int]) -> TensorTrain:
    return TensorTrain([np.ones(size) for size in sizes])


def test_ranks_may_be_numbers_of_numpy() -> None:
    T = np.eye(4)
    assert tt_svd(T, ranks=np.int64(2)).ranks == tt_svd(T, ranks=[np.int64(2)]).ranks == (2,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TensorTrain([]), ValueError, "no cores"),
        (lambda: ones((1, 2)), ValueError, "three axes"),
        (lambda: ones((2, 2, 1)), ValueError, "core 0 has shape"),
        (lambda: ones((1, 2, 2), (3, 2, 1)), ValueError, "core 1 has shape"),
        (lambda: ones((1, 2, 2)), ValueError, "last core"),
        (lambda: ones((1, 2, 1)) + ones((1, 3, 1)), ValueError, "must be equal"),
        (lambda: ones((1, 2, 1)) + 1.0, TypeError, "unsupported"),
        (lambda: ones((1, 2, 1)) * np.ones(2), TypeError, "TensorTrain"),
        (lambda: ones((1, 2, 1)) / ones((1, 2, 1)), TypeError, "unsupported"),
        (lambda: ones((1, 2, 1)).kronecker(ones((1, 2, 1), (1, 2, 1))), ValueError, "axes"),
        (lambda: ones((1, 2, 1))[2], IndexError, "outside"),
        (lambda: ones((1, 2, 1))[0, 0], IndexError, "2 indices"),
        (lambda: ones((1, 2, 1))[True], IndexError, "the index of axis 0 is True"),
        (lambda: ones((1, 2, 1)).astype("int64"), TypeError, "no floating-point type"),
        (lambda: (1j * ones((1, 2, 1))).astype("float32"), TypeError, "complex numbers"),
        (lambda: ones((1, 2, 1)).sum((0, -1)), ValueError, "an axis appears twice"),
        (lambda: tt_svd(ones((1, 2, 1))), TypeError, "the tensor is a TensorTrain"),
        (lambda: ones((1, 2, 1), (1, 2, 1))[np.array([0]), :], IndexError, "mixed"),
        (lambda: ones((1, 2, 1)).at(np.array([[0], [7]])), IndexError, r"row 1 .* \[7\]"),
        (lambda: ones((1, 2, 1)).at(np.array([[0.5]])), IndexError, "pass integers"),
        (lambda: ones((1, 2, 1)).transposed((0, 0)), ValueError, "permutation"),
        (lambda: ones((1, 2, 1)).contracted(3, np.ones(2)), ValueError, "axis is 3"),
        (lambda: ones((1, 2, 1)).contracted(0, np.ones(3)), ValueError, r"shape \(3,\)"),
        (lambda: ones((1, 2, 1)).mode_products([]), ValueError, "0 matrices"),
        (lambda: ones((1, 2, 1)).mode_products([np.ones((2, 3))]), ValueError, "matrix 0"),
        (lambda: ones((1, 2, 1)).round(-1.0), ValueError, "tol is -1"),
        (lambda: ones((1, 2, 1), (1, 2, 1)).round(ranks=0), ValueError, "ranks is 0"),
        (lambda: ones((1, 2, 1), (1, 2, 1)).round(ranks=[1, 1]), ValueError, "one for each of 1"),
        (lambda: ones((1, 2, 1)).entries([np.ones((4, 3))]), ValueError, "rows"),
        (lambda: tt_svd(np.array([1.0, np.nan])), ValueError, r"\[1\]"),
        (lambda: tt_svd(np.ones(())), ValueError, "scalar"),
        (lambda: TensorTrain([np.full((1, 2, 1), np.nan)]).round(1e-3), ValueError, "NaN"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()

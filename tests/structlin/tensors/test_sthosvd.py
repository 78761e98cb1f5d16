"""Tucker tensors of arrays: error bounds, what every method can tell, and unusual input."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._errors import ConvergenceWarning
from structlin.tensors import TensorTrain, Tucker, hosvd, sthosvd

METHODS = ("auto", "gram", "qr", "randomized", "fibres")
DTYPES = {"float32": 6e-7, "float64": 1e-15, "complex64": 6e-7, "complex128": 1e-15}


def unfolding(T: Any, axis: int) -> Any:
    return np.moveaxis(T, axis, 0).reshape(T.shape[axis], -1)


def tails(T: Any, ranks: Any) -> list[float]:
    """Return what the ranks leave of the singular values of every unfolding."""
    return [
        float(np.linalg.norm(np.linalg.svd(unfolding(T, k), compute_uv=False)[r:]))
        for k, r in enumerate(ranks)
    ]


def error(T: Tucker, A: Any) -> float:
    """Return the relative error by the definition."""
    out = T.core
    for axis, U in enumerate(T.factors):
        out = np.moveaxis(np.tensordot(U, out, axes=(1, axis)), 0, axis)
    return float(np.linalg.norm(out - A) / np.linalg.norm(A))


def orthonormal(T: Tucker, tol: float = 1e-13) -> bool:
    return all(
        np.linalg.norm(U.conj().T @ U - np.eye(U.shape[1])) <= tol * U.shape[0] for U in T.factors
    )


def smooth(shape: tuple[int, ...], shift: float = 0.1) -> Any:
    """Return an array whose singular values decay at a constant rate."""
    total = np.full(shape, shift)
    for axis, n in enumerate(shape):
        x = np.linspace(0, 1, n)
        total = total + np.reshape(x, [-1 if k == axis else 1 for k in range(len(shape))])
    return 1 / total


@st.composite
def arrays(draw: Any) -> Any:
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    T = rng.standard_normal(shape)
    if draw(st.booleans()):
        T = T + 1j * rng.standard_normal(shape)
    for axis, n in enumerate(shape):  # singular values that decay
        T = T * np.reshape(0.3 ** np.arange(n), [-1 if k == axis else 1 for k in range(T.ndim)])
    return draw(st.sampled_from([T, np.asfortranarray(T), np.swapaxes(T, 0, -1)]))


@given(arrays(), st.data())
def test_ranks_are_quasi_optimal(A: Any, data: Any) -> None:
    ranks = [data.draw(st.integers(1, n)) for n in A.shape]
    best = max(tails(A, ranks))  # no tensor of these ranks is closer
    bound = math.hypot(*tails(A, ranks))
    rounding = 1e-13 * np.linalg.norm(A)
    for make in (sthosvd, hosvd):
        T = make(A, ranks=ranks)
        missed = error(T, A) * np.linalg.norm(A)
        assert all(r <= wanted for r, wanted in zip(T.ranks, ranks, strict=True))
        assert best - rounding <= missed <= bound + rounding
        assert bound <= math.sqrt(A.ndim) * best + rounding
        assert orthonormal(T)
        assert T.report is not None
        assert T.report.converged
        assert T.report.error_estimate == pytest.approx(error(T, A), rel=1e-2, abs=1e-13)


@given(arrays(), st.sampled_from([0.3, 1e-3, 1e-7, 1e-13]))
def test_tolerances_are_kept(A: Any, tol: float) -> None:
    for make, methods in ((sthosvd, METHODS), (hosvd, METHODS[:4])):
        for method in methods:
            if method == "gram" and tol < 1e-6:
                continue
            T = make(A, tol=tol, method=method, rng=0)
            assert error(T, A) <= tol
            assert orthonormal(T)
            assert T.report is not None
            assert T.report.converged
            assert T.report.error_estimate == pytest.approx(error(T, A), rel=1e-2, abs=1e-14)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tol", [1e-3, 1e-7, 1e-11])
def test_every_method_on_a_smooth_tensor(method: str, tol: float) -> None:
    A = smooth((70, 80, 90))
    if method == "gram" and tol == 1e-11:
        with pytest.raises(ValueError, match="down to 5e-08: take method 'qr'"):
            sthosvd(A, tol=tol, method=method)
        return
    T = sthosvd(A, tol=tol, method=method, rng=0)
    needed = [
        int(np.sum(np.cumsum(s[::-1] ** 2)[::-1] > tol**2 / 3 * np.sum(s**2)))
        for s in (np.linalg.svd(unfolding(A, k), compute_uv=False) for k in range(3))
    ]
    assert error(T, A) <= tol
    assert all(r <= n + 1 for r, n in zip(T.ranks, needed, strict=True))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rank", [3, 8, 12])
def test_ranks_of_every_method_are_near_the_best(method: str, rank: int) -> None:
    A = smooth((60, 61, 62), shift=0.3)
    T = sthosvd(A, ranks=rank, method=method, rng=0)
    best = sthosvd(A, ranks=rank, method="qr")
    assert T.ranks == (rank,) * 3
    assert error(T, A) <= 1.5 * error(best, A)
    assert T.report is not None
    assert T.report.error_estimate == pytest.approx(error(T, A), rel=1e-2)


def test_squares_are_left_where_they_cannot_tell() -> None:
    A = smooth((40, 40, 40), shift=0.3)
    coarse, fine = sthosvd(A, ranks=3), sthosvd(A, ranks=9)
    assert coarse.report is not None
    assert fine.report is not None
    assert (
        coarse.report.method == "STHOSVD: axis 0, 1 by gram; axis 2 by svd, as the fibres are few"
    )
    assert "less than squares can tell" in fine.report.method
    assert error(fine, A) <= 1.01 * math.hypot(*tails(A, (9, 9, 9))) / np.linalg.norm(A) < 1e-9
    sharp = sthosvd(A, tol=1e-9).report
    assert sharp is not None
    assert "tol is below the 5e-08" in sharp.method


def test_long_axes_are_sketched() -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((600, 4)) @ rng.standard_normal((4, 400))
    A += 1e-3 * rng.standard_normal(A.shape)
    T = sthosvd(A, ranks=4, rng=5)
    assert T.report is not None
    assert T.report.seed == 5
    assert "randomized, as the axis is long" in T.report.method
    assert error(T, A) <= 1.01 * math.hypot(*tails(A, (4, 4))) / np.linalg.norm(A)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_library_and_precision(library: Any, method: str, dtype: str) -> None:
    A = smooth((24, 25, 23))
    if dtype.startswith("complex"):
        A = A * np.exp(1j * A)
    A = A.astype(dtype)
    T = sthosvd(library.asarray(A), tol=1e-2, method=method, rng=0)
    assert T.dtype == library.dtype(dtype)
    assert T.device == library.asarray(A).device if library.name == "strict" else True
    B = Tucker(library.to_numpy(T.core), [library.to_numpy(U) for U in T.factors])
    assert error(B, A.astype("complex128" if "complex" in dtype else "float64")) <= 1e-2
    assert orthonormal(B, tol=20 * DTYPES[dtype])
    assert max(T.ranks) <= 5


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_there_are_no_absolute_sizes(scale: float) -> None:
    A = smooth((20, 21, 22))
    for kwargs in ({"tol": 1e-5}, {"tol": 1e-10}, {"ranks": 4}):
        T = sthosvd(A * scale, **kwargs)  # type: ignore[arg-type]
        unscaled = sthosvd(A, **kwargs)  # type: ignore[arg-type]
        assert T.ranks == unscaled.ranks
        assert T.report is not None
        assert unscaled.report is not None
        assert T.report.error_estimate == pytest.approx(unscaled.report.error_estimate, rel=1e-3)
        assert error(Tucker(T.core / scale, T.factors), A) <= 1.01 * error(unscaled, A)


def test_fortran_order_is_not_copied_and_axes_keep_their_names() -> None:
    A = smooth((10, 30, 20))
    for B in (np.asfortranarray(A), A[::-1, :, ::-1]):
        T = sthosvd(B, ranks=(2, 3, 4))
        assert T.ranks == (2, 3, 4)
        assert error(T, B) == pytest.approx(
            error(sthosvd(np.ascontiguousarray(B), ranks=(2, 3, 4)), B), rel=1e-6
        )


def test_a_file_is_read_in_pieces(tmp_path: Any) -> None:
    A = smooth((30, 31, 32))
    stored = np.memmap(tmp_path / "tensor", dtype=np.float64, mode="w+", shape=A.shape)
    stored[...] = A
    assert error(sthosvd(stored, tol=1e-6), A) <= 1e-6


def test_zeros_and_empty_tensors() -> None:
    T = sthosvd(np.zeros((3, 4)), tol=1e-3)
    assert T.ranks == (1, 1)
    assert not T.full().any()
    assert sthosvd(np.zeros((3, 0, 2)), ranks=2).full().shape == (3, 0, 2)
    assert hosvd(np.zeros((3, 4), dtype=np.float32), ranks=2).dtype == np.float32
    (x,) = sthosvd(np.array([3, 4]), tol=1e-3).factors
    np.testing.assert_allclose(abs(x[:, 0]), [0.6, 0.8])


def test_ranks_below_the_tolerance_are_told() -> None:
    A = smooth((20, 20, 20))
    with pytest.warns(ConvergenceWarning, match=r"tol is 1e-06: raise ranks"):
        T = sthosvd(A, tol=1e-6, ranks=2)
    assert T.ranks == (2, 2, 2)
    assert T.report is not None
    assert not T.report.converged
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sthosvd(A, tol=1e-2, ranks=10).ranks < (10, 10, 10)


def test_the_seed_makes_it_again() -> None:
    A = smooth((60, 60))
    for method in ("randomized", "fibres"):
        first = sthosvd(A, ranks=3, method=method)
        assert first.report is not None
        again = sthosvd(A, ranks=3, method=method, rng=first.report.seed)
        np.testing.assert_array_equal(first.core, again.core)


def test_bad_input_is_named() -> None:
    A = smooth((5, 6, 7))
    with pytest.raises(ValueError, match="neither tol nor ranks"):
        sthosvd(A)
    with pytest.raises(ValueError, match=r"float32 holds 1.2e-07"):
        sthosvd(A.astype(np.float32), tol=1e-12)
    with pytest.raises(ValueError, match="tol is -1"):
        hosvd(A, tol=-1)
    with pytest.raises(ValueError, match="ranks is 0"):
        sthosvd(A, ranks=0)
    with pytest.raises(ValueError, match=r"ranks is \(2, 3\).*3 axes"):
        sthosvd(A, ranks=(2, 3))
    with pytest.raises(ValueError, match=r"method is 'svd'.*'gram'"):
        sthosvd(A, ranks=2, method="svd")
    with pytest.raises(ValueError, match="method is 'fibres'"):
        hosvd(A, ranks=2, method="fibres")
    with pytest.raises(ValueError, match="scalar"):
        sthosvd(np.array(3.0), ranks=2)
    with pytest.raises(TypeError, match="recompress"):
        sthosvd(sthosvd(A, ranks=2), ranks=1)
    with pytest.raises(TypeError, match="T is a TensorTrain: pass an array"):
        sthosvd(TensorTrain.from_array(A), ranks=2)
    with pytest.raises(TypeError, match="list is not an array"):
        sthosvd([[1.0]], ranks=2)
    A[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"T has a NaN or Inf at \[1, 2, 3\]"):
        sthosvd(A, ranks=2)

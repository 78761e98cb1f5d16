from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.sketching import RowBlocks, leverage_scores, lewis_weights

from .test_leverage import spread

powers = [0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0]


def log_gap(A, w, p):
    """The largest |log(τ/w)|, with the leverage scores row by row."""
    B = w[:, None] ** (0.5 - 1 / p) * A
    R = np.linalg.qr(B)[1]
    tau = np.sum(np.abs(np.linalg.solve(R.T, B.T)) ** 2, axis=0)
    return np.abs(np.log(tau / w)).max()


@pytest.mark.parametrize("p", powers)
def test_fixed_point(p, library):
    A = spread(80, 4, seed=3)
    w = library.to_numpy(lewis_weights(library.asarray(A), p))
    assert log_gap(A, w, p) < 2e-6
    np.testing.assert_allclose(w.sum(), 4, rtol=1e-5)


@given(
    st.integers(1, 5),
    st.integers(0, 1000),
    st.floats(0.2, 12.0),
    st.sampled_from([1e-150, 1, 1e150]),
)
def test_fixed_point_everywhere(n, seed, p, scale):
    A = spread(30, n, seed=seed)
    assert log_gap(A, lewis_weights(scale * A, p), p) < 2e-6


@pytest.mark.parametrize("p", [1.0, 5.0])
@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_other_precisions(p, dtype):
    A = spread(40, 3, dtype=np.dtype(dtype))
    w = lewis_weights(A, p)
    assert w.dtype == np.finfo(dtype).dtype
    wide = A.astype(np.result_type(dtype, float))
    assert log_gap(wide, w.astype(float), p) < (5e-3 if w.dtype == np.float32 else 2e-6)


def test_one_column_has_the_powers_of_its_entries():
    a = np.array([3.0, -1.0, 0.5, 2.0])
    for p in (0.5, 1, 3, 7):
        w = np.abs(a) ** p
        np.testing.assert_allclose(lewis_weights(a[:, None], p), w / w.sum(), rtol=1e-5)


def test_invariance_under_a_change_of_basis():
    A, T = spread(50, 3), np.array([[1.0, 5.0, 0.0], [0.0, 1e3, 1.0], [0.0, 0.0, 1e-4]])
    for p in (1.0, 6.0):
        np.testing.assert_allclose(lewis_weights(A @ T, p), lewis_weights(A, p), rtol=1e-5)


def test_repeated_rows_share_and_zero_rows_have_none():
    A = np.repeat(spread(12, 3), 4, axis=0)
    A[5] = A[4] = A[6] = A[7] = 0
    w = lewis_weights(A, 1.0).reshape(12, 4)
    np.testing.assert_allclose(w, w[:, :1] * np.ones(4), rtol=1e-9)
    assert np.all(w[1] == 0)
    assert np.all(lewis_weights(np.zeros((4, 2)), 1.0) == 0)
    assert lewis_weights(np.ones((0, 2)), 1.0).shape == (0,)


def test_rank_deficient():
    A = spread(40, 3)
    np.testing.assert_allclose(
        lewis_weights(np.hstack([A, A @ np.ones((3, 2))]), 1.0), lewis_weights(A, 1.0), rtol=1e-4
    )


def test_two_gives_leverage_scores():
    A = spread(30, 3)
    np.testing.assert_array_equal(lewis_weights(A, 2), leverage_scores(A))


@pytest.mark.parametrize("p", [0.5, 1.0, 3.0])
def test_sketched_weights_are_near(p):
    A = spread(1500, 4, seed=5)
    exact = lewis_weights(A, p)
    sketched = lewis_weights(A, p, method="sketched", rng=0)
    # the scores of a step are within 2.5, and what comes of it within its power 1/(1 − |1 − p/2|)
    bound = 2.5 ** max(1.0, (p / 2) / (1 - abs(1 - p / 2)))
    assert 1 / bound < (sketched / exact).min()
    assert (sketched / exact).max() < bound
    for container in (RowBlocks(A, chunk=400), scipy.sparse.csr_array(A)):
        found = lewis_weights(container, p, method="sketched", rng=0)
        np.testing.assert_allclose(found, sketched, rtol=1e-6)


def test_exact_weights_of_blocks():
    A = spread(600, 3)
    np.testing.assert_allclose(
        lewis_weights(RowBlocks(A), 1.0, method="exact"), lewis_weights(A, 1.0), rtol=1e-5
    )


def test_too_few_steps_are_told():
    with pytest.warns(ConvergenceWarning, match="raise max_iterations"):
        lewis_weights(spread(30, 3), 8.0, max_iterations=2)


@pytest.mark.parametrize("tol", [-1e-3, np.nan])
def test_bad_tolerance(tol):
    with pytest.raises(ValueError, match="not negative"):
        lewis_weights(np.ones((3, 1)), 1.0, tol=tol)


@pytest.mark.parametrize("p", [0, -1, np.inf, np.nan])
def test_bad_exponent(p):
    with pytest.raises(ValueError, match="exponent of a norm"):
        lewis_weights(np.ones((3, 1)), p)

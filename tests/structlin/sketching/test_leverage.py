from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator

from structlin.matrices import Diagonal
from structlin.sketching import (
    RowBlocks,
    leverage_scores,
    lp_sensitivities,
    root_leverage_scores,
)


def projector_diagonal(A):
    return np.real(np.diagonal(A @ np.linalg.pinv(A)))


def spread(m, n, seed=0, dtype=float):
    """A matrix whose rows differ much in size."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n)) * np.exp(rng.standard_normal((m, 1)))
    if np.issubdtype(dtype, np.complexfloating):
        A = A + 1j * rng.standard_normal((m, n))
    return A.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_scores_are_the_diagonal_of_the_projector(library, dtype):
    A = spread(60, 5, dtype=np.dtype(dtype))
    scores = leverage_scores(library.asarray(A))
    real = np.finfo(dtype).dtype.name
    assert scores.dtype == library.dtype(real)
    expected = projector_diagonal(A.astype(np.result_type(dtype, float)))
    np.testing.assert_allclose(library.to_numpy(scores), expected, atol=50 * np.finfo(dtype).eps)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_rank_deficiency_scaling_and_zero_rows(scale):
    A = spread(40, 4)
    A = np.hstack([A, A[:, :1] - A[:, 1:2], np.zeros((40, 1))])
    A[7] = 0
    scores = leverage_scores(A * scale)
    np.testing.assert_allclose(scores, projector_diagonal(A), atol=1e-12)
    assert scores[7] == 0
    assert np.isclose(scores.sum(), 4)


def test_columns_of_any_scale():
    A = spread(50, 4)
    scores = leverage_scores(A * np.array([1e-30, 1.0, 1e30, 1e8]))
    np.testing.assert_allclose(scores, projector_diagonal(A), atol=1e-12)


def test_wide_zero_and_empty():
    np.testing.assert_allclose(leverage_scores(spread(3, 10)), 1)
    np.testing.assert_array_equal(leverage_scores(np.zeros((4, 2))), 0)
    assert leverage_scores(np.ones((0, 3))).shape == (0,)
    np.testing.assert_array_equal(leverage_scores(np.ones((3, 0))), 0)
    np.testing.assert_allclose(leverage_scores(np.array([[3], [4]])), [0.36, 0.64])  # integers


def test_rows_from_blocks_and_operators():
    A = spread(3000, 5)
    expected = projector_diagonal(A)
    for container in (
        RowBlocks(A, chunk=700),
        scipy.sparse.csc_array(A),
        Diagonal(np.ones(3000)) @ scipy.sparse.csr_array(A),
    ):
        np.testing.assert_allclose(leverage_scores(container, method="exact"), expected, atol=1e-12)


def test_exact_scores_of_blocks_in_any_library(library):
    A = spread(1500, 3)
    found = leverage_scores(RowBlocks(library.asarray(A), chunk=700), method="exact")
    np.testing.assert_allclose(library.to_numpy(found), projector_diagonal(A), atol=1e-12)


def test_exact_scores_of_blocks_do_not_depend_on_the_chunks():
    A = spread(5000, 3)
    one, other = (leverage_scores(RowBlocks(A, chunk=chunk), method="exact") for chunk in (1, 4096))
    np.testing.assert_array_equal(one, other)


def test_sketched_scores_are_within_the_distortion_in_any_container(library):
    A = spread(4000, 6)
    expected = projector_diagonal(A)
    scores = library.to_numpy(leverage_scores(library.asarray(A), method="sketched", rng=3))
    assert (scores / expected).min() > 1 / 2.5
    assert (scores / expected).max() < 2.5
    if library.name == "numpy":
        blocks = RowBlocks(A, chunk=1000)
        found = leverage_scores(blocks, rng=3)  # "auto" sketches what is read by rows
        np.testing.assert_allclose(found, scores, rtol=1e-10)
        assert blocks.passes == 2
        found = leverage_scores(scipy.sparse.csr_array(A), method="sketched", rng=3)
        np.testing.assert_allclose(found, scores, rtol=1e-10)


def test_sketched_scores_of_few_columns_are_within_the_distortion_too():
    # the chance to be off by more is about 1e-4 for each seed
    for n in (1, 2, 4):
        A = np.random.default_rng(n).standard_normal((500, n))
        exact = projector_diagonal(A)
        for seed in range(25):
            ratio = leverage_scores(A, method="sketched", rng=seed) / exact
            assert ratio.min() > 1 / 2.5
            assert ratio.max() < 2.5


def test_projection_of_many_columns():
    A = spread(2500, 100, seed=1)
    scores = leverage_scores(A, method="sketched", rng=0)  # 63 Gaussian vectors for 100 columns
    ratio = scores / projector_diagonal(A)
    assert 0.3 < ratio.min() < ratio.max() < 3.5


def test_powers():
    A = spread(30, 3)
    np.testing.assert_allclose(root_leverage_scores(A, 2), leverage_scores(A))
    np.testing.assert_allclose(root_leverage_scores(A, 1) ** 2, leverage_scores(A))


@pytest.mark.parametrize("p", [1.3, 3.0])
def test_sensitivities_are_the_largest_part_of_a_norm(p, library):
    A = spread(15, 3)
    found = library.to_numpy(lp_sensitivities(library.asarray(A), p, method="exact"))
    for i in (0, 6):

        def smallest(x, i=i):
            return np.sum(np.abs(A @ x) ** p) / np.abs(A[i] @ x) ** p

        starts = [np.linalg.pinv(A)[:, i], A[i]]
        least = min(
            minimize(
                smallest, x, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-13}
            ).fun
            for x in starts
        )
        np.testing.assert_allclose(found[i], 1 / least, rtol=1e-5)


@pytest.mark.parametrize("p", [1.1, 1.5, 4.0, 12.0])
def test_bounds_lie_above_sensitivities(p):
    A = spread(25, 3, seed=2, dtype=complex)
    A[4] = 0
    exact, bound = lp_sensitivities(A, p, method="exact"), lp_sensitivities(A, p)
    assert np.all(exact <= bound * (1 + 1e-5))
    assert exact[4] == bound[4] == 0
    assert bound.max() <= 1


def test_bad_input():
    A = spread(10, 2)
    with pytest.raises(ValueError, match="method is 'qr'"):
        leverage_scores(A, method="qr")
    forward = LinearOperator((200, 2), matvec=lambda x: np.ones(200) * x.sum(), dtype=float)
    with pytest.raises(NotImplementedError, match="method='sketched' needs it"):
        leverage_scores(forward, method="sketched")
    A[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"\[3, 1\]"):
        leverage_scores(A)
    for p in (0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="exponent of a norm"):
            root_leverage_scores(np.ones((3, 1)), p)
    with pytest.raises(ValueError, match="for p > 1"):
        lp_sensitivities(np.ones((3, 1)), 1, method="exact")
    with pytest.raises(ValueError, match="'bound' or 'exact'"):
        lp_sensitivities(np.ones((3, 1)), 1, method="lp")

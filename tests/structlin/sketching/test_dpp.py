from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator
from scipy.stats import chi2

from structlin import ConvergenceWarning
from structlin.sketching import dpp_sample, leverage_scores, lstsq_design, volume_sample

from .test_leverage import spread


def matches(counts, chances, runs):
    """Tell whether counts of events fit their probabilities: fails once in 10 000 times."""
    expected = runs * np.asarray(chances)
    statistic = np.sum((np.asarray(counts) - expected) ** 2 / expected)
    return statistic < chi2.isf(1e-4, len(expected) - 1)


@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize("dtype", [float, complex])
def test_sets_of_a_size_come_in_proportion_to_their_volume(kernel, dtype):
    A = spread(6, 3, dtype=dtype)
    L, runs = A @ A.conj().T, 1200
    sets = list(combinations(range(6), 2))
    volumes = np.array([np.linalg.det(L[np.ix_(J, J)]).real for J in sets])
    found = [
        tuple(dpp_sample(L if kernel else A, 2, kernel=kernel, rng=seed)) for seed in range(runs)
    ]
    assert matches([found.count(J) for J in sets], volumes / volumes.sum(), runs)


def test_sets_of_any_size():
    A = spread(4, 2, seed=1)
    L, runs = A @ A.T, 1500
    sets = [J for k in range(3) for J in combinations(range(4), k)]
    chances = [np.linalg.det(L[np.ix_(J, J)]) / np.linalg.det(np.eye(4) + L) for J in sets]
    found = [tuple(dpp_sample(A, rng=seed)) for seed in range(runs)]
    assert matches([found.count(J) for J in sets], chances, runs)


def test_items_of_a_projection_process_come_by_their_leverage_scores():
    A, runs = spread(12, 3), 1000
    counts, scores = np.zeros(12), leverage_scores(A)
    for seed in range(runs):
        counts[dpp_sample(A, 3, rng=seed)] += 1
    # counts are spread less than if they were independent
    assert np.sum((counts - runs * scores) ** 2 / (runs * scores)) < chi2.isf(1e-4, 12)


def test_the_same_items_everywhere(library):
    A = spread(40, 5)
    for seed in range(3):
        items = library.to_numpy(dpp_sample(library.asarray(A), 5, rng=seed))
        np.testing.assert_array_equal(items, dpp_sample(A, 5, rng=seed))
        assert len(set(items)) == 5
    assert library.to_numpy(dpp_sample(library.asarray(A), rng=0)).ndim == 1
    assert volume_sample(library.asarray(A), 10, rng=0).shape == (10, 40)


def test_items_that_are_alike_never_come_together():
    A = np.repeat(np.eye(4), 3, axis=0)
    for seed in range(50):
        assert sorted(i // 3 for i in dpp_sample(A, 4, rng=seed)) == [0, 1, 2, 3]


def test_extreme_scales_and_empty_sets():
    A = spread(8, 3)
    for scale in (1e-200, 1e200):
        np.testing.assert_array_equal(dpp_sample(A * scale, 2, rng=0), dpp_sample(A, 2, rng=0))
    assert dpp_sample(A * 1e200, rng=0).shape == (3,)  # chances λ/(1 + λ) of 1 and 0
    assert dpp_sample(A * 1e-200, rng=0).shape == (0,)
    assert dpp_sample(np.zeros((5, 2)), rng=0).shape == (0,)
    assert dpp_sample(np.zeros((0, 2)), rng=0).shape == (0,)
    assert dpp_sample(A, 0, rng=0).shape == (0,)


@pytest.mark.parametrize("method", ["rescaled", "volume"])
def test_least_squares_of_volume_samples_has_no_bias(method):
    A = spread(30, 3, seed=4)
    b = np.abs(A[:, 0]) ** 1.5  # a residual that depends on the rows
    best, runs = np.linalg.lstsq(A, b)[0], 800
    solutions = []
    for seed in range(runs):
        S = volume_sample(A, 8, method=method, rng=seed)
        solutions.append(np.linalg.lstsq(S @ A, S @ b)[0])
    error = np.mean(solutions, axis=0) - best
    deviation = np.std(solutions, axis=0) / np.sqrt(runs)
    assert np.all(np.abs(error) < 4 * deviation)  # fails once in 5000 times


def test_volume_samples_have_the_probabilities_of_their_volumes():
    A, runs = spread(6, 2, seed=2), 1500
    sets = list(combinations(range(6), 3))
    volumes = np.array([np.linalg.det(A[list(J)].T @ A[list(J)]) for J in sets])
    samples = [volume_sample(A, 3, method="volume", rng=seed) for seed in range(runs)]
    found = [tuple(S.indices) for S in samples]
    assert matches([found.count(J) for J in sets], volumes / volumes.sum(), runs)
    assert np.all(samples[0].weights == 1)


@pytest.mark.parametrize("method", ["rescaled", "repeated"])
def test_weights_of_samples(method):
    A = spread(50, 4)
    S = volume_sample(A, 12, method=method, rng=0)
    np.testing.assert_allclose(S.weights, np.sqrt(4 / (12 * leverage_scores(A)[S.indices])))
    assert S.shape == (12, 50)


@pytest.mark.parametrize("method", ["rescaled", "repeated", "volume", "iid"])
def test_designs_recover_what_lies_in_the_range(library, method):
    A, x = spread(200, 5), np.arange(1.0, 6)
    design = lstsq_design(library.asarray(A), 40, method=method, rng=1)
    values = (A @ x)[library.to_numpy(design.indices)]
    found = library.to_numpy(design.fit(library.asarray(values)))
    np.testing.assert_allclose(found, x, rtol=1e-10)
    two = design.fit(library.asarray(np.stack([values, 2 * values], axis=1)))
    np.testing.assert_allclose(library.to_numpy(two), np.stack([x, 2 * x], axis=1), rtol=1e-10)
    assert design.converged
    assert "40 of 200 rows" in repr(design)


def test_polynomials_from_few_values():
    x = np.linspace(-1, 1, 2001)
    V, f = np.polynomial.legendre.legvander(x, 20), 1 / (1 + 4 * x**2)
    best = np.linalg.norm(f - V @ np.linalg.lstsq(V, f)[0])
    errors = []
    for seed in range(20):
        design = lstsq_design(V, 63, method="repeated", rng=seed)
        errors.append(np.linalg.norm(f - V @ design.fit(f[design.indices])) / best)
        assert design.error_estimate < 1
    assert np.median(errors) < 2


def test_designs_tell_how_good_they_are():
    A = np.eye(6)[:, :3] + 0.0
    A[3:] = 1e-9
    with pytest.warns(ConvergenceWarning, match="draw more"):
        lstsq_design(A, 3, method="iid", rng=0)
    with pytest.raises(ValueError, match="3 rows were drawn"):
        lstsq_design(A, 3, rng=0).fit(np.ones(4))


def test_values_of_any_kind(library):
    V = np.polynomial.legendre.legvander(np.linspace(-1, 1, 50), 3)
    design = lstsq_design(library.asarray(V), 8, rng=0)
    ones = library.to_numpy(design.fit(library.asarray(np.ones(8, dtype=int))))
    np.testing.assert_allclose(ones, [1, 0, 0, 0], atol=1e-12)
    blocks = library.to_numpy(design.fit(library.asarray(1j * np.ones((8, 2)))))
    np.testing.assert_allclose(blocks, 1j * np.eye(4)[:, :1] * [1, 1], atol=1e-12)
    with pytest.raises(ValueError, match="values has a NaN"):
        design.fit(library.asarray(np.full(8, np.nan)))
    with pytest.raises(TypeError, match="no array"):
        design.fit(3.0)


def test_designs_need_no_adjoint():
    V = spread(40, 3)
    A = LinearOperator(V.shape, matvec=V.__matmul__, matmat=V.__matmul__, dtype=float)
    design = lstsq_design(A, 9, rng=0)
    np.testing.assert_allclose(design.fit(V[design.indices] @ np.ones(3)), 1, atol=1e-10)


def test_bad_input():
    A = spread(8, 3)
    with pytest.raises(ValueError, match="k is 4 but the rank is 3"):
        dpp_sample(A, 4)
    with pytest.raises(ValueError, match="not Hermitian"):
        dpp_sample(A[:3], kernel=True)
    with pytest.raises(ValueError, match="is square"):
        dpp_sample(A, kernel=True)
    with pytest.raises(ValueError, match="positive semidefinite"):
        dpp_sample(-np.eye(3), kernel=True)
    with pytest.raises(ValueError, match="k is 2 but the rank is 3"):
        volume_sample(A, 2)
    with pytest.raises(ValueError, match="a multiple, say 6"):
        volume_sample(A, 7, method="repeated")
    with pytest.raises(ValueError, match="no more rows"):
        volume_sample(A, 9, method="volume")
    for method in ("rescaled", "repeated"):
        with pytest.raises(ValueError, match="A is zero"):
            volume_sample(np.zeros((8, 3)), 6, method=method)
        assert volume_sample(np.zeros((8, 3)), 0, method=method).shape == (0, 8)
    with pytest.raises(ValueError, match="method is 'dpp'"):
        volume_sample(A, 6, method="dpp")
    with pytest.raises(ValueError, match="NaN"):
        dpp_sample(np.full((3, 2), np.nan))

"""Completion of matrices of low rank."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin._backend import kernel, namespace
from structlin._kernels import completion
from structlin.sketching import complete
from structlin.sketching._completion import sides_of, thinned


def problem(rng, m, n, k, observations, dtype="float64", singular=None):
    """Return places, the entries there, and the matrix: ``k`` singular values of Gaussian noise."""
    U, V = rng.standard_normal((m, k)), rng.standard_normal((n, k))
    if dtype.startswith("complex"):
        U, V = U + 1j * rng.standard_normal((m, k)), V + 1j * rng.standard_normal((n, k))
    M = (U if singular is None else U * singular) @ V.conj().T
    rows, cols = rng.integers(m, size=observations), rng.integers(n, size=observations)
    return rows, cols, M[rows, cols].astype(dtype), M


def error(found, M):
    return np.linalg.norm(found.operator.todense() - M) / np.linalg.norm(M)


@pytest.mark.parametrize("inner", ["exact", "sketched"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_recovery(rng, dtype, inner):
    *seen, M = problem(rng, 200, 150, 3, 9000, dtype)
    found = complete(*seen, M.shape, 3, inner=inner, rng=0)
    assert found.converged
    assert found.U.dtype == dtype
    assert error(found, M) < (2e-3 if dtype in ("float32", "complex64") else 1e-7)
    assert found.train_error < 2e-3
    assert f"{inner} inner" in found.method


def test_the_error_estimate_is_that_of_the_whole_matrix(rng):
    *seen, M = problem(rng, 200, 150, 3, 9000)
    for tol in (1e-3, 1e-6, 1e-12):
        found = complete(*seen, M.shape, 3, tol=tol, rng=0)
        assert found.error_estimate <= tol
        assert error(found, M) <= 3 * found.error_estimate + 1e-14


def test_larger_matrix_from_five_percent(rng):
    n = 1000
    U, V = rng.standard_normal((2, n, 4))
    rows, cols = rng.integers(n, size=(2, n * n // 20))
    found = complete(rows, cols, np.sum(U[rows] * V[cols], axis=1), (n, n), 4, rng=0)
    assert error(found, U @ V.T) < 1e-6


@pytest.mark.parametrize("small", [1e-2, 1e-4])
def test_small_singular_values_beside_large_ones(rng, small):
    *seen, M = problem(rng, 300, 200, 3, 12_000, singular=[1.0, small**0.5, small])
    found = complete(*seen, M.shape, 3, tol=1e-10, rng=0)
    assert error(found, M) < 1e-9


def test_rank_beyond_that_of_the_matrix(rng):
    *seen, M = problem(rng, 200, 150, 2, 9000)
    found = complete(*seen, M.shape, 5, rng=0)
    assert found.converged
    assert found.U.shape == (200, 5)
    assert error(found, M) < 1e-6


def test_noise_is_averaged(rng):
    rows, cols, values, M = problem(rng, 200, 150, 2, 9000)
    noise = 0.1 * rng.standard_normal(values.size)
    found = complete(rows, cols, values + noise, M.shape, 2, validation=0.1, rng=0)
    assert found.converged
    # 300 values for each 0.1 standard deviation of 9000 entries
    assert error(found, M) < 0.05 < found.train_error < 0.09
    assert found.train_error < found.validation_error < 0.1


def test_validation_error_shows_what_was_not_found(rng):
    rows, cols, values, M = problem(rng, 200, 150, 3, 9000, singular=[1.0, 1.0, 0.2])
    found = complete(rows, cols, values, M.shape, 2, validation=0.1, rng=0)
    assert error(found, M) == pytest.approx(found.validation_error, rel=0.2)
    assert found.train_error < found.validation_error
    found = complete(rows, cols, values, M.shape, 2, rng=0, tol=1e-3)
    assert np.isnan(found.validation_error)


def test_ridge_minimises_its_objective(rng):
    rows, cols, values, M = problem(rng, 30, 20, 2, 400)
    found = complete(rows, cols, values + 0.3, M.shape, 2, ridge=0.05, tol=1e-13, rng=0)

    def objective(U, V):
        misfit = np.sum(U[rows] * V[cols], axis=1) - values - 0.3
        return np.sum(misfit**2) + 0.05 * np.sum((U @ V.T) ** 2)

    least = objective(found.U, found.V)
    for _ in range(10):
        change = 1e-4 * rng.standard_normal(found.U.shape)
        assert objective(found.U + change, found.V) > least
        assert objective(found.U - change, found.V) > least


def test_all_forms_of_observations_agree(rng):
    M = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 50))
    mask = rng.random(M.shape) < 0.5
    rows, cols = np.nonzero(mask)
    array = np.where(mask, M, np.nan)
    order = rng.permutation(rows.size)
    forms = [
        complete(rows, cols, M[mask], M.shape, 2, rng=0),
        complete(rows[order].astype(np.uint16), cols[order], M[mask][order], M.shape, 2, rng=0),
        complete((array, mask), rank=2, rng=0),
        complete(scipy.sparse.csr_array(np.where(mask, M, 0)), rank=2, rng=0),
        complete(list(rows), list(cols), list(M[mask]), M.shape, 2, rng=0),
    ]
    for found in forms:
        np.testing.assert_allclose(found.operator.todense(), M, atol=1e-6)
    np.testing.assert_array_equal(forms[0].U, forms[1].U)


def test_repeated_measurements_count_each(rng):
    M = rng.standard_normal((30, 1)) @ rng.standard_normal((1, 20))
    rows, cols = (index.ravel() for index in np.indices(M.shape))
    values = M[rows, cols]
    up, down = values.copy(), values.copy()
    up[0] += 0.5
    down[0] -= 0.5
    found = complete(
        np.tile(rows, 2), np.tile(cols, 2), np.concatenate((up, down)), M.shape, 1, rng=0
    )
    np.testing.assert_allclose(found.operator.todense(), M, atol=1e-6)
    # SciPy adds duplicates up
    twice = scipy.sparse.coo_array((np.tile(values, 2), (np.tile(rows, 2), np.tile(cols, 2))))
    np.testing.assert_allclose(complete(twice, rank=1).operator.todense(), 2 * M, atol=1e-6)


def test_predictions_and_factors(rng):
    *seen, M = problem(rng, 100, 80, 3, 6000)
    found = complete(*seen, M.shape, 3, rng=0)
    rows, cols = rng.integers(80, size=(2, 4, 5))
    np.testing.assert_allclose(found.predict(rows, cols), M[rows, cols], atol=1e-5)
    assert found.predict(3, 4) == pytest.approx(M[3, 4], abs=1e-5)
    gram = found.U.T @ found.U
    np.testing.assert_allclose(gram, found.V.T @ found.V, atol=1e-10 * gram.max())
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-10 * gram.max())
    assert "100x80 of rank 3" in repr(found)
    with pytest.raises(ValueError, match="rows are -1 to 2: indices run from 0 to 99"):
        found.predict([2, -1], 0)
    with pytest.raises(ValueError, match="cols are 80 to 80: indices run from 0 to 79"):
        found.predict(0, 80)


def test_gaps_are_filled_by_least_norm_and_told(rng):
    rows, cols, values, M = problem(rng, 100, 80, 2, 5000)
    kept = (rows != 7) & (cols != 5)
    with pytest.warns(UserWarning, match="least norm") as told:
        found = complete(rows[kept], cols[kept], values[kept], M.shape, 2, rng=0)
    assert [str(one.message)[:25] for one in told] == [
        "1 rows have fewer than ra",
        "1 columns have fewer than",
    ]
    assert not found.U[7].any()
    assert not found.V[5].any()
    others = np.delete(np.delete(found.operator.todense(), 7, 0), 5, 1)
    np.testing.assert_allclose(others, np.delete(np.delete(M, 7, 0), 5, 1), atol=1e-5)


def test_too_few_observations_are_told(rng):
    rows, cols, values, M = problem(rng, 50, 40, 3, 200)
    with pytest.warns(UserWarning, match="261 degrees of freedom"):  # 3 (50 + 40 − 3)
        complete(rows, cols, values, M.shape, 3, rng=0, tol=1.0)
    rows, cols, values, M = problem(rng, 50, 40, 3, 1500)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        assert not complete(rows, cols, values, M.shape, 3, rng=0, maxiter=1).converged


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scale_does_not_matter(rng, scale):
    rows, cols, values, M = problem(rng, 60, 50, 2, 2000)
    found = complete(rows, cols, values * scale, M.shape, 2, rng=0)
    np.testing.assert_allclose(found.operator.todense() / scale, M, atol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "largest"), [("float32", 3e38), ("float64", 1.7e308), ("complex64", 3e38)]
)
def test_values_up_to_the_largest_numbers(dtype, largest):
    M = np.outer(np.linspace(0.5, 1.0, 6), np.linspace(1.0, -1.0, 5))
    turned = M * (1 + 1j) if dtype.startswith("complex") else M
    found = complete(((largest * turned).astype(dtype), np.ones(M.shape, bool)), rank=1, rng=0)
    np.testing.assert_allclose((found.U / largest) @ found.V.conj().T, turned, atol=1e-3)


def test_degenerate_sizes():
    zero = complete([0, 1, 0], [1, 0, 0], np.zeros(3), (2, 2), 1)
    assert zero.converged
    assert not zero.operator.todense().any()
    assert complete([], [], np.zeros(0), (0, 3), 0).U.shape == (0, 0)
    one = complete([0], [0], np.array([4]), (1, 1), 1)
    np.testing.assert_allclose(one.operator.todense(), [[4.0]])
    M = np.arange(12.0).reshape(3, 4)
    full = complete((M, np.ones((3, 4), dtype=bool)), rank=3)
    np.testing.assert_allclose(full.operator.todense(), M, atol=1e-10)


def test_same_seed_same_answer(rng):
    *seen, M = problem(rng, 60, 50, 2, 2000)
    one, two = (complete(*seen, M.shape, 2, rng=3) for _ in range(2))
    np.testing.assert_array_equal(one.U, two.U)
    assert complete(*seen, M.shape, 2).seed is not None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rank": 4}, ValueError, r"rank is 4, but min\(m, n\) is 3"),
        ({"rank": None}, TypeError, "rank is missing"),
        ({"rows": [0, 3, 1]}, ValueError, "rows has the index 3"),
        ({"cols": [0, -1, 1]}, ValueError, "cols has the index -1"),
        ({"rows": [0.0, 1.0, 2.0]}, TypeError, "integers"),
        ({"rows": [0, 1]}, ValueError, "shapes"),
        ({"values": np.array([1.0, np.nan, 2.0])}, ValueError, "values has a NaN"),
        ({"values": None}, TypeError, "one of these is missing"),
        ({"cols": 2, "values": None, "shape": None}, TypeError, r"name it, complete\(M, rank=2\)"),
        ({"rows": [], "cols": [], "values": np.zeros(0)}, ValueError, "nothing is observed"),
        ({"rows": np.eye(3), "cols": None, "values": None, "shape": None}, TypeError, "isnan"),
        ({"inner": "cg"}, ValueError, "inner"),
        ({"validation": 1.0}, ValueError, "validation"),
        ({"ridge": -1.0}, ValueError, "ridge"),
        ({"tol": float("nan")}, ValueError, "tol"),
        ({"maxiter": -1}, ValueError, "maxiter"),
        ({"shape": (3, 3, 1)}, ValueError, "shape"),
        ({"shape": (-3, 3)}, ValueError, "shape"),
        ({"shape": 3}, ValueError, "shape"),
    ],
)
def test_bad_input(change, error, message):
    good = {"rows": [0, 1, 2], "cols": [0, 1, 2], "values": np.ones(3), "shape": (3, 3), "rank": 1}
    with pytest.raises(error, match=message):
        complete(**{**good, **change})


def test_other_libraries_are_told_to_move(library):
    if library.name == "numpy":
        pytest.skip("that one is taken")
    values = library.asarray(np.ones(3))
    with pytest.raises(TypeError, match="NumPy alone"):
        complete([0, 1, 2], [0, 1, 2], values, (3, 3), 1)


def test_progress_changes_nothing(rng):
    *seen, M = problem(rng, 60, 50, 2, 2000)
    one, two = (complete(*seen, M.shape, 2, progress=shown, rng=0) for shown in (False, True))
    np.testing.assert_array_equal(one.U, two.U)


# the sums over observed entries


@given(st.integers(0, 2**32 - 1), st.sampled_from(["float32", "float64", "complex128"]))
def test_kernels_agree_with_dense_sums(seed, dtype):
    rng = np.random.default_rng(seed)
    m, n, k, N = rng.integers(1, 9, size=4)
    rows, cols, values, _ = problem(rng, m, n, k, 40 * N, dtype)
    (side, by_cols), order = sides_of(rows, cols, values, (m, n)), np.lexsort((cols, rows))
    np.testing.assert_array_equal(side.indices, cols[order])
    np.testing.assert_array_equal(side.values, values[order])
    np.testing.assert_array_equal(side.rows, rows[order])
    np.testing.assert_array_equal(by_cols.counts, np.bincount(cols, minlength=n))
    W = rng.standard_normal((n, k)).astype(dtype)
    U = rng.standard_normal((m, k)).astype(dtype)
    grams, gradient, loss = np.zeros((m, k, k), dtype), np.zeros((m, k), dtype), 0.0
    for i, j, value in zip(rows, cols, values, strict=True):
        r = value - U[i] @ W[j]
        grams[i] += np.outer(W[j].conj(), W[j])
        gradient[i] += W[j].conj() * r
        loss += abs(r) ** 2
    tolerance = 1e3 * np.finfo(dtype).eps
    xp = namespace(W)
    for pick in (lambda f: f, lambda f: kernel(xp, f)):
        out = np.zeros_like(grams)
        pick(completion.grams)(side.starts, side.indices, W, out)
        np.testing.assert_allclose(out, grams, rtol=tolerance, atol=100 * tolerance)
        out = np.zeros_like(gradient)
        total = pick(completion.gradients)(side.starts, side.indices, side.values, W, U, out)
        np.testing.assert_allclose(out, gradient, rtol=tolerance, atol=100 * tolerance)
        np.testing.assert_allclose(total, loss, rtol=tolerance)


def test_samples_are_spread_over_each_row(rng):
    rows = np.concatenate((np.zeros(1000, int), np.ones(3, int)))
    cols = np.concatenate((np.arange(1000), [5, 6, 7]))
    side, _ = sides_of(rows, cols, np.ones(1003), (2, 1000))
    starts, indices = thinned(side, rng.random(10))
    assert list(starts) == [0, 10, 13]
    np.testing.assert_array_equal(indices[:10] // 100, np.arange(10))
    np.testing.assert_array_equal(indices[10:], [5, 6, 7])


def test_a_masked_array_is_a_pair():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((12, 2)) @ rng.standard_normal((2, 10))
    mask = rng.random((12, 10)) < 0.7
    pair = complete((M, mask), rank=2, rng=0)
    masked = complete(np.ma.masked_array(M, ~mask), rank=2, rng=0)
    np.testing.assert_array_equal(masked.U, pair.U)
    np.testing.assert_array_equal(masked.V, pair.V)

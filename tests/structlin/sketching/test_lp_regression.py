"""Regression in p-norms, beside linear programs and the conditions of optimality."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from structlin._errors import ConvergenceWarning
from structlin.sketching import RowBlocks, lp_regression


def problem(m: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return badly scaled columns, and a right-hand side with noise of heavy tails."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n)) * np.geomspace(1, 1e-3, n)
    return A, A @ rng.standard_normal(n) + rng.standard_t(2, m)


def least_absolute_deviations(A: np.ndarray, b: np.ndarray) -> float:
    """Return the least 1-norm by a linear program."""
    m, n = A.shape
    found = scipy.optimize.linprog(
        np.r_[np.zeros(n), np.ones(2 * m)],
        A_eq=np.hstack([A, np.eye(m), -np.eye(m)]),
        b_eq=b,
        bounds=[(None, None)] * n + [(0, None)] * (2 * m),
    )
    return found.fun


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("m", [60, 1500])
def test_one_norm_is_that_of_the_linear_program(m, seed):
    A, b = problem(m, 6, seed)
    found = lp_regression(A, b, 1, rng=0)
    least = least_absolute_deviations(A, b)
    assert found.converged
    assert found.residual_norm == pytest.approx(np.sum(np.abs(b - A @ found.x)), rel=1e-12)
    assert least * (1 - 1e-9) <= found.residual_norm <= least * (1 + 2e-8)


@pytest.mark.parametrize("p", [1.1, 1.5, 2, 2.5, 3, 4, 8, 30, 200])
def test_the_gradient_vanishes(p):
    A, b = problem(1500, 8)
    found = lp_regression(A, b, p, rtol=1e-7, rng=0)
    assert found.converged
    # Aᵀ sign(r) |r|^{p−1} is zero, relative to the sum of moduli
    r = b - A @ found.x
    slopes = A * (np.sign(r) * (np.abs(r) / np.max(np.abs(r))) ** (p - 1))[:, None]
    assert np.all(np.abs(slopes.sum(axis=0)) <= 2e-3 * np.abs(slopes).sum(axis=0))
    norm = np.max(np.abs(r)) * np.sum((np.abs(r) / np.max(np.abs(r))) ** p) ** (1 / p)
    assert found.residual_norm == pytest.approx(norm, rel=1e-12)
    # no point nearby is better than the gap says
    rng = np.random.default_rng(1)
    for step in 1e-3 * rng.standard_normal((20, 8)) * np.linalg.norm(found.x):
        nearby = b - A @ (found.x + step / np.geomspace(1, 1e-3, 8))
        value = np.max(np.abs(nearby)) * np.sum((np.abs(nearby) / np.max(np.abs(nearby))) ** p) ** (
            1 / p
        )
        assert value >= norm * (1 - found.error_estimate)


@pytest.mark.parametrize("p", [1, 1.5, 3])
def test_a_sample_is_nearly_as_good(p):
    A, b = problem(5000, 5)
    best = lp_regression(A, b, p, rng=0)
    assert best.sampled > 0
    for seed in range(3):
        found = lp_regression(A, b, p, method="sample", rng=seed)
        excess = found.residual_norm / best.residual_norm - 1
        assert 0 <= excess + 1e-8 <= 0.1
        assert found.error_estimate >= excess - 1e-8
        assert "rows by Lewis weights" in repr(found)


def test_outliers_do_not_matter_to_the_one_norm():
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((300, 4)), np.arange(4.0)
    b = A @ x
    b[::5] += 1e6
    assert np.allclose(lp_regression(A, b, 1).x, x, atol=1e-2)


@pytest.mark.parametrize("p", [1, 1.5, 2, 5])
def test_what_is_exact_stays_exact(p):
    A = problem(200, 5)[0]
    x = np.arange(5.0)
    found = lp_regression(A, A @ x, p)
    assert found.converged
    assert found.residual_norm <= 1e-12 * np.linalg.norm(A @ x, 1)
    assert np.allclose(found.x, x)
    assert np.all(lp_regression(A, np.zeros(200), p).x == 0)


@pytest.mark.parametrize("p", [1, 1.5, 4])
@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_scale_and_rank_do_not_matter(p, size):
    A, b = problem(300, 5)
    found = lp_regression(size * A, size * b, p)
    plain = lp_regression(A, b, p)
    assert found.residual_norm == pytest.approx(size * plain.residual_norm, rel=1e-6)
    twice = lp_regression(np.hstack([A, A]), b, p)
    assert twice.residual_norm == pytest.approx(plain.residual_norm, rel=1e-6)
    assert np.allclose(twice.x[:5], twice.x[5:])  # the shortest


@pytest.mark.parametrize("p", [1, 1.5, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_libraries_and_data_types(library, dtype, p):
    A, b = problem(900, 3)
    found = lp_regression(library.asarray(A, dtype), library.asarray(b, dtype), p, rng=0)
    assert found.x.dtype == library.dtype(dtype)
    best = lp_regression(A, b, p, rng=0).residual_norm
    assert found.residual_norm == pytest.approx(best, rel=1e-7 if dtype == "float64" else 1e-3)


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, RowBlocks, np.asfortranarray])
def test_containers(container):
    A, b = problem(900, 3)
    found = lp_regression(container(A), b, 1.5, rng=0)
    assert np.allclose(found.x, lp_regression(A, b, 1.5, rng=0).x, atol=1e-4)


def test_few_steps_are_said():
    A, b = problem(300, 5)
    with pytest.warns(ConvergenceWarning, match="raise maxiter or rtol"):
        assert not lp_regression(A, b, 1, maxiter=1).converged


def test_empty():
    assert lp_regression(np.ones((5, 0)), np.ones(5), 1).residual_norm == pytest.approx(5.0)
    for p in (1, 3):
        assert lp_regression(np.ones((0, 2)), np.ones(0), p).x.shape == (2,)


@pytest.mark.parametrize("p", [0.5, math.inf, math.nan])
def test_norms_that_are_none(p):
    with pytest.raises(ValueError, match="p is"):
        lp_regression(np.ones((3, 1)), np.ones(3), p)


def test_bad_input():
    A, b = np.ones((3, 1)), np.ones(3)
    with pytest.raises(ValueError, match="method is"):
        lp_regression(A, b, 1, method="half")
    with pytest.raises(ValueError, match="one right-hand side"):
        lp_regression(A, b[:, None], 1)
    with pytest.raises(TypeError, match="have to be real"):
        lp_regression(A, 1j * b, 1)
    with pytest.raises(ValueError, match="A has a NaN"):
        lp_regression(A * math.nan, b, 1)
    with pytest.raises(ValueError, match="rtol is"):
        lp_regression(A, b, 1, rtol=2.0)
    with pytest.raises(ValueError, match="maxiter is -1"):
        lp_regression(A, b, 1, maxiter=-1)
    with pytest.raises(ValueError, match="rows 0"):
        lp_regression(A, b, 1, rows=0)
    with pytest.raises(ValueError, match="exceed the range"):
        lp_regression(1e-200 * A, 1e200 * b, 1)


@pytest.mark.filterwarnings("ignore::structlin.ConvergenceWarning")
@pytest.mark.parametrize("p", [1, 2, 4])
def test_norm_and_gap_are_those_of_the_solution_however_ill_conditioned(p):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal(shape))[0] for shape in ((500, 8), (8, 8)))
    A, b = U * np.geomspace(1, 1e-13, 8) @ V.T, rng.standard_normal(500)
    found = lp_regression(A, b, p, rng=0)
    norm = np.linalg.norm(b - A @ found.x, p)
    assert found.residual_norm == pytest.approx(norm, rel=1e-12)
    least = lp_regression(U, b, p, rng=0).residual_norm
    assert abs(norm / least - 1) <= 3 * found.error_estimate + 1e-8
    assert found.converged == (found.error_estimate <= 1e-8)


def test_a_gap_below_rounding_ends_the_iteration():
    A, b = problem(300, 6)
    with pytest.warns(ConvergenceWarning):
        found = lp_regression(A, b, 1, rtol=1e-20)
    assert found.error_estimate <= 1e-12


def test_large_norms_are_nearly_the_greatest_entry():
    A, b = problem(300, 6)
    found = lp_regression(A, b, 5000)
    m, n = A.shape
    best = scipy.optimize.linprog(
        np.r_[np.zeros(n), 1.0],
        A_ub=np.block([[A, -np.ones((m, 1))], [-A, -np.ones((m, 1))]]),
        b_ub=np.r_[b, -b],
        bounds=[(None, None)] * n + [(0, None)],
    ).fun
    assert found.residual_norm == pytest.approx(best, rel=math.log(m) / 5000)

"""Where series are cut: plateaus, scales, and what is no series."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin.bases import Chebyshev, chop


@given(
    rate=st.floats(0.05, 0.8),
    digits=st.integers(3, 15),
    scale=st.sampled_from([1e-250, 1.0, 1e250]),
    seed=st.integers(0, 100),
)
def test_a_plateau_of_rounding_errors_is_cut(rate, digits, scale, seed):
    rng, tol = np.random.default_rng(seed), 10.0**-digits
    reached = int(np.log(tol) / np.log(rate)) + 1
    sizes = rate ** np.arange(2 * reached + 60.0)
    noise = 0.1 * tol * rng.random(len(sizes))
    kept = chop(scale * np.maximum(sizes, noise), tol)
    assert kept == chop(np.maximum(sizes, noise), tol)
    # what is cut off is below the tolerance, and what is kept has not been below it for long
    assert sizes[kept] < tol
    assert kept < 2 * reached + 20


@given(rate=st.floats(0.9, 1.0), n=st.integers(17, 60))
def test_a_series_that_has_not_come_down_is_kept(rate, n):
    assert chop(rate ** np.arange(float(n)), 1e-12) == n


@pytest.mark.parametrize("n", [0, 1, 16])
def test_few_coefficients_are_kept(n):
    assert chop(np.ones(n), 1e-12) == n


def test_zeros_and_tolerances_that_allow_everything():
    assert chop(np.zeros(20), 1e-12) == 1
    assert chop(np.ones(20), 1.0) == 1
    assert chop([], 2.0) == 0


def test_an_entire_function_is_cut_at_its_last_coefficient_above_rounding():
    # the coefficients of exp are 2 Iₖ(1): I₁₄(1) = 6.8e-16 is the first one below 1e-15
    basis = Chebyshev()
    C = basis.coefficients(np.exp(basis.points(65))[:, None])
    assert 13 <= chop(basis.sizes(C), 2.0**-52) <= 15


@pytest.mark.parametrize("tol", [0.0, -1.0, float("nan")])
def test_bad_tolerances(tol):
    with pytest.raises(ValueError, match="must be positive"):
        chop(np.ones(20), tol)


def test_sizes_that_are_not_finite():
    with pytest.raises(ValueError, match=r"sizes has a NaN or Inf at \[3\]"):
        chop([1.0, 0.5, 0.2, np.nan], 1e-3)

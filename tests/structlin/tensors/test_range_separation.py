"""Potentials split into a smooth and a localised part, against the direct sum."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from structlin.tensors import LocalizedSum, split_coulomb


def charges(N, d, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    weights = rng.choice([-1.0, 1.0], N)
    if dtype == "complex128":
        weights = weights * (1 + 0.5j)
    return rng.uniform(-1, 1, (N, d)), weights


def distances(points, centres):
    return np.sqrt(np.sum((points[:, None, :] - centres) ** 2, axis=2))


@settings(max_examples=15)
@given(
    N=st.integers(0, 40),
    d=st.integers(1, 3),
    cutoff=st.sampled_from([0.1, 0.5, 10.0]),
    dtype=st.sampled_from(["float64", "complex128"]),
)
def test_neighbours_are_found(library, N, d, cutoff, dtype):
    centres, weights = charges(N, d, N, dtype)
    points = np.random.default_rng(5).uniform(-1.2, 1.2, (6, 5, d))
    f = LocalizedSum(
        lambda r: 1 / (1 + r), library.asarray(centres), library.asarray(weights), cutoff
    )
    found = library.to_numpy(f(*(library.asarray(points[..., k]) for k in range(d))))
    r = distances(points.reshape(-1, d), centres)
    exact = np.where(r <= cutoff, 1 / (1 + r), 0) @ weights
    np.testing.assert_allclose(found, exact.reshape(6, 5), atol=1e-13 * (1 + N))


@settings(max_examples=5)
@given(d=st.integers(2, 3), screening=st.sampled_from([0.0, 1.5]), seed=st.integers(0, 9))
def test_both_ranges_add_up_to_the_potential(library, d, screening, seed):
    centres, weights = charges(30, d, seed)
    tol = 1e-7
    potential = split_coulomb(
        library.asarray(centres),
        library.asarray(weights),
        [(-1, 1)] * d,
        sigma=0.4,
        screening=screening,
        tol=tol,
        rng=seed,
    )
    points = np.random.default_rng(seed + 1).uniform(-1, 1, (100, d))
    r = distances(points, centres)
    exact = (np.exp(-screening * r) / r) @ weights
    found = library.to_numpy(potential(*(library.asarray(x) for x in points.T)))
    smooth = library.to_numpy(potential.long_range(*(library.asarray(x) for x in points.T)))
    # rounding errors of 1/r beside the tolerance of the smooth part
    allowed = 4 * tol * np.max(np.abs(smooth)) + 1e-13 * np.max(1 / r)
    assert np.max(np.abs(found - exact)) <= allowed
    assert potential.long_range.converged


def test_many_pairs_are_taken_in_blocks():
    centres, weights = charges(3000, 2)
    points = np.random.default_rng(1).uniform(-1, 1, (1500, 2))
    f = LocalizedSum(np.cos, centres, weights, 1.0)
    r = distances(points, centres)
    np.testing.assert_allclose(f(*points.T), np.where(r <= 1, np.cos(r), 0) @ weights, atol=1e-10)


def test_points_broadcast_and_scalars_come_back():
    centres, weights = charges(5, 2)
    f = LocalizedSum(np.exp, centres, weights, 3.0)
    assert f(np.zeros((3, 1)), np.zeros(4)).shape == (3, 4)
    assert np.ndim(f(0.1, 0.2)) == 0
    assert f(np.zeros(0), np.zeros(0)).shape == (0,)


def test_a_charge_is_a_singular_point(library):
    centres, weights = charges(4, 2)
    potential = split_coulomb(
        library.asarray(centres), library.asarray(weights), [(-1, 1)] * 2, sigma=0.5, tol=1e-4
    )
    x, y = (library.asarray(np.array([0.3, c])) for c in centres[2])
    with pytest.raises(ValueError, match=f"{centres[2, 0]:.17g}.*singular"):
        potential(x, y)


def test_it_is_pickled():
    centres, weights = charges(4, 2)
    potential = split_coulomb(centres, weights, [(-1, 1)] * 2, sigma=0.5, tol=1e-4, rng=0)
    again = pickle.loads(pickle.dumps(potential))
    assert again.short_range(0.3, 0.4) == potential.short_range(0.3, 0.4)


def test_zero_charges():
    potential = split_coulomb(np.zeros((2, 2)), np.zeros(2), [(-1, 1)] * 2, sigma=0.5)
    assert potential(0.5, 0.5) == 0


def test_bad_input():
    centres, weights = charges(4, 2)
    with pytest.raises(ValueError, match="sigma"):
        split_coulomb(centres, weights, [(-1, 1)] * 2, sigma=0.0)
    with pytest.raises(ValueError, match="cutoff"):
        LocalizedSum(np.exp, centres, weights, 0.0)
    with pytest.raises(TypeError, match="2 variables"):
        LocalizedSum(np.exp, centres, weights, 1.0)(0.5)
    with pytest.raises(ValueError, match=r"points has a NaN or Inf at \[0, 1\]"):
        LocalizedSum(np.exp, centres, weights, 1.0)(0.5, np.nan)
    with pytest.raises(ValueError, match=r"\(N, d\)"):
        LocalizedSum(np.exp, centres[0], weights, 1.0)

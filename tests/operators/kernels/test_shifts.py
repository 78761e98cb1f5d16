"""Samples turned until the first Fourier mode has phase zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.operators import KernelOperator
from structlin.operators.kernels._shifts import canonical_shifts, shifted


def waves(n, samples=3, seed=0, *, modes=4, low=1):
    """Return smooth periodic functions, and what makes them: values at x + s."""
    rng = np.random.default_rng(seed)
    k = np.arange(low, modes + 1)
    a, b = rng.standard_normal((2, samples, len(k)))
    x = np.arange(n) / n

    def at(s):
        angle = 2 * np.pi * (x[None, :] + np.reshape(s, (-1, 1)))
        return sum(
            a[:, [j]] * np.cos(m * angle) + b[:, [j]] * np.sin(m * angle) for j, m in enumerate(k)
        )

    return at


@given(n=st.integers(9, 20), s=st.floats(-2, 2))
def test_shifts_are_those_of_the_function(n, s):
    at = waves(n)
    shifts = np.full((3, 1), s)
    np.testing.assert_allclose(shifted(at(0.0), shifts, [0]), at(s), atol=1e-12)


@given(n=st.integers(1, 9), seed=st.integers(0, 99))
def test_shifts_are_orthogonal_and_undone(n, seed):
    rng = np.random.default_rng(seed)
    U = rng.standard_normal((4, n, 3))
    shifts = rng.uniform(-1, 1, (4, 2))
    V = shifted(U, shifts, [0, 1])
    np.testing.assert_allclose(np.sum(V**2, axis=(1, 2)), np.sum(U**2, axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(shifted(V, -shifts, [0, 1]), U, atol=1e-12)


@given(n=st.integers(9, 20), s=st.floats(-1, 1), seed=st.integers(0, 99))
def test_all_shifts_of_a_function_are_turned_alike(n, s, seed):
    at = waves(n, seed=seed)
    turned = [shifted(U, canonical_shifts(U, [0]), [0]) for U in (at(0.0), at(s))]
    np.testing.assert_allclose(turned[1], turned[0], atol=1e-10)
    first = np.fft.fft(turned[0])[:, 1]
    assert np.all(np.abs(first.imag) < 1e-10)
    assert np.all(first.real > 0)


def test_the_next_mode_is_taken_where_the_first_is_silent(library):
    at = waves(16, low=2)
    with pytest.warns(UserWarning, match="undefined for 3 of 3 samples, the first of"):
        one = canonical_shifts(library.asarray(at(0.0)), [0])
    with pytest.warns(UserWarning, match="undefined"):
        other = canonical_shifts(library.asarray(at(0.3)), [0])
    turned = [
        shifted(at(s), library.to_numpy(shifts), [0]) for s, shifts in ((0.0, one), (0.3, other))
    ]
    np.testing.assert_allclose(turned[1], turned[0], atol=1e-10)


def test_constants_stay_as_they_are():
    assert canonical_shifts(np.ones((2, 8)), [0]).tolist() == [[0.0], [0.0]]


def test_a_duplicated_end_is_named():
    x = np.linspace(0, 1, 17)
    U = np.cos(2 * np.pi * (x + np.random.default_rng(0).random((5, 1))))
    U[:, -1] = U[:, 0]
    with pytest.raises(ValueError, match="the end of a periodic axis is its beginning"):
        KernelOperator(symmetry="shift").fit(U, U)


def test_shifts_need_a_periodic_axis():
    U = np.random.default_rng(0).standard_normal((5, 8))
    with pytest.raises(ValueError, match="kind='periodic'"):
        KernelOperator(symmetry="shift").fit(U, U, grid=Grid.uniform([(0, 1)], 8))

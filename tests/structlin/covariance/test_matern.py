"""Matérn covariances, against their definition by Bessel functions and matrix exponentials."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from hypothesis import given, strategies as st

from structlin.covariance import Covariance, Matern

kernels = st.builds(
    Matern,
    st.sampled_from([0.5, 1.5, 2.5]),
    length_scale=st.floats(0.05, 20),
    variance=st.floats(0.1, 10),
)


@given(kernels, st.floats(1e-3, 30))
def test_the_covariance_is_that_of_matern(kernel, gap):
    nu, z = kernel.nu, np.sqrt(2 * kernel.nu) * gap / kernel.length_scale
    expected = 2 ** (1 - nu) / scipy.special.gamma(nu) * z**nu * scipy.special.kv(nu, z)
    found = kernel(np.array([0.0, gap]))
    # the Bessel function itself has a few units of rounding, times the argument
    np.testing.assert_allclose(found[0, 1], kernel.variance * expected, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(np.diag(found), kernel.variance)


@given(kernels, st.floats(1e-6, 50))
def test_the_transition_is_the_exponential_and_the_noise_what_it_leaves(kernel, gap):
    gaps = np.array([gap])
    A, Q, P = kernel.transition(gaps)[0], kernel.process_noise(gaps)[0], kernel.state_covariance()
    # ds/dx = rate F s + noise, with the companion matrix of (z + 1)ᵐ
    F = {
        0.5: np.array([[-1]]),
        1.5: np.array([[0, 1], [-1, -2]]),
        2.5: np.array([[0, 1, 0], [0, 0, 1], [-1, -3, -3]]),
    }[kernel.nu]
    np.testing.assert_allclose(A, scipy.linalg.expm(F * kernel.rate * gap), atol=1e-13)
    np.testing.assert_allclose(Q, P - A @ P @ A.T, atol=1e-14 * np.max(np.abs(P)) * 30)
    # the covariance of the function with itself over a gap is the covariance function
    np.testing.assert_allclose((A @ P)[0, 0], kernel(np.array([0.0, gap]))[0, 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("nu", "constant"),
    # ∫₀ᵃ (s^p / p!)² ds = a^(2p+1) / ((2p+1) p!²), over the same with e⁻²ˢ to infinity
    [(0.5, 2.0), (1.5, 4 / 3), (2.5, 4 / 15)],
)
def test_the_noise_of_tiny_gaps_has_all_its_digits(nu, constant):
    kernel = Matern(nu, variance=2.0)
    a = 1e-9
    Q = kernel.process_noise(np.array([a / kernel.rate]))[0]
    np.testing.assert_allclose(Q[0, 0], 2 * constant * a ** (2 * nu), rtol=1e-8)
    assert kernel.process_noise(np.zeros(1)).max() == 0


def test_every_library(library):
    kernel = Matern(2.5, length_scale=0.5)
    x = np.array([0.0, 0.1, 0.15, 2.0])
    moved = library.asarray(x)
    pairs = [(kernel(moved), kernel(x)), (kernel.transition(moved), kernel.transition(x))]
    pairs += [(kernel.process_noise(moved), kernel.process_noise(x))]
    for found, expected in pairs:
        np.testing.assert_allclose(library.to_numpy(found), expected, rtol=1e-9, atol=1e-14)
    single = library.asarray(x, dtype=np.float32)
    assert kernel(single).dtype == library.dtype("float32")
    assert kernel.process_noise(single).dtype == library.dtype("float32")


def test_parameters():
    kernel = Matern(0.5, 2, 3.0)
    assert kernel.parameters == {"length_scale": 2.0, "variance": 3.0}
    assert kernel.replaced(variance=1.0) == Matern(0.5, 2.0, 1.0)
    assert isinstance(kernel, Covariance)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Matern(1.0).states, "nu is 1: there are state-space forms"),
        (lambda: Matern(0.0), "nu is 0"),
        (lambda: Matern(1.5, 0.0), "length_scale is 0"),
        (lambda: Matern(1.5, variance=float("nan")), "variance is nan"),
        (lambda: Matern()(np.ones((2, 2))), r"x is \(2, 2\)"),
        (lambda: Matern()(np.array([0.0, np.inf])), r"x has a NaN or Inf at \[1\]"),
    ],
)
def test_what_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_parameter_must_be_a_number():
    with pytest.raises(TypeError, match="length_scale"):
        Matern(1.5, "long")

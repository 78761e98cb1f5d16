"""The weights of exponential time differencing against their series and their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin.solvers.evolution.phi import etdrk4_weights


def phi(order: int, z: np.ndarray) -> np.ndarray:
    """Return ``φ_j(z) = Σ zᵏ/(k + j)!``, by enough terms for ``|z| ≤ 4``."""
    return sum(z**k / math.factorial(k + order) for k in range(60))


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_weights_are_combinations_of_phi_functions(kind):
    r = np.array([0.0, 1e-12, 1e-6, 1e-3, 0.1, 1.0, 3.0])
    z = np.concatenate([-r, r]) if kind == "real" else r * np.exp(1j * np.arange(7))
    w = etdrk4_weights(z)
    one, two, three = (phi(j, z) for j in (1, 2, 3))
    close = {"rtol": 1e-13, "atol": 1e-14}
    np.testing.assert_allclose(w.stage, phi(1, z / 2) / 2, **close)
    np.testing.assert_allclose(w.first, one - 3 * two + 4 * three, **close)
    np.testing.assert_allclose(w.middle, two - 2 * three, **close)
    np.testing.assert_allclose(w.last, 4 * three - two, **close)
    assert np.iscomplexobj(w.first) == (kind == "complex")


def test_weights_of_fast_decay_are_finite_and_small():
    z = -np.array([1e3, 1e8, 1e150])
    w = etdrk4_weights(z)
    assert np.all(w.whole == 0)
    np.testing.assert_allclose(w.stage * z, -1, rtol=1e-12)
    np.testing.assert_allclose(w.last[:2] * z[:2], -1, rtol=1e-2)
    assert all(np.all(np.isfinite(part)) for part in w)

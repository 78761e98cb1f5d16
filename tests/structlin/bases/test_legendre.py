"""Nodes and weights of Gauss-Lobatto-Legendre quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import legendre_lobatto


def test_known_nodes():
    x, w = legendre_lobatto(5)
    assert np.allclose(x, [-1, -np.sqrt(3 / 7), 0, np.sqrt(3 / 7), 1], atol=1e-15)
    assert np.allclose(w, [1 / 10, 49 / 90, 32 / 45, 49 / 90, 1 / 10], atol=1e-15)


@given(n=st.integers(2, 120), low=st.floats(-10, 10), width=st.floats(0.01, 100))
def test_quadrature_is_exact(n, low, width):
    x, w = legendre_lobatto(n, low, low + width)
    assert x[0] == low
    assert x[-1] == low + width
    assert np.all(np.diff(x) > 0)
    assert np.all(w > 0)
    t = (2 * (x - low) - width) / width
    for degree in {0, 1, 2, 2 * n - 3} - {2} | ({2} if n > 2 else set()):
        exact = 0.0 if degree % 2 else width / (degree + 1)
        assert abs(w @ t**degree - exact) < 1e-12 * width * (1 + abs(low) / width)


def test_inner_nodes_are_zeros_of_the_derivative():
    n = 400
    x, _ = legendre_lobatto(n)
    P = np.polynomial.legendre.Legendre.basis(n - 1).deriv()
    assert np.max(np.abs(P(x[1:-1]))) < 1e-6 * n


def test_library(library):
    x, w = legendre_lobatto(4, 0.0, 1.0, like=library.asarray([0.0]))
    expected = legendre_lobatto(4, 0.0, 1.0)
    assert np.array_equal(library.to_numpy(x), expected[0])
    assert np.array_equal(library.to_numpy(w), expected[1])


@pytest.mark.parametrize("arguments", [(1,), (2.5,), (3, 1.0, 1.0), (3, 2.0, 1.0)])
def test_bad_input(arguments):
    with pytest.raises(ValueError, match=r"pass 2 or more|smaller"):
        legendre_lobatto(*arguments)

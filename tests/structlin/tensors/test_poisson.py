"""Poisson's equation: manufactured solutions, formulas, and what cannot be solved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.bases import Chebyshev, Fourier
from structlin.bases.ultraspherical import dirichlet_modes
from structlin.matrices import KroneckerSum, solve
from structlin.tensors import poisson
from structlin.tensors._sums.exponential_sums import exponentials
from tests.structlin.tensors.sampled import sampled, scattered

pi = math.pi


def error(u, exact, domain, library=None, count=500):
    """Return the largest error at points of the box, relative to the largest value."""
    x = scattered(domain, count)
    true = exact(*x)
    found = u(*x) if library is None else library.to_numpy(u(*map(library.asarray, x)))
    return np.max(np.abs(found - true)) / np.max(np.abs(true))


def wave(domain, frequencies, shift):
    """Return a product of sines that vanish at all ends, and its right-hand side."""
    rates = [k * pi / (high - low) for k, (low, high) in zip(frequencies, domain, strict=True)]
    eigenvalue = shift + sum(rate**2 for rate in rates)

    def u(*x):
        ends = (low for low, _ in domain)
        parts = [np.sin(r * (t - a)) for r, t, a in zip(rates, x, ends, strict=True)]
        return math.prod(parts)

    return u, lambda *x: eigenvalue * u(*x)


@pytest.mark.parametrize(
    ("domain", "frequencies", "sizes", "shift"),
    [
        ([(0, 2)], [7], (41,), 0.0),
        ([(0, 2), (-1, 1)], [3, 5], (29, 33), 0.0),
        ([(0, 1), (-1e3, 1e3)], [2, 1], (25, 21), 5.0),
        ([(-1, 1), (0, 3), (1e-3, 1)], [1, 2, 3], (21, 25, 27), 0.0),
        ([(-1, 1), (0, 3), (0, 1)], [2, 2, 1], (25, 25, 21), 100.0),
        ([(-1, 1), (0, 3), (0, 1)], [1, 1, 1], (21, 21, 21), -10.0),
        ([(0, 1)] * 4, [1, 1, 1, 2], (17, 17, 17, 21), 0.0),
    ],
)
def test_products_of_sines(domain, frequencies, sizes, shift):
    exact, right = wave(domain, frequencies, shift)
    u = poisson(sampled(right, domain, sizes), shift=shift)
    assert u.converged
    assert error(u, exact, domain) < 1e-11


def bubble(x, y, z):
    return (1 - x * x) * (1 - y * y) * (1 - z * z) * np.exp(x * y + z)


def minus_laplacian_of_bubble(x, y, z):
    e = np.exp(x * y + z)
    # ((1 − x²) exp(a x))″ = ((1 − x²) a² − 4 a x − 2) exp(a x)
    second = [(1 - t * t) * a * a - 4 * a * t - 2 for t, a in ((x, y), (y, x), (z, 1.0))]
    rest = [(1 - y * y) * (1 - z * z), (1 - x * x) * (1 - z * z), (1 - x * x) * (1 - y * y)]
    return -e * sum(s * r for s, r in zip(second, rest, strict=True))


@pytest.mark.parametrize("train", [False, True])
def test_a_function_of_full_rank(library, train):
    domain = [(-1, 1)] * 3
    f = sampled(minus_laplacian_of_bubble, domain, (17,) * 3, library, train=train)
    u = poisson(f)
    assert error(u, bubble, domain, library) < 1e-12
    assert u.report.converged
    assert u.report.error_estimate < 1e-12


@pytest.mark.parametrize(("dtype", "tol"), [("float32", 2e-6), ("complex128", 1e-12)])
def test_other_types(dtype, tol):
    domain = [(0, 1), (0, 2)]
    exact, right = wave(domain, [1, 2], 0.0)
    c = 1 + 2j if dtype == "complex128" else 1
    f = sampled(right, domain, (21, 21), dtype=dtype, tol=max(tol, 1e-13)) * c
    u = poisson(f)
    assert u.dtype == dtype
    assert error(u, lambda x, y: c * exact(x, y), domain) < 10 * tol


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales(scale):
    domain = [(0, 1), (0, 2)]
    exact, right = wave(domain, [1, 2], 0.0)
    u = poisson(sampled(right, domain, (21, 21)) * scale)
    assert error(u, lambda x, y: scale * exact(x, y), domain) < 1e-11


def test_periodic_axes():
    domain = [Fourier(0, 2 * pi), Chebyshev(-1, 1)]
    # (1 − y²) exp(y) has the second derivative −(y² + 4 y + 1) exp(y)
    f = sampled(
        lambda x, y: np.sin(3 * x) * np.exp(y) * (9 * (1 - y * y) + y * y + 4 * y + 1),
        domain,
        (9, 21),
    )
    assert error(poisson(f), lambda x, y: np.sin(3 * x) * (1 - y * y) * np.exp(y), domain) < 1e-12


def test_without_a_boundary_the_mean_has_to_vanish():
    domain = [Fourier(0, 2 * pi), Fourier(-1, 1)]
    f = sampled(lambda x, y: np.sin(x) + np.cos(pi * y) * np.cos(2 * x), domain, (9, 9))

    def exact(x, y):
        return np.sin(x) + np.cos(pi * y) * np.cos(2 * x) / (4 + pi * pi)

    assert error(poisson(f), exact, domain) < 1e-13
    with pytest.raises(ValueError, match=r"the mean of f is 1: .*subtract f.mean\(\)"):
        poisson(f + 1)
    with pytest.raises(ValueError, match="no boundary"):
        poisson(f, boundary=1)
    shifted = poisson(f + 1, shift=2.0)
    assert float(shifted.mean()) == pytest.approx(0.5)


def harmonic(x, y):
    return np.exp(x) * np.sin(y) + x * x - y * y


def test_laplace_equation_takes_the_values_on_the_boundary():
    domain = [(0, 2), (-1, 1)]
    # what the boundary function does inside is of no account
    given = sampled(
        lambda x, y: harmonic(x, y) + x * (2 - x) * (1 - y * y) * np.cos(x * y), domain, (25, 25)
    )
    u = poisson(0, boundary=given)
    assert error(u, harmonic, domain) < 1e-12
    assert error(poisson(0, boundary=sampled(harmonic, domain, (25, 25))), harmonic, domain) < 1e-12


def test_boundaries_that_are_callables_and_numbers():
    domain = [(0, 2), (-1, 1)]
    f = sampled(lambda x, y: 4 + 0 * x, domain, (2, 2), tol=1e-11)
    # −Δ(harmonic − x² − y²) = 4
    u = poisson(f, boundary=lambda x, y: harmonic(x, y) - x * x - y * y)
    assert error(u, lambda x, y: harmonic(x, y) - x * x - y * y, domain) < 1e-10
    exact, right = wave(domain, [1, 1], 3.0)
    u = poisson(sampled(right, domain, (21, 21)) + 6, shift=3.0, boundary=2)
    assert error(u, lambda x, y: exact(x, y) + 2, domain) < 1e-11


def test_torsion_of_a_square():
    # the solution for f = 1 is singular in the corners; its value in the middle is that of a series
    k = np.arange(1, 60, 2)
    series = np.sum((-1.0) ** ((k - 1) // 2) / (k**3 * np.cosh(k * pi / 2)))
    middle = 0.5 - 16 / pi**3 * series
    domain = [(-1, 1), (-1, 1)]
    u = poisson(sampled(lambda x, y: 1 + 0 * x, domain, (1, 1), tol=1e-8))
    assert u.converged
    assert u(0.0, 0.0) == pytest.approx(middle, rel=1e-8)
    f = sampled(lambda x, y: 1 + 0 * x, domain, (1, 1), tol=1e-13)
    with pytest.warns(ConvergenceWarning, match="of the largest value; raise max_degree"):
        rough = poisson(f, max_degree=40)
    assert not rough.converged
    assert 1e-13 < rough.error_estimate < 1e-3
    assert rough(0.0, 0.0) == pytest.approx(middle, rel=1e-4)
    assert max(rough.degrees) <= 40


def test_the_kronecker_sum_of_collocation_agrees():
    # second derivatives at Chebyshev points, with zeros at both ends
    n, basis = 24, Chebyshev(-1, 1)
    x = basis.points(n)
    D2 = basis.values(basis.derivative(basis.derivative(basis.coefficients(np.eye(n)))), n)
    inner = -D2[1:-1, 1:-1]

    def right(x, y):
        return np.exp(-3 * (x * x + x * y + 2 * y * y)) * (1 - x**4) * (1 - y**4)

    values = right(*np.meshgrid(x[1:-1], x[1:-1], indexing="ij"))
    expected = solve(KroneckerSum(inner, inner), values.reshape(-1)).reshape(n - 2, n - 2)
    u = poisson(sampled(right, [(-1, 1)] * 2, (81, 81)))
    np.testing.assert_allclose(u.grid(x[1:-1], x[1:-1]), expected, atol=2e-6)


def test_zero(library):
    f = sampled(lambda x, y: 0 * x, [(0, 1), (0, 1)], (3, 3), library)
    assert float(poisson(f)(0.5, 0.25)) == 0


def test_what_is_refused():
    domain = [(0, 1), (0, 1)]
    f = sampled(lambda x, y: 1 + x, domain, (2, 2))
    with pytest.raises(ValueError, match=r"shift is -20: it must be larger than -19\.7392"):
        poisson(f, shift=-20.0)
    with pytest.raises(ValueError, match="finite real number"):
        poisson(f, shift=math.nan)
    with pytest.raises(ValueError, match="f lives on"):
        poisson(f, boundary=sampled(lambda x, y: x, [(0, 2), (0, 1)], (2, 2)))
    with pytest.raises(TypeError, match="one of them must be a ChebTucker"):
        poisson(0, boundary=1)
    with pytest.raises(ValueError, match="boundary is inf"):
        poisson(f, boundary=math.inf)
    with pytest.raises(TypeError, match="boundary is ndarray"):
        poisson(f, boundary=np.ones(2))
    with pytest.raises(MemoryError, match="the core of the solution"):
        poisson(f, max_bytes=100)


def test_the_error_estimate_is_relative_to_the_solution():
    # what is solved for beside the boundary's function is rounding errors alone
    g = sampled(lambda x, y: np.exp(x) * np.sin(y), [(0, 1)] * 2, (20, 20))
    u = poisson(0, boundary=g)
    assert u.converged
    assert u.error_estimate <= u.report.tol


def test_a_boundary_that_is_not_resolved_is_told_and_stays_cheap():
    f = sampled(lambda x, y: x * y, [(0, 1)] * 2, (2, 2), tol=1e-6)
    with pytest.warns(ConvergenceWarning):  # one for the boundary, one for the solution
        u = poisson(f, boundary=lambda x, y: 1.0 * (x > 0.5), max_degree=60)
    assert not u.converged
    assert u.error_estimate > 1e-3
    assert max(u.degrees) <= 140


# what it is made of


@pytest.mark.parametrize("tol", [1e-6, 1e-10, 1e-15])
@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e9])
def test_sums_of_exponentials(tol, ratio):
    s = np.geomspace(0.1, 0.1 * ratio, 500)
    weights, times = exponentials(0.1, 0.1 * ratio, tol)
    found = np.exp(-np.outer(s, times)) @ weights
    assert np.max(np.abs(s * found - 1)) < max(2 * tol, 1e-14)


@pytest.mark.parametrize("n", [3, 4, 17, 100])
def test_modes_of_an_interval(n):
    eigenvalues, modes, projection = dirichlet_modes(n)
    basis = Chebyshev()
    np.testing.assert_allclose(modes.T @ basis.gram(n) @ modes, np.eye(n - 2), atol=1e-13 * n)
    np.testing.assert_allclose(basis.values(modes, n)[[0, -1]], 0, atol=1e-12)
    np.testing.assert_allclose(projection @ modes, np.eye(n - 2), atol=1e-13 * n)
    # (u′, v′) = λ (u, v)
    slopes = basis.derivative(modes)
    bending = slopes.T @ basis.gram(n - 1) @ slopes
    np.testing.assert_allclose(bending, np.diag(eigenvalues), atol=1e-13 * n * eigenvalues[-1])
    good = n // 3
    exact = (np.arange(1, good + 1) * pi / 2) ** 2
    np.testing.assert_allclose(eigenvalues[:good], exact, rtol=1e-10 if n > 50 else 0.02)


def test_modes_need_three_coefficients():
    with pytest.raises(ValueError, match="n is 2"):
        dirichlet_modes(2)

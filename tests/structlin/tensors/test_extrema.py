"""Largest and smallest values, and roots along an axis."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.special

from structlin.bases import Chebyshev, Fourier
from structlin.tensors import ChebTucker
from tests.structlin.tensors.random_functions import problems
from tests.structlin.tensors.sampled import sampled


def close(value, exact, library, scale=1.0):
    np.testing.assert_allclose(
        library.to_numpy(library.xp.asarray(value)), exact, rtol=0, atol=1e-12 * scale
    )


# a bowl with a tilt: the minimum is inside, on a side, or in a corner
@pytest.mark.parametrize(
    ("centre", "lowest"),
    [((0.3, 1.2), (0.3, 1.2)), ((-2.0, 1.0), (-1.0, 1.0)), ((5.0, -3.0), (1.0, 0.0))],
)
def test_minima_inside_on_a_side_and_in_a_corner(library, centre, lowest):
    f = sampled(
        lambda x, y: (x - centre[0]) ** 2 + 3 * (y - centre[1]) ** 2,
        [(-1, 1), (0, 3)],
        (4, 5),
        library,
    )
    a, b = np.subtract(lowest, centre)
    np.testing.assert_allclose(library.to_numpy(f.argmin()), lowest, atol=1e-7)
    close(f.min(), a * a + 3 * b * b, library, scale=50)
    a, b = (
        max(abs(low - c), abs(high - c))
        for low, high, c in zip((-1, 0), (1, 3), centre, strict=True)
    )
    close(f.max(), a * a + 3 * b * b, library, scale=50)


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
@pytest.mark.parametrize("train", [False, True])
def test_one_of_many_peaks(scale, train):
    # sin³ has several maxima; the Gaussian makes one of them the highest
    def f(x, y, z):
        return scale * np.sin(7 * x) * np.cos(5 * y - 1) * np.exp(-((z - 0.3) ** 2))

    found = sampled(f, [(0, 2), (-1, 1), (1e-3, 1)], (41, 33, 17), train=train)
    assert found.max() == pytest.approx(scale, rel=1e-12)
    assert found.min() == pytest.approx(-scale, rel=1e-12)
    top = found.argmax()
    assert np.sin(7 * top[0]) * np.cos(5 * top[1] - 1) == pytest.approx(1, rel=1e-12)
    assert top[2] == pytest.approx(0.3, abs=1e-7)


def test_a_published_minimum():
    # problem 4 of "A hundred-dollar, hundred-digit challenge" (SIAM News, 2002), on [-1, 1]²
    def f(x, y):
        first = np.exp(np.sin(50 * x)) + np.sin(60 * np.exp(y)) + np.sin(70 * np.sin(x))
        return first + np.sin(np.sin(80 * y)) - np.sin(10 * (x + y)) + (x * x + y * y) / 4

    found = sampled(f, [(-0.15, 0.15), (0.1, 0.3)], (129, 129))
    assert found.min() == pytest.approx(-3.306868647475237, abs=1e-12)
    np.testing.assert_allclose(found.argmin(), [-0.0244030796943752, 0.2106124271553558], atol=1e-8)


def test_periodic_axes_have_no_ends():
    domain = [Fourier(0, 2 * np.pi), Fourier(-1, 1)]
    f = sampled(lambda x, y: np.cos(x - 1e-3) * (2 + np.sin(np.pi * y)), domain, (16, 9))
    assert f.max() == pytest.approx(3, abs=1e-13)
    assert f.min() == pytest.approx(-3, abs=1e-13)
    np.testing.assert_allclose(f.argmax(), [1e-3, 0.5], atol=1e-8)


def test_a_flat_top():
    # Newton's method is slow where the second derivatives vanish
    f = sampled(lambda x, y: -((x - 0.1) ** 4) - 1e-9 * y * y, [(-1, 1), (-1, 1)], (9, 9))
    assert abs(f.max()) < 1e-15


@pytest.mark.parametrize("value", [0.0, -2.5])
def test_constants(library, value):
    f = sampled(lambda x, y: value + 0 * x, [(-1, 1), (2, 3)], (3, 2), library)
    for extremum in (f.max(), f.min()):
        close(extremum, value, library)
    x, y = library.to_numpy(f.argmax())
    assert -1 <= x <= 1
    assert 2 <= y <= 3


def test_many_variables_are_searched_along_lines():
    # 65⁵ grid points are too many; 1 − Σ (x − c)² + one wave has its maximum at c
    centre = np.linspace(-0.6, 0.7, 5)
    t = Chebyshev().points(33)
    basis = Chebyshev()
    columns = [
        np.stack([np.ones(33), -((t - c) ** 2) + np.cos(3 * (t - c)) / 9], 1) for c in centre
    ]
    core = np.zeros((2,) * 5)
    core[(0,) * 5] = 1
    for k in range(5):
        core[tuple(int(j == k) for j in range(5))] = 1
    f = ChebTucker(core, [basis.coefficients(column) for column in columns])
    assert f.max() == pytest.approx(1 + 5 / 9, abs=1e-13)
    np.testing.assert_allclose(f.argmax(), centre, atol=1e-7)
    # the smallest value is at the ends, or between them where the wave is low
    ends = sum(np.min(_wave(c)) for c in centre)
    assert f.min() == pytest.approx(1 + ends, abs=1e-9)


def _wave(c):
    t = np.linspace(-1, 1, 100001)
    return -((t - c) ** 2) + np.cos(3 * (t - c)) / 9


@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=8)
def test_nothing_is_larger_than_the_maximum(library, data):
    (f,), points = data.draw(problems(library, dtype="float64", scales=(1e-200, 1.0, 1e200)))
    largest, smallest = float(f.max()), float(f.min())
    scale = max(abs(largest), abs(smallest))
    values = library.to_numpy(f(*map(library.asarray, points)))
    assert values.max() <= largest + 1e-12 * scale
    assert values.min() >= smallest - 1e-12 * scale
    assert float((-f).max()) == pytest.approx(-smallest, abs=1e-12 * scale)
    for point, value in ((f.argmax(), largest), (f.argmin(), smallest)):
        assert float(f(*(point[k] for k in range(f.ndim)))) == pytest.approx(
            value, abs=1e-12 * scale
        )


def test_single_precision_stays(library):
    f = sampled(
        lambda x, y: np.cos(x + y), [(-1, 1)] * 2, (13, 13), library, dtype="float32", tol=1e-6
    )
    assert "float32" in str(f.max().dtype)
    assert float(f.max()) == pytest.approx(1, abs=1e-5)


def test_complex_values_have_no_order():
    f = ChebTucker(np.ones((1,), dtype=complex), [np.ones((3, 1))])
    with pytest.raises(TypeError, match="complex values have no order"):
        f.max()
    with pytest.raises(TypeError, match="real part"):
        f.roots()


# roots


@pytest.mark.parametrize("frequency", [1, 20, 200])
def test_roots_of_a_wave(frequency):
    f = sampled(lambda x: np.sin(frequency * x), [(0.5, 4)], (40 + 3 * frequency,))
    exact = np.arange(np.ceil(0.5 * frequency / np.pi), np.floor(4 * frequency / np.pi) + 1)
    np.testing.assert_allclose(f.roots(), exact * np.pi / frequency, atol=1e-13)


@pytest.mark.parametrize("degree", [1, 50, 51, 300])
def test_roots_of_a_chebyshev_polynomial(degree):
    # near the ends the slope is n²
    f = ChebTucker(np.ones(1), [np.eye(degree + 1)[:, degree:]])
    exact = -np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
    np.testing.assert_allclose(f.roots(), exact, atol=1e-14)


def test_roots_of_a_bessel_function():
    f = sampled(lambda x, y: scipy.special.j0(x) * (2 + y), [(0, 300), (-1, 1)], (301, 2))
    exact = scipy.special.jn_zeros(0, 100)
    np.testing.assert_allclose(f.roots(0, at=0.5), exact[exact < 300], atol=1e-11)


def test_roots_on_many_lines():
    # x² = y + z has two roots, one or none
    f = sampled(lambda x, y, z: x * x - y - z, [(-2, 2), (-1, 1), (-1, 1)], (4, 3, 3))
    y, z = np.array([[0.25], [-0.5]]), np.array([0.75, 0.0, 1.0])
    found = f.roots(0, at=(y, z))
    assert found.shape == (2, 3, 2)
    total = y + z
    expected = np.sqrt(np.where(total < 0, np.nan, total))
    np.testing.assert_allclose(found, np.stack([-expected, expected], axis=-1), atol=1e-14)
    assert f.roots(0, at=(-0.5, 0.0)).shape == (0,)
    np.testing.assert_allclose(f.roots(-1, at=(0.5, 0.125)), [0.125], atol=1e-15)


def test_double_roots_ends_and_periods():
    f = sampled(lambda x: (x - 0.3) ** 2 * (x + 1), [(-1, 1)], (9,))
    found = f.roots()
    assert found[0] == -1
    np.testing.assert_allclose(found[1:], 0.3, atol=1e-7)
    wave = sampled(lambda x: np.sin(3 * x), [Fourier(0, 2 * np.pi)], (16,))
    np.testing.assert_allclose(wave.roots(), np.arange(6) * np.pi / 3, atol=1e-13)


def test_functions_without_roots():
    assert sampled(lambda x: 1 + x * x, [(-1, 1)], (5,)).roots().shape == (0,)
    assert sampled(lambda x: 3 + 0 * x, [(-1, 1)], (5,)).roots().shape == (0,)


def test_roots_are_refused(library):
    f = sampled(lambda x, y: x * y, [(-1, 1), (0, 1)], (3, 3), library)
    if library.name != "numpy":
        with pytest.raises(TypeError, match="on the host"):
            f.roots(0, at=0.5)
        return
    with pytest.raises(ValueError, match=r"zero all along axis 0 on the line through \(1,\)"):
        f.roots(0, at=[np.array([0.5, 0.0])])
    with pytest.raises(ValueError, match=r"axis 1 has the coordinate 2, outside of \[0, 1\]"):
        f.roots(0, at=2.0)
    with pytest.raises(ValueError, match="at has 2 coordinates"):
        f.roots(0, at=(0.5, 0.5))
    with pytest.raises(ValueError, match="NaN"):
        f.roots(0, at=np.nan)
    with pytest.raises(TypeError, match="complex128: pass real numbers"):
        f.roots(0, at=0.5 + 1j)
    with pytest.raises(ValueError, match="axis is 2"):
        f.roots(2, at=0.5)


def test_no_coefficients_at_all_and_nan():
    nothing = ChebTucker(np.zeros((0, 0)), [np.zeros((3, 0))] * 2)
    assert nothing.max() == nothing.min() == 0
    f = ChebTucker(np.array([np.nan]), [np.ones((3, 1))])
    for search in (f.max, f.argmin, f.roots):
        with pytest.raises(ValueError, match="the core has a NaN or Inf"):
            search()


@hypothesis.given(st.lists(st.floats(-1, 1), min_size=1, max_size=6, unique=True))
def test_roots_of_a_polynomial_are_found_as_well_as_they_are_determined(points):
    exact = np.sort(points)
    f = sampled(lambda x: np.prod([x - a for a in exact], axis=0), [(-1, 1)], (len(exact) + 1,))
    found = f.roots()
    slope = [np.prod([a - b for b in exact if b != a]) for a in exact]
    # a perturbation of the values by 1e-14 moves a simple root by 1e-14 / |slope|
    sure = np.abs(slope) > 1e-6
    for a, s in zip(exact[sure], np.asarray(slope)[sure], strict=True):
        assert np.min(np.abs(found - a)) < 1e-13 / abs(s) + 1e-14
    assert np.all(np.abs(f(found)) < 1e-12)

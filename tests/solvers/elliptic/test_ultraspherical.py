"""Alternating directions in ultraspherical polynomials, their shifts and their kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._kernels import alternating_directions, alternating_directions_numba
from structlin.bases import Grid
from structlin.solvers.elliptic import LegendreGalerkin, Poisson, UltrasphericalADI
from structlin.solvers.elliptic._zolotarev import zolotarev_shifts
from tests.solvers.elliptic.smooth import laplacian, smooth

EPS = 2.0**-52


@pytest.mark.parametrize("shift", [0.0, 3.0, 1e4])
@pytest.mark.parametrize("shape", [(20, 25), (3, 22)])
def test_a_solution_with_data_on_the_sides(shift, shape):
    grid = Grid.chebyshev([(-1, 1.5), (0, 2)], shape)
    linear = shape[0] == 3
    u = (lambda x, y: (1 + x) * np.sin(y)) if linear else smooth
    image = (lambda x, y: (1 + x) * np.sin(y)) if linear else (lambda x, y: -laplacian(x, y))
    F = grid.evaluate(lambda x, y: image(x, y) + shift * u(x, y))
    exact = grid.evaluate(u)
    found = UltrasphericalADI(grid, shift).solve(np.stack([F, 2 * F]), u)
    assert np.max(np.abs(found[0] - exact)) < 1e-12 * np.max(np.abs(exact))
    only = [(lambda x, y: u(x, y) * (x < 0), None), (u, u)]  # three sides of four
    with pytest.warns(UserWarning, match="where sides meet"):
        UltrasphericalADI(grid, shift).solve(F, only)


@given(
    st.integers(3, 14),
    st.integers(3, 14),
    st.floats(0, 1e3),
    st.floats(0.01, 100),
    st.integers(0, 2**32 - 1),
)
def test_it_solves_the_equations_of_galerkin(m, n, shift, width, seed):
    """The space is that of `LegendreGalerkin`, which solves them in another way."""
    grid = Grid.chebyshev([(0, 1), (0, width)], (m, n))
    F = np.random.default_rng(seed).standard_normal((m, n))
    one, other = UltrasphericalADI(grid, shift), LegendreGalerkin(grid, shift)
    expected = other.solve(F)
    size = np.max(np.abs(expected))
    np.testing.assert_allclose(one.solve(F), expected, rtol=0, atol=1e4 * EPS * size)


@pytest.mark.parametrize("dtype", ["f4", "c16"])
def test_array_libraries_and_precisions(library, dtype):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((2, 6, 7)).astype(dtype)
    F = F + 1j * rng.standard_normal((2, 6, 7)) if F.dtype.kind == "c" else F
    grid = Grid.chebyshev([(0, 1), (0, 2)], (6, 7), like=library.asarray(np.empty(0)))
    u = UltrasphericalADI(grid, 1.0).solve(library.asarray(F), 2.0)
    assert library.to_numpy(u).dtype == F.dtype
    reference = LegendreGalerkin(Grid.chebyshev([(0, 1), (0, 2)], (6, 7)), 1.0)
    np.testing.assert_allclose(
        library.to_numpy(u), reference.solve(F, 2.0), rtol=0, atol=1e3 * np.finfo(F.dtype).eps
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [((1, 10), (1, 10)), ((1e-9, 0.4), (1e-9, 0.4)), ((1e-5, 0.4), (1e-7, 3)), ((2, 2), (1, 50))],
)
def test_shifts_reach_the_tolerance(first, second):
    """The largest of ∏ |(x − q)/(x + p)| over the first interval, times that over the second."""
    q, p = zolotarev_shifts(first, second, 1e-10)
    product = 1.0
    for (low, high), zeros, poles in ((first, q, p), (second, p, q)):
        x = np.geomspace(low, high, 999)[:, None]
        product *= np.max(np.prod(np.abs((x - zeros) / (x + poles)), axis=1))
    assert product < 1e-10
    ratio = np.max(np.asarray([*first, *second])) / min(*first, *second)
    assert len(q) <= 1 + np.log(16 * ratio) * np.log(4e10) / np.pi**2


def test_shifts_of_equal_intervals_are_those_of_wachspress():
    """J = 1: the geometric mean of the ends."""
    q, p = zolotarev_shifts((2.0, 8.0), (2.0, 8.0), 0.9)
    np.testing.assert_allclose([q[0], p[0]], 4.0, rtol=1e-12)


def test_sweeps_grow_like_the_logarithm():
    counts = [UltrasphericalADI(Grid.chebyshev([(0, 1)] * 2, n)).iterations for n in (16, 64, 256)]
    assert counts[1] - counts[0] <= 22
    assert abs((counts[2] - counts[1]) - (counts[1] - counts[0])) <= 3


@given(st.integers(1, 9), st.integers(0, 70), st.sampled_from(["f4", "f8"]))
def test_the_kernel_is_its_plain_function(n, m, dtype):
    rng = np.random.default_rng(n + 100 * m)
    R, F = rng.standard_normal((n, m)).astype(dtype), rng.standard_normal((m, n)).astype(dtype)
    ratio, inverse = (rng.uniform(0.1, 0.5, n).astype(dtype) for _ in range(2))
    given_both = (R, F, ratio, inverse, 0.5, 2.0)
    plain = alternating_directions.half_step(*given_both)
    # and both are (L D Lᵀ)⁻¹
    L = np.eye(n) + np.diag(ratio[: n - 2], -2) if n > 2 else np.eye(n)
    A = L @ np.diag(1.0 / inverse) @ L.T
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(
        plain, F + (0.5 * R + 2.0 * np.linalg.solve(A, R)).T, rtol=0, atol=1e3 * eps
    )
    fast = alternating_directions_numba.half_step(*given_both)
    assert fast.dtype == plain.dtype
    np.testing.assert_allclose(fast, plain, rtol=0, atol=100 * eps)


def test_the_entry_takes_it_if_asked():
    grid = Grid.chebyshev([(0, 1), (0, 1)], 20)
    u = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y))
    for method in ("auto", "ultraspherical", "schur"):
        solver = Poisson(grid, shift=1.0, method=method)
        assert solver.method == ("legendre" if method == "auto" else method)
        np.testing.assert_allclose(solver.solve((2 * np.pi**2 + 1) * u), u, atol=1e-12)


def test_bad_input():
    with pytest.raises(ValueError, match="two axes of Chebyshev points"):
        UltrasphericalADI(Grid.legendre([(0, 1), (0, 1)], 5))
    with pytest.raises(ValueError, match="needs 3 or more"):
        UltrasphericalADI(Grid.chebyshev([(0, 1), (0, 1)], 2))
    grid = Grid.chebyshev([(0, 1), (0, 1)], 5)
    with pytest.raises(ValueError, match="take LegendreGalerkin"):
        UltrasphericalADI(grid, -1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        UltrasphericalADI(grid, tol=0.0)
    with pytest.raises(ValueError, match="overflows"):
        UltrasphericalADI(Grid.chebyshev([(0, 1e10)] * 2, 5)).solve(np.full((5, 5), 1e300))
    solver = UltrasphericalADI(grid)
    assert solver.solve(np.zeros((0, 5, 5)), 1.0).shape == (0, 5, 5)
    assert "sweeps>" in repr(solver)


@pytest.mark.parametrize("unit", [1e-100, 1e100])
def test_the_unit_of_length_does_not_matter(unit):
    one, other = (
        UltrasphericalADI(Grid.chebyshev([(0, length), (0, length)], 8)).solve(np.ones((8, 8)))
        for length in (1.0, unit)
    )
    np.testing.assert_allclose(other / unit / unit, one, atol=1e-14)

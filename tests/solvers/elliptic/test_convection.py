"""Convection and diffusion by Schur forms: orders, spectral accuracy, dense solves, bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.solvers.elliptic import ConvectionDiffusion, Robin
from tests.solvers.elliptic.smooth import curvature, data_of, slope, smooth

BOX = [(-1, 1.5), (0, 2)]
DIFFUSION = [lambda x: 1 + 0.3 * x * x, lambda y: 2 + np.sin(y)]
CONVECTION = [lambda x: 3 * x, lambda y: -2 + 0 * y]


def error(grid, conditions, shift=0.5):
    solver = ConvectionDiffusion(
        grid, diffusion=DIFFUSION, convection=CONVECTION, shift=shift, bc=conditions
    )

    def image(x, y):
        total = shift * smooth(x, y)
        for axis, t in enumerate((x, y)):
            total = total - DIFFUSION[axis](t) * curvature(axis, x, y)
            total = total + CONVECTION[axis](t) * slope(axis, x, y)
        return total

    u = solver.solve(grid.evaluate(image), data_of(conditions))
    return np.max(np.abs(u - grid.evaluate(smooth)))


SIDES = ["dirichlet", "neumann", Robin(1.5)]


@pytest.mark.parametrize("pair", list(itertools.product(SIDES, SIDES)))
def test_spectral_accuracy_on_chebyshev_points(pair):
    assert error(Grid.chebyshev(BOX, (20, 22)), [pair, ("dirichlet", Robin(0.5))]) < 1e-11


@pytest.mark.parametrize("kind", ["node", "cell"])
@pytest.mark.parametrize("pair", [("dirichlet", "dirichlet"), ("neumann", Robin(1.0))])
def test_second_order_on_even_grids(kind, pair):
    conditions = [pair, ("dirichlet", "neumann")]
    extra = kind == "node"
    errors = [error(Grid.uniform(BOX, n + extra, kind=kind), conditions) for n in (32, 64)]
    assert 1.85 < np.log2(errors[0] / errors[1]) < 2.2


def test_graded_nodes():
    axes = [low + (high - low) * np.linspace(0, 1, 81) ** 1.3 for low, high in BOX]
    assert error(Grid(*axes), [("dirichlet", "dirichlet")] * 2) < 1e-2


def test_a_boundary_layer():
    """b u′ − u″ = 0 with u(0) = 0, u(1) = 1 is expm1(b x)/expm1(b)."""
    grid = Grid.chebyshev([(0, 1)], 48)
    u = ConvectionDiffusion(grid, convection=50.0).solve(np.zeros(48), [(None, 1.0)])
    np.testing.assert_allclose(u, np.expm1(50 * grid.axes[0]) / np.expm1(50), atol=1e-11)


def test_periodic_axes_by_a_plane_wave():
    """The differences of exp(ikx) are known."""
    n, b = 32, 3.0
    grid = Grid.uniform([(0, 2 * np.pi)] * 2, n, kind="periodic")
    h = 2 * np.pi / n
    wave = grid.evaluate(lambda x, y: np.exp(1j * (2 * x - y)))
    symbol = (4 / h**2) * (np.sin(h) ** 2 + np.sin(h / 2) ** 2) + 1j * b * np.sin(2 * h) / h + 1.5
    u = ConvectionDiffusion(grid, convection=[b, 0.0], shift=1.5).solve(symbol * wave)
    np.testing.assert_allclose(u, wave, atol=1e-11)


def test_three_axes_and_samples():
    grid = Grid.chebyshev([(0, 1)] * 3, (8, 9, 10))
    solver = ConvectionDiffusion(grid, convection=[1.0, -2.0, 3.0])
    u = lambda x, y, z: x * x * y + y * z * z - x * z  # noqa: E731
    F = grid.evaluate(
        lambda x, y, z: -2 * y - 2 * y + (2 * x * y - z) - 2 * (x * x + z * z) + 3 * (2 * y * z - x)
    )
    found = solver.solve(np.stack([F, F]), u)
    np.testing.assert_allclose(found[1], grid.evaluate(u), atol=1e-11)


def test_array_libraries(library):
    F = np.random.default_rng(0).standard_normal((2, 5, 6)).astype("f4")
    grid = Grid.uniform([(0, 1), (0, 1)], (5, 6), like=library.asarray(np.empty(0, "f4")))
    u = ConvectionDiffusion(grid, convection=2.0).solve(library.asarray(F), 1.0)
    assert library.to_numpy(u).dtype == np.float32
    wide = Grid.uniform([(0, 1), (0, 1)], (5, 6))
    expected = ConvectionDiffusion(wide, convection=2.0).solve(F.astype("f8"), 1.0)
    np.testing.assert_allclose(library.to_numpy(u), expected, atol=1e-4)


def test_the_cell_peclet_number():
    assert ConvectionDiffusion(Grid.uniform([(0, 1)], 11), convection=-40.0).peclet == (
        pytest.approx(2.0)
    )


def test_bad_input():
    grid = Grid.uniform([(0, 1), (0, 1)], 6)
    with pytest.raises(ValueError, match="constants solve the homogeneous equation"):
        ConvectionDiffusion(grid, bc="neumann")
    with pytest.raises(ValueError, match="diffusion is 0 at node 0 of axis 1"):
        ConvectionDiffusion(grid, diffusion=[1.0, lambda y: y])
    with pytest.raises(ValueError, match="NaN or Inf at node 2"):
        ConvectionDiffusion(grid, convection=[lambda x: np.where(x == x[2], np.nan, x), 0.0])
    with pytest.raises(ValueError, match="3 coefficients are given"):
        ConvectionDiffusion(grid, convection=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"has shape \(2,\) but axis 0 has 6 nodes"):
        ConvectionDiffusion(grid, convection=lambda x: x[:2])
    with pytest.raises(ValueError, match="kind 'legendre'"):
        ConvectionDiffusion(Grid.legendre([(0, 1)], 6))
    with pytest.raises(ValueError, match="need 3 or more"):
        ConvectionDiffusion(Grid.uniform([(0, 1)], 2))
    F = np.zeros((6, 6))
    F[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN or Inf in \[1, 0\]"):
        ConvectionDiffusion(grid).solve(F)
    # minus an eigenvalue of the differences
    h = 0.2
    singular = ConvectionDiffusion(grid, shift=-8 / h**2 * np.sin(np.pi * h / 2) ** 2)
    with pytest.raises(np.linalg.LinAlgError, match="minus an eigenvalue"):
        singular.solve(np.ones((6, 6)))


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("velocity", [0.0, 3.0])
def test_minus_an_eigenvalue_is_refused(ndim, velocity):
    n, h = 9, 1 / 8
    grid = Grid.uniform([(0, 1)] * ndim, n)
    # −u″ + b u′ is a Toeplitz matrix with −1/h² ± b/(2h) beside its diagonal 2/h²
    beside = np.sqrt(1 / h**4 - (velocity / (2 * h)) ** 2)
    lowest = 2 / h**2 - 2 * beside * np.cos(np.pi * h)
    F = np.ones(grid.shape)
    with pytest.raises(np.linalg.LinAlgError, match="the equation is singular"):
        ConvectionDiffusion(grid, convection=velocity, shift=-ndim * lowest).solve(F)
    # past it, solutions change their sign
    below, above = (
        ConvectionDiffusion(grid, convection=velocity, shift=-ndim * lowest * part).solve(F)
        for part in (0.99, 1.01)
    )
    middle = (n // 2,) * ndim
    assert below[middle] > 0 > above[middle]


@pytest.mark.parametrize("kind", ["chebyshev", "node"])
@pytest.mark.parametrize("unit", [1e-100, 1e10, 1e100])
def test_the_unit_of_length_does_not_matter(kind, unit):
    def solution(length):
        box = [(0, length), (0, length)]
        grid = Grid.chebyshev(box, 8) if kind == "chebyshev" else Grid.uniform(box, 8)
        return ConvectionDiffusion(grid, convection=3.0 / length).solve(np.ones((8, 8)))

    np.testing.assert_allclose(solution(unit) / unit / unit, solution(1.0), rtol=1e-10)


def test_coefficients_of_other_forms():
    grid = Grid.chebyshev([(0, 1), (0, 1)], 6)
    given = ConvectionDiffusion(grid, convection=[np.ones(6), 1.0]).solve(np.ones((6, 6)))
    one = ConvectionDiffusion(grid, convection=np.asarray(1.0)).solve(np.ones((6, 6)))
    np.testing.assert_allclose(given, one)
    for wrong in (None, 1j, "fast"):
        with pytest.raises(TypeError, match=r"convection\[0\] is"):
            ConvectionDiffusion(grid, convection=wrong)


def test_corners_that_disagree_warn():
    solver = ConvectionDiffusion(Grid.chebyshev([(0, 1), (0, 1)], 6))
    with pytest.warns(UserWarning, match="differ by 1") as caught:
        solver.solve(np.zeros((6, 6)), [(1.0, 0.0), None])
    assert caught[0].filename == __file__
    solver.solve(np.zeros((6, 6)), lambda x, y: x + y)

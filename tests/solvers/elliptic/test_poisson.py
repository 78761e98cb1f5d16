"""The fast solvers for constant coefficients: against the equations, written one by one."""

from __future__ import annotations

import itertools
import math
import pickle
import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given

from structlin.bases import Grid
from structlin.solvers import Poisson, Robin, helmholtz, poisson, screened
from tests.solvers.elliptic.finite_volumes import (
    CONDITIONS,
    KINDS,
    axis_of,
    mean,
    product_of,
    reference,
)


@st.composite
def problems(draw: Any, max_axes: int = 2) -> Any:
    """Draw a grid, its conditions, a source and data on the sides."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    axes, bc = [], []
    for _ in range(draw(st.integers(1, max_axes))):
        kind = draw(st.sampled_from(KINDS))
        axes.append(axis_of(kind, draw(st.integers(2 if kind != "cell" else 1, 6)), rng))
        pair = draw(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(CONDITIONS)))
        bc.append(("periodic", "periodic") if kind == "periodic" else pair)
    grid = product_of(axes)
    data = {
        (axis, end): rng.standard_normal(grid.shape[:axis] + grid.shape[axis + 1 :])
        for axis, end in itertools.product(range(grid.ndim), (0, 1))
        if grid.kinds[axis] != "periodic" and draw(st.booleans())
    }
    return grid, bc, rng.standard_normal(grid.shape), data


def boundary_of(grid: Grid, data: Any) -> list[Any]:
    return [
        None if kind == "periodic" else tuple(data.get((axis, end)) for end in (0, 1))
        for axis, kind in enumerate(grid.kinds)
    ]


def loose(bc: Any) -> bool:
    return all(side in ("neumann", "periodic") for pair in bc for side in pair)


def quietly(solver: Poisson, F: Any, boundary: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="boundary data of the", category=UserWarning)
        return solver.solve(F, boundary)


@pytest.mark.usefixtures("way")
@given(problems(), st.sampled_from([0.0, 0.7]), st.sampled_from([None, 2.5]))
def test_solves_the_equations(problem, shift, coef):
    grid, bc, f, data = problem
    if loose(bc) and shift == 0:
        data, f = {}, f - mean(grid, f)
    expected = reference(
        grid, bc, f, data, shift=shift, coef=None if coef is None else np.full(grid.shape, coef)
    )
    solver = Poisson(grid, bc=bc, shift=shift, coef=coef)
    u = quietly(solver, f, boundary_of(grid, data))
    np.testing.assert_allclose(u, expected, atol=1e-10 * max(1, np.abs(expected).max()))
    assert solver.method == ("transform" if solver.modes.fast else "eigen")


def test_solves_in_three_dimensions(rng):
    axes = [axis_of("cell", 3, rng), axis_of("node", 4, rng), axis_of("graded nodes", 4, rng)]
    grid = product_of(axes)
    bc = [(Robin(2.0), "dirichlet"), ("neumann", "neumann"), ("dirichlet", "neumann")]
    f = rng.standard_normal(grid.shape) + 1j * rng.standard_normal(grid.shape)
    data = {(0, 1): rng.standard_normal((4, 4)), (2, 1): rng.standard_normal((3, 4))}
    u = quietly(Poisson(grid, bc=bc), f, boundary_of(grid, data))
    np.testing.assert_allclose(u, reference(grid, bc, f, data), atol=1e-11)


def test_numbers_of_numpy_and_empty_batches():
    solver = Poisson(Grid.uniform([(0, 1), (0, 1)], 5))
    for one in (1, np.float32(1), np.asarray(1.0)):
        np.testing.assert_allclose(solver.solve(0.0, one), 1)
    for kind in ("node", "periodic"):
        grid = Grid.uniform([(0, 1), (0, 1)], 5, kind=kind)
        for coef in (None, np.ones((5, 5))):
            assert Poisson(grid, shift=1, coef=coef).solve(np.ones((0, 5, 5))).shape == (0, 5, 5)


@pytest.mark.parametrize("kind", ["node", "cell"])
def test_long_axes_are_transformed(kind, rng):
    grid = Grid.uniform([(0, 1), (0, 1)], (97, 300), kind=kind)
    for bc in ("dirichlet", [("dirichlet", "neumann"), ("neumann", "dirichlet")]):
        solver = Poisson(grid, bc=bc)
        F = rng.standard_normal((3, *grid.shape))  # more than is solved at once
        u = solver.solve(F)
        assert np.abs(solver.residual(u, F)).max() < 1e-8
        np.testing.assert_allclose(u[1], solver.solve(F[1]), atol=1e-12 * np.abs(u).max())


def test_one_interval_has_only_its_ends():
    grid = Grid(np.array([0.0, 1.0]))
    np.testing.assert_array_equal(Poisson(grid).solve(np.ones(2), [(3.0, 4.0)]), [3.0, 4.0])


@pytest.mark.parametrize("kind", ["node", "cell", "graded nodes", "graded cells"])
@pytest.mark.parametrize(
    "bc", [["dirichlet"], ["neumann"], [Robin(1.0)], [("dirichlet", "neumann")]], ids=str
)
def test_second_order(kind, bc):
    """The error falls by four as the mesh is halved, with data on the sides that are not zero."""

    def exact(x, y):
        return np.exp(x) * np.cos(2 * y) + x

    def gradient(x, y):
        return np.exp(x) * np.cos(2 * y) + 1, -2 * np.exp(x) * np.sin(2 * y)

    def source(x, y):  # −Δu + 2u
        return 3 * np.exp(x) * np.cos(2 * y) + 2 * exact(x, y)

    pair = bc[0] if isinstance(bc[0], tuple) else (bc[0], bc[0])

    def data(axis, end):
        def value(x, y):
            slope = (1 if end else -1) * gradient(x, y)[axis]
            if pair[end] == "dirichlet":
                return exact(x, y)
            a = pair[end].coefficient if isinstance(pair[end], Robin) else 0.0
            return slope + a * exact(x, y) + 0 * (x + y)

        return value

    errors = []
    for n in (32, 64, 128):
        t = np.linspace(0, 1, n + 1)
        t = t + 0.1 * np.sin(np.pi * t) * (kind.startswith("graded"))
        grid = Grid.cells(t, t) if "cell" in kind else Grid(t, t)
        solver = Poisson(grid, bc=[pair, pair], shift=2.0)
        boundary = [(data(axis, 0), data(axis, 1)) for axis in (0, 1)]
        u = solver.solve(source, boundary)
        difference = u - grid.evaluate(exact)
        errors.append(math.sqrt(mean(grid, difference**2)))
    orders = np.log2(np.asarray(errors[:-1]) / errors[1:])
    assert abs(orders[-1] - 2) <= 0.05


def test_periodic_second_order():
    errors = []
    for n in (32, 64):
        grid = Grid.uniform([(0, 1), (0, 2)], (n, n + 1), kind="periodic")
        wave = grid.evaluate(lambda x, y: np.sin(2 * np.pi * x) * np.cos(np.pi * y))
        errors.append(np.abs(poisson(5 * np.pi**2 * wave, grid) - wave).max())
    assert abs(np.log2(errors[0] / errors[1]) - 2) < 0.05


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_array_libraries_and_batches(library, dtype, rng):
    like = library.asarray(np.empty(0))
    shape = (6, 5)
    for kind, bc in (
        ("node", None),
        ("node", [("dirichlet", "neumann"), Robin(1.0)]),
        (("cell", "periodic"), "neumann"),
    ):
        grid = Grid.uniform([(0, 1), (0, 2)], shape, kind=kind, like=like)
        host = Grid.uniform([(0, 1), (0, 2)], shape, kind=kind)
        F = rng.standard_normal((2, 3, *shape)).astype(dtype)
        if dtype.startswith("complex"):
            F = (F + 1j * rng.standard_normal(F.shape)).astype(dtype)
        u = Poisson(grid, bc=bc, shift=0.5).solve(library.asarray(F), boundary=0.0)
        assert u.dtype == library.dtype(dtype)
        assert u.shape == F.shape
        solver = Poisson(host, bc=bc, shift=0.5)
        each = np.stack([[solver.solve(f) for f in row] for row in F])
        tolerance = 1e3 * np.finfo(dtype).eps * np.abs(each).max()
        np.testing.assert_allclose(library.to_numpy(u), each, atol=tolerance)


def test_boundary_data_take_the_precision_and_the_batch(library, rng):
    like = library.asarray(np.empty(0))
    grid = Grid.uniform([(0, 1), (0, 1)], 5, like=like)
    F = library.asarray(np.zeros((2, 5, 5), dtype=np.float32))
    low = library.asarray(np.stack([np.zeros(5), np.ones(5)]))
    with pytest.warns(UserWarning, match="differ by"):
        u = Poisson(grid).solve(F, boundary=[(low, 0.0), None])
    assert u.dtype == library.dtype("float32")
    host = library.to_numpy(u)
    assert np.all(host[0] == 0)
    assert np.all(host[1, 0] == 1)
    complex_data = Poisson(grid).solve(F, boundary=1j)
    assert complex_data.dtype == library.dtype("complex64")
    np.testing.assert_allclose(library.to_numpy(complex_data), np.full((2, 5, 5), 1j), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-100, 1e100, 1e-300, 1e300])
def test_scale_does_not_matter(scale):
    solver = Poisson(Grid.uniform([(0, 1), (0, 1)], 9), bc=["neumann", "dirichlet"])
    F = solver.grid.evaluate(lambda x, y: np.cos(3 * x) + y)
    np.testing.assert_allclose(solver.solve(scale * F) / scale, solver.solve(F), rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-130, 1e130])
@pytest.mark.parametrize("bc", ["neumann", Robin(1.0), None], ids=str)
def test_the_unit_of_length_does_not_matter(unit, bc):
    x = np.array([0.0, 0.1, 0.4, 1.0])
    scaled = Robin(bc.coefficient / unit) if isinstance(bc, Robin) else bc
    f = np.ones(4) if bc != "neumann" else np.ones(4) - mean(Grid(x), np.ones(4)) + 0 * x
    f = f + (x - mean(Grid(x), x))
    u = Poisson(Grid(x), bc=bc).solve(f)
    v = Poisson(Grid(unit * x), bc=scaled).solve(f)
    np.testing.assert_allclose(v / unit / unit, u, atol=1e-12)


def test_overflow_is_an_error():
    with pytest.raises(ValueError, match="overflows"):
        Poisson(Grid.uniform([(0, 1e30)], 9)).solve(np.full(9, 1e280))
    grid = Grid.uniform([(0, 1)], 5)
    for coef in (5e-324, 1e308):
        with pytest.raises(ValueError, match="divide the equation"):
            Poisson(grid, coef=coef).solve(np.ones(5))
    single = np.ones(5, dtype=np.float32)
    with pytest.raises(ValueError, match="overflow float32"):
        Poisson(grid, coef=1e-60).solve(single)
    with pytest.raises(ValueError, match="overflows float32"):
        Poisson(grid, coef=np.full(5, 1e60)).solve(single)
    with pytest.raises(ValueError, match=r"boundary\[0\]\[0\] has a NaN or Inf .* float32"):
        Poisson(grid).solve(single, 1e300)
    for length in (1e-150, 1e150):
        with pytest.raises(ValueError, match="another unit"):
            Poisson(Grid.uniform([(0, length)], 5))


def test_only_slopes_are_given(library, rng):
    grid = Grid.uniform([(0, 1), (0, 2)], 8, kind="cell", like=library.asarray(np.empty(0)))
    solver = Poisson(grid, bc="neumann")
    F = rng.standard_normal((3, 8, 8))
    with pytest.raises(ValueError, match=r"of sample 1 is .* solution only if") as caught:
        solver.solve(library.asarray(np.stack([F[0] - F[0].mean(), F[1], F[2]])))
    total = abs(F[1].sum()) / 64 * 2
    assert f"{total:.3g}" in str(caught.value)
    balanced = library.asarray(F - F.mean(axis=(1, 2), keepdims=True))
    u = library.to_numpy(solver.solve(balanced))
    np.testing.assert_allclose(u.mean(axis=(1, 2)), 0, atol=1e-13)
    forgiving = Poisson(grid, bc="neumann", imbalance=0.9)
    np.testing.assert_allclose(library.to_numpy(forgiving.solve(library.asarray(F))), u, atol=1e-12)
    # what flows in balances what is taken away: u = x²/2 with slope 1 at x = 1
    one = library.asarray(np.full((8, 8), -1.0))
    v = library.to_numpy(solver.solve(one, boundary=[(0.0, 1.0), None]))
    x = (np.arange(8) + 0.5) / 8
    np.testing.assert_allclose(v, np.broadcast_to((x**2 / 2 - np.mean(x**2) / 2)[:, None], (8, 8)))


def test_graded_neumann_is_exactly_singular(rng):
    grid = Grid(np.sort(rng.random(20)), np.linspace(0, 1, 6))
    F = rng.standard_normal(grid.shape)
    with pytest.raises(ValueError, match="slopes"):
        Poisson(grid, bc="neumann").solve(F)
    u = Poisson(grid, bc="neumann").solve(F - mean(grid, F))
    assert abs(mean(grid, u)) < 1e-12 * np.abs(u).max()


@pytest.mark.parametrize("ratio", [1e4, 1e6])
def test_strong_grading(ratio):
    """Compared with a tridiagonal system, of which elimination keeps all digits."""
    steps = np.geomspace(1 / ratio, 1, 200)
    x = np.append(0, np.cumsum(steps)) / np.sum(steps)
    f = np.exp(x)
    gaps, lengths = np.diff(x), (x[2:] - x[:-2]) / 2
    bands = np.array([np.append(0, -1 / gaps[1:-1]), 1 / gaps[:-1] + 1 / gaps[1:]])
    expected = scipy.linalg.solveh_banded(bands, lengths * f[1:-1])
    np.testing.assert_allclose(poisson(f, Grid(x))[1:-1], expected, rtol=1e-9)
    with pytest.raises(ValueError, match="spacings of an axis differ"):
        Poisson(Grid(x**4))


def test_helmholtz_at_an_eigenvalue_names_the_mode():
    grid = Grid.uniform([(0, 1), (0, 1)], 9)
    with pytest.raises(ValueError, match=r"mode \(0, 1\): 1 half wave along axis 0, 2 half waves"):
        helmholtz(1.0, grid, math.pi * math.sqrt(5))  # of the equation
    discrete = 2 * (16 * math.sin(math.pi / 16)) ** 2
    with pytest.raises(ValueError, match=r"in the differences, mode \(0, 0\)"):
        Poisson(grid, shift=-discrete)
    with pytest.raises(ValueError, match="1 half wave along axis 0"):
        Poisson(Grid.uniform([(0, 1)], 9, kind="cell"), bc="neumann", shift=-(math.pi**2))
    graded = Grid(np.array([0.0, 0.1, 0.3, 0.6, 1.0]))
    value = float(Poisson(graded).modes.eigenvalues[1])
    with pytest.raises(ValueError, match="eigenvector 1 of axis 0"):
        Poisson(graded, shift=-value)


def test_helmholtz_and_screened_solve_their_equations(rng):
    grid = Grid.uniform([(0, 1), (0, 2)], (7, 6), kind=("node", "cell"))
    f, bc = rng.standard_normal((7, 6)), [("dirichlet", "dirichlet")] * 2
    np.testing.assert_allclose(
        helmholtz(f, grid, 1.5), reference(grid, bc, f, {}, shift=-2.25), atol=1e-10
    )
    np.testing.assert_allclose(
        screened(f, grid, 3.0), reference(grid, bc, f, {}, shift=9.0), atol=1e-12
    )


def test_too_few_points_for_a_wave_warn():
    grid = Grid.uniform([(0, 1), (0, 2)], (41, 41))  # spacings 1/40 and 1/20
    told = r"9.5 points .* length 0.475: .* at most 0.0475"
    with pytest.warns(UserWarning, match=told) as caught:
        helmholtz(1.0, grid, 2 * math.pi / 0.475)
    assert caught[0].filename == __file__
    helmholtz(1.0, grid, 2 * math.pi / 0.51)
    helmholtz(1.0, grid, 2 * 2 * math.pi / 0.51, coef=4.0)
    helmholtz(1.0, Grid.legendre([(0, 1)], 24), 30.0)


@pytest.mark.parametrize("make", [Grid.legendre, Grid.chebyshev])
def test_waves_that_are_not_resolved_are_no_singularity(make):
    """A plane wave has one value at a corner, whatever 12 points say."""
    grid = make([(0, 1), (0, 1)], 12)
    wave = lambda x, y: np.cos(30 * x + 20 * y)  # noqa: E731
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        helmholtz(0.0, grid, math.sqrt(1300.0), boundary=wave)
    assert not any("singular" in str(each.message) for each in caught)
    if make is Grid.legendre:
        assert "does not resolve the boundary values" in str(caught[0].message)
    with pytest.warns(UserWarning, match="singular"):
        helmholtz(0.0, grid, 1.0, boundary=[(None, 1.0), None])


def test_callables_get_all_coordinates():
    grid = Grid.uniform([(0, 1), (0, 1)], 5)
    solver = Poisson(grid)
    one = lambda y: 1 + y  # noqa: E731
    with pytest.raises(TypeError, match=r"boundary\[0\]\[1\] is called with x, y, and does not"):
        solver.solve(0.0, [(None, one), None])
    with pytest.raises(TypeError, match=r"F is called with x, y, and"):
        solver.solve(one)
    with pytest.raises(TypeError, match=r"coef is called with x, y, and"):
        Poisson(grid, coef=one)
    with pytest.raises(TypeError, match=r"convection\[1\] is called with y, and"):
        Poisson(grid, convection=[0.0, lambda x, y: x * y])
    with pytest.raises(TypeError, match=r"boundary\[3\]\[0\] is called with x1, x2, x3, x4, and"):
        Poisson(Grid.uniform([(0, 1)] * 4, 3)).solve(0.0, [None] * 3 + [(one, None)])
    with pytest.raises(TypeError, match=r"^unsupported operand"):  # errors of its own stay
        solver.solve(lambda x, y: x + None)


@pytest.mark.parametrize("make", [Grid.uniform, Grid.legendre])
def test_a_number_takes_the_precision_of_the_grid(library, make):
    single, double = (library.asarray(np.empty(0, kind)) for kind in ("float32", "float64"))
    for number in (1, 1.0, np.float64(1)):
        grid = make([(0, 1), (0, 1)], 5, like=single)
        assert Poisson(grid).solve(number, 2.0).dtype == library.dtype("float32")
        grid = make([(0, 1), (0, 1)], 5, like=double)
        assert Poisson(grid).solve(number).dtype == library.dtype("float64")
        assert Poisson(grid).solve(1j * number).dtype == library.dtype("complex128")
    grid = make([(0, 1), (0, 1)], 5, like=single)
    assert Poisson(grid).solve(1j).dtype == library.dtype("complex64")
    with pytest.raises(ValueError, match="F has a NaN or Inf"):
        Poisson(grid).solve(1e300)


def test_one_right_hand_side_serves_samples_of_boundary_data(library, rng):
    like, data = library.asarray(np.empty(0)), rng.standard_normal((3, 2, 5))
    for kind in ("cell", "legendre"):
        make = Grid.legendre if kind == "legendre" else Grid.uniform
        options = {} if kind == "legendre" else {"kind": kind}
        grid = make([(0, 1), (0, 2)], (6, 5), like=like, **options)
        solver = Poisson(grid, bc=["neumann", "dirichlet"])
        for F in (1.0, lambda x, y: x + y, library.asarray(np.ones((6, 5)))):
            u = solver.solve(F, [(library.asarray(data), 1.0), None])
            assert u.shape == (3, 2, 6, 5)
            alone = solver.solve(F, [(library.asarray(data[2, 1]), 1.0), None])
            np.testing.assert_allclose(
                library.to_numpy(u)[2, 1], library.to_numpy(alone), atol=1e-12
            )
    line = Poisson(Grid.uniform([(0, 1)], 3)).solve(0.0, [(np.array([0.0, 2.0]), 4.0)])
    np.testing.assert_allclose(line, [[0, 2, 4], [2, 3, 4]])
    with pytest.raises(ValueError, match=r"axes of samples stand first, and are those of F"):
        Poisson(Grid.uniform([(0, 1)] * 2, 5)).solve(np.ones((2, 5, 5)), [(np.ones((3, 5)), 0), 0])


def test_what_is_no_grid_is_told():
    for wrong in ((33, 33), 33, None, [[0.0, 1.0]]):
        with pytest.raises(TypeError, match=r"pass a Grid, such as Grid\.uniform"):
            Poisson(wrong)


def test_residual_and_solution(rng):
    grid = Grid.uniform([(0, 1), (0, 1)], 6)
    for bc, boundary in ((None, 2.0), (Robin(1.0), 1.0), ("neumann", 0.0)):
        solver = Poisson(grid, bc=bc)
        F = rng.standard_normal((2, 6, 6))
        F = F - np.stack([np.full((6, 6), mean(grid, f)) for f in F])
        found = solver.solution(F, boundary)
        assert found.converged
        assert found.iterations == 0
        assert found.choices == {"method": solver.method}
        size = np.abs(F).max()
        assert np.abs(solver.residual(found.x, F, boundary)).max() < 1e-11 * size
        assert found.residual_norms[0] < 1e-11 * size
        # one correction solves the equations, whatever it starts from
        guess = found.x + (rng.standard_normal(F.shape) if bc != "neumann" else 0)
        if bc is None:
            guess[:, [0, -1], :] = guess[:, :, [0, -1]] = 2.0
        mended = guess + solver.solve(solver.residual(guess, F, boundary))
        np.testing.assert_allclose(mended, found.x, atol=1e-11)


def test_bad_input_is_named():
    grid = Grid.uniform([(0, 1), (0, 1)], 5)
    solver = Poisson(grid)
    F = np.ones((3, 5, 5))
    F[2, 1, 4] = np.nan
    with pytest.raises(ValueError, match=r"NaN or Inf in sample \[2\], at \[1, 4\]"):
        solver.solve(F)
    with pytest.raises(ValueError, match="last axes"):
        solver.solve(np.ones((5, 4)))
    with pytest.raises(ValueError, match="boundary has 1 entries"):
        solver.solve(np.ones((5, 5)), [1.0])
    with pytest.raises(ValueError, match=r"boundary\[0\]\[1\] has a NaN"):
        solver.solve(np.ones((5, 5)), [(None, np.full(5, np.inf)), None])
    with pytest.raises(ValueError, match=r"boundary\[1\]\[0\] has shape"):
        solver.solve(np.ones((5, 5)), [None, (np.ones(4), None)])
    with pytest.raises(ValueError, match="no sides"):
        Poisson(Grid.uniform([(0, 1)], 5, kind="periodic")).solve(np.zeros(5), 1.0)
    with pytest.raises(ValueError, match="method"):
        Poisson(grid, method="fft")
    with pytest.raises(ValueError, match="graded or has Robin"):
        Poisson(grid, bc=Robin(1.0), method="transform")
    with pytest.raises(ValueError, match="no axis is graded"):
        Poisson(grid, method="eigen")
    with pytest.raises(ValueError, match="it is eigen or"):
        Poisson(grid, method="legendre")
    with pytest.raises(ValueError, match="shift"):
        Poisson(grid, shift=math.nan)
    data = np.zeros((3, 5))
    data[1, 4] = np.inf
    with pytest.raises(ValueError, match=r"boundary\[0\]\[1\] .* in sample \[1\], at \[4\]"):
        solver.solve(np.ones((3, 5, 5)), [(None, data), None])
    with pytest.raises(ValueError, match=r"U has samples \(3,\) but F has \(2,\)"):
        solver.residual(np.ones((3, 5, 5)), np.ones((2, 5, 5)))
    with pytest.raises(ValueError, match="rtol is -1"):
        Poisson(grid, rtol=-1)
    with pytest.raises(ValueError, match="maxiter"):
        Poisson(grid, maxiter=2.5)
    with pytest.raises(ValueError, match="number of Robin"):
        Poisson(grid, bc=Robin(1e300))
    with pytest.raises(ValueError, match="imbalance"):
        Poisson(grid, imbalance=2.0)
    with pytest.raises(ValueError, match="kinds"):
        Poisson(product_of([Grid.legendre([(0, 1)], 5), Grid.uniform([(0, 1)], 5)]))


def test_corners_that_disagree_warn():
    grid = Grid.uniform([(0, 1), (0, 1)], 5)
    with pytest.warns(UserWarning, match="low side of axis 0 and of the high") as caught:
        u = Poisson(grid).solve(np.zeros((5, 5)), [None, (None, 1.0)])
    assert caught[0].filename == __file__
    assert u[0, 4] == 0  # the corner has the value of its first axis
    cells = Grid.uniform([(0, 1), (0, 1)], 5, kind="cell")
    with pytest.warns(UserWarning, match="differ"):
        Poisson(cells).solve(np.zeros((5, 5)), [None, (None, 1.0)])
    Poisson(grid).solve(np.zeros((5, 5)), lambda x, y: x + y)


def test_spectral_grids_and_convection_are_handed_over():
    grid = Grid.legendre([(0, 1), (0, 1)], 24)
    solver = Poisson(grid, coef=2.0, shift=1.0)
    u = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y))
    assert solver.method == "legendre"
    np.testing.assert_allclose(solver.solve((4 * np.pi**2 + 1) * u), u, atol=1e-13)
    assert solver.solution(u).iterations == 0
    with pytest.raises(TypeError, match="legendre"):
        solver.residual(u, u)
    with pytest.raises(ValueError, match="varies"):
        Poisson(grid, coef=lambda x, y: 1 + x)
    blown = Poisson(Grid.chebyshev([(0, 1)], 24), convection=10.0)
    assert blown.method == "schur"
    x = blown.grid.axes[0]
    wind = blown.solve(np.zeros(24), [(0.0, 1.0)])
    np.testing.assert_allclose(wind, np.expm1(10 * x) / np.expm1(10), atol=1e-10)


@pytest.mark.parametrize("coef", [None, lambda x, y: 1 + x])
def test_can_be_pickled(coef, rng):
    solver = Poisson(Grid.uniform([(0, 1), (0, 1)], 5), bc=["dirichlet", Robin(1.0)], coef=coef)
    F = rng.standard_normal((5, 5))
    copied = pickle.loads(pickle.dumps(solver))
    np.testing.assert_array_equal(copied.solve(F), solver.solve(F))
    modes = pickle.loads(pickle.dumps(solver.modes))
    np.testing.assert_array_equal(modes.to_modes(F), solver.modes.to_modes(F))


def test_repr_says_the_method():
    assert "by transform, shift 2" in repr(Poisson(Grid.uniform([(0, 1)], 5), shift=2.0))

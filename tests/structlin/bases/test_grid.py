"""Grids: order, spacing, and what they refuse."""

import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid, legendre_gauss


def test_values_are_in_c_order(library):
    grid = Grid(library.asarray(np.linspace(0, 1, 4)), library.asarray(np.array([0.0, 1.0, 5.0])))
    U = library.to_numpy(grid.evaluate(lambda x, y: x + 10 * y))
    X, Y = np.meshgrid(np.linspace(0, 1, 4), [0.0, 1.0, 5.0], indexing="ij")
    np.testing.assert_array_equal(U, X + 10 * Y)
    assert grid.shape == (4, 3)
    assert grid.ndim == 2
    assert grid.size == 12
    assert grid.sides == ((0.0, 1.0), (0.0, 5.0))
    assert Grid.of(grid) is grid
    assert library.to_numpy(grid.evaluate(2.0)).tolist() == [[2.0] * 3] * 4


@given(
    n=st.integers(2, 300),
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e9),
    single=st.booleans(),
)
def test_evenly_spaced_nodes_are_recognised(n, low, width, single):
    dtype = np.float32 if single else np.float64
    x = np.linspace(low, low + width, n).astype(dtype)
    if np.any(np.diff(x) <= 0):
        return
    (step,) = Grid(x).spacings
    assert step == pytest.approx((float(x[-1]) - float(x[0])) / (n - 1))
    if n > 2:
        uneven = x.astype(np.float64)
        uneven[1] += 0.3 * (uneven[2] - uneven[1])
        assert Grid(uneven).spacings == (None,)


def test_one_precision_for_all_axes():
    grid = Grid(np.arange(3, dtype=np.float32), np.arange(2))
    assert grid.dtype == np.float64
    assert all(x.dtype == np.float64 for x in grid.axes)
    assert Grid(np.ones(1, np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ((), "needs an axis"),
        ((np.ones((2, 2)),), r"axis 0 of the grid is \(2, 2\)"),
        ((np.arange(3), np.empty(0)), r"axis 1 of the grid is \(0,\)"),
        ((np.array([0, np.nan, 1]),), "node 1 of axis 0 is NaN or Inf"),
        ((np.arange(3), np.array([0.0, 2.0, 2.0])), "nodes 1 and 2 of axis 1 are equal"),
        ((np.array([0.0, 2.0, 1.0]),), "nodes 1 and 2 of axis 0 are not ascending"),
    ],
)
def test_bad_nodes(axes, message):
    with pytest.raises(ValueError, match=message):
        Grid(*axes)


def test_bad_values():
    grid = Grid(np.arange(3), np.arange(2))
    with pytest.raises(ValueError, match="F has shape \\(2, 3\\) but the grid has \\(3, 2\\)"):
        grid.evaluate(np.ones((2, 3)), "F")
    with pytest.raises(ValueError, match="F returned shape \\(5,\\)"):
        grid.evaluate(lambda x, y: np.ones(5), "F")
    with pytest.raises(TypeError, match="complex"):
        Grid(np.array([1j]))


@given(
    n=st.integers(2, 40),
    low=st.floats(-10, 10),
    width=st.floats(0.1, 10),
    kind=st.sampled_from(["node", "cell", "periodic"]),
)
def test_even_grids_fill_their_box(n, low, width, kind):
    grid = Grid.uniform([(low, low + width), (0, 1)], (n, 3), kind=kind)
    (x, _), (h, _) = grid.axes, grid.spacings
    first, last = {"node": (0, 0), "cell": (0.5, 0.5), "periodic": (0, 1)}[kind]
    assert h == pytest.approx(width / (n - 1 + first + last))
    assert x[0] == pytest.approx(low + first * h)
    assert x[-1] == pytest.approx(low + width - last * h)
    assert grid.kinds == (kind, kind)
    assert grid.box == ((low, low + width), (0.0, 1.0))
    for axis in range(2):
        edges = grid.edges[axis]
        if kind == "cell":
            np.testing.assert_allclose((edges[1:] + edges[:-1]) / 2, grid.axes[axis], atol=1e-14)
        else:
            assert edges is None


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_spectral_grids_are_those_of_numpy(n):
    x, w = np.polynomial.legendre.leggauss(n)
    np.testing.assert_allclose(legendre_gauss(n)[0], x, atol=1e-14)
    np.testing.assert_allclose(legendre_gauss(n)[1], w, atol=1e-14)
    grid = Grid.legendre([(1, 3)], n)
    np.testing.assert_allclose(grid.axes[0], x + 2, atol=1e-14)
    assert grid.kinds == ("legendre",)
    if n > 1:
        grid = Grid.chebyshev([(1, 3)], n)
        extrema = np.cos(np.pi * np.arange(n)[::-1] / (n - 1))
        np.testing.assert_allclose(grid.axes[0], extrema + 2, atol=1e-14)
        assert grid.kinds == ("chebyshev",)


def test_grids_live_where_they_are_told(library):
    like = library.asarray(np.ones(1, np.float32))
    for grid in (
        Grid.uniform([(0, 1)], 4, kind="cell", like=like),
        Grid.legendre([(0, 1)], 4, like=like),
        Grid.chebyshev([(0, 1)], 4, like=like),
    ):
        assert grid.dtype == like.dtype
        assert grid.device == Grid(like).device


def test_kinds_survive_pickling():
    grid = pickle.loads(pickle.dumps(Grid.cells(np.array([0.0, 1.0, 4.0]))))
    assert grid.kinds == ("cell",)
    assert grid.box == ((0.0, 4.0),)
    np.testing.assert_array_equal(grid.edges[0], [0.0, 1.0, 4.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grid.uniform([(0, 1)], 1), "both ends are nodes"),
        (lambda: Grid.uniform([(1, 1)], 4), "pass low < high"),
        (lambda: Grid.uniform([(0, np.inf)], 4), "pass low < high, finite"),
        (lambda: Grid.uniform([(0, 1)], (4, 4)), "shape has 2 entries but the box has 1 axes"),
        (lambda: Grid.uniform([(0, 1)], 0, kind="cell"), "1 or more"),
        (lambda: Grid.uniform((0, 1), 4), "pass a pair"),
        (lambda: Grid.uniform([(0, 1)], 4, kind="middle"), "even nodes are"),
        (lambda: Grid.cells(np.ones(1)), "a cell has two"),
        (lambda: legendre_gauss(0), "1 node or more"),
    ],
)
def test_grids_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("grid", "degree"),
    [
        (Grid(np.array([0.0, 0.3, 1.0])), 1),
        (Grid.cells(np.array([0.0, 0.2, 1.0])), 1),
        (Grid.legendre([(0, 1)], 4), 7),
        (Grid.chebyshev([(0, 1)], 5), 4),
    ],
)
def test_weights_integrate_polynomials(grid, degree):
    x, w = grid.axes[0], grid.weights()
    for k in range(degree + 1):
        assert np.sum(w * x**k) == pytest.approx(1 / (k + 1))


def test_weights_of_several_axes(library):
    x = library.asarray(np.array([0.0, 1.0, 3.0]))
    grid = Grid(x, library.asarray(np.array([2.0])))
    np.testing.assert_allclose(library.to_numpy(grid.weights()), [[0.5], [1.5], [1.0]])
    wave = Grid.uniform([(0, 2 * np.pi)], 8, kind="periodic")
    assert np.sum(wave.weights() * np.sin(wave.axes[0]) ** 2) == pytest.approx(np.pi)

"""Grids: order, spacing, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid


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

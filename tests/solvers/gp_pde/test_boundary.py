"""Boundary data: what is accepted, and where it lands."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.solvers.gp_pde import Neumann
from structlin.solvers.gp_pde._data.boundary import joined_sides, read_boundary

X, Y = np.linspace(0.0, 1.0, 5), np.linspace(-1.0, 2.0, 6)
GRID = Grid(X, Y)


def g(x, y):
    return 3 * x + 10 * y


def test_a_callable_gives_all_sides():
    sides, periodic = read_boundary(GRID, g, None)
    assert periodic == ()
    found = {(side.axis, side.side): side.values for side in sides}
    assert np.array_equal(found[0, 0], g(0.0, Y)[None, :])
    assert np.array_equal(found[0, -1], g(1.0, Y)[None, :])
    assert np.array_equal(found[1, 0], g(X, -1.0)[:, None])
    assert np.array_equal(found[1, -1], g(X, 2.0)[:, None])
    assert joined_sides(sides) == 0


def test_a_number_is_the_value_on_all_sides():
    sides, _ = read_boundary(GRID, 3, None)
    assert [(s.axis, s.side, s.order) for s in sides] == [
        (0, 0, 0),
        (0, -1, 0),
        (1, 0, 0),
        (1, -1, 0),
    ]
    assert all((s.values == 3.0).all() for s in sides)


def test_arrays_callables_and_numbers_on_chosen_sides():
    data = {(0, 0): g(0.0, Y), (1, -1): g, (0, -1): Neumann(3.0)}
    sides, _ = read_boundary(GRID, data, None)
    assert [(s.axis, s.side, s.order) for s in sides] == [(0, 0, 0), (1, -1, 0), (0, -1, 1)]
    assert np.array_equal(sides[1].values, g(X, 2.0)[:, None])
    assert np.array_equal(sides[2].values, np.full((1, 6), 3.0))


def test_one_dimension_takes_numbers():
    sides, _ = read_boundary(Grid(X), {(0, 0): 1.0, (0, -1): np.asarray(2.0)}, None)
    assert [float(s.values[0]) for s in sides] == [1.0, 2.0]


def test_missing_data_are_a_mask():
    data = g(0.0, Y)
    data[2] = np.nan
    with pytest.raises(ValueError, match="missing='nan'"):
        read_boundary(GRID, {(0, 0): data}, None)
    ((side,), _) = read_boundary(GRID, {(0, 0): data}, "nan")
    assert side.known.tolist() == [[True, True, False, True, True, True]]
    data[3] = np.inf
    with pytest.raises(ValueError, match="NaN or Inf at \\[0, 3\\]"):
        read_boundary(GRID, {(0, 0): data}, "nan")


def test_corners_that_disagree_are_measured():
    data = {(0, 0): g(0.0, Y), (1, 0): g(X, -1.0)}
    assert joined_sides(read_boundary(GRID, data, None)[0]) == 0
    data[1, 0] = data[1, 0] + 2.0
    assert joined_sides(read_boundary(GRID, data, None)[0]) == pytest.approx(2.0 / 20.0)


@pytest.mark.parametrize(
    ("boundary", "error", "match"),
    [
        ("u = 3", TypeError, "pass a number"),
        ({(2, 0): 0.0}, ValueError, "key \\(2, 0\\)"),
        ({(0, 1): 0.0}, ValueError, "\\(axis, -1\\)"),
        ({0: "open"}, ValueError, "periodic"),
        ({0: "periodic", (0, 0): 1.0}, ValueError, "pass one of the two"),
        ({(0, 0): np.zeros(5)}, ValueError, "pass \\(6,\\)"),
        ({(0, 0): lambda x, y: np.zeros(5)}, ValueError, "returned shape"),
        ({(0, 0): 1j * np.ones(6)}, TypeError, "complex"),
    ],
)
def test_bad_boundaries_are_refused(boundary, error, match):
    with pytest.raises(error, match=match):
        read_boundary(GRID, boundary, None)

"""Functions moved from one grid to another."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.operators.kernels._resample import resampled


def cubic(x):
    return 1 + x - 2 * x**2 + x**3


def periodic(x):
    return 1 + np.cos(np.pi * x + 0.3) + np.sin(2 * np.pi * x)


def even(x):
    return 2 + np.cos(np.pi * x / 2) - np.cos(3 * np.pi * x / 2)


def ring(n):
    return Grid.uniform([(0, 2)], n, kind="periodic")


@pytest.mark.parametrize(
    ("old", "new", "f"),
    [
        (ring(9), ring(12), periodic),
        (ring(12), ring(7), periodic),
        (Grid.legendre([(0, 2)], 6), Grid.uniform([(0, 2)], 5), cubic),
        (Grid.chebyshev([(0, 2)], 6), Grid.legendre([(0, 2)], 9), cubic),
        (Grid.uniform([(0, 2)], 9), Grid.uniform([(0, 2)], 16), even),
        (Grid.uniform([(0, 2)], 9, kind="cell"), Grid.uniform([(0, 2)], 7, kind="cell"), even),
        (Grid(np.array([0.0, 0.5, 2.0])), Grid.uniform([(0, 2)], 7), lambda x: 1 + 3 * x),
    ],
)
def test_functions_of_the_kind_of_axis_are_exact(library, old, new, f):
    U = library.asarray(old.evaluate(f)[None])
    got = library.to_numpy(resampled(U, old, new))
    np.testing.assert_allclose(got[0], new.evaluate(f), atol=1e-12)


def test_nodes_that_are_there_are_taken():
    old, new = Grid.uniform([(0, 1)], 9), Grid.uniform([(0, 1)], 5)
    U = np.random.default_rng(0).standard_normal((3, 9))
    assert (resampled(U, old, new) == U[:, ::2]).all()


def test_two_axes():
    old = Grid.uniform([(0, 2), (0, 2)], (9, 6), kind=("periodic", "node"))
    new = Grid.uniform([(0, 2), (0, 2)], (12, 11), kind=("periodic", "node"))
    f = lambda x, y: periodic(x) * even(y)  # noqa: E731
    np.testing.assert_allclose(
        resampled(old.evaluate(f)[None], old, new)[0], new.evaluate(f), atol=1e-12
    )


def test_another_box_is_refused():
    old, new = Grid.uniform([(0, 1)], 9), Grid.uniform([(0, 2)], 9)
    with pytest.raises(
        ValueError, match=r"functions on \[0, 1\] along axis 0 are wanted on \[0, 2\]"
    ):
        resampled(np.ones((1, 9)), old, new)

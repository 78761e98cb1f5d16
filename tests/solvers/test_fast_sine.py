"""The fast direct solver solves what it says it does, and refuses the rest."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import fast_sine

grids = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@given(
    grid=grids,
    shift=st.floats(0.5, 10),
    weights=st.lists(st.floats(0.125, 8), min_size=3, max_size=3),
    flat=st.booleans(),
)
def test_solves_what_the_operator_multiplies(library, dtype, grid, shift, weights, flat):
    like = library.asarray(np.empty(0, dtype=dtype))
    A = GridOperator.laplacian(grid, shift, weights=weights[: len(grid)], like=like)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(grid) + (1j * rng.standard_normal(grid) if "complex" in dtype else 0)
    b = library.to_numpy(A @ library.asarray(x.ravel(), dtype=dtype)).reshape(grid)
    solution = fast_sine(A, library.asarray(b.ravel() if flat else b), rtol=1e-4)
    assert solution.converged
    assert solution.iterations == 0
    assert solution.x.shape == (x.size,) if flat else grid
    assert solution.x.dtype == like.dtype
    assert solution.x.device == like.device
    condition = 1 + 4 * sum(weights) / shift
    np.testing.assert_allclose(
        library.to_numpy(solution.x).reshape(grid),
        x,
        rtol=0,
        atol=20 * np.finfo(dtype).eps * condition * np.linalg.norm(x),
    )


def test_the_residual_norm_is_true_and_checked():
    A = GridOperator.laplacian((7, 5))
    b = np.random.default_rng(0).standard_normal(35)
    solution = fast_sine(A, b)
    norm = np.linalg.norm(b - A @ solution.x)
    assert solution.residual_norms == pytest.approx([norm], rel=1e-12)
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        assert not fast_sine(A, b, rtol=0, atol=1e-30).converged


def test_a_singular_matrix_is_no_answer():
    eigenvalue = 2 - math.sqrt(2)  # of the second difference on three points
    A = GridOperator.laplacian((3,), -eigenvalue)
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        assert not fast_sine(A, np.array([1.0, 2.0, 1.0])).converged


@pytest.mark.parametrize(
    ("A", "message"),
    [
        (GridOperator.laplacian((2, 2), sides="neumann"), "Dirichlet sides"),
        (GridOperator.laplacian((4, 2), sides=("periodic", "dirichlet")), "Dirichlet sides"),
        (GridOperator.laplacian((2, 2), np.ones((2, 2))), "constant"),
        (GridOperator.diffusion(np.ones((2, 2))), "constant"),
    ],
)
def test_other_operators_are_refused(A, message):
    with pytest.raises(ValueError, match=message):
        fast_sine(A, np.ones(A.shape[0]))


def test_bad_input():
    A = GridOperator.laplacian((2, 3))
    with pytest.raises(TypeError, match="ndarray: fast_sine needs a GridOperator"):
        fast_sine(np.eye(6), np.ones(6))
    with pytest.raises(ValueError, match=r"shape \(3, 2\) .* have shape \(6,\) or \(2, 3\)"):
        fast_sine(A, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"b has a NaN or Inf at \[1, 0\]"):
        fast_sine(A, np.array([[1, 2, 3], [np.nan, 5, 6]]))
    with pytest.raises(ValueError, match=r"x0 has shape \(5,\)"):
        fast_sine(A, np.ones(6), x0=np.ones(5))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"rtol": math.inf}, "rtol is inf"),
        ({"rtol": math.nan}, "rtol is nan"),
        ({"atol": math.nan}, "atol is nan"),
        ({"rtol": "small"}, "rtol is 'small'"),
        ({"rtol": 1e-30}, "rtol is 1e-30, but float64 resolves"),
    ],
)
def test_bad_tolerances(limits, message):
    with pytest.raises(ValueError, match=message):
        fast_sine(GridOperator.laplacian((2, 3)), np.ones(6), **limits)


def test_single_precision_has_its_own_limit():
    A = GridOperator.laplacian((2, 3), dtype="float32")
    with pytest.raises(ValueError, match="rtol is 1e-08, but float32 resolves"):
        fast_sine(A, np.ones(6, np.float32))


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float64", "float32")])
def test_the_higher_precision_wins(dtypes):
    A = GridOperator.laplacian((5, 4), weights=0.1, dtype=dtypes[0])
    solution = fast_sine(A, np.ones(20, dtypes[1]), rtol=1e-13)
    assert solution.converged
    assert solution.x.dtype == np.float64


@pytest.mark.parametrize(
    ("dtype", "size"), [("float64", 1e200), ("float64", 1e-310), ("float32", 1e30)]
)
def test_right_hand_sides_of_any_size(dtype, size):
    A = GridOperator.laplacian((8, 8), dtype=dtype)
    solution = fast_sine(A, np.full(64, size, dtype), rtol=1e-5)
    assert solution.converged
    assert solution.residual_norms[0] <= 1e-5 * 8 * size
    np.testing.assert_allclose(solution.x / size, fast_sine(A, np.ones(64)).x, rtol=1e-5)


def test_a_solution_that_overflows_is_refused():
    with pytest.raises(ValueError, match="the solution overflows float64"):
        fast_sine(GridOperator.laplacian((8, 8)), np.full(64, 1e308))


def test_a_large_singular_system_breaks_down_too():
    A = GridOperator.laplacian((1,), -4 * math.sin(math.pi / 4) ** 2)
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        assert not fast_sine(A, np.array([1e200])).converged


def test_long_axes_keep_their_digits():
    """``−x'' = 1`` has ``x_i = i (n + 1 − i)/2``; the least eigenvalue is 2.5e-9."""
    n = 64_000
    i = np.arange(1.0, n + 1)
    solution = fast_sine(GridOperator.laplacian((n,)), np.ones(n), rtol=1e-4)
    np.testing.assert_allclose(solution.x, i * (n + 1 - i) / 2, rtol=1e-10)

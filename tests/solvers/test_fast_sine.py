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
        assert not fast_sine(A, b, rtol=1e-30).converged


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
    with pytest.raises(ValueError, match=r"shape \(3, 2\): it must be \(2, 3\) or \(6,\)"):
        fast_sine(A, np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"b has a NaN or Inf at \[1, 0\]"):
        fast_sine(A, np.array([[1, 2, 3], [np.nan, 5, 6]]))

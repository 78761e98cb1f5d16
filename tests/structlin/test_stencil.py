"""The compiled stencil kernels against their plain twins, and the plain ones against matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._kernels import red_black_numba, stencil, stencil_numba
from structlin._norm import norm

TOLERANCE = {"float32": 2e-4, "float64": 1e-11, "complex64": 2e-4, "complex128": 1e-11}


@st.composite
def problems(draw, even_periods=False, dtypes=tuple(TOLERANCE)):
    """Draw a diagonally dominant stencil, a start and a right-hand side."""
    d = draw(st.integers(1, 3))
    grid = tuple(draw(st.integers(1, 7)) for _ in range(d))
    periodic = tuple(draw(st.booleans()) and n > 1 and not (even_periods and n % 2) for n in grid)
    kind = draw(st.sampled_from(["uniform", "graded", "variable"]))
    dtype = draw(st.sampled_from(dtypes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = []
    for axis in range(d):
        shape = list(grid) if kind == "variable" else [1] * d
        shape[axis] = 1 if kind == "uniform" else grid[axis] + 1
        w = rng.uniform(0.5, 1.5, shape)
        if kind != "uniform":
            ends = np.moveaxis(w, axis, 0)
            if periodic[axis]:
                ends[-1] = ends[0]
            else:
                ends[0] *= draw(st.booleans())  # a closed side
                ends[-1] *= draw(st.booleans())
        weights.append(w.astype(dtype))
    diagonal = np.asarray(
        0.3 + sum(sum(stencil.faces(w, axis)) for axis, w in enumerate(weights)), dtype
    )

    def vector():
        v = rng.standard_normal(grid)
        return (v + 1j * rng.standard_normal(grid) if "complex" in dtype else v).astype(dtype)

    return (diagonal, tuple(weights), periodic), vector(), vector(), TOLERANCE[dtype]


def dense(operator, grid):
    n = int(np.prod(grid))
    columns = [stencil.product(e.reshape(grid), *operator).ravel() for e in np.eye(n)]
    return np.stack(columns, axis=1)


def relaxed(function, operator, x, b, sweeps, target=0.0):
    norms = np.full(sweeps + 1, np.nan)
    norms[0] = norm(b - stencil.product(x, *operator))
    x, k = function(x.copy(), b, *operator, 1.3, target, 1e30, norms)
    return x, norms[: k + 1]


@given(problems())
def test_product_twin(problem):
    operator, x, _, tolerance = problem
    expected = stencil.product(x, *operator)
    found = stencil_numba.product(x, *operator)
    assert found.dtype == x.dtype
    np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.parametrize("ordering", ["lexicographic", "red_black"])
@given(data=st.data())
def test_relaxation_twin(ordering, data):
    operator, x, b, tolerance = data.draw(problems(even_periods=ordering == "red_black"))
    plain = getattr(stencil, f"relax_{ordering}")
    twin = getattr(stencil_numba, f"relax_{ordering}")
    x1, norms1 = relaxed(plain, operator, x, b, 5)
    x2, norms2 = relaxed(twin, operator, x, b, 5)
    assert x2.dtype == x.dtype
    np.testing.assert_allclose(x2, x1, atol=10 * tolerance)
    np.testing.assert_allclose(norms2, norms1, atol=100 * tolerance)
    # stopping in between gives the iterate of that sweep
    target = norms1[3] * 1.001
    x1, norms1 = relaxed(plain, operator, x, b, 5, target)
    x2, norms2 = relaxed(twin, operator, x, b, 5, target)
    assert norms1.size == norms2.size
    np.testing.assert_allclose(x2, x1, atol=10 * tolerance)


@given(problems())
def test_ssor_twin(problem):
    operator, r, _, tolerance = problem
    expected = stencil.ssor_lexicographic(r, *operator, 1.3)
    np.testing.assert_allclose(
        stencil_numba.ssor_lexicographic(r, *operator, 1.3), expected, atol=10 * tolerance
    )


@given(problems(dtypes=("float64",)))
def test_plain_relaxation_is_the_matrix_splitting(problem):
    operator, x, b, _ = problem
    A = dense(operator, x.shape)
    omega = 1.3
    W = np.tril(A, -1) + np.diag(np.diag(A)) / omega
    found, _ = relaxed(stencil.relax_lexicographic, operator, x, b, 1)
    expected = x.ravel() + np.linalg.solve(W, b.ravel() - A @ x.ravel())
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-11)


@given(problems(dtypes=("float64",)))
def test_plain_ssor_is_its_formula(problem):
    operator, r, _, _ = problem
    A = dense(operator, r.shape)
    omega = 1.3
    D = np.diag(np.diag(A))
    M = (
        omega
        / (2 - omega)
        * (D / omega + np.tril(A, -1))
        @ np.linalg.solve(D, D / omega + np.triu(A, 1))
    )
    found = stencil.ssor_lexicographic(r, *operator, omega)
    np.testing.assert_allclose(M @ found.ravel(), r.ravel(), atol=1e-10)


@pytest.mark.parametrize("grid", [(16, 20), (9, 13), (8, 6, 10), (5, 7, 9)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wavefront_is_bit_identical_to_single_sweeps(grid, dtype, rng):
    d = len(grid)
    operator = (np.full((1,) * d, 2.2 * d), (np.ones((1,) * d),) * d, (False,) * d)
    operator = (operator[0].astype(dtype), tuple(w.astype(dtype) for w in operator[1]), operator[2])
    x, b = (rng.standard_normal(grid).astype(dtype) for _ in range(2))
    together = red_black_numba.Split(x, b, *operator)
    together.sweep(1.7, 6, np.zeros((6, 2)))
    single = red_black_numba.Split(x, b, *operator)
    for _ in range(6):
        single.sweep(1.7, 1, np.zeros((1, 2)))
    assert np.array_equal(together.merged(), single.merged())
    assert not np.array_equal(together.merged(), x)


def test_kernels_leave_read_only_and_strided_inputs_alone(rng):
    b = rng.standard_normal((12, 16))[::2, ::2]
    b.flags.writeable = False
    x = np.zeros(b.shape)
    x.flags.writeable = False
    operator = (np.full((1, 1), 4.0), (np.ones((1, 1)),) * 2, (False, False))
    for function in (stencil_numba.relax_lexicographic, stencil_numba.relax_red_black):
        norms = np.full(4, np.nan)
        found, _ = function(x, b, *operator, 1.3, 0.0, 1e30, norms)
        assert np.all(x == 0)
        assert np.isfinite(found).all()
        assert np.isfinite(norms[1:]).all()

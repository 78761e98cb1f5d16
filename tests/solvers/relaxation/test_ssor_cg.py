"""Eisenstat's iteration against conjugate gradients with the preconditioner itself."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin._kernels import csr, csr_eisenstat, csr_eisenstat_numba, eisenstat, eisenstat_numba
from structlin.matrices import GridOperator
from structlin.solvers import cg, ssor_cg

GRIDS = [(9,), (6, 8), (4, 3, 6), (1, 7), (7, 1), (2, 4, 2), (1, 1)]


def grid_operator(grid, sides, variable, seed):
    rng = np.random.default_rng(seed)
    if variable:
        return GridOperator.diffusion(rng.uniform(0.1, 2.0, grid), shift=0.3, sides=sides)
    return GridOperator.laplacian(grid, shift=0.3, sides=sides)


def preconditioner(A, omega, order):
    """Return ``M⁻¹`` as a dense matrix, for rows that are swept in the given order."""
    inverse = np.argsort(order)
    A = A[np.ix_(order, order)]
    D = np.diag(np.diag(A))
    M = (D / omega + np.tril(A, -1)) @ np.linalg.inv(D) @ (D / omega + np.triu(A, 1))
    return np.linalg.inv(omega / (2 - omega) * M)[np.ix_(inverse, inverse)]


def order_of(grid, ordering):
    n = int(np.prod(grid))
    if ordering == "red-black":
        return np.argsort(np.indices(grid).sum(0).ravel() % 2, kind="stable")
    return np.arange(n) if ordering == "lexicographic" else np.arange(n)[::-1]


def even(grid):
    return all(size == 1 or size % 2 == 0 for size in grid)


@pytest.mark.parametrize("ordering", ["lexicographic", "reverse", "red-black"])
@pytest.mark.parametrize("grid", GRIDS)
@given(
    sides=st.sampled_from(["dirichlet", "neumann", "periodic"]),
    variable=st.booleans(),
    omega=st.floats(0.3, 1.9),
    seed=st.integers(0, 1000),
)
def test_the_iterates_are_those_of_the_preconditioned_method(
    ordering, grid, sides, variable, omega, seed
):
    if ordering == "red-black" and sides == "periodic" and not even(grid):
        return
    A = grid_operator(grid, sides, variable, seed)
    dense = A.todense()
    b = np.random.default_rng(seed).standard_normal(A.shape[0])
    M = preconditioner(dense, omega, order_of(grid, ordering))
    few = min(4, A.shape[0])
    reference, found, by_rows = [], [], []
    cg.quiet(A, b, preconditioner=M, maxiter=few, callback=reference.append)
    ssor_cg.quiet(A, b, omega=omega, ordering=ordering, maxiter=few, callback=found.append)
    ssor_cg.quiet(
        scipy.sparse.csr_array(dense),
        b,
        omega=omega,
        ordering=ordering if ordering != "red-black" else "multicolor",
        maxiter=few,
        callback=by_rows.append,
    )
    steps = min(len(reference), len(found))
    assert steps
    scale = np.abs(np.linalg.solve(dense, b)).max()
    for k in range(steps):
        np.testing.assert_allclose(found[k], reference[k], atol=1e-6 * scale)
        if k < len(by_rows):
            np.testing.assert_allclose(by_rows[k], reference[k], atol=1e-6 * scale)


@pytest.mark.parametrize("ordering", ["lexicographic", "red_black"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@given(
    grid=st.sampled_from(GRIDS),
    sides=st.sampled_from(["dirichlet", "neumann", "periodic"]),
    variable=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_grid_kernels_agree_with_their_plain_source(ordering, dtype, grid, sides, variable, seed):
    if ordering == "red_black" and sides == "periodic" and not even(grid):
        return
    A = grid_operator(grid, sides, variable, seed)
    rng = np.random.default_rng(seed)
    real = np.finfo(dtype).dtype
    d, w, periodic = A.stencil
    stencil = d.astype(dtype), tuple(v.astype(dtype) for v in w), periodic
    r = rng.standard_normal(grid).astype(dtype)
    if "complex" in dtype:
        r = r + 1j * rng.standard_normal(grid)
    eps = float(np.finfo(real).eps)
    results = []
    for module in (eisenstat, eisenstat_numba):
        norms = np.zeros(3)
        *state, done = getattr(module, f"iterate_{ordering}")(
            0 * r, r, 0 * r, np.inf, *stencil, 1.4, 1e2 * eps, norms
        )
        assert all(v.dtype == dtype for v in state[:3])
        results.append((*state[:3], norms[1 : done + 1]))
    for plain, twin in zip(*results, strict=True):
        np.testing.assert_allclose(twin, plain, atol=1e4 * eps * (1 + np.abs(r).max()))


@given(n=st.integers(1, 12), seed=st.integers(0, 1000))
def test_row_kernels_agree_with_their_plain_source(n, seed):
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((n, n)) < 0.4, rng.standard_normal((n, n)), 0.0)
    A = scipy.sparse.csr_array(dense @ dense.T + n * np.eye(n))
    middle = np.empty(n, int)
    csr.diagonal_positions(A.indptr, A.indices, middle)
    rows = (A.indptr, middle, A.indices, A.data, 1.2 / A.diagonal())
    r = rng.standard_normal(n)
    results = []
    for module in (csr_eisenstat, csr_eisenstat_numba):
        x, z, p, norms = np.zeros(n), r.copy(), np.zeros(n), np.zeros(4)
        work = np.zeros((2, n))
        previous, done = module.iterate(x, z, p, *work, np.inf, *rows, 1.2, 1e-10, norms)
        results.append((x, z, p, previous, done, norms))
    for plain, twin in zip(*results, strict=True):
        np.testing.assert_allclose(twin, plain, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("ordering", ["lexicographic", "red-black"])
def test_slices_do_not_change_the_iterates(ordering, rng):
    A = GridOperator.laplacian((12, 11), shift=0.1)
    b = rng.standard_normal(132)
    iterates = []
    whole = ssor_cg(A, b, omega=1.6, ordering=ordering)
    sliced = ssor_cg(A, b, omega=1.6, ordering=ordering, callback=iterates.append)
    timed = ssor_cg(A, b, omega=1.6, ordering=ordering, time_limit=60.0)
    assert whole.iterations == sliced.iterations == timed.iterations == len(iterates)
    np.testing.assert_allclose(sliced.x, whole.x, rtol=1e-8)
    np.testing.assert_allclose(timed.x, whole.x, rtol=1e-8)


def test_hermitian_matrices(rng):
    C = rng.standard_normal((40, 40)) + 1j * rng.standard_normal((40, 40))
    C = np.where(rng.random((40, 40)) < 0.2, C, 0)
    C = C @ C.conj().T + np.eye(40)
    b = rng.standard_normal(40) + 1j * rng.standard_normal(40)
    solution = ssor_cg(scipy.sparse.csr_array(C), b, omega=1.1, rtol=1e-10)
    np.testing.assert_allclose(solution.x, np.linalg.solve(C, b), atol=1e-7)
    M = preconditioner(C, 1.1, np.arange(40))
    assert abs(solution.iterations - cg(C, b, preconditioner=M, rtol=1e-10).iterations) <= 1


def test_the_limit_of_rounding_is_told():
    A = GridOperator.laplacian((60, 60))
    with pytest.warns(ConvergenceWarning, match="rounding errors"):
        solution = ssor_cg(A, np.ones(3600), omega=1.8, rtol=2.3e-16)
    assert solution.status == "stagnated"
    assert solution.residual_norms[-1] < 1e-10


def test_an_indefinite_matrix_breaks_down():
    with pytest.warns(ConvergenceWarning, match="breakdown"):
        solution = ssor_cg(GridOperator.laplacian((10, 10), shift=-1.0), np.ones(100), omega=1.2)
    assert solution.status == "breakdown"
    assert np.isfinite(solution.x).all()


@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("variable", [False, True])
@pytest.mark.parametrize("ordering", ["lexicographic", "red-black"])
def test_the_unit_of_the_matrix_does_not_matter(scale, variable, ordering):
    A = grid_operator((8, 9), "dirichlet", variable, 3)
    b = np.ones(72)
    expected = ssor_cg(A, b, omega=1.3, ordering=ordering)
    for matrix in (scale * A, (scale * A).tosparse()):
        solution = ssor_cg(matrix, b, omega=1.3, ordering=ordering)
        assert abs(solution.iterations - expected.iterations) <= 1
        np.testing.assert_allclose(solution.x * scale, expected.x, rtol=1e-5)

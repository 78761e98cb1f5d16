"""The kernels of line relaxation and block coordinate descent against their plain source."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin._kernels import blocks, blocks_numba, lines, lines_numba
from structlin.matrices import GridOperator
from structlin.solvers.relaxation._blocks import prepared_blocks, row_sums


@pytest.mark.parametrize("zebra", [True, False])
@given(
    grid=st.sampled_from([(7,), (6, 8), (4, 2, 6), (1, 5), (5, 1), (1, 1)]),
    sides=st.sampled_from(["dirichlet", "neumann", "periodic"]),
    variable=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_lines(zebra, grid, sides, variable, seed):
    if zebra and sides == "periodic" and any(size > 1 and size % 2 for size in grid[:-1]):
        return
    rng = np.random.default_rng(seed)
    A = GridOperator.laplacian(grid, shift=0.3, sides=sides)
    if variable:
        A = GridOperator.diffusion(rng.uniform(0.1, 2.0, grid), shift=0.3, sides=sides)
    factors = lines.factors(*A.stencil, grid[-1])
    x, b = rng.standard_normal((2, *grid))
    results = []
    for module in (lines, lines_numba):
        norms = np.zeros(4)
        found, done = module.relax(x, b, *A.stencil, factors, 1.2, zebra, 1e-9, 1e9, norms)
        results.append((found, norms[1 : done + 1]))
    for plain, twin in zip(*results, strict=True):
        np.testing.assert_allclose(twin, plain, atol=1e-10)


@pytest.mark.parametrize("kind", ["tree", 1, 3])
@pytest.mark.parametrize("rule", [0, 1, 2, 3])
@given(n=st.integers(1, 12), seed=st.integers(0, 1000))
def test_blocks(kind, rule, n, seed):
    rng = np.random.default_rng(seed)
    C = np.where(rng.random((n, n)) < 0.3, rng.standard_normal((n, n)), 0.0)
    A = scipy.sparse.csr_array(C @ C.T + np.eye(n))
    known = prepared_blocks(A, kind)
    leaves = 1 << max(known.number - 1, 0).bit_length()
    b = rng.standard_normal(n)
    order = rng.integers(known.number, size=known.number)
    results = []
    for module in (blocks, blocks_numba):
        x, r = np.zeros(n), b.copy()
        work = (np.empty(leaves), np.empty(2 * leaves, int), np.empty(known.number, int))
        for _ in range(2):
            module.sweep(
                x, r, np.empty(n), 1.2, order, rule, A.indptr, A.indices, A.data,
                known.owner, row_sums(A, known), *work, *known,
            )  # fmt: skip
        np.testing.assert_allclose(r, b - A @ x, atol=1e-9)
        results.append((x, r))
    for plain, twin in zip(*results, strict=True):
        np.testing.assert_allclose(twin, plain, atol=1e-9)


@given(n=st.integers(1, 15), density=st.floats(0.0, 0.5), seed=st.integers(0, 1000))
def test_forests(n, density, seed):
    rng = np.random.default_rng(seed)
    C = np.where(rng.random((n, n)) < density, rng.standard_normal((n, n)), 0)
    A = scipy.sparse.csr_array(C + C.T + 2 * n * np.eye(n) * (1 + np.abs(C).max()))
    results = []
    for module in (blocks, blocks_numba):
        groups, leader, seen, rows, parent = (np.zeros(n, int) for _ in range(5))
        count = module.forest_partition(A.indptr, A.indices, groups, leader, seen)
        start, coupling, pivot = np.zeros(count + 1, int), np.zeros(n), np.zeros(n)
        bad = module.grow_forests(
            A.indptr, A.indices, A.data, groups, count, start, rows, parent, coupling, pivot
        )
        block = np.empty((start[1], start[1]))
        chosen = rows[: start[1]]
        module.dense_block(block, A.indptr, A.indices, A.data, chosen, np.full(n, -1))
        np.testing.assert_array_equal(block, A.toarray()[np.ix_(chosen, chosen)])
        assert bad == -1
        results.append((groups, start, rows, parent, coupling, pivot))
    for plain, twin in zip(*results, strict=True):
        np.testing.assert_allclose(twin, plain, rtol=1e-12)

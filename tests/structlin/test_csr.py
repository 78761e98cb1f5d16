"""The sparse-row kernels: compiled source against the plain one, and against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin._kernels import csr, csr_numba


@st.composite
def matrices(draw, symmetric=False):
    n = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from(["float64", "complex128"]))
    dense = rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.3)
    if dtype == "complex128":
        dense = dense + 1j * rng.standard_normal((n, n)) * (dense != 0)
    dense = np.tril(dense, -1)
    dense = dense + dense.conj().T
    dense[np.diag_indices(n)] = np.abs(dense).sum(axis=1) + 0.5
    A = scipy.sparse.csr_array(dense.astype(dtype))
    x, b = (rng.standard_normal(n).astype(dtype) for _ in range(2))
    return A, dense, x, b


def parts(A, module, omega):
    middle = np.empty(A.shape[0], A.indptr.dtype)
    assert module.diagonal_positions(A.indptr, A.indices, middle) == -1
    return A.indptr, middle, A.indices, A.data, omega / A.diagonal()


@pytest.mark.parametrize("module", [csr, csr_numba], ids=["plain", "compiled"])
@given(matrices())
def test_sweeps_are_the_matrix_splitting(module, problem):
    A, dense, x, b = problem
    omega, sweeps = 1.2, 4
    W = np.tril(dense, -1) + np.diag(np.diag(dense)) / omega
    iterates = [x]
    for _ in range(sweeps):
        iterates.append(iterates[-1] + np.linalg.solve(W, b - dense @ iterates[-1]))
    exact = [np.linalg.norm(b - dense @ v) for v in iterates]
    norms = np.full(sweeps + 1, np.nan)
    norms[0] = exact[0]
    found = x.copy()
    done = module.relax(found, b, *parts(A, module, omega), np.zeros_like(b), 0.0, np.inf, norms)
    assert done == sweeps
    np.testing.assert_allclose(found, iterates[-1], atol=1e-12)
    np.testing.assert_allclose(norms[:-1], exact[:-1], atol=1e-12)
    # leaving in between takes the surplus sweep back
    found = x.copy()
    target = exact[2] * (1 + 1e-9)
    done = module.relax(found, b, *parts(A, module, omega), np.zeros_like(b), target, np.inf, norms)
    first = next((k for k in range(1, sweeps) if exact[k] < target), sweeps)
    assert done == first
    np.testing.assert_allclose(found, iterates[first], atol=1e-12)


@pytest.mark.parametrize("module", [csr, csr_numba], ids=["plain", "compiled"])
@given(matrices())
def test_ssor_is_its_formula(module, problem):
    A, dense, _, r = problem
    omega = 1.4
    D = np.diag(np.diag(dense))
    M = (
        omega
        / (2 - omega)
        * (D / omega + np.tril(dense, -1))
        @ np.linalg.solve(D, D / omega + np.triu(dense, 1))
    )
    z = np.empty_like(r)
    module.ssor(z, r, *parts(A, module, omega), omega)
    np.testing.assert_allclose(M @ z, r, atol=1e-11)


@pytest.mark.parametrize("module", [csr, csr_numba], ids=["plain", "compiled"])
@given(matrices())
def test_colors_separate_neighbours(module, problem):
    A, dense, _, _ = problem
    n = A.shape[0]
    colors = np.empty(n, np.int64)
    count = module.first_fit_colors(A.indptr, A.indices, colors, np.zeros(n + 1, np.int64))
    assert set(colors) == set(range(count))
    i, j = np.nonzero(dense - np.diag(np.diag(dense)))
    assert np.all(colors[i] != colors[j])


def test_a_missing_diagonal_entry_is_named():
    A = scipy.sparse.csr_array(np.array([[1.0, 2.0], [3.0, 0.0]]))
    middle = np.empty(2, A.indptr.dtype)
    assert csr.diagonal_positions(A.indptr, A.indices, middle) == 1

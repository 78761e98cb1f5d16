"""The steps of Lanczos' iteration with sparse rows, and the elimination that predicts fill."""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from structlin._kernels import lanczos, lanczos_numba, minimum_degree, minimum_degree_numba

STEPS = pytest.mark.parametrize("module", [lanczos, lanczos_numba], ids=["plain", "compiled"])
FILL = pytest.mark.parametrize(
    "module", [minimum_degree, minimum_degree_numba], ids=["plain", "compiled"]
)


def iterate(module, A, V, pieces, eps=1e-14):
    """Return the coefficients of ``sum(pieces)`` steps, done piece by piece."""
    width = V.shape[1]
    V, previous = V.copy(), np.zeros_like(V)
    gain, back, largest = np.ones(width), np.zeros(width), np.zeros(width)
    found = []
    for steps in pieces:
        alpha, beta = np.empty((2, steps, width))
        product = np.empty(width, dtype=V.dtype)
        module.sparse_steps(
            A.indptr, A.indices, A.data, V, previous, product, gain, back, largest, alpha, beta, eps
        )
        if steps % 2:
            V, previous = previous, V
        found.append((alpha, beta))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


@STEPS
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_coefficients_are_those_of_the_textbook(module, dtype, rng):
    n, k = 40, 6
    B = scipy.sparse.random_array((n, n), density=0.1, rng=rng).tocsr().astype(dtype)
    if dtype == np.complex128:
        B = B * np.exp(1j)
    A = (B + B.conj().T).tocsr()
    V = rng.standard_normal((n, 3)).astype(dtype)
    V /= np.linalg.norm(V, axis=0)
    alpha, beta = iterate(module, A, V, [1, 2, k - 3])
    for c in range(3):
        # the tridiagonal matrix is the projection onto the Krylov space
        basis = [V[:, c]]
        for _ in range(k - 1):
            w = A @ basis[-1]
            for _ in range(2):
                for q in basis:
                    w = w - q * np.vdot(q, w)
            basis.append(w / np.linalg.norm(w))
        Q = np.stack(basis, axis=1)
        T = Q.conj().T @ (A @ Q)
        np.testing.assert_allclose(alpha[:, c], np.diag(T).real, atol=1e-11)
        np.testing.assert_allclose(beta[:-1, c], np.diag(T, 1).real, atol=1e-11)


@STEPS
def test_an_exhausted_space_ends_in_zeros(module):
    A = scipy.sparse.csr_array(np.diag([2.0, 2.0, 5.0]))
    V = np.ones((3, 1)) / np.sqrt(3.0)
    alpha, beta = iterate(module, A, V, [5])
    assert np.allclose(alpha[:, 0], [3.0, 4.0, 0.0, 0.0, 0.0])
    assert np.allclose(beta[:, 0], [np.sqrt(2.0), 0.0, 0.0, 0.0, 0.0])


def eliminate(module, A, most=10**6, operations=1e12, dense=None):
    A = A.tocsr()
    graph = scipy.sparse.csr_array(A - scipy.sparse.diags_array(A.diagonal()))
    graph.eliminate_zeros()
    n = A.shape[0]
    return module.fill(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int64),
        np.zeros(n, dtype=bool) if dense is None else dense,
        np.empty(most, dtype=np.int32),
        np.empty((11, n), dtype=np.int64),
        operations,
    )


@FILL
def test_graphs_whose_fill_is_known(module):
    n = 30
    path = scipy.sparse.diags_array([1.0, 2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n))
    assert eliminate(module, path) == (n - 1, n - 1)
    full = scipy.sparse.csr_array(np.ones((n, n)))
    assert eliminate(module, full) == (n * (n - 1) // 2, sum(j * j for j in range(n)))
    star = np.eye(n)
    star[0, :] = star[:, 0] = 1.0
    hub = np.arange(n) == 0
    for dense in (None, hub):
        assert eliminate(module, scipy.sparse.csr_array(star), dense=dense) == (n - 1, n - 1)
    ring = path + scipy.sparse.csr_array(([1.0, 1.0], ([0, n - 1], [n - 1, 0])), shape=(n, n))
    assert eliminate(module, ring) == (2 * (n - 3) + 2 + 1, 4 * (n - 2) + 1)


@FILL
def test_limits_end_the_search(module):
    full = scipy.sparse.csr_array(np.ones((30, 30)))
    assert eliminate(module, full, most=100)[0] < 0
    assert eliminate(module, full, operations=100.0)[0] < 0


@FILL
def test_fill_of_random_graphs_is_that_of_the_factor(module, rng):
    for n in (5, 20, 60):
        B = scipy.sparse.random_array((n, n), density=3 / n, rng=rng)
        A = (B + B.T + n * scipy.sparse.eye_array(n)).tocsr()
        count, squares = eliminate(module, A)
        factor = scipy.sparse.linalg.splu(
            A.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        below = factor.L.nnz - n
        assert abs(count - below) <= 0.2 * below + 5
        assert count**2 / n <= squares <= count * n


def test_plain_and_compiled_agree_on_grids():
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(12, 12))
    A = scipy.sparse.kronsum(line, line)
    assert eliminate(minimum_degree, A) == eliminate(minimum_degree_numba, A)

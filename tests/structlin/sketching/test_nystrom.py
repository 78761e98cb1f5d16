"""Nyström approximations: from random blocks and from columns."""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from structlin.sketching import RowBlocks, nystrom
from tests.structlin.sketching._spectra import DTYPES, defect, normal, orthonormal, roundoff
from tests.structlin.sketching.test_svd import Hidden

METHODS = ("gaussian", "rpcholesky")


def semidefinite(rng, n, w, dtype="float64"):
    V = orthonormal(rng, n, n, dtype)
    A = (V * w.astype(V.real.dtype)) @ V.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", METHODS)
def test_near_the_best(library, rng, dtype, method):
    w = 0.6 ** np.arange(80)
    A = semidefinite(rng, 80, w, dtype)
    result = nystrom(library.asarray(A), 12, method=method, rng=0)
    found, V = (library.to_numpy(part) for part in result)
    assert V.dtype == A.dtype
    assert found.dtype == A.real.dtype
    assert np.all(np.diff(found) <= 0)
    assert np.all(found >= 0)
    assert defect(V) < roundoff(dtype)
    missing = 1 - found.sum() / np.trace(A).real
    best = 1 - w[:12].sum() / w.sum()
    assert best * 0.99 <= missing < 3 * best
    # ten probes, of which three directions carry most of what is missing
    rel = 0.8 if method == "gaussian" else 0.05
    assert result.error_estimate == pytest.approx(missing, rel=rel)
    np.testing.assert_allclose((V * found) @ V.conj().T, A, atol=3 * best * w.sum())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, Hidden])
def test_containers_agree(rng, method, container):
    A = semidefinite(rng, 60, 0.5 ** np.arange(60))
    one, other = (nystrom(B, 8, method=method, rng=4) for B in (A, container(A)))
    np.testing.assert_allclose(other.w, one.w, atol=1e-12)
    assert one.passes == other.passes


def test_operators_derived_from_those_of_scipy(rng):
    class Product(scipy.sparse.linalg.LinearOperator):
        def __init__(self, array):
            self.array = array
            super().__init__(array.dtype, array.shape)

        def _matvec(self, x):
            return self.array @ x

    A = semidefinite(rng, 60, 0.5 ** np.arange(60))
    one, other = (nystrom(B, 8, rng=4) for B in (A, Product(A)))
    np.testing.assert_allclose(other.w, one.w, atol=1e-12)


def test_one_pass_over_blocks(rng):
    blocks = RowBlocks(semidefinite(rng, 60, 0.5 ** np.arange(60)))
    result = nystrom(blocks, 8, rng=0)
    assert result.passes == blocks.passes == 1
    np.testing.assert_allclose(result.w[:4], 0.5 ** np.arange(4), rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scaling(rng, method, scale):
    A = semidefinite(rng, 50, 0.5 ** np.arange(50))
    one, other = (nystrom(B, 6, method=method, rng=0) for B in (A, A * scale))
    np.testing.assert_allclose(other.w / scale, one.w, rtol=1e-9)
    assert other.error_estimate == pytest.approx(one.error_estimate, rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_zero_deficient_and_complete(library, rng, method):
    zero = nystrom(library.asarray(np.zeros((9, 9))), 3, method=method, rng=0)
    assert np.all(library.to_numpy(zero.w) == 0)
    assert defect(library.to_numpy(zero.V)) < 1e-13
    assert zero.error_estimate == 0
    B = normal(rng, (40, 3))
    A = B @ B.T
    found = nystrom(library.asarray(A), 5, method=method, rng=0)
    w, V = (library.to_numpy(part) for part in found)
    np.testing.assert_allclose((V * w) @ V.T, A, atol=1e-11)
    assert defect(V) < 1e-13
    A = semidefinite(rng, 7, np.arange(1.0, 8))
    w, V = (library.to_numpy(x) for x in nystrom(library.asarray(A), 7, method=method, rng=0))
    np.testing.assert_allclose((V * w) @ V.T, A, atol=1e-12)
    assert nystrom(library.asarray(A), 0, method=method).w.shape == (0,)
    assert nystrom(library.asarray(np.zeros((0, 0))), 0, method=method).V.shape == (0, 0)


def test_rpcholesky_reads_columns_only(rng):
    x = rng.random((300, 2))
    distances = np.sum((x[:, None] - x) ** 2, axis=2)
    A = np.exp(-4 * distances)
    errors = [nystrom(A, 30, method="rpcholesky", rng=seed).error_estimate for seed in range(5)]
    w = np.linalg.eigvalsh(A)[::-1]
    assert max(errors) < 5 * w[30:].sum() / w.sum()
    result = nystrom(A, 30, method="rpcholesky", rng=0)
    true = (np.trace(A) - np.trace((result.V * result.w) @ result.V.T)) / np.trace(A)
    assert result.error_estimate == pytest.approx(true, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_bad_input(rng, method):
    A = np.diag([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="square"):
        nystrom(A[:2], 1, method=method)
    with pytest.raises(ValueError, match=r"rank is 4.*= 3"):
        nystrom(A, 4, method=method)
    with pytest.raises(ValueError, match="not Hermitian"):
        nystrom(A + np.triu(np.ones((3, 3))), 1, method=method)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        nystrom(-A, 1, method=method)
    for indefinite in ([[1.0, 5.0], [5.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]):
        with pytest.raises(ValueError, match="not positive semidefinite"):
            nystrom(np.asarray(indefinite), 1, method=method, rng=0)
    with pytest.raises(ValueError, match="method is 'columns'"):
        nystrom(A, 1, method="columns")
    A[0, 0] = np.inf
    with pytest.raises(ValueError, match="NaN or Inf"):
        nystrom(A, 1, method=method)


def test_seeds(rng):
    A = semidefinite(rng, 50, 0.9 ** np.arange(50))
    for method in METHODS:
        one, two, other = (nystrom(A, 5, method=method, rng=seed) for seed in (1, 1, 2))
        assert np.array_equal(one.V, two.V)
        assert not np.array_equal(one.w, other.w)

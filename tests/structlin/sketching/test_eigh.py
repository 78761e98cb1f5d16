"""Eigenpairs of Hermitian matrices against LAPACK."""

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning
from structlin.sketching import RowBlocks, eigh
from tests.structlin.sketching._spectra import DTYPES, defect, normal, orthonormal, roundoff
from tests.structlin.sketching.test_svd import Hidden


def hermitian(rng, n, w, dtype="float64"):
    V = orthonormal(rng, n, n, dtype)
    A = (V * w.astype(V.real.dtype)) @ V.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


def wanted(w, which, k):
    order = {"LM": np.argsort(-np.abs(w)), "LA": np.argsort(-w), "SA": np.argsort(w)}[which]
    return w[order][:k]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", ["LM", "LA", "SA"])
@pytest.mark.parametrize("method", ["krylov", "exact"])
def test_pairs_of_every_precision(library, rng, dtype, which, method):
    w = np.concatenate((2.0 ** -np.arange(30), -(1.7 ** -np.arange(30.0)) * 1.3, np.zeros(40)))
    A = hermitian(rng, 100, w, dtype)
    result = eigh(library.asarray(A), 6, which=which, method=method, rng=0)
    found, V = (library.to_numpy(part) for part in result)
    assert result.converged
    assert V.dtype == A.dtype
    assert found.dtype == A.real.dtype
    assert defect(V) < roundoff(dtype)
    tol = np.sqrt(np.finfo(dtype).eps)
    np.testing.assert_allclose(found, wanted(w, which, 6), atol=10 * tol**2 * 10)
    residual = np.max(np.linalg.norm(A @ V - V * found, axis=0)) / np.max(np.abs(found))
    assert residual <= 1.01 * tol
    largest = V[np.argmax(np.abs(V), axis=0), np.arange(6)]
    assert np.all(largest.real > 0)
    np.testing.assert_allclose(largest.imag, 0, atol=roundoff(dtype))


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, Hidden, RowBlocks])
@pytest.mark.parametrize("which", ["LM", "LA", "SA"])
def test_containers(rng, container, which):
    w = np.concatenate((1.5 ** -np.arange(20.0), -np.linspace(0.95, 0.5, 4), np.zeros(276)))
    A = hermitian(rng, 300, w)
    result = eigh(container(A), 4, which=which, rng=0)
    np.testing.assert_allclose(result.w, wanted(w, which, 4), atol=1e-10)
    assert defect(result.V) < 1e-13
    assert result.method == ("lanczos" if container is scipy.sparse.csr_array else "krylov")


def test_restarts(rng):
    A = rng.standard_normal((350, 350))
    A = A + A.T
    result = eigh(A, 3, oversampling=5, rng=0)
    assert result.iterations > 8
    np.testing.assert_allclose(result.w, wanted(np.linalg.eigvalsh(A), "LM", 3), rtol=1e-10)


@pytest.mark.parametrize("which", ["LM", "LA", "SA"])
def test_sparse_matrices_with_repeated_and_zero_eigenvalues(which):
    for w in (
        np.concatenate((np.full(30, 2.0), np.linspace(1, 0, 370))),
        np.concatenate((np.zeros(30), -np.linspace(1, 2, 370))),
        np.repeat([1.0, -1.0], 200),
        np.ones(400),
    ):
        result = eigh(scipy.sparse.diags_array(w).tocsr(), 35, which=which, rng=0)
        assert result.method == "lanczos"
        assert result.converged
        expected = wanted(w, which, 35)
        key = np.abs if which == "LM" else np.asarray
        np.testing.assert_allclose(key(result.w), key(expected), atol=1e-11)
        assert defect(result.V) < 1e-13


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, Hidden])
def test_null_vectors(container):
    A = np.zeros((300, 300))
    A[5, 5] = 3.0
    # nothing but rounding errors is left of what is wanted
    result = eigh(container(A), 10, which="SA", rng=0)
    assert result.converged
    np.testing.assert_allclose(result.w, 0, atol=1e-12)
    assert defect(result.V) < 1e-13


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("method", ["krylov", "exact", "lanczos"])
def test_scaling(rng, scale, method):
    A = hermitian(rng, 80, 0.5 ** np.arange(80.0))
    A = scipy.sparse.csr_array(A) if method == "lanczos" else A
    one, other = (eigh(B, 4, method=method, rng=1) for B in (A, A * scale))
    np.testing.assert_allclose(other.w / scale, one.w, rtol=1e-10)


@pytest.mark.parametrize("method", ["auto", "krylov", "exact"])
def test_zero_deficient_and_complete(library, rng, method):
    w, V = eigh(library.asarray(np.zeros((9, 9))), 3, method=method)
    assert np.all(library.to_numpy(w) == 0)
    assert defect(library.to_numpy(V)) < 1e-13
    B = normal(rng, (40, 3))
    w, V = (library.to_numpy(x) for x in eigh(library.asarray(B @ B.T), 5, method=method, rng=0))
    np.testing.assert_allclose((V * w) @ V.T, B @ B.T, atol=1e-12)
    assert defect(V) < 1e-13
    A = hermitian(rng, 7, np.arange(7.0) - 3)
    w, V = (library.to_numpy(x) for x in eigh(library.asarray(A), 7, method=method, rng=0))
    np.testing.assert_allclose((V * w) @ V.T, A, atol=1e-12)
    assert eigh(library.asarray(A), 0).w.shape == (0,)
    assert eigh(library.asarray(np.zeros((0, 0))), 0).V.shape == (0, 0)


def test_seeds(rng):
    A = hermitian(rng, 300, 1 / np.arange(1.0, 301))
    one, two = (eigh(A, 4, rng=np.random.default_rng(3)) for _ in range(2))
    assert one.seed == two.seed
    assert np.array_equal(one.V, two.V)


def test_bad_input(rng):
    A = np.diag([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="square"):
        eigh(A[:2], 1)
    with pytest.raises(ValueError, match=r"rank is 4.*= 3"):
        eigh(A, 4)
    with pytest.raises(ValueError, match="which is 'SM'"):
        eigh(A, 1, which="SM")
    with pytest.raises(ValueError, match="method is 'propack'"):
        eigh(A, 1, method="propack")
    with pytest.raises(ValueError, match="too large for method"):
        eigh(scipy.sparse.csr_array(A), 3, method="lanczos")
    with pytest.raises(ValueError, match="takes sparse"):
        eigh(A, 1, method="lanczos")
    with pytest.raises(ValueError, match="passes is 0"):
        eigh(A, 1, passes=0)
    with pytest.raises(TypeError, match="integer"):
        eigh(A, 1, passes=2.5)
    for tol in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="tol is"):
            eigh(A, 1, tol=tol)
    skew = rng.standard_normal((30, 30))
    for container in (np.asarray, scipy.sparse.csr_array, Hidden):
        with pytest.raises(ValueError, match="not Hermitian"):
            eigh(container(skew), 2, method="krylov")
    A[0, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or Inf"):
        eigh(A, 1)


def test_unconverged(rng):
    A = rng.standard_normal((300, 300))
    with pytest.warns(ConvergenceWarning, match="krylov did not converge"):
        result = eigh(A + A.T, 3, passes=2, rng=0)
    assert not result.converged
    assert result.passes == 2
    assert "rank 3: krylov" in repr(result)
    sparse = scipy.sparse.csr_array(A + A.T)
    with pytest.warns(ConvergenceWarning, match="krylov did not converge"):
        assert eigh(sparse, 3, passes=2, rng=0).passes == 2

"""The single-pass decomposition: one reading, near the best, an error that can be trusted."""

import numpy as np
import pytest
import scipy.sparse

from structlin.sketching import RowBlocks, generalized_nystrom
from tests.structlin.sketching._spectra import DTYPES, defect, matrix, normal, roundoff
from tests.structlin.sketching.test_svd import Hidden, relative_error


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(150, 90), (90, 150)])
def test_near_the_best(library, rng, dtype, shape):
    s = 0.7 ** np.arange(80)
    A = matrix(rng, *shape, s, dtype)
    result = generalized_nystrom(library.asarray(A), 8, rng=0)
    U, found, Vt = (library.to_numpy(part) for part in result)
    assert U.dtype == Vt.dtype == A.dtype
    assert max(defect(U), defect(Vt.conj().T)) < roundoff(dtype)
    best = np.linalg.norm(s[8:]) / np.linalg.norm(s)
    error = relative_error(A, U, found, Vt)
    assert error < 1.1 * best
    assert result.error_estimate == pytest.approx(error, rel=0.6)


@pytest.mark.parametrize("chunk", [1, 7, 64, 500])
def test_one_reading_and_the_same_bits(rng, chunk):
    A = matrix(rng, 500, 60, 1 / np.arange(1, 61.0))
    blocks = RowBlocks(A, chunk=chunk)
    result = generalized_nystrom(blocks, 5, rng=3)
    assert result.passes == blocks.passes == 1
    assert blocks.bytes_read == A.nbytes
    whole = generalized_nystrom(RowBlocks(A), 5, rng=3)
    for one, other in zip(result, whole, strict=True):
        assert np.array_equal(one, other)
    np.testing.assert_allclose(result.s, generalized_nystrom(A, 5, rng=3).s, rtol=1e-10)


@pytest.mark.parametrize("container", [scipy.sparse.csr_array, Hidden, RowBlocks])
def test_containers(rng, container):
    A = matrix(rng, 200, 120, 0.5 ** np.arange(40))
    result = generalized_nystrom(container(A), 6, rng=1)
    np.testing.assert_allclose(result.s, 0.5 ** np.arange(6), atol=1e-4)


def test_the_certificate_has_the_right_mean(rng):
    # 200 estimates of squares whose relative deviation is below 0.45: six standard errors
    A = matrix(rng, 120, 100, 1 / np.sqrt(np.arange(1, 101.0)))
    ratios = []
    for seed in range(200):
        result = generalized_nystrom(A, 6, rng=seed)
        ratios.append((result.error_estimate / relative_error(A, *result)) ** 2)
    assert abs(np.mean(ratios) - 1) < 6 * 0.45 / np.sqrt(200)
    assert min(ratios) > 0.5
    assert max(ratios) < 2


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("container", [np.asarray, Hidden, RowBlocks])
def test_scaling(rng, scale, container):
    A = matrix(rng, 90, 50, 0.5 ** np.arange(50))
    one, other = (generalized_nystrom(container(B), 4, rng=0) for B in (A, A * scale))
    np.testing.assert_allclose(other.s / scale, one.s, rtol=1e-9)
    assert other.error_estimate == pytest.approx(one.error_estimate, rel=1e-5)


def test_zero_deficient_and_complete(library, rng):
    for shape in ((80, 50), (12, 50)):
        zero = generalized_nystrom(library.asarray(np.zeros(shape)), 3, rng=0)
        U, s, Vt = (library.to_numpy(part) for part in zero)
        assert np.all(s == 0)
        assert max(defect(U), defect(Vt.T)) < 1e-13
        assert zero.error_estimate == 0
    A = normal(rng, (90, 3)) @ normal(rng, (3, 50))
    U, s, Vt = (library.to_numpy(x) for x in generalized_nystrom(library.asarray(A), 5, rng=0))
    np.testing.assert_allclose((U * s) @ Vt, A, atol=1e-11)
    assert max(defect(U), defect(Vt.T)) < 1e-13
    for shape in ((9, 7), (7, 9), (60, 7)):
        A = normal(rng, shape)
        U, s, Vt = (library.to_numpy(x) for x in generalized_nystrom(library.asarray(A), 7, rng=0))
        np.testing.assert_allclose((U * s) @ Vt, A, atol=1e-11)
    for shape in ((0, 3), (3, 0), (4, 4)):
        assert generalized_nystrom(library.asarray(np.ones(shape)), 0).s.shape == (0,)


def test_bad_input(rng):
    A = normal(rng, (90, 40))
    with pytest.raises(ValueError, match=r"rank is 41.*= 40"):
        generalized_nystrom(A, 41)
    with pytest.raises(ValueError, match="oversampling is -1"):
        generalized_nystrom(A, 2, oversampling=-1)
    one_way = scipy.sparse.linalg.LinearOperator(A.shape, matvec=lambda x: A @ x, dtype=A.dtype)
    with pytest.raises(NotImplementedError, match="generalized_nystrom needs it"):
        generalized_nystrom(one_way, 2)
    A[3, 2] = np.nan
    for container in (np.asarray, RowBlocks):
        with pytest.raises(ValueError, match="NaN or Inf"):
            generalized_nystrom(container(A), 2)

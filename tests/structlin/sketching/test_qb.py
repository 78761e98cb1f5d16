"""The adaptive range finder: true errors, ranks, the test by probes."""

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning
from structlin.sketching import RowBlocks, qb
from tests.structlin.sketching._spectra import DTYPES, defect, matrix, normal, roundoff
from tests.structlin.sketching.test_svd import Hidden


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(90, 60), (60, 90)])
def test_error_and_basis(library, rng, dtype, shape):
    A = matrix(rng, *shape, 0.8 ** np.arange(60), dtype)
    result = qb(library.asarray(A), 1e-2, block=5, rng=0)
    Q, B = (library.to_numpy(part) for part in result)
    assert Q.dtype == B.dtype == A.dtype
    assert defect(Q) < roundoff(dtype)
    assert np.linalg.norm(A - Q @ B) <= 1e-2 * np.linalg.norm(A)
    # 0.8^21 is below the tolerance: four blocks and a bit
    assert 21 <= result.rank <= 30
    assert result.converged


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array, Hidden, RowBlocks])
@pytest.mark.parametrize("tol", [1e-1, 1e-4, 1e-8, 1e-12])
def test_true_error_in_every_seed(container, tol):
    # the chance of a miss is below 1e-3 for each seed, and 0 where the norm is known
    rng = np.random.default_rng(11)
    A = matrix(rng, 50, 70, 0.5 ** np.arange(50))
    size = np.linalg.norm(A)
    missed = 0
    for seed in range(100 if tol in (1e-4, 1e-8) else 10):
        result = qb(container(A), tol, block=3, rng=seed)
        missed += np.linalg.norm(A - result.Q @ result.B) > tol * size
    assert missed <= 1


@pytest.mark.slow
@pytest.mark.parametrize("decay", ["power", "step", "flat"])
def test_true_error_on_many_spectra(decay):
    j = np.arange(1, 201.0)
    s = {"power": 1 / j, "step": np.where(j < 30, 1, 1e-9), "flat": np.ones(200)}[decay]
    A = matrix(np.random.default_rng(3), 300, 200, s)
    size = np.linalg.norm(A)
    for tol in (0.3, 1e-3, 1e-7, 1e-11):
        missed = 0
        for seed in range(100):
            Q, B = qb(Hidden(A), tol, rng=seed)
            missed += np.linalg.norm(A - Q @ B) > tol * size
        assert missed <= 1


def test_limits(rng):
    A = normal(rng, (40, 30))
    with pytest.warns(ConvergenceWarning, match="qb did not converge"):
        result = qb(A, 1e-3, block=4, max_rank=10, rng=0)
    assert result.rank == 10
    assert not result.converged
    error = np.linalg.norm(A - result.Q @ result.B) / np.linalg.norm(A)
    assert result.error_estimate == pytest.approx(error, rel=1e-9)
    assert qb(A, 1e-3, rng=0).rank == 30
    with pytest.warns(ConvergenceWarning):
        assert qb(A, 1e-3, max_rank=0).rank == 0


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scaling(rng, scale):
    A = matrix(rng, 60, 50, 0.5 ** np.arange(50))
    one, other = qb(A, 1e-5, rng=0, block=6), qb(A * scale, 1e-5, rng=0, block=6)
    assert one.rank == other.rank
    np.testing.assert_allclose(other.Q @ (other.B / scale), one.Q @ one.B, atol=1e-8)


def test_trivial_matrices(library):
    for shape in ((5, 4), (0, 4), (5, 0)):
        result = qb(library.asarray(np.zeros(shape)), 1e-3)
        assert result.rank == 0
        assert result.converged
        assert result.error_estimate == 0
    hidden = qb(Hidden(np.zeros((5, 4))), 1e-3)
    assert hidden.converged
    np.testing.assert_array_equal(hidden.Q @ hidden.B, 0)


def test_bad_input():
    A = np.eye(4)
    with pytest.raises(ValueError, match="tol is 0"):
        qb(A, 0)
    with pytest.raises(ValueError, match="tol is nan"):
        qb(A, float("nan"))
    with pytest.raises(ValueError, match="block is 0"):
        qb(A, 0.1, block=0)
    with pytest.raises(ValueError, match=r"max_rank is 5.*= 4"):
        qb(A, 0.1, max_rank=5)


def test_values_below_rounding_errors_of_the_others():
    # blocks of which next to nothing is outside the basis: it stays orthonormal all the same
    values = np.concatenate((np.ones(40), np.full(40, 1e-9)))
    A = scipy.sparse.csr_array((values, (3 * np.arange(80), 2 * np.arange(80))), shape=(900, 700))
    for B in (A, A.T):
        result = qb(B, 1e-7, rng=1)
        assert result.converged
        assert defect(result.Q) < 1e-13
        assert np.linalg.norm(B.toarray() - result.Q @ result.B) <= 1e-7 * np.sqrt(40)

"""The truncated SVD: accuracy against LAPACK, every container, every method, bad input."""

import sys

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import structlin
from structlin import ConvergenceWarning
from structlin.matrices import Dense, LinearOperator
from structlin.sketching import SVD, RowBlocks, svd
from tests.structlin.sketching._spectra import DTYPES, defect, matrix, normal, roundoff


class Hidden(LinearOperator):
    """An operator that has products and nothing else."""

    def __init__(self, array):
        self.array = array
        super().__init__(array.shape, like=array)

    def _matmat(self, X):
        return self.xp.matmul(self.array, X)

    def _rmatmat(self, X):
        return Dense(self.array)._rmatmat(X)

    def todense(self):
        raise AssertionError("never made dense")


def on_host(library, result):
    return tuple(library.to_numpy(part) for part in result)


def relative_error(A, U, s, Vt):
    size = np.linalg.norm(A)
    return np.linalg.norm(A - (U * s) @ Vt) / size if size else 0.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(300, 280), (280, 300)])
@pytest.mark.parametrize("method", ["krylov", "exact"])
def test_factors_of_every_precision(library, rng, dtype, shape, method):
    A = matrix(rng, *shape, 1 / np.arange(1, 281), dtype)
    result = svd(library.asarray(A), 10, method=method, rng=0)
    U, s, Vt = on_host(library, result)
    assert isinstance(result, SVD)
    assert result.converged
    assert U.dtype == Vt.dtype == A.dtype
    assert s.dtype == A.real.dtype
    assert (U.shape, s.shape, Vt.shape) == ((shape[0], 10), (10,), (10, shape[1]))
    assert max(defect(U), defect(Vt.conj().T)) < roundoff(dtype)
    np.testing.assert_allclose(s, 1 / np.arange(1, 11), rtol=1e-4)
    best = np.sqrt(np.sum(1 / np.arange(11, 281) ** 2) / np.sum(1 / np.arange(1, 281) ** 2))
    error = relative_error(A, U, s, Vt)
    assert error < (1 + 1e-5) * best
    assert result.error_estimate == pytest.approx(error, rel=1e-3)
    # the largest entry of each left vector is positive
    largest = U[np.argmax(np.abs(U), axis=0), np.arange(10)]
    assert np.all(largest.real > 0)
    np.testing.assert_allclose(largest.imag, 0, atol=roundoff(dtype))


def test_containers_agree_with_lapack(rng):
    sparse = scipy.sparse.random_array((400, 300), density=0.05, rng=rng, format="coo")
    A = sparse.toarray()
    exact = np.linalg.svd(A, compute_uv=False)[:6]
    for container in (
        A,
        np.asfortranarray(A),
        A[::-1, ::-1],
        sparse,
        sparse.tocsc(),
        Dense(A),
        Hidden(A),
        scipy.sparse.linalg.aslinearoperator(A),
        RowBlocks(A),
        RowBlocks(A.T),
    ):
        result = svd(container, 6, rng=1)
        np.testing.assert_allclose(result.s, exact, rtol=2e-3)
        assert defect(result.U) < 1e-13
        assert defect(result.Vt.T) < 1e-13


def test_sparse_matrices_go_to_lanczos(rng):
    A = scipy.sparse.random_array((500, 320), density=0.03, rng=rng)
    exact = np.linalg.svd(A.toarray(), compute_uv=False)[:7]
    for container in (A, A.T, A.astype(complex) * 1j):
        result = svd(container, 7, rng=2)
        assert result.method == "lanczos"
        np.testing.assert_allclose(result.s, exact, rtol=1e-12)
        assert max(defect(result.U), defect(result.Vt.conj().T)) < 1e-13
        error = relative_error(container.toarray(), *result)
        assert result.error_estimate == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(500, 320), (320, 500)])
def test_lanczos_of_every_precision(rng, dtype, shape):
    A = scipy.sparse.random_array(shape, density=0.03, rng=rng).astype(dtype)
    if dtype.startswith("complex"):
        A = A + 1j * scipy.sparse.random_array(shape, density=0.03, rng=rng).astype(dtype)
    A = A.tocsr().astype(dtype)
    result = svd(A, 20, rng=2)
    assert result.method == "lanczos"
    assert result.U.dtype == dtype
    exact = np.linalg.svd(A.toarray(), compute_uv=False)[:20]
    np.testing.assert_allclose(result.s, exact, rtol=10 * roundoff(dtype))
    assert max(defect(result.U), defect(result.Vt.conj().T)) < roundoff(dtype)
    U, s, Vt = result
    np.testing.assert_allclose(A @ Vt.conj().T, U * s, atol=100 * roundoff(dtype))
    np.testing.assert_allclose(A.conj().T @ U, Vt.conj().T * s, atol=1000 * roundoff(dtype))


def test_lanczos_with_repeated_values_and_few():
    A = scipy.sparse.block_diag(
        [scipy.sparse.csr_array(2.0 * np.eye(30)), scipy.sparse.csr_array(np.diag(np.ones(300)))],
        format="csr",
    )
    result = svd(A, 20, method="lanczos", rng=0)
    np.testing.assert_allclose(result.s, 2, rtol=1e-12)
    # more copies than a block has columns, of several values, and all of one
    s = np.concatenate((np.full(7, 5.0), np.full(300, 4.0), [3.9], np.linspace(3, 0, 92)))
    result = svd(scipy.sparse.diags_array(s).tocsr(), 30, rng=3)
    np.testing.assert_allclose(result.s, s[:30], rtol=1e-12)
    result = svd(scipy.sparse.eye_array(400, format="csr"), 9, rng=3)
    np.testing.assert_allclose(result.s, 1, rtol=1e-12)
    A = scipy.sparse.csr_array((np.arange(1.0, 4), ([0, 5, 300], [1, 2, 250])), shape=(400, 300))
    result = svd(A, 5, method="lanczos", rng=0)
    np.testing.assert_allclose(result.s, [3, 2, 1, 0, 0], atol=1e-13)
    assert max(defect(result.U), defect(result.Vt.T)) < 1e-13


@pytest.mark.parametrize("zeros", [(300, 300), (200, 300), (300, 200)])
def test_small_values_of_sparse_matrices(rng, zeros):
    s = np.geomspace(1, 1e-11, 12)
    core = matrix(rng, 40, 40, s)
    A = scipy.sparse.block_diag((core, scipy.sparse.csr_array(zeros)), format="csr")
    result = svd(A, 12, method="lanczos", rng=0)
    assert result.method == "lanczos, refined by krylov"
    np.testing.assert_allclose(result.s, s, rtol=1e-4)
    assert max(defect(result.U), defect(result.Vt.T)) < 1e-13


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("method", ["krylov", "exact", "lanczos"])
def test_scaling(rng, scale, method):
    A = matrix(rng, 120, 90, 2.0 ** -np.arange(20.0))
    A = scipy.sparse.csr_array(A) if method == "lanczos" else A
    one = svd(A, 8, method=method, rng=3)
    other = svd(A * scale, 8, method=method, rng=3)
    np.testing.assert_allclose(other.s / scale, one.s, rtol=1e-10)
    np.testing.assert_allclose(np.abs(other.U), np.abs(one.U), atol=1e-6)
    assert other.error_estimate == pytest.approx(one.error_estimate, rel=1e-3)


@pytest.mark.parametrize("method", ["auto", "krylov", "subspace", "exact"])
def test_zero_and_deficient_matrices(library, rng, method):
    zero = svd(library.asarray(np.zeros((30, 20))), 4, method=method, rng=0)
    U, s, Vt = on_host(library, zero)
    assert np.all(s == 0)
    assert max(defect(U), defect(Vt.T)) < 1e-13
    assert zero.converged
    assert zero.error_estimate == 0
    A = normal(rng, (50, 3)) @ normal(rng, (3, 40))
    U, s, Vt = on_host(library, svd(library.asarray(A), 6, method=method, rng=0))
    assert relative_error(A, U, s, Vt) < 1e-13
    assert max(defect(U), defect(Vt.T)) < 1e-13
    np.testing.assert_allclose(s[:3], np.linalg.svd(A, compute_uv=False)[:3], rtol=1e-12)
    np.testing.assert_allclose(s[3:], 0, atol=1e-12 * s[0])


def test_zero_sparse_matrices():
    result = svd(scipy.sparse.csr_array((400, 300)), 3)
    assert np.all(result.s == 0)
    assert defect(result.U) < 1e-13


@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (1, 5), (5, 1), (1, 1)])
@pytest.mark.parametrize("method", ["auto", "krylov", "subspace", "exact"])
def test_all_singular_values(library, rng, shape, method):
    A = normal(rng, shape)
    U, s, Vt = on_host(library, svd(library.asarray(A), min(shape), method=method, rng=0))
    np.testing.assert_allclose(s, np.linalg.svd(A, compute_uv=False), rtol=1e-11)
    np.testing.assert_allclose((U * s) @ Vt, A, atol=1e-12)


@pytest.mark.parametrize("passes", [2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("shape", [(300, 90), (90, 300)])
def test_passes_are_counted_and_pay(rng, passes, shape):
    A = matrix(rng, *shape, 1 / np.arange(1, 91))
    blocks = RowBlocks(A)
    result = svd(blocks, 5, passes=passes, rng=0)
    assert result.passes == blocks.passes == passes
    best = np.sqrt(np.sum(1 / np.arange(6, 91) ** 2) / np.sum(1 / np.arange(1, 91) ** 2))
    allowed = {2: 0.2, 3: 2e-2, 4: 5e-3, 5: 1e-3}.get(passes, 1e-5)
    assert relative_error(A, *result) < (1 + allowed) * best
    # ten probes of an error with many directions
    assert result.error_estimate == pytest.approx(relative_error(A, *result), rel=0.5)


def test_seeds():
    A = np.random.default_rng(5).standard_normal((300, 300))
    one, two = svd(A, 3, rng=7, passes=4), svd(A, 3, rng=7, passes=4)
    assert one.seed == two.seed == 7
    assert np.array_equal(one.U, two.U)
    other = svd(A, 3, rng=8, passes=4)
    assert not np.array_equal(one.s, other.s)
    drawn = [svd(A, 3, rng=np.random.default_rng(7), passes=4) for _ in range(2)]
    assert np.array_equal(drawn[0].U, drawn[1].U)
    unseeded = svd(A, 3, passes=4)
    assert unseeded.seed is not None


def test_repeated_values(rng):
    A = matrix(rng, 300, 300, np.array([2.0] * 40 + [1.0] * 200))
    result = svd(A, 30, rng=0, method="krylov")
    np.testing.assert_allclose(result.s, 2, rtol=1e-9)
    assert defect(result.U) < 1e-13


def test_values_that_do_not_settle_are_reported(rng, monkeypatch):
    monkeypatch.setattr(sys.modules["structlin.sketching.svd"], "_most", 5)
    A = rng.standard_normal((400, 400))
    with pytest.warns(ConvergenceWarning, match="krylov did not converge"):
        result = svd(A, 5, rng=0)
    assert not result.converged
    assert result.iterations == 5


def test_restarts_reach_the_values(rng):
    A = rng.standard_normal((500, 480))
    result = svd(A, 4, oversampling=4, rng=0, method="krylov")
    assert result.iterations > 8
    exact = np.linalg.svd(A, compute_uv=False)
    best = np.sqrt(np.sum(exact[4:] ** 2)) / np.linalg.norm(A)
    assert relative_error(A, *result) < (1 + 1e-5) * best


@pytest.mark.parametrize("tol", [0.3, 1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_tolerance(library, rng, tol, dtype):
    s = 0.7 ** np.arange(80)
    A = matrix(rng, 120, 80, s, dtype)
    result = svd(library.asarray(A), tol=tol, rng=0)
    U, found, Vt = on_host(library, result)
    assert relative_error(A, U, found, Vt) <= tol
    assert result.error_estimate <= tol
    # hardly more values than the tolerance needs
    tails = np.sqrt(np.cumsum(s[::-1] ** 2)[::-1]) / np.linalg.norm(s)
    needed = int(np.sum(tails > tol))
    assert needed <= len(found) <= needed + 3
    assert max(defect(U), defect(Vt.conj().T)) < 1e-13


def test_tolerances_at_the_ends(rng):
    A = normal(rng, (40, 30))
    assert svd(A, tol=1.0).s.shape == (0,)
    assert svd(A, tol=1e-13).s.shape == (30,)
    assert svd(np.zeros((5, 4)), tol=0.1).s.shape == (0,)
    with pytest.warns(ConvergenceWarning, match="raise tol"):
        assert not svd(A, tol=1e-18).converged


def test_rank_zero_and_empty_matrices(library):
    for shape in ((4, 3), (0, 3), (3, 0), (0, 0)):
        U, s, Vt = svd(library.asarray(np.ones(shape)), 0)
        assert (U.shape, s.shape, Vt.shape) == ((shape[0], 0), (0,), (0, shape[1]))
        assert svd(library.asarray(np.ones(shape)), tol=2.0).s.shape == (0,)


def test_bad_input(rng):
    A = normal(rng, (6, 4))
    with pytest.raises(ValueError, match=r"rank is 5.*min\(m, n\) = 4"):
        svd(A, 5)
    with pytest.raises(ValueError, match="rank is -1"):
        svd(A, -1)
    with pytest.raises(ValueError, match="exactly one"):
        svd(A)
    with pytest.raises(ValueError, match="exactly one"):
        svd(A, 2, tol=0.1)
    with pytest.raises(ValueError, match="tol is -1"):
        svd(A, tol=-1)
    with pytest.raises(ValueError, match="method is 'qr'"):
        svd(A, 2, method="qr")
    with pytest.raises(ValueError, match="passes is 1"):
        svd(A, 2, passes=1)
    with pytest.raises(ValueError, match="oversampling is -1"):
        svd(A, 2, oversampling=-1)
    with pytest.raises(TypeError, match="integer"):
        svd(A, 2, passes=2.5)
    for options in ({"method": "krylov"}, {"passes": 4}):
        with pytest.raises(ValueError, match="go with a rank"):
            svd(A, tol=0.1, **options)
    with pytest.raises(ValueError, match="takes sparse"):
        svd(A, 2, method="lanczos")
    with pytest.raises(ValueError, match="too large for method"):
        svd(scipy.sparse.csr_array(A), 4, method="lanczos")
    for bad in (np.nan, np.inf):
        A[2, 1] = bad
        with pytest.raises(ValueError, match=r"NaN or Inf at \[2, 1\]"):
            svd(A, 2)
        with pytest.raises(ValueError, match="NaN or Inf"), np.errstate(invalid="ignore"):
            svd(Hidden(A), 2, method="krylov")


@pytest.mark.parametrize("shape", [(400, 300), (300, 400)])
def test_operators_without_an_adjoint(rng, shape):
    A = normal(rng, shape)
    one_way = scipy.sparse.linalg.LinearOperator(shape, matvec=lambda x: A @ x, dtype=A.dtype)
    with pytest.raises(NotImplementedError, match="adjoint, and svd needs it"):
        svd(one_way, 3, method="krylov")
    with pytest.raises(NotImplementedError, match="adjoint, and qb needs it"):
        svd(one_way, tol=0.9)


def test_integers_and_half_precision():
    A = np.arange(12).reshape(4, 3)
    assert svd(A, 2).U.dtype == np.float64
    assert svd(A > 5, 2).U.dtype == np.float64
    assert svd(A.astype(np.float16), 2).U.dtype == np.float32


def test_operator_and_repr(rng):
    A = normal(rng, (8, 6))
    result = svd(A, 6)
    assert isinstance(result.operator, structlin.LowRank)
    np.testing.assert_allclose(result.operator.todense(), A, atol=1e-13)
    assert repr(result).startswith("<SVD of 8x6, rank 6: exact, error ")

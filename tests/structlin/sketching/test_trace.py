"""Traces: exact where they can be, unbiased where not, with errors that hold what they say."""

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning, LinearOperator, Toeplitz
from structlin.sketching import RowBlocks, trace
from structlin.sketching._leave_one_out import spherical
from structlin.sketching._operand import as_matrix
from structlin.sketching._trace_estimators import XNysTrace, XTrace

METHODS = ["xtrace", "xnystrace", "hutch++", "hutchinson"]


class Product(LinearOperator):
    """A matrix that is known by its products alone, without adjoint."""

    def __init__(self, array):
        super().__init__(array.shape, like=array)
        self._array = array

    def _matmat(self, X):
        return self.xp.matmul(self._array, X)

    def _rmatmat(self, X):
        raise NotImplementedError


def semidefinite(n, values, rng, dtype=np.float64):
    X = rng.standard_normal((n, n))
    if np.issubdtype(dtype, np.complexfloating):
        X = X + 1j * rng.standard_normal((n, n))
    Q, _ = np.linalg.qr(X)
    return ((Q[:, : len(values)] * values) @ Q[:, : len(values)].conj().T).astype(dtype)


@pytest.fixture(scope="module")
def squares():
    """The spectrum 1/j², 500 of them."""
    values = 1.0 / np.arange(1, 501) ** 2
    return semidefinite(500, values, np.random.default_rng(5)), values.sum()


@pytest.mark.parametrize("method", ["xtrace", "xnystrace", "hutch++"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_low_rank_is_exact(method, dtype, library, rng):
    values = np.array([3.0, 2.0, 1.0, 0.5])
    A = library.asarray(semidefinite(80, values, rng, np.dtype(dtype)))
    result = trace(A, method=method, matvecs=24, rng=1)
    tight = 2e-4 if dtype in ("float32", "complex64") else 1e-11
    assert isinstance(result.value, float)
    assert abs(result.value - 6.5) <= 6.5 * tight
    assert result.standard_error <= 6.5 * tight
    assert result.error_estimate == result.standard_error
    assert result.matvecs <= 24


@pytest.mark.parametrize("method", METHODS)
def test_estimates_are_unbiased(method, squares):
    A, exact = squares
    values = np.array([trace(A, method=method, matvecs=18, rng=seed).value for seed in range(60)])
    # a mean of 60 lies within 4 of its standard errors, but for one case in 10⁴
    assert abs(values.mean() - exact) <= 4 * values.std() / np.sqrt(60)


@pytest.mark.parametrize("method", METHODS)
def test_errors_are_calibrated(method, squares):
    A, exact = squares
    inside, ratio = 0, []
    for seed in range(40):
        result = trace(A, method=method, matvecs=60, rng=seed)
        inside += abs(result.value - exact) <= 3 * result.standard_error
        low, high = result.interval
        assert low <= result.value <= high
        ratio.append((result.value - exact) / result.standard_error)
    assert inside >= 38
    # the errors are not exaggerated either
    assert np.sqrt(np.mean(np.square(ratio))) > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "values",
    [
        1.0 / np.arange(1, 501),
        1.0 / np.arange(1, 501) ** 2,
        np.exp(-np.arange(500) / 10),
        np.where(np.arange(500) < 30, 1.0, 1e-3),
        np.linspace(1.0, 1.2, 500),
    ],
    ids=["1/j", "1/j²", "exp", "step", "flat"],
)
def test_errors_are_calibrated_for_many_spectra(method, values):
    A = semidefinite(500, values, np.random.default_rng(0))
    for matvecs in (36, 90):
        results = [trace(A, method=method, matvecs=matvecs, rng=seed) for seed in range(100)]
        good = [abs(r.value - values.sum()) <= 3 * r.standard_error for r in results]
        # a third of the products makes terms of Hutch++: a few of heavy tails
        assert sum(good) >= (91 if method == "hutch++" else 96)


def test_xtrace_beats_hutchplusplus(squares):
    A, exact = squares

    def rms(method):
        errors = [trace(A, method=method, matvecs=60, rng=seed).value - exact for seed in range(30)]
        return np.sqrt(np.mean(np.square(errors)))

    assert rms("xtrace") <= 0.7 * rms("hutch++")
    assert rms("xnystrace") <= 0.7 * rms("hutch++")


@pytest.mark.parametrize("kind", [XTrace, XNysTrace])
def test_test_vectors_are_exchangeable(kind, squares, monkeypatch):
    A, _ = squares
    order = np.random.default_rng(0).permutation(12)
    first = kind(as_matrix(A))
    first.grow(12, 3)
    second = kind(as_matrix(A))
    name = "structlin.sketching._trace_estimators.spherical"
    monkeypatch.setattr(name, lambda *given: spherical(*given)[:, order])
    second.grow(12, 3)
    (a, b), (c, d) = (np.array(one.value_and_error()) * one.product.unit for one in (first, second))
    np.testing.assert_allclose([a, b], [c, d], rtol=1e-8)


def test_leave_one_out_formulas_are_what_they_stand_for(rng):
    n, k = 40, 6
    A = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    one = XTrace(as_matrix(A))
    one.grow(k, 0)
    Omega = one._range.Omega
    terms = []
    for i in range(k):
        rest = np.delete(Omega, i, axis=1)
        Q, _ = np.linalg.qr(A @ rest)
        outside = Omega[:, i] - Q @ (Q.conj().T @ Omega[:, i])
        outside *= np.sqrt(n - k + 1) / np.linalg.norm(outside)
        terms.append(np.trace(Q.conj().T @ A @ Q) + np.vdot(outside, A @ outside))
    value, _ = one.value_and_error()
    assert value * one.product.unit == pytest.approx(np.mean(terms), rel=1e-10)


@pytest.mark.parametrize("method", ["xtrace", "hutch++", "hutchinson"])
def test_matrices_that_are_not_symmetric(method, library, rng):
    array = rng.standard_normal((90, 90)) / 90 + np.outer(np.arange(90.0), np.ones(90))
    A = Product(library.asarray(array))
    result = trace(A, method=method, matvecs=60, rng=0)
    assert abs(result.value - np.trace(array)) <= 4 * result.standard_error
    complicated = trace(Product(library.asarray(array * (1 + 2j))), method=method, rng=0)
    assert isinstance(complicated.value, complex)
    assert complex(complicated) == complicated.value
    assert abs(complicated.value - np.trace(array) * (1 + 2j)) <= 4 * complicated.standard_error
    with pytest.raises(TypeError):
        float(complicated)


def test_what_is_known_is_not_estimated(library, rng):
    array = rng.standard_normal((100, 100))
    cases = [library.asarray(array), RowBlocks(array), scipy.sparse.csr_array(array)]
    for A in cases[: 3 if library.name == "numpy" else 1]:
        result = trace(A)
        assert result.value == pytest.approx(np.trace(array), rel=1e-12)
        assert result.standard_error == 0.0
        assert result.method.startswith("exact")
    assert trace(Toeplitz(library.asarray(np.ones(200)))).value == 200.0
    read = trace(RowBlocks(array[:50, :50], chunk=7), method="xtrace")
    assert (read.passes, read.matvecs) == (1, 0)
    # with n products there is nothing to estimate
    few = trace(Product(library.asarray(array[:50, :50])), method="hutchinson")
    assert few.value == pytest.approx(np.trace(array[:50, :50]), rel=1e-12)
    assert few.matvecs == 50


@pytest.mark.parametrize("n", [0, 1, 2])
def test_small(n):
    assert trace(np.full((n, n), 2.0), method="xtrace").value == 2.0 * n


@pytest.mark.parametrize("method", METHODS)
def test_zero_and_scaling(method, squares):
    A, exact = squares
    assert trace(0 * A, method=method, rng=0).value == pytest.approx(0.0, abs=1e-12)
    plain = trace(A, method=method, rng=0)
    for size in (1e200, 1e-200):
        result = trace(size * A, method=method, rng=0)
        assert result.value / size == pytest.approx(plain.value, rel=1e-9)
        assert result.standard_error / size == pytest.approx(plain.standard_error, rel=1e-6)
    assert plain.value == pytest.approx(exact, rel=0.5)


@pytest.mark.parametrize("method", METHODS)
def test_a_tolerance_is_reached(method, squares):
    A, exact = squares
    tol = 0.1 if method == "hutchinson" else 1e-3
    result = trace(A, method=method, tol=tol, rng=2)
    assert result.converged
    assert result.standard_error <= tol * result.value
    assert abs(result.value - exact) <= 4 * tol * exact
    assert result.iterations > 1
    with pytest.warns(ConvergenceWarning, match="allow more matvecs"):
        poor = trace(A, method=method, tol=1e-9, matvecs=40, rng=2)
    assert not poor.converged
    assert poor.matvecs <= 40


def test_a_tolerance_beyond_all_estimates_is_exact(squares):
    A, exact = squares
    result = trace(Product(A), tol=1e-14)
    assert result.value == pytest.approx(exact, rel=1e-12)
    assert result.method.startswith("exact")


@pytest.mark.parametrize("sparse", [False, True])
def test_a_growing_range_that_is_exhausted(sparse, rng):
    # the second round finds nothing new: the basis stays orthonormal
    values = np.array([2.0, 1.0, 1.0])
    A = as_matrix(np.diag(np.pad(values, (40, 57))) if sparse else semidefinite(100, values, rng))
    one = XTrace(A)
    one.grow(5, 0)
    one.grow(7, 1)
    Q = one._range.Q
    np.testing.assert_allclose(Q.T @ Q, np.eye(12), atol=1e-13)
    np.testing.assert_allclose(
        Q @ one._range.R, A.array @ one._range.Omega / one.product.unit, atol=1e-13
    )
    value, _ = one.value_and_error()
    assert value * one.product.unit == pytest.approx(4.0, rel=1e-10)


def test_the_seed_says_everything(squares):
    A, _ = squares
    first = trace(A, method="xtrace", rng=np.random.default_rng(4))
    again = trace(A, method="xtrace", rng=np.random.default_rng(4))
    other = trace(A, method="xtrace", rng=5)
    assert first.seed == again.seed
    assert first.value == again.value != other.value


def test_bad_input(squares):
    A, _ = squares
    with pytest.raises(ValueError, match="square"):
        trace(np.ones((3, 2)))
    with pytest.raises(ValueError, match="NaN or Inf"):
        trace(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="NaN or Inf"):
        trace(Product(np.full((100, 100), np.nan)))
    for method in METHODS:
        with pytest.raises(ValueError, match="takes finite vectors to NaN or Inf"):
            trace(Product(np.full((100, 100), np.nan)), method=method)
    with pytest.raises(ValueError, match="beyond numbers"):
        trace(np.full((3, 3), 1.5e308))
    for method in ("guess", ["xtrace"]):
        with pytest.raises(ValueError, match="choose one of"):
            trace(A, method=method)
    with pytest.raises(ValueError, match="matvecs is 3"):
        trace(A, method="xtrace", matvecs=3)
    with pytest.raises(ValueError, match="positive"):
        trace(A, tol=0.0)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        trace(-A, method="xnystrace")
    assert "±" in repr(trace(A, method="xtrace"))


def test_an_estimate_is_formatted_like_its_value():
    result = trace(np.diag([1.0, 2.25]))
    assert f"{result:.1f} {result:8.3e}" == "3.2 3.250e+00"
    assert f"{result}" == repr(result)

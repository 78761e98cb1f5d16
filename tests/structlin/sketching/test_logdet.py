"""Determinants and traces of functions: exact where it is cheap, and Lanczos quadrature."""

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning, Diagonal, Identity, Kronecker, LinearOperator
from structlin.sketching import logdet, trace_of_function
from structlin.sketching._fill import predicted_fill


def laplacian(size, shift=0.01, dimensions=2):
    """Return the discrete Laplacian of a square or cube plus a shift, and its eigenvalues."""
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(size, size))
    A, values = line, own = line, 2 - 2 * np.cos(np.pi * np.arange(1, size + 1) / (size + 1))
    for _ in range(dimensions - 1):
        A = scipy.sparse.kronsum(A, line)
        values = np.add.outer(values, own).ravel()
    return (A + shift * scipy.sparse.eye_array(A.shape[0])).tocsr(), values + shift


class Product(LinearOperator):
    """A matrix that is known by its products alone."""

    def __init__(self, matrix):
        super().__init__(matrix.shape, like=matrix)
        self._stored = matrix

    def _matmat(self, X):
        return self._stored @ X

    def _rmatmat(self, X):
        return self._stored.conj().T @ X


class Counted(Product):
    """A product that notes how many vectors it takes."""

    def __init__(self, matrix):
        super().__init__(matrix)
        self.columns = []

    def _matmat(self, X):
        self.columns.append(X.shape[1])
        return super()._matmat(X)


def test_cheap_fill_is_exact():
    A, values = laplacian(60)
    for form in (A, A.tocsc(), A.tocoo(), A.astype(np.complex128)):
        result = logdet(form)
        assert result.value == pytest.approx(np.log(values).sum(), rel=1e-12)
        assert result.error_estimate == 0.0
        assert "entries predicted" in result.method
    single = logdet(A.astype(np.float32))
    assert single.value == pytest.approx(np.log(values).sum(), rel=1e-4)


def test_much_fill_is_not_factorised(rng):
    # a random graph has no small separators
    B = scipy.sparse.random_array((30_000, 30_000), density=4 / 30_000, rng=rng)
    A = (B + B.T + 20 * scipy.sparse.eye_array(30_000)).tocsr()
    assert predicted_fill(A, 20_000_000, 4e9) is None
    result = logdet(A, rng=0)
    assert "quadrature" in result.method
    # Gershgorin: the eigenvalues lie near 20
    assert abs(result.value - 30_000 * np.log(20)) < 0.05 * 30_000 * np.log(20)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_predicted_fill(dimensions):
    A, _ = laplacian({1: 500, 2: 40, 3: 11}[dimensions], dimensions=dimensions)
    factors = scipy.sparse.linalg.splu(
        A.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}
    )
    count, operations = predicted_fill(A, 10**7, 1e12)
    assert 0.7 * factors.L.nnz <= count <= 1.5 * factors.L.nnz
    assert operations > 0


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_arrays_are_factorised(dtype, library, rng):
    X = rng.standard_normal((50, 50))
    if dtype.startswith("complex"):
        X = X + 1j * rng.standard_normal((50, 50))
    A = (X @ X.conj().T + np.eye(50)).astype(dtype)
    exact = np.linalg.slogdet(A.astype(np.complex128))[1]
    result = logdet(library.asarray(A))
    assert isinstance(result.value, float)
    assert "Cholesky" in result.method
    assert result.value == pytest.approx(exact, rel=1e-4 if A.itemsize <= 8 else 1e-12)


def test_structures_know_it(library):
    values = np.linspace(1.0, 2.0, 3000)
    exact = np.log(values).sum()
    result = logdet(Diagonal(library.asarray(values)))
    assert result.method == "exact: the rule of the structure"
    assert result.value == pytest.approx(exact, rel=1e-12)
    K = Kronecker(Diagonal(library.asarray(values)), Identity(2, like=library.asarray(values)))
    assert logdet(K).value == pytest.approx(2 * exact, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_quadrature_in_every_library(dtype, library, rng):
    values = np.geomspace(1.0, 50.0, 80)
    X = rng.standard_normal((80, 80))
    if dtype.startswith("complex"):
        X = X + 1j * rng.standard_normal((80, 80))
    Q, _ = np.linalg.qr(X)
    A = library.asarray(((Q * values) @ Q.conj().T).astype(dtype))
    result = logdet(A, method="slq", probes=40, rng=1)
    assert abs(result.value - np.log(values).sum()) <= 4 * result.standard_error + result.bias
    xp = library.xp
    inverse = trace_of_function(A, lambda x: 1 / x, method="slq", probes=40, rng=1)
    assert abs(inverse.value - (1 / values).sum()) <= 4 * inverse.standard_error + inverse.bias
    exact = trace_of_function(A, xp.exp if dtype[-2:] == "64" else xp.sqrt)
    assert exact.method == "exact: eigenvalues"


def test_both_forms_of_the_iteration_agree():
    A, _ = laplacian(20)
    rows = logdet(A, method="slq", steps=12, rng=3)
    products = logdet(Product(A), method="slq", steps=12, rng=3)
    assert rows.value == pytest.approx(products.value, rel=1e-10)
    assert rows.standard_error == pytest.approx(products.standard_error, rel=1e-7)
    assert rows.matvecs == products.matvecs == 30 * 12
    counted = Counted(A)
    logdet(counted, method="slq", steps=12, rng=3)
    assert sum(counted.columns) == 30 * 12


def test_errors_are_calibrated():
    A, values = laplacian(40)
    exact = np.log(values).sum()
    ratios = []
    for seed in range(60):
        result = logdet(A, method="slq", rng=seed)
        ratios.append((result.value - exact) / result.standard_error)
        assert result.bias <= 0.1 * result.standard_error
    # of Student's law with 29 degrees of freedom, 0.6 % lie outside
    assert np.sum(np.abs(ratios) <= 3) >= 57
    assert 0.6 < np.sqrt(np.mean(np.square(ratios))) < 1.5


def test_the_bias_is_told():
    A, values = laplacian(40)
    # on a diagonal matrix, signs have no variance: what remains is the quadrature
    D = scipy.sparse.diags_array(values).tocsr()
    for f in (np.log, lambda x: 1 / x):
        for steps in (8, 16, 24):
            result = trace_of_function(D, f, method="slq", steps=steps, rng=0)
            error = abs(result.value - f(values).sum())
            assert error <= 3 * (result.bias + result.standard_error)
            assert result.bias <= 10 * error
    long = trace_of_function(D, lambda x: 1 / x, method="slq", rng=0)
    assert long.iterations > 24
    assert A.shape == D.shape


def test_as_many_steps_as_rows_are_not_exact(rng):
    # vectors that are not orthogonal any more make the quadrature of n steps an approximate one
    values = np.geomspace(1e-6, 1.0, 100)
    Q, _ = np.linalg.qr(rng.standard_normal((100, 100)))
    A = (Q * values) @ Q.T
    exact = (1 / values).sum()
    for steps in (100, None):
        result = trace_of_function(A, lambda x: 1 / x, method="slq", steps=steps, rng=0)
        assert abs(result.value - exact) <= 3 * result.standard_error + result.bias
    assert result.iterations > 100
    assert result.bias <= 0.1 * result.standard_error


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_steps_on_few_eigenvalues(dtype):
    values = np.repeat([1.0, 2.0, 5.0, 100.0], 50).astype(dtype)
    for A in (scipy.sparse.diags_array(values).tocsr(), Diagonal(values)):
        result = logdet(A, method="slq", steps=100, rng=0)
        assert result.value == pytest.approx(
            np.log(values).sum(), rel=1e-4 * (dtype == np.float32) + 1e-10
        )


def test_scaling_and_zero():
    A, values = laplacian(40)
    exact = np.log(values).sum()
    for size in (1e200, 1e-200):
        shifted = exact + 1600 * np.log(size)
        for method in ("auto", "exact", "slq"):
            result = logdet(size * A, method=method, rng=0)
            slack = 4 * result.standard_error + 1e-9 * abs(shifted)
            assert abs(result.value - shifted) <= slack
        assert abs(logdet(size * A.toarray()[:50, :50]).value) > 0
    for zero in (0 * A, np.zeros((5, 5)), Product(np.zeros((2000, 2000)))):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            logdet(zero)


@pytest.mark.parametrize("method", ["auto", "exact", "slq"])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_small(method, n):
    assert logdet(np.e * np.eye(n), method=method).value == pytest.approx(n, abs=1e-12)
    assert logdet(scipy.sparse.csr_array(np.e * np.eye(n)), method=method).value == pytest.approx(
        n, abs=1e-12
    )


def test_a_tolerance_is_reached():
    A, values = laplacian(60)
    result = logdet(A, method="slq", tol=2e-3, rng=0)
    assert result.converged
    assert result.error_estimate <= 2e-3 * abs(result.value)
    assert abs(result.value / np.log(values).sum() - 1) <= 8e-3
    with pytest.warns(ConvergenceWarning, match="allow more probes"):
        logdet(A, method="slq", tol=1e-6, probes=60, rng=0)


def test_indefinite_matrices_are_refused():
    A, _ = laplacian(40, shift=-1.0)
    for method in ("auto", "exact", "slq"):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            logdet(A, method=method, rng=0)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        logdet(-np.eye(4))
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        logdet(Product(A), rng=0)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        logdet(Diagonal(np.array([1.0, -1.0])))
    # an even number of negative eigenvalues leaves the determinant positive
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        logdet(Diagonal(np.array([-1.0, -1.0])))


def test_matrices_that_are_not_hermitian(rng):
    A = np.eye(200) * 5 + rng.standard_normal((200, 200)) / 20
    exact = np.linalg.slogdet(A)[1]
    assert logdet(A).value == pytest.approx(exact, rel=1e-12)
    assert logdet(scipy.sparse.csr_array(A)).value == pytest.approx(exact, rel=1e-12)
    for form in (A, scipy.sparse.csr_array(A), Product(A)):
        with pytest.raises(ValueError, match="not Hermitian"):
            logdet(form, method="slq")


def test_bad_input():
    with pytest.raises(ValueError, match="square"):
        logdet(np.ones((3, 2)))
    with pytest.raises(ValueError, match="NaN or Inf"):
        logdet(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="NaN or Inf"):
        logdet(Product(np.full((3, 3), np.nan)), method="slq")
    with pytest.raises(ValueError, match="choose one of"):
        logdet(np.eye(3), method="guess")
    for method in ("auto", "exact", "slq"):
        with pytest.raises(ValueError, match="probes is 1"):
            logdet(np.eye(3), method=method, probes=1)
        with pytest.raises(ValueError, match="steps is 1"):
            logdet(np.eye(3), method=method, steps=1)
        with pytest.raises(ValueError, match="tol is -1"):
            trace_of_function(np.eye(3), np.exp, method=method, tol=-1.0)
    with pytest.raises(ValueError, match="choose one of"):
        trace_of_function(np.eye(3), np.exp, method="guess")
    with pytest.raises(ValueError, match="f is NaN or Inf"), np.errstate(all="ignore"):
        trace_of_function(np.zeros((3, 3)), np.log)
    with pytest.raises(TypeError, match="f is a str: a function is needed"):
        trace_of_function(np.eye(3), "log")


@pytest.mark.parametrize("method", ["exact", "slq"])
def test_functions_return_a_real_number_for_each(method):
    A = np.diag(np.arange(1.0, 10.0))
    assert trace_of_function(A, lambda x: x > 4.5, method=method).value == pytest.approx(5)
    wrong = [lambda x: 1.0, lambda x: np.ones(3), lambda x: x + 1j, lambda x: x.tolist()]
    for f in wrong:
        with pytest.raises(ValueError, match="real numbers are needed"):
            trace_of_function(A, f, method=method)

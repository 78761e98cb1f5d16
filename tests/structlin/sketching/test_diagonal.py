"""Diagonals, with an error for every entry."""

import numpy as np
import pytest

from structlin import ConvergenceWarning, LinearOperator
from structlin.sketching import RowBlocks, diagonal
from structlin.sketching._operand import as_matrix
from structlin.sketching.diagonal import _XDiag


def decaying(n, rng, dtype=np.float64):
    parts = rng.standard_normal((2, n, n))
    if np.issubdtype(dtype, np.complexfloating):
        parts = parts + 1j * rng.standard_normal((2, n, n))
    P, Q = (np.linalg.qr(X)[0] for X in parts)
    return ((P / np.arange(1, n + 1) ** 2) @ Q.conj().T).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_low_rank_is_exact(dtype, library, rng):
    U, V = rng.standard_normal((2, 90, 3)).astype(dtype)
    if dtype.startswith("complex"):
        V = V * np.array([1, 1j, 1 + 1j], dtype=dtype)
    A = library.asarray(U @ V.T)
    result = diagonal(A, method="xdiag", matvecs=20, rng=0)
    assert result.value.dtype == A.dtype
    tight = 1e-3 if dtype in ("float32", "complex64") else 1e-10
    np.testing.assert_allclose(library.to_numpy(result.value), np.sum(U * V, axis=1), atol=tight)
    assert result.error_estimate <= 10 * tight


@pytest.mark.parametrize("method", ["xdiag", "hutchinson"])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_unbiased_and_calibrated(method, dtype, rng):
    A = decaying(150, rng, dtype)
    exact = np.diag(A)
    results = [diagonal(A, method=method, matvecs=40, rng=seed) for seed in range(40)]
    errors = np.array([one.value - exact for one in results])
    spread = np.linalg.norm(errors) / np.sqrt(40)
    # the mean of 40 errors is shorter than one of them by √40: 1.5 leaves eight deviations
    assert np.linalg.norm(errors.mean(axis=0)) <= 1.5 * spread / np.sqrt(40)
    inside = [abs(one.value - exact) <= 3 * one.standard_error for one in results]
    assert np.mean(inside) >= 0.97
    reported = np.sqrt(np.mean([one.error_estimate**2 for one in results]))
    assert 0.8 * spread <= reported <= 2.5 * spread


def test_leave_one_out_formulas_are_what_they_stand_for(rng):
    n, k = 30, 5
    A = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    one = _XDiag(as_matrix(A))
    one.grow(k, 0)
    value, _ = one.value_and_error()
    Omega, terms = one._range.Omega, []
    for i in range(k):
        Q, _ = np.linalg.qr(A @ np.delete(Omega, i, axis=1))
        B = Q @ (Q.conj().T @ A)
        terms.append(np.diag(B) + Omega[:, i].conj() * ((A - B) @ Omega[:, i]))
    np.testing.assert_allclose(value * one.product.unit, np.mean(terms, axis=0), atol=1e-10)


def test_xdiag_beats_signs(rng):
    A = decaying(200, rng)
    exact = np.diag(A)
    error = {
        method: np.linalg.norm(diagonal(A, method=method, rng=0).value - exact)
        for method in ("xdiag", "hutchinson")
    }
    assert error["xdiag"] < 0.1 * error["hutchinson"]


def test_what_is_known_is_read(library, rng):
    array = rng.standard_normal((100, 100))
    result = diagonal(library.asarray(array))
    np.testing.assert_array_equal(library.to_numpy(result.value), np.diag(array))
    assert result.error_estimate == 0.0
    if library.name == "numpy":
        rows = diagonal(RowBlocks(array, chunk=7))
        np.testing.assert_array_equal(rows.value, np.diag(array))
        assert rows.passes == 1
    assert diagonal(np.ones((0, 0))).value.shape == (0,)
    assert diagonal(np.full((1, 1), 3.0), method="xdiag").value[0] == 3.0


def test_zero_and_scaling(rng):
    A = decaying(100, rng)
    plain = diagonal(A, method="xdiag", rng=0).value
    for size in (1e200, 1e-200):
        scaled = diagonal(size * A, method="xdiag", rng=0)
        np.testing.assert_allclose(scaled.value / size, plain, rtol=1e-7, atol=1e-10)
    assert np.all(diagonal(0 * A, method="xdiag", rng=0).value == 0)


def test_tolerance(rng):
    A = decaying(300, rng)
    result = diagonal(A, method="xdiag", tol=0.1, rng=0)
    assert result.converged
    assert np.linalg.norm(result.value - np.diag(A)) <= 0.3 * np.linalg.norm(np.diag(A))
    with pytest.warns(ConvergenceWarning):
        diagonal(A, method="hutchinson", tol=1e-6, matvecs=50, rng=0)


def test_bad_input(rng):
    class Forward(LinearOperator):
        def _matmat(self, X):
            return 2 * X

        def _rmatmat(self, X):
            raise NotImplementedError

    with pytest.raises(NotImplementedError, match="adjoint"):
        diagonal(Forward((200, 200)))
    twos = diagonal(Forward((200, 200)), method="hutchinson").value
    np.testing.assert_allclose(twos, 2.0)
    with pytest.raises(ValueError, match="square"):
        diagonal(np.ones((3, 2)))
    with pytest.raises(ValueError, match="choose one of"):
        diagonal(np.eye(3), method="guess")
    with pytest.raises(ValueError, match="matvecs is 2"):
        diagonal(np.eye(3), matvecs=2)
    with pytest.raises(ValueError, match="NaN or Inf"):
        diagonal(np.full((3, 3), np.inf))
    assert "3 entries" in repr(diagonal(np.eye(3)))

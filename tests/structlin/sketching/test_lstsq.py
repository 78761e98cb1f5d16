"""Least squares by sketching, beside LAPACK and formulas of backward errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin._kernels import residual_gradient, residual_gradient_numba
from structlin.matrices import Diagonal, LinearOperator
from structlin.sketching import RowBlocks, _lstsq_driver, _lstsq_refine, lstsq, lstsq_uniform, ridge
from tests.conftest import ArrayLibrary

corrected = ["cholqr", "spir", "fossils"]


def problem(m: int, n: int, condition: float, residual: float, seed: int = 0) -> tuple[Any, Any]:
    """Return a matrix of geometric singular values, and ``A x + r`` with ``‖x‖ = 1``, ``r ⊥ A``."""
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((m, n + 1)))[0]
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = U[:, :n] * np.geomspace(1, 1 / condition, n) @ V.T
    x = rng.standard_normal(n)
    return A, A @ (x / np.linalg.norm(x)) + residual * U[:, n]


def backward_error(A: Any, b: Any, x: Any) -> float:
    """Return the estimate of Karlson and Waldén, relative to ‖A‖_F, from singular values of A."""
    _, s, Vh = np.linalg.svd(A, full_matrices=False)
    r, size = b - A @ x, np.linalg.norm(s)
    theta = size / np.linalg.norm(b)
    weight = theta / math.sqrt(1 + theta**2 * np.linalg.norm(x) ** 2)
    parts = (Vh @ (A.T @ r)) / np.sqrt(s**2 + weight**2 * (r @ r))
    return weight * np.linalg.norm(parts) / size


def gelsd(A: Any, b: Any, rcond: float | None = None) -> Any:
    return scipy.linalg.lstsq(A, b, cond=rcond, lapack_driver="gelsd")[0]


def require_as_accurate_as_lapack(m: int, n: int, condition: float, residual: float, method: str):
    A, b = problem(m, n, condition, residual)
    found = lstsq(A, b, method=method, rng=1)
    floor = max(backward_error(A, b, gelsd(A, b)), 1e-16)
    assert found.converged
    assert backward_error(A, b, found.x) <= 3 * floor
    assert found.residual_norm == pytest.approx(np.linalg.norm(b - A @ found.x), rel=1e-2)
    assert found.condition == pytest.approx(condition, rel=1)


@pytest.mark.parametrize("residual", [1e-12, 1e-3, 1.0])
@pytest.mark.parametrize("condition", [1e2, 1e8, 1e14])
@pytest.mark.parametrize("method", ["auto", "spir", "fossils"])
def test_backward_error_is_that_of_lapack(method, condition, residual):
    require_as_accurate_as_lapack(1000, 40, condition, residual, method)


@pytest.mark.slow
@pytest.mark.parametrize("residual", [1e-12, 1e-9, 1e-6, 1e-3, 1.0])
@pytest.mark.parametrize("condition", 10.0 ** np.arange(2, 15))
@pytest.mark.parametrize("method", ["auto", "spir", "fossils"])
@pytest.mark.parametrize(("m", "n"), [(1000, 10), (5000, 200)])
def test_backward_error_over_a_grid(m, n, method, condition, residual):
    require_as_accurate_as_lapack(m, n, condition, residual, method)


def extended(A: Any, b: Any) -> Any:
    """Return the solution by Gram and Schmidt in extended precision, orthogonalised twice."""
    Q = np.column_stack([A, b]).astype(np.longdouble)
    n = A.shape[1]
    R = np.zeros((n + 1, n + 1), np.longdouble)
    for j in range(n + 1):
        for _ in range(2):
            for i in range(j):
                c = Q[:, i] @ Q[:, j]
                R[i, j] += c
                Q[:, j] -= c * Q[:, i]
        R[j, j] = np.sqrt(Q[:, j] @ Q[:, j])
        Q[:, j] /= R[j, j]
    x = R[:n, n].copy()
    for i in reversed(range(n)):
        x[i] = (x[i] - R[i, i + 1 : n] @ x[i + 1 :]) / R[i, i]
    return x


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="no extended precision")
@pytest.mark.parametrize("method", corrected)
@pytest.mark.parametrize("residual", [1e-12, 1e-3])
@pytest.mark.parametrize("condition", [1e3, 1e8])
def test_forward_error_is_at_most_ten_times_that_of_lapack(method, condition, residual):
    A, b = problem(400, 16, condition, residual)
    exact = extended(A, b)
    error = np.linalg.norm(lstsq(A, b, method=method, rng=0).x - exact)
    # the error of one run is a random number: that of LAPACK's is taken for its bound
    bound = condition * (1 + condition * residual) * 2.2e-16
    assert error <= 10 * max(np.linalg.norm(gelsd(A, b) - exact), 0.1 * bound)


# rank, scaling


def deficient() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    U = np.linalg.qr(rng.standard_normal((900, 30)))[0]
    V = np.linalg.qr(rng.standard_normal((30, 30)))[0]
    s = np.r_[np.geomspace(1, 1e-4, 18), np.geomspace(1, 0.1, 12) * 1e-14]
    plain = rng.standard_normal((900, 30))
    zeros, twins = plain.copy(), plain.copy()
    zeros[:, [3, 17]] = 0
    twins[:, 5] = twins[:, 6]
    return {
        "gap of 1e10": U * s @ V.T,
        "product": plain[:, :7] @ plain[:7, :],
        "zero columns": zeros,
        "equal columns": twins,
        "one column": plain[:, :1] @ np.ones((1, 30)),
        "large": 1e150 * twins,
    }


@pytest.mark.parametrize("method", ["auto", "spir", "fossils", "lapack"])
@pytest.mark.parametrize("name", deficient())
def test_solutions_of_lower_rank_are_the_shortest(name, method):
    A = deficient()[name]
    b = np.random.default_rng(4).standard_normal((900, 2))
    scale = np.max(np.abs(A))
    reference, _, rank, _ = scipy.linalg.lstsq(A / scale, b, cond=1e-12)
    found = lstsq(A, b, method=method, rcond=1e-12, rng=0)
    assert found.rank == rank
    assert np.linalg.norm(found.x * scale - reference) <= 1e-6 * np.linalg.norm(reference)


@pytest.mark.parametrize("method", [*corrected, "lapack"])
def test_rank_is_found_by_default(method):
    A = deficient()["product"]
    b = np.random.default_rng(4).standard_normal(900)
    found = lstsq(A, b, method=method, rng=0)
    assert found.rank == 7
    assert np.allclose(found.x, np.linalg.pinv(A, rcond=1e-12) @ b, rtol=1e-9)


@pytest.mark.parametrize("method", ["auto", "spir", "fossils", "sketch", "lapack"])
def test_the_zero_matrix_has_the_solution_zero(method):
    found = lstsq(np.zeros((100, 3)), np.ones(100), method=method, rng=0)
    assert np.all(found.x == 0)
    assert (found.rank, found.condition) == (0, 1.0)
    assert found.residual_norm == pytest.approx(10.0)


@pytest.mark.parametrize("size", [1e-200, 1e200])
@pytest.mark.parametrize("method", [*corrected, "lapack"])
def test_scale_does_not_matter(method, size):
    A, b = problem(500, 12, 1e3, 0.1)
    x = gelsd(A, b)
    assert np.allclose(lstsq(size * A, size * b, method=method, rng=0).x, x, rtol=1e-10)
    by_columns = lstsq(A * np.geomspace(1, size, 12), b, method=method, rng=0)
    assert by_columns.rank == 12
    assert np.allclose(by_columns.x * np.geomspace(1, size, 12), x, rtol=1e-9)


@pytest.mark.parametrize("driver", [lstsq, lstsq_uniform])
def test_a_solution_out_of_range_is_an_error(driver):
    A = np.full((40, 2), 1e-200) * np.arange(40)[:, None] ** [0, 1]
    with pytest.raises(ValueError, match="exceed the range"):
        driver(A, np.full(40, 1e200))


@pytest.mark.parametrize("method", ["auto", *corrected, "sketch", "lapack"])
def test_operators_that_give_nan_are_an_error(method):
    A = np.ones((100, 2))
    A[3, 1] = math.nan
    with pytest.raises(ValueError, match="A has a NaN or Inf"):
        lstsq(scipy.sparse.linalg.aslinearoperator(A), np.ones(100), method=method)


def test_a_heavy_ball_that_diverges_says_so():
    # a few rows carry the matrix, and the sketch has hardly more rows than columns
    A = np.eye(320, 80) + 1e-3 * np.random.default_rng(1).standard_normal((320, 80))
    with pytest.warns(ConvergenceWarning, match="fossils did not converge"):
        found = lstsq(A, np.ones(320), method="fossils", oversampling=1.05, rng=2)
    assert np.all(np.isfinite(found.x))


# containers, libraries, data types


def test_a_sparse_side_is_an_error():
    with pytest.raises(TypeError, match=r"b is a sparse matrix: pass b\.toarray"):
        lstsq(np.ones((20, 1)), scipy.sparse.csr_array(np.ones((20, 1))))


@pytest.mark.parametrize("method", ["auto", *corrected, "lapack"])
@pytest.mark.parametrize(
    "container",
    [
        np.asfortranarray,
        lambda A: A[::-1][::-1],
        scipy.sparse.csr_array,
        scipy.sparse.csc_array,
        scipy.sparse.coo_array,
        scipy.sparse.linalg.aslinearoperator,
        RowBlocks,
        lambda A: Diagonal(np.full(A.shape[0], 2.0)) @ Diagonal(np.full(A.shape[0], 0.5)) @ A,
    ],
)
def test_containers(container, method):
    A, b = problem(700, 70, 1e4, 1e-2)  # more columns than an operator is asked for at a time
    found = lstsq(container(A), b, method=method, rng=0)
    assert found.converged
    assert np.allclose(found.x, gelsd(A, b), atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("method", ["auto", *corrected, "lapack"])
def test_libraries_and_data_types(library: ArrayLibrary, dtype, method):
    A, b = problem(200, 10, 1e2, 0.1)
    B = np.stack([b, np.cos(b)], axis=1)
    if dtype.startswith("complex"):
        A, B = A * np.exp(1j * np.arange(10)), B + 1j * B[::-1]
    found = lstsq(library.asarray(A, dtype), library.asarray(B, dtype), method=method, rng=0)
    assert found.x.dtype == library.dtype(dtype)
    assert namespace(found.x) is library.xp
    eps = np.finfo(dtype).eps
    assert np.allclose(library.to_numpy(found.x), gelsd(A, B), rtol=1e4 * eps, atol=1e4 * eps)
    norms = np.linalg.norm(B - A @ gelsd(A, B), axis=0)
    assert np.allclose(library.to_numpy(found.residual_norm), norms, rtol=100 * eps)


@pytest.mark.parametrize("method", [*corrected, "lapack"])
def test_complex_sides_of_a_real_matrix(method):
    A, b = problem(200, 10, 1e2, 0.1)
    b = b + 1j * b[::-1]
    found = lstsq(A, b, method=method, rng=0)
    assert np.allclose(found.x, gelsd(A, b), rtol=1e-10)
    assert found.residual_norm == pytest.approx(np.linalg.norm(b - A @ gelsd(A, b)))


def test_integers_and_mixed_precision():
    A = np.arange(60).reshape(20, 3) ** 2 % 11
    b = np.arange(20)
    assert np.allclose(lstsq(A, b, method="cholqr", rng=0).x, gelsd(A, b))
    mixed = lstsq(A.astype(np.float32), b, method="cholqr", rng=0)
    assert mixed.x.dtype == np.float64
    assert np.allclose(mixed.x, gelsd(A, b), rtol=1e-12)
    assert lstsq(A.astype(np.float16), b.astype(np.float32)).x.dtype == np.float32
    assert lstsq(A.astype(np.float16), b.astype(np.float16)).x.dtype == np.float32


def test_many_right_sides_are_those_one_by_one():
    A, b = problem(400, 20, 1e6, 1e-2)
    B = np.stack([b, 1e100 * b[::-1], np.zeros(400), A @ np.ones(20)], axis=1)
    for method in corrected:
        found = lstsq(A, B, method=method, rng=0)
        assert found.x.shape == (20, 4)
        for j in range(4):
            alone = lstsq(A, B[:, j], method=method, rng=0)
            assert np.linalg.norm(found.x[:, j] - alone.x) <= 1e-6 * np.linalg.norm(alone.x)
    for method in ("auto", "lapack"):
        assert lstsq(A, B[:, :0], method=method).x.shape == (20, 0)


# what is said of the answer


def test_auto_says_what_it_did():
    A, b = problem(400, 20, 1e6, 1e-2)
    assert lstsq(A, b, rng=0).method == "cholqr (auto)"
    assert lstsq(scipy.sparse.csr_array(A), b, rng=0).method == "spir (auto)"
    said = lstsq(A[:159], b[:159]).method
    assert said == "lapack (auto: m = 159 < 8 n = 160)"
    wide = lstsq(A.T, b[:20])
    assert wide.method.startswith("lapack")
    assert np.allclose(wide.x, gelsd(A.T, b[:20]), rtol=1e-8)


def test_report():
    A, b = problem(400, 20, 1e2, 1e-2)
    found = lstsq(A, b, rng=7)
    again = lstsq(A, b, rng=7)
    assert np.all(found.x == again.x)
    assert found.seed == again.seed
    assert 4 <= found.passes <= 5
    assert found.error_estimate <= 1.2e-16
    assert repr(found).startswith("<LeastSquares x (20,) by cholqr (auto): rank 20, condition")
    assert lstsq(A, b, method="lapack").seed is None


def test_the_sketched_solution_has_nearly_the_least_residual():
    A, b = problem(2000, 20, 1e2, 1.0)
    least = np.linalg.norm(b - A @ gelsd(A, b))
    for seed in range(5):
        found = lstsq(A, b, method="sketch", rng=seed)
        assert (found.converged, found.iterations, found.passes) == (True, 0, 2)
        # 1 + n/(d − n) is expected of the squares, with d = 12 n
        assert least <= found.residual_norm <= least * math.sqrt(1 + 3 / 11)
        assert found.error_estimate > 1e-6


def test_reaching_no_accuracy_is_said(monkeypatch):
    monkeypatch.setattr(_lstsq_refine, "_corrections", 0)
    A, b = problem(400, 20, 1e2, 1.0)
    with pytest.warns(ConvergenceWarning, match="fossils did not converge.*oversampling"):
        found = lstsq(A, b, method="fossils", rng=0)
    assert not found.converged
    found = lstsq(A, b, rng=0)
    assert found.converged
    assert found.method == "lapack (auto: spir did not converge)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"A": np.array([[1.0], [np.nan]])}, r"A has a NaN or Inf at \[1, 0\]"),
        ({"b": np.array([1.0, np.inf])}, r"b has a NaN or Inf at \[1\]"),
        ({"b": np.ones(3)}, r"b has shape \(3,\), but A is 2x1"),
        ({"b": np.ones((2, 1, 1))}, "b has shape"),
        ({"method": "lsqr"}, "method is 'lsqr': choose one of 'auto', 'cholqr'"),
        ({"oversampling": 0.5}, "a sketch has more rows"),
        ({"tol": -1.0}, "tol is -1.0"),
        ({"rcond": math.nan}, "rcond is nan"),
        ({"A": np.ones(2)}, "a matrix"),
    ],
)
def test_bad_input(arguments, words):
    with pytest.raises(ValueError, match=words):
        lstsq(**{"A": np.ones((2, 1)), "b": np.ones(2), **arguments})


def test_an_operator_without_adjoint_is_an_error():
    class OneWay(LinearOperator):
        def _matmat(self, X):
            return np.ones((100, 1)) * np.sum(X, axis=0)

        def _rmatmat(self, X):
            raise NotImplementedError

    with pytest.raises(NotImplementedError, match="adjoint"):
        lstsq(OneWay((100, 2)), np.ones(100))


@pytest.mark.parametrize("shape", [(0, 3), (5, 0), (0, 0)])
@pytest.mark.parametrize("driver", [lstsq, lambda A, b: ridge(A, b, 0.0), lstsq_uniform])
def test_empty(library: ArrayLibrary, driver, shape):
    found = driver(library.asarray(np.ones(shape)), library.asarray(np.ones(shape[0])))
    assert found.x.shape == (shape[1],)
    assert np.all(library.to_numpy(found.x) == 0)
    assert float(found.residual_norm) == pytest.approx(math.sqrt(shape[0]))


def test_a_sketch_larger_than_the_matrix_is_the_matrix():
    A, b = problem(60, 20, 1e3, 0.1)
    for method in corrected:
        found = lstsq(A, b, method=method, rng=0)
        assert np.allclose(found.x, gelsd(A, b), rtol=1e-8)


@pytest.mark.parametrize("condition", [1e2, 1e8])
def test_row_blocks_are_read_as_often_as_said_and_chunks_do_not_matter(condition):
    A, b = problem(9000, 8, condition, 1e-2)
    answers = []
    for chunk in (100, 1000, 9000):
        blocks = RowBlocks(A, chunk=chunk)
        found = lstsq(blocks, b, rng=0)
        assert found.method == "cholqr (auto)"
        assert found.passes == blocks.passes <= 5
        assert blocks.bytes_read == found.passes * A.nbytes
        answers.append(found.x)
    assert all(np.all(x == answers[0]) for x in answers)
    assert np.linalg.norm(b - A @ answers[0]) <= (1 + 1e-12) * np.linalg.norm(b - A @ gelsd(A, b))


def test_many_columns_of_one_side_take_iterations(monkeypatch):
    monkeypatch.setattr(_lstsq_driver, "_many", 20)
    A, b = problem(400, 20, 1e6, 1e-2)
    assert lstsq(A, b, rng=0).method == "spir (auto)"
    assert lstsq(A, np.stack([b, b], axis=1), rng=0).method == "cholqr (auto)"


# the kernel


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [0, 1, 3, 2048, 5001])
def test_kernel_twins_agree(m, dtype):
    rng = np.random.default_rng(m)
    A, B, X = (rng.standard_normal(size).astype(dtype) for size in ((m, 60), (m, 1), (60, 1)))
    plain = residual_gradient.residual_gradient(A, B, X)
    compiled = residual_gradient_numba.residual_gradient(A, B, X)
    R = (B - A @ X).astype(float)
    tol = 1e3 * np.finfo(dtype).eps
    for gradient, squares in (plain, compiled):
        assert (gradient.dtype, squares.dtype) == (dtype, dtype)
        assert np.allclose(
            gradient, A.T @ R, atol=tol * (1 + np.linalg.norm(A) * np.linalg.norm(R))
        )
        assert np.allclose(squares, np.sum(R**2, axis=0), rtol=tol)


# regularisation


@pytest.mark.parametrize("method", ["auto", *corrected, "lapack"])
def test_ridge_solves_the_normal_equations(method):
    A, b = problem(600, 20, 1e4, 0.3)
    mus = [0.0, 1e-6, 1.0, 100.0]
    found = ridge(A, b, mus, method=method, rng=0)
    assert found.x.shape == (4, 20)
    for x, mu, norm in zip(found.x, mus, found.residual_norm, strict=True):
        stacked = np.vstack([A, math.sqrt(mu) * np.eye(20)]), np.r_[b, np.zeros(20)]
        reference = gelsd(*stacked)
        assert np.linalg.norm(x - reference) <= 1e-9 * np.linalg.norm(reference)
        assert norm == pytest.approx(np.linalg.norm(stacked[1] - stacked[0] @ reference))
        alone = ridge(A, b, mu, method=method, rng=0)
        assert np.linalg.norm(alone.x - x) <= 1e-9 * np.linalg.norm(x)
    assert "LeastSquares" in repr(found)


def test_ridge_of_lower_rank_and_several_sides():
    A = deficient()["product"]
    B = np.random.default_rng(4).standard_normal((900, 2))
    found = ridge(A, B, [1e-2, 1.0], rng=0)
    assert found.x.shape == (2, 30, 2)
    assert found.residual_norm.shape == (2, 2)
    for x, mu in zip(found.x, (1e-2, 1.0), strict=True):
        U, s, Vh = np.linalg.svd(A, full_matrices=False)
        reference = Vh[:7].T @ ((U[:, :7].T @ B) * (s[:7] / (s[:7] ** 2 + mu))[:, None])
        assert np.allclose(x, reference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("mu", [1e2, 1e10, 1e32, 1e100])
@pytest.mark.parametrize("method", ["auto", *corrected, "lapack"])
def test_ridge_is_accurate_however_large_the_regularisation(method, mu):
    A, b = problem(600, 20, 1e3, 3.0)
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    reference = Vh.T @ (U.T @ b * s / (s**2 / mu + 1))  # times mu
    found = ridge(A, b, mu, method=method, rng=0)
    assert found.converged
    assert np.linalg.norm(found.x * mu - reference) <= 1e-12 * np.linalg.norm(reference)
    assert found.residual_norm == pytest.approx(np.linalg.norm(b), rel=0.1)


def test_ridge_shares_sketch_and_gram_matrix():
    A, b = problem(600, 20, 1e4, 0.3)
    several = ridge(A, b, np.geomspace(1e-3, 1, 5), rng=0)
    one = ridge(A, b, 1e-3, rng=0)
    assert several.passes <= 2 + 5 * (one.passes - 2)


@pytest.mark.parametrize("mu", [-1.0, math.nan, math.inf, [], [[1.0]], [1j], "one", None])
def test_ridge_refuses(mu):
    with pytest.raises(ValueError, match="mu is"):
        ridge(np.ones((20, 1)), np.ones(20), mu)


def test_ridge_refuses_what_single_precision_does_not_hold():
    with pytest.raises(ValueError, match="exceeds the range of float32"):
        ridge(np.ones((20, 1), np.float32), np.ones(20, np.float32), 1e80)


# all entries


@pytest.mark.parametrize("sketch", ["srct", "gaussian"])
def test_uniform_errors_are_within_the_bound(sketch):
    # the probability of a failure is 1e-3 in each of ten runs: at most one in ten thousand here
    A, b = problem(4000, 4, 3.0, 1.0)
    x = gelsd(A, b)
    norm, smallest = np.linalg.norm(b - A @ x), np.linalg.svd(A)[1][-1]
    for seed in range(10):
        found = lstsq_uniform(A, b, eps=0.5, delta=1e-3, sketch=sketch, rng=seed)
        error = np.max(np.abs(found.x - x))
        assert error <= 0.5 / math.sqrt(4) * norm / smallest
        assert error <= 1.5 * found.error_estimate
        assert found.error_estimate <= 1.5 * 0.5 / math.sqrt(4) * norm / smallest


@pytest.mark.parametrize("sketch", ["srct", "gaussian"])
def test_the_bound_of_a_complex_side_is_by_the_whole_residual(sketch):
    A, b = problem(4000, 4, 3.0, 1.0)
    plain = lstsq_uniform(A, b, sketch=sketch, rng=0)
    both = lstsq_uniform(A, b + 1j * b, sketch=sketch, rng=0)
    assert both.error_estimate == pytest.approx(math.sqrt(2) * plain.error_estimate)
    assert "error estimate" in repr(both)
    assert lstsq_uniform(0 * A, b, sketch=sketch, rng=0).error_estimate == 0


def test_uniform_takes_all_rows_of_a_short_matrix(library: ArrayLibrary):
    A, b = problem(100, 4, 3.0, 1.0)
    found = lstsq_uniform(library.asarray(A), library.asarray(b))
    assert found.method.startswith("all rows")
    assert np.allclose(library.to_numpy(found.x), gelsd(A, b))


def test_uniform_refuses():
    for options in ({"eps": 0.0}, {"delta": 1.0}, {"sketch": "sparse"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            lstsq_uniform(np.ones((20, 1)), np.ones(20), **options)

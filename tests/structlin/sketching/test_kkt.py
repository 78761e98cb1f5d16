"""Saddle-point systems against dense solutions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning
from structlin.matrices import Diagonal, LinearOperator
from structlin.sketching import solve_kkt


def problem(rng, n, m, dtype="float64", condition=5.0):
    """Return a convex problem and its solution by LAPACK."""
    shapes = [(n, n), (m, n), (n,), (m,)]
    parts = [rng.standard_normal(shape) for shape in shapes]
    if dtype.startswith("complex"):
        parts = [part + 1j * rng.standard_normal(part.shape) for part in parts]
    X, J, g, c = parts
    Q, _ = np.linalg.qr(X)
    H = (Q * np.linspace(1.0, condition, n)) @ Q.conj().T
    K = np.block([[H, J.conj().T], [J, np.zeros((m, m))]])
    z = np.linalg.solve(K, -np.concatenate((g, c)))
    return [part.astype(dtype) for part in (H, J, g, c)], (z[:n], z[n:])


METHODS = [
    {"method": "direct"},
    {"method": "sketched"},
    {"method": "sketched", "sketch": "gaussian", "sketch_size": 5},
    {"method": "sketched", "sketch": "rows", "sketch_size": 10},
]


@pytest.mark.parametrize("options", METHODS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_solution(library, rng, dtype, options):
    parts, (x, multipliers) = problem(rng, 16, 4, dtype)
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-7
    found = solve_kkt(*map(library.asarray, parts), rtol=rtol, rng=1, **options)
    assert found.converged
    assert found.error_estimate <= rtol
    assert str(found.x.dtype).endswith(dtype)
    for value, exact in ((found.x, x), (found.multipliers, multipliers)):
        np.testing.assert_allclose(library.to_numpy(value), exact, atol=100 * rtol)


def test_residuals_are_those_of_the_system(rng):
    (H, J, g, c), _ = problem(rng, 20, 4)
    found = solve_kkt(H, J, g, c, method="sketched", rtol=1e-3, rng=0)
    stationarity = np.linalg.norm(H @ found.x + J.T @ found.multipliers + g)
    np.testing.assert_allclose(found.stationarity, stationarity, rtol=1e-6)
    np.testing.assert_allclose(found.feasibility, np.linalg.norm(J @ found.x + c), rtol=1e-6)


class Hidden(LinearOperator):
    """A matrix known by its products alone."""

    def __init__(self, A):
        self.inner = A
        super().__init__(A.shape, like=A)

    def _matmat(self, X):
        return self.inner @ X

    def _rmatmat(self, X):
        return self.inner.T @ X


@pytest.mark.parametrize("method", ["direct", "sketched"])
@pytest.mark.parametrize(
    "container", [scipy.sparse.csr_array, scipy.sparse.coo_matrix, Hidden, np.asfortranarray]
)
def test_containers(rng, container, method):
    (H, J, g, c), (x, multipliers) = problem(rng, 30, 7)
    found = solve_kkt(container(H), container(J), g, c, method=method, rng=2)
    np.testing.assert_allclose(found.x, x, atol=1e-6)
    np.testing.assert_allclose(found.multipliers, multipliers, atol=1e-6)


def test_auto_says_what_it_does(rng):
    (H, J, g, c), _ = problem(rng, 20, 4)
    assert "dense LU" in solve_kkt(H, J, g, c).method
    sparse = scipy.sparse.csr_array
    assert "sparse LU" in solve_kkt(sparse(H), sparse(J), g, c).method
    n = 5000
    large = solve_kkt(
        Diagonal(np.linspace(1.0, 2.0, n)), Hidden(np.ones((1, n))), np.ones(n), np.ones(1), rng=0
    )
    assert "sketch and project" in large.method
    assert large.converged


def test_symmetric_system_without_constraints(rng):
    A = rng.standard_normal((30, 30))
    A = A + A.T + 3 * np.diag(np.sign(rng.standard_normal(30))) * 10
    g = rng.standard_normal(30)
    found = solve_kkt(A, np.zeros((0, 30)), g, np.zeros(0), method="sketched", rng=0)
    np.testing.assert_allclose(found.x, np.linalg.solve(A, -g), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("method", ["direct", "sketched"])
def test_scale_of_either_block_does_not_matter(rng, scale, method):
    (H, J, g, c), (x, _) = problem(rng, 20, 4)
    for system in ((H * scale, J, g * scale, c), (H, J * scale, g, c * scale)):
        np.testing.assert_allclose(solve_kkt(*system, method=method, rng=0).x, x, atol=1e-6)


def test_redundant_constraints(rng):
    (H, J, g, c), _ = problem(rng, 20, 4)
    J, c = np.concatenate((J, J[:2])), np.concatenate((c, c[:2]))
    K = np.block([[H, J.T], [J, np.zeros((6, 6))]])
    x = np.linalg.lstsq(K, -np.concatenate((g, c)), rcond=1e-10)[0][:20]
    direct = solve_kkt(H, J, g, c)
    assert "singular" in direct.method
    np.testing.assert_allclose(direct.x, x, atol=1e-8)
    np.testing.assert_allclose(solve_kkt(H, J, g, c, method="sketched", rng=0).x, x, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("method", ["direct", "sketched"])
def test_scale_of_the_right_hand_side_does_not_matter(rng, scale, method):
    (H, J, g, c), (x, _) = problem(rng, 20, 4)
    found = solve_kkt(H, J, g * scale, c * scale, method=method, rng=0)
    np.testing.assert_allclose(found.x / scale, x, atol=1e-6)


def test_redundant_constraints_of_a_sparse_system(rng):
    (H, J, g, c), (x, _) = problem(rng, 20, 4)
    J, c = np.concatenate((J, J[:1])), np.concatenate((c, c[:1]))
    found = solve_kkt(scipy.sparse.csr_array(H), scipy.sparse.csr_array(J), g, c)
    assert found.converged
    np.testing.assert_allclose(found.x, x, atol=1e-8)


@pytest.mark.parametrize("method", ["direct", "sketched"])
def test_default_accuracy_is_within_reach_of_single_precision(rng, method):
    parts, _ = problem(rng, 20, 4, "float32")
    assert solve_kkt(*parts, method=method, rng=0).converged


def test_slow_convergence_is_told(rng):
    (H, J, g, c), _ = problem(rng, 60, 10, condition=1e7)
    with pytest.warns(ConvergenceWarning, match="ill-conditioned"):
        found = solve_kkt(H, J, g, c, method="sketched", maxiter=20, rng=0)
    assert not found.converged
    assert found.error_estimate > 1e-8


def test_inconsistent_constraints_are_told(rng):
    (H, J, g, c), _ = problem(rng, 20, 4)
    J, c = np.concatenate((J, J[:1])), np.concatenate((c, c[:1] + 1))
    with pytest.warns(ConvergenceWarning, match="inconsistent"):
        assert not solve_kkt(H, J, g, c).converged


def test_the_error_never_grows(rng):
    (H, J, g, c), exact = problem(rng, 40, 8, condition=100.0)
    exact = np.concatenate(exact)
    # in the unknowns of the balanced system
    weight = np.linalg.norm(J) / 8**0.5 / (np.linalg.norm(H) / 40**0.5)
    exact[40:] *= weight
    errors = []
    for steps in range(0, 12, 2):
        with pytest.warns(ConvergenceWarning):
            found = solve_kkt(H, J, g, c, method="sketched", maxiter=steps, rng=3)
        z = np.concatenate((found.x, weight * found.multipliers))
        errors.append(np.linalg.norm(z - exact))
    assert all(b <= a for a, b in itertools.pairwise(errors))


def test_zero_right_hand_side_and_zero_matrix():
    eye = np.eye(3)
    for method in ("direct", "sketched"):
        found = solve_kkt(eye, eye[:1], np.zeros(3), np.zeros(1), method=method)
        assert found.converged
        assert not found.x.any()
    empty = solve_kkt(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0), np.zeros(0))
    assert empty.converged
    assert empty.x.shape == (0,)


def test_same_seed_same_answer(rng):
    parts, _ = problem(rng, 20, 4)
    one, two = (solve_kkt(*parts, method="sketched", rng=5) for _ in range(2))
    assert np.array_equal(one.x, two.x)
    again = solve_kkt(*parts, method="sketched", rng=one.seed)
    assert np.array_equal(again.x, one.x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"H": np.ones((3, 2))}, "square"),
        ({"J": np.ones((1, 4))}, "3 columns"),
        ({"g": np.ones(2)}, "g has shape"),
        ({"c": np.ones(2)}, "c has shape"),
        ({"g": np.array([1.0, np.nan, 0.0])}, "g has a NaN"),
        ({"H": np.diag([1.0, np.inf, 1.0])}, "H has a NaN"),
        ({"method": "cg"}, "method"),
        ({"sketch": "srht"}, "sketch"),
        ({"sketch_size": 0}, "sketch_size"),
        ({"rtol": np.nan}, "rtol"),
        ({"maxiter": -1}, "maxiter"),
    ],
)
def test_bad_input(change, message):
    good = {"H": np.eye(3), "J": np.ones((1, 3)), "g": np.ones(3), "c": np.ones(1)}
    with pytest.raises(ValueError, match=message):
        solve_kkt(**{**good, **change})

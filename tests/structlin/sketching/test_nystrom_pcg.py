"""Nyström-preconditioned conjugate gradients, beside dense solutions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin._errors import ConvergenceWarning
from structlin.matrices import Diagonal
from structlin.sketching import nystrom_cg
from structlin.sketching._pcg import pcg


def matrix(n: int, decay: float, seed: int = 0) -> np.ndarray:
    """Return a positive definite matrix with eigenvalues ``j^{-decay}``."""
    V = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
    return V * np.arange(1.0, n + 1) ** -decay @ V.T


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_solutions_are_those_of_a_dense_solve(size):
    A = matrix(200, 2.0)
    B = np.random.default_rng(1).standard_normal((200, 3)) * [1.0, 1e-100, 0.0]
    found = nystrom_cg(size * A, B, size * 1e-4, rtol=1e-12, rng=0)
    reference = np.linalg.solve(A + 1e-4 * np.eye(200), B) / size
    assert found.converged
    assert found.error_estimate <= 1e-12
    assert np.allclose(found.x, reference, rtol=1e-7, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_libraries_and_data_types(library, dtype):
    A = matrix(60, 2.0)
    b = np.ones(60)
    if dtype.startswith("complex"):
        phases = np.exp(1j * np.arange(60))
        A, b = phases[:, None] * A * phases.conj(), b + 1j * np.arange(60)
    eps = np.finfo(dtype).eps
    found = nystrom_cg(
        library.asarray(A, dtype), library.asarray(b, dtype), 1e-2, rtol=100 * eps, rng=0
    )
    assert found.x.dtype == library.dtype(dtype)
    reference = np.linalg.solve(A + 1e-2 * np.eye(60), b)
    error = np.linalg.norm(library.to_numpy(found.x) - reference)
    assert error <= 2e4 * eps * np.linalg.norm(reference)


def test_iterations_do_not_depend_on_the_shift():
    A, b = matrix(400, 3.0), np.ones(400)
    counts = [nystrom_cg(A, b, mu, rng=0).iterations for mu in (1e-2, 1e-4, 1e-6)]
    assert max(counts) <= 30
    _, plain = pcg(
        lambda X: A @ X + 1e-6 * X,
        b[:, None],
        lambda R: np.linalg.norm(R, axis=0) <= 1e-8 * np.linalg.norm(b),
        1000,
    )
    assert plain > 5 * max(counts)


def test_rank_doubles_until_the_shift_is_reached():
    A, b = Diagonal(np.arange(1.0, 1001.0) ** -2), np.ones(1000)
    assert nystrom_cg(A, b, 1e-3, rng=0).rank == 32
    assert nystrom_cg(A, b, 1e-5, rng=0).rank in (64, 128)
    assert nystrom_cg(A, b, 1e-9, rng=0).rank == 256  # a quarter of n and no more than that
    assert nystrom_cg(A, b, 1e-9, rank=10, rng=0, maxiter=5000).rank == 10


def test_zeros():
    found = nystrom_cg(np.zeros((50, 50)), np.arange(50.0), 2.0, rng=0)
    assert np.allclose(found.x, np.arange(50.0) / 2)
    still = nystrom_cg(matrix(50, 1.0), np.zeros(50), 1.0, rng=0)
    assert np.all(still.x == 0)
    assert still.iterations == 0
    assert nystrom_cg(np.zeros((0, 0)), np.zeros(0), 1.0).x.shape == (0,)
    assert nystrom_cg(np.eye(3, dtype=np.float32), np.ones(3, np.float16), 1.0).x.dtype == "float32"


def test_too_few_iterations_are_said():
    with pytest.warns(ConvergenceWarning, match="raise rank, maxiter or rtol"):
        found = nystrom_cg(matrix(300, 1.0), np.ones(300), 1e-6, rank=2, maxiter=3, rng=0)
    assert not found.converged
    assert "iterations" in repr(found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"A": np.ones((2, 3))}, "A is 2x3: a square matrix"),
        ({"mu": 0.0}, "mu is 0.0"),
        ({"mu": math.nan}, "mu is nan"),
        ({"mu": np.ones(2)}, r"mu is \[1"),
        ({"b": np.ones(3)}, r"b has shape \(3,\), but A is 2x2"),
        ({"b": np.array([1.0, math.inf])}, "b has a NaN or Inf"),
        ({"A": np.array([[1.0, math.nan], [0.0, 1.0]])}, "A has a NaN or Inf"),
        ({"rtol": 0.0}, "rtol is 0.0"),
    ],
)
def test_bad_input(arguments, words):
    with pytest.raises(ValueError, match=words):
        nystrom_cg(**{"A": np.eye(2), "b": np.ones(2), "mu": 1.0, **arguments})


def test_columns_are_solved_alone():
    A = matrix(100, 1.0)
    B = np.random.default_rng(2).standard_normal((100, 3))
    X, _ = pcg(lambda X: A @ X, B, lambda R: np.linalg.norm(R, axis=0) <= [1e-1, 1e-6, 1e-12], 1000)
    residuals = np.linalg.norm(A @ X - B, axis=0)
    assert np.all(residuals <= [1e-1, 1e-6, 2e-12])
    # a column is left alone once it is done
    assert residuals[0] > 1e-2
    assert residuals[1] > 1e-8

"""Structures that are fitted to pairs: what they recover, what they report, what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from structlin.matrices import BlockToeplitz, Kronecker, LinearOperator, Monarch, SumOfKroneckers
from structlin.operators import (
    FourierMultiplier,
    StructuredFit,
    fit_kronecker,
    fit_monarch,
    fit_toeplitz,
    fit_tucker_multiplier,
)
from structlin.tensors import Tucker
from structlin.testing import check_operator

KINDS = ["toeplitz", "block toeplitz", "kronecker", "monarch", "multiplier"]


def normal(rng: np.random.Generator, *shape: int, kind: str = "f") -> np.ndarray:
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if kind == "c" else x


def problem(name, rng, kind="f", samples=60):
    """Return a fit, inputs, outputs and the dense matrix that made them."""
    if name == "toeplitz":
        A, n, m = BlockToeplitz(normal(rng, 11, kind=kind), [(7, 5)]), (5,), (7,)
        fit = fit_toeplitz
    elif name == "block toeplitz":
        A, n, m = BlockToeplitz(normal(rng, 6, 6, kind=kind), [(4, 3), (3, 4)]), (3, 4), (4, 3)
        fit = fit_toeplitz
    elif name == "kronecker":
        A, n, m = (
            Kronecker(normal(rng, 2, 4, kind=kind), normal(rng, 5, 3, kind=kind)),
            (4, 3),
            (2, 5),
        )
        fit = fit_kronecker
    elif name == "monarch":
        A = Monarch(normal(rng, 3, 2, 4, kind=kind), normal(rng, 4, 3, 2, kind=kind))
        n, m = (8,), (6,)

        def fit(x, y, **options):
            return fit_monarch(x, y, (3, 4), **options)
    else:
        # a multiplier of rank 2 that takes real functions to real ones
        n = m = (6, 8)
        U, V = normal(rng, 5, kind="c"), normal(rng, 7, kind="c")
        factors = [np.stack([U, U[::-1].conj()], axis=1), np.stack([V, V[::-1].conj()], axis=1)]
        A = FourierMultiplier(Tucker(np.eye(2, dtype=complex), factors), n, real=kind == "f")

        def fit(x, y, **options):
            return fit_tucker_multiplier(x, y, ranks=2, **options)

    X = normal(rng, samples, *n, kind=kind)
    Y = (A @ X.reshape(samples, -1).T).T.reshape(samples, *m)
    return fit, X, Y, A.todense()


@pytest.mark.parametrize("kind", ["f", "c"])
@pytest.mark.parametrize("name", KINDS)
def test_a_matrix_of_the_class_is_recovered(name, kind, rng):
    fit, X, Y, dense = problem(name, rng, kind)
    found = fit(X, Y)
    assert isinstance(found, StructuredFit)
    assert isinstance(found.operator, LinearOperator)
    assert np.allclose(found.operator.todense(), dense, atol=1e-8 * np.abs(dense).max())
    assert found.held_out_error < 1e-8
    assert found.training_error < 1e-8
    assert found.converged
    assert np.allclose(found.predict(X), Y, atol=1e-8 * np.abs(Y).max())


@pytest.mark.parametrize("name", KINDS)
def test_array_libraries_agree(name, library, rng):
    fit, X, Y, _ = problem(name, rng)
    X, Y = library.asarray(X, np.float32), library.asarray(Y, np.float32)
    found = fit(X, Y)
    assert found.operator.dtype == library.dtype("float32")
    assert found.held_out_error < 1e-4
    predicted = found.predict(X)
    assert predicted.dtype == library.dtype("float32")
    assert np.allclose(library.to_numpy(predicted), library.to_numpy(Y), atol=1e-3)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("scale", [1e-140, 1e140])
def test_scales_do_not_matter(name, scale, rng):
    fit, X, Y, dense = problem(name, rng)
    found = fit(X * scale, Y)
    assert np.allclose(found.operator.todense() * scale, dense, atol=1e-8 * np.abs(dense).max())


@pytest.mark.parametrize("name", ["toeplitz", "kronecker", "monarch"])
def test_the_gradient_vanishes_at_the_answer(name, rng):
    # with noise and coloured inputs: no small change within the class does better
    fit, X, _, _ = problem(name, rng)
    X = X * np.exp(-np.arange(X.shape[-1]))
    shape = fit(X, problem(name, rng)[2]).output_shape
    Y = normal(rng, len(X), *shape)
    found = (
        fit(X, Y, ridge=0.0, max_iterations=2000) if name != "toeplitz" else fit(X, Y, ridge=0.0)
    )
    A = found.operator
    x, y = X.reshape(len(X), -1), Y.reshape(len(Y), -1)

    def misfit(parts):
        return np.linalg.norm(y - x @ made(parts).T)

    if name == "toeplitz":
        parts = [A.coefficients]

        def made(parts):
            return BlockToeplitz(parts[0], A.levels).todense()
    elif name == "kronecker":
        parts = [F.todense() for F in A.factors]

        def made(parts):
            return Kronecker(*parts).todense()
    else:
        parts = list(A.factors)

        def made(parts):
            return Monarch(*parts).todense()

    best = misfit(parts)
    for _ in range(5):
        step = [
            P + 1e-3 * np.linalg.norm(P) * normal(rng, *P.shape) / math.sqrt(P.size) for P in parts
        ]
        assert misfit(step) >= best * (1 - 1e-4)


@settings(max_examples=6)
@given(st.integers(0, 10**6), st.integers(1, 2))
def test_what_is_outside_the_class_costs_what_the_error_says(seed, terms):
    rng = np.random.default_rng(seed)
    W = normal(rng, 6, 6)
    X = normal(rng, 50, 2, 3)
    Y = (X.reshape(50, 6) @ W.T).reshape(50, 2, 3)
    found = fit_kronecker(X, Y, terms=terms, held_out=0.4, max_iterations=5000)
    gap = np.linalg.norm(X.reshape(50, 6) @ found.operator.todense().T - Y.reshape(50, 6), axis=1)
    truth = np.mean(gap / np.linalg.norm(Y.reshape(50, 6), axis=1))
    assert found.training_error == pytest.approx(truth, rel=1e-6, abs=1e-10)
    assert found.training_error < 1


def test_sums_of_kronecker_products(rng):
    factors = [(normal(rng, 3, 4), normal(rng, 2, 5)) for _ in range(2)]
    X = normal(rng, 80, 4, 5)
    Y = sum(A @ X @ B.T for A, B in factors)
    found = fit_kronecker(X, Y, terms=2)
    assert isinstance(found.operator, SumOfKroneckers)
    assert found.held_out_error < 1e-8
    assert fit_kronecker(X, Y).held_out_error > 0.1


def test_three_axes(rng):
    factors = [normal(rng, 2, 3), normal(rng, 4, 4), normal(rng, 3, 2)]
    X = normal(rng, 40, 3, 4, 2)
    Y = np.einsum("ai,bj,ck,sijk->sabc", *factors, X)
    assert fit_kronecker(X, Y).held_out_error < 1e-8


def test_higher_ranks_of_monarch_matrices(rng):
    A = Monarch(normal(rng, 2, 4, 8), normal(rng, 4, 4, 3))  # blocks of rank 2
    X = normal(rng, 60, 12)
    Y = (A @ X.T).T
    assert fit_monarch(X, Y, (2, 4), rank=2).held_out_error < 1e-8
    assert fit_monarch(X, Y, (2, 4)).held_out_error > 0.05


def test_fewer_samples_than_points(rng):
    A = Monarch(normal(rng, 3, 3, 3), normal(rng, 3, 3, 3))
    X = normal(rng, 10, 9)  # eight are left for 18 numbers in every three rows
    assert fit_monarch(X, (A @ X.T).T, 3, max_iterations=2000).held_out_error < 1e-6


def test_a_short_reach_leaves_the_rest_zero(rng):
    kernel = np.array([1.0, -2.0, 1.0])
    X = normal(rng, 10, 30)
    Y = np.stack([np.convolve(x, kernel, mode="same") for x in X])
    found = fit_toeplitz(X, Y, reach=1)
    assert np.allclose(found.operator.column[:2], [-2.0, 1.0])
    assert np.all(found.operator.column[2:] == 0)
    assert fit_toeplitz(X, Y, reach=0).held_out_error > 0.3


def test_the_ridge_is_chosen_by_samples_held_out(rng):
    X = normal(rng, 12, 40)
    Y = np.stack([np.convolve(x, [1.0, 2.0, 1.0], mode="same") for x in X])
    noisy = Y + normal(rng, *Y.shape)
    chosen = fit_toeplitz(X, noisy, ridge=[1e-12, 1e-2, 1.0])
    assert chosen.ridge in (1e-2, 1.0)
    assert chosen.held_out_error <= fit_toeplitz(X, noisy, ridge=1e-12).held_out_error


def test_a_multiplier_belongs_to_no_grid():
    def functions(n):
        t = np.arange(n) / n
        return np.exp(np.sin(2 * np.pi * t)) * np.arange(1, 5)[:, None] ** 0.5

    k = 2j * np.pi * np.fft.fftfreq(32, 1 / 32)
    X = np.random.default_rng(0).standard_normal((6, 32))
    found = fit_tucker_multiplier(X, np.fft.ifft(np.fft.fft(X) / (1 - k**2)).real, modes=15)
    u = functions(100)
    k = 2j * np.pi * np.fft.fftfreq(100, 1 / 100)
    expected = np.fft.ifft(np.fft.fft(u) / (1 - k**2)).real
    finer = found.operator.on((100,))
    assert np.allclose((finer @ u.T).T, expected, atol=1e-8)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("real", [True, False])
def test_multipliers_are_operators(dtype, real, library, rng):
    core = library.asarray(normal(rng, 2, 1, kind="c"), dtype)
    factors = [
        library.asarray(normal(rng, 3, 2, kind="c"), dtype),
        library.asarray(normal(rng, 5, 1, kind="c"), dtype),
    ]
    check_operator(FourierMultiplier(Tucker(core, factors), (4, 5), real=real), rng=0)


def test_what_does_not_fit_is_refused(rng):
    X, Y = normal(rng, 10, 6), normal(rng, 10, 6)
    with pytest.raises(ValueError, match="10 inputs and 9 outputs"):
        fit_toeplitz(X, Y[:9])
    bad = X.copy()
    bad[7, 2] = np.nan
    with pytest.raises(ValueError, match=r"sample 7 of inputs has a NaN or Inf at \[2\]"):
        fit_toeplitz(bad, Y)
    with pytest.raises(ValueError, match="all inputs are zero"):
        fit_toeplitz(0 * X, Y)
    with pytest.raises(ValueError, match="must divide 6"):
        fit_monarch(X, Y, 4)
    with pytest.raises(ValueError, match="ranks from 1 to 2"):
        fit_monarch(X, Y, 3, rank=3)
    with pytest.raises(ValueError, match="same number of axes"):
        fit_kronecker(X, Y)
    with pytest.raises(ValueError, match="frequencies up to"):
        fit_tucker_multiplier(X, Y, modes=3)
    with pytest.raises(ValueError, match="keeps the grid"):
        fit_tucker_multiplier(X, Y[:, :4])
    with pytest.raises(ValueError, match=r"rank is 1\.5: pass a whole number"):
        fit_monarch(X, Y, 3, rank=1.5)
    with pytest.raises(ValueError, match="max_iterations is 0: pass a whole number"):
        fit_tucker_multiplier(X, Y, max_iterations=0)
    with pytest.raises(ValueError, match="ridge is None"):
        fit_toeplitz(X, Y, ridge=None)
    with pytest.raises(ValueError, match="there are 0 samples"):
        fit_toeplitz(X[:0], Y[:0])
    with pytest.raises(ValueError, match="would be held out"):
        fit_toeplitz(X[:1], Y[:1])
    with pytest.raises(ValueError, match="ridge is -1"):
        fit_toeplitz(X, Y, ridge=-1)
    with pytest.raises(ValueError, match="reach is"):
        fit_toeplitz(X, Y, reach=-1)
    with pytest.raises(ValueError, match="too large"):
        fit_toeplitz(np.ones((2, 70, 70)), np.ones((2, 70, 70)))
    with pytest.raises(ValueError, match=r"have shape \(5,\) but \(6,\) is expected"):
        fit_toeplitz(X, Y).predict(X[:, :5])
    with pytest.raises(TypeError, match="list is not an array"):
        fit_toeplitz(X, Y).predict(X.tolist())
    with pytest.raises(TypeError, match="no array"):
        fit_toeplitz(3.0, Y)


def test_without_samples_held_out_there_is_no_error(rng):
    X = normal(rng, 1, 4)
    found = fit_toeplitz(X, X, held_out=0)
    assert math.isnan(found.held_out_error)
    assert found.training_error < 1e-6


def test_an_iteration_that_does_not_settle_warns(rng):
    from structlin import ConvergenceWarning

    X = normal(rng, 40, 4, 5) * np.exp(-2.0 * np.arange(5))
    Y = normal(rng, 40, 3, 4)
    with pytest.warns(ConvergenceWarning, match="did not settle in 1 sweeps"):
        assert not fit_kronecker(X, Y, terms=3, max_iterations=1).converged

"""The checks of functions and solvers: they pass what is right and catch what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from structlin.matrices import (
    Dense,
    LinearOperator,
    cholesky,
    cond,
    eig,
    expm,
    is_hermitian,
    lstsq,
    norm,
    pinv,
    rank,
    rule,
    solve,
    svd,
    svdvals,
)
from structlin.testing import check_operator, check_solve

M = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 1.0, 1.0]])
S = M @ M.T + np.eye(3)


class Stored(LinearOperator):
    """A correct operator without rules, to which the tests below give wrong ones."""

    def __init__(self, matrix: Any = M) -> None:
        self.matrix = matrix
        super().__init__(matrix.shape, like=matrix)

    def _matmat(self, X: Any) -> Any:
        return self.matrix @ X

    def _rmatmat(self, X: Any) -> Any:
        return self.matrix.conj().T @ X


def _swapped(A: Any) -> Any:
    U, s, Vh = np.linalg.svd(A.matrix)
    return Dense(U[:, ::-1].copy()), s, Dense(Vh)


def _reversed(A: Any) -> Any:
    w, V = np.linalg.eigh(A.matrix)
    return w[::-1].copy(), Dense(V)


def _long(A: Any) -> Any:
    w, V = np.linalg.eigh(A.matrix)
    return w, Dense(3 * V)


@pytest.mark.parametrize(
    ("function", "body", "words"),
    [
        (rank, lambda A: 2, "rank 2 instead of 3"),
        (norm, lambda A, ord: np.linalg.norm(A.matrix), "norms"),
        (cond, lambda A, ord: np.float64(10), "cond"),
        (svdvals, lambda A: np.linalg.svdvals(A.matrix)[:2], "svdvals"),
        (svd, _swapped, "svd gives"),
        (svd, lambda A: (Dense(2 * S), np.full(3, 0.5), Dense(np.eye(3))), "orthonormal"),
        (eig, _long, "norm 1"),
        (eig, _reversed, "A V = V diag"),
        (cholesky, lambda A: Dense(np.linalg.cholesky(A.matrix).T.copy()), "Cholesky|cholesky"),
        (cholesky, lambda A: Dense(-np.linalg.cholesky(A.matrix)), "not positive"),
        (expm, lambda A: Dense(np.exp(A.matrix)), "expm"),
        (pinv, lambda A: Dense(2 * np.linalg.pinv(A.matrix)), "lstsq and pinv"),
        (lstsq, lambda A, B: np.linalg.pinv(A.matrix) @ B + 1e-6, "lstsq and pinv"),
    ],
)
def test_wrong_rules_are_caught(function: Any, body: Any, words: str) -> None:
    class Wrong(Stored):
        pass

    rule(function, Wrong, how="wrong")(body)
    if function is cholesky:
        rule(is_hermitian, Wrong)(lambda A: True)
    with pytest.raises(AssertionError, match=words):
        check_operator(Wrong(S), rng=0)


def test_least_squares_of_any_norm_are_not_enough() -> None:
    class AnySolution(Stored):
        pass

    rule(lstsq, AnySolution, how="some solution")(
        lambda A, B: np.linalg.pinv(A.matrix) @ B + np.array([[1.0], [-1.0]]) * B[:1]
    )
    with pytest.raises(AssertionError, match="lstsq and pinv"):
        check_operator(AnySolution(np.ones((3, 2))), rng=0)


def test_indefinite_matrices_must_not_have_a_cholesky_factor() -> None:
    class Careless(Stored):
        pass

    rule(is_hermitian, Careless)(lambda A: True)
    rule(cholesky, Careless, how="careless")(lambda A: Dense(np.eye(3)))
    with pytest.raises(AssertionError, match="there is a Cholesky factor"):
        check_operator(Careless(S - 4 * np.eye(3)), rng=0)


# check_solve


def _correct(A: Any, b: Any) -> Any:
    if np.isnan(b).any():
        raise ValueError("b has NaN")
    return _careless(A, b)


def _careless(A: Any, b: Any) -> Any:
    D = A.todense()
    return np.linalg.solve(D, b[:, None])[:, 0] if b.ndim == 1 else np.linalg.solve(D, b)


def _scribbling(A: Any, b: Any) -> Any:
    x = _correct(A, b)
    b *= 2
    return x


@pytest.mark.parametrize("solver", [solve, _correct, lambda A, b: solve(A.todense(), b)])
def test_correct_solvers_pass(solver: Any) -> None:
    for A in (Stored(), Stored(M.astype(np.float32)), Stored(M + 1j * S), Stored(np.eye(0))):
        check_solve(A, solver, rng=0)
    check_solve(M, solver)


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        (lambda A, b: _correct(A, b)[..., :1], "shape .* instead of"),
        (lambda A, b: _correct(A, b).astype(complex), "dtype complex128 instead of float64"),
        (lambda A, b: _correct(A, b.real.astype(b.dtype)), "the solution for a complex block"),
        (lambda A, b: _correct(A, b) * (1 + 1e-9), "a vector: off by"),
        (lambda A, b: _correct(A, b if b.ndim != 3 else b[::-1]), "the solution for a stack"),
        (_scribbling, "has changed a vector"),
        (_careless, "NaN is accepted"),
    ],
)
def test_broken_solvers_are_caught(solver: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_solve(Stored(), solver, rng=0)


def test_solvers_of_singular_matrices() -> None:
    A = Dense(np.diag([1.0, 0.0]))

    def divide(A: Any, b: Any) -> Any:
        with np.errstate(all="ignore"):
            return (b.T / np.diag(A.array)).T

    check_solve(A, rng=0)  # raises a LinAlgError
    check_solve(A, lambda A, b: solve(A + 1e-20 * Dense(np.eye(2)), b), rng=0)  # is finite
    with pytest.raises(AssertionError, match="it has NaN or Inf"):
        check_solve(A, divide, rng=0)


def test_solvers_that_refuse_what_has_a_solution() -> None:
    def refuse(A: Any, b: Any) -> Any:
        raise np.linalg.LinAlgError("too hard")

    with pytest.raises(AssertionError, match="a vector: LinAlgError: too hard"):
        check_solve(Stored(), refuse)


def test_check_solve_needs_square_matrices() -> None:
    with pytest.raises(ValueError, match="A is 2x3: check_solve needs a square matrix"):
        check_solve(Stored(M[:2]))

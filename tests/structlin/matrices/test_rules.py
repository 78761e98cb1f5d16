"""The rules: their order, their explanations, and the fallback."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceError
from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    LinearOperator,
    Scaled,
    Sparse,
    Sum,
    diagonal,
    eigh,
    explain,
    inv,
    is_hermitian,
    logdet,
    rule,
    slogdet,
    solve,
    trace,
)
from structlin.matrices.fallback import dense_limit
from tests.conftest import ArrayLibrary


class Plain(LinearOperator):
    """An operator without rules, of a given dense matrix."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        super().__init__(matrix.shape, like=matrix)

    def _matmat(self, X: Any) -> Any:
        return self.matrix @ X

    def _rmatmat(self, X: Any) -> Any:
        return self.matrix.T.conj() @ X


class Cyclic(LinearOperator):
    """A cyclic shift: GMRES gains nothing before its last step."""

    def _matmat(self, X: Any) -> Any:
        return self.xp.roll(X, 1, axis=0)

    def _rmatmat(self, X: Any) -> Any:
        return self.xp.roll(X, -1, axis=0)


def test_a_nearer_class_wins() -> None:
    class Special(Diagonal):
        pass

    d = Special(np.ones(3))
    assert trace(d) == 3
    rule(trace, Special, when=lambda A: A.shape[0] == 3)(lambda A: -1.0)
    assert trace(d) == -1
    assert trace(Special(np.ones(4))) == 4


def test_declined_rules_pass_on() -> None:
    class Undecided(Diagonal):
        pass

    rule(solve, Undecided, how="nothing", may_decline=True)(lambda A, B: NotImplemented)
    A = Undecided(2 * np.ones(3))
    np.testing.assert_array_equal(solve(A, np.ones(3)), 0.5 * np.ones(3))
    told = explain("solve", A)
    assert told.how == "nothing"
    assert told.fallback == ("entry by entry",)


# explain


def test_explanation_is_a_tree() -> None:
    A = Kronecker(np.eye(3), Diagonal(np.ones(2)), Identity(2))
    told = explain("solve", A)
    assert told.how == "factor after factor"
    assert [part.how for part in told.parts] == [
        "LU factorisation, kept",
        "entry by entry",
        "the identity",
    ]
    assert repr(told).splitlines()[0] == f"solve({A!r})"
    assert "3 × solve" in repr(explain("solve", Kronecker(*[np.eye(2)] * 3)))


def test_explanation_names_the_fallback() -> None:
    told = explain(solve, Plain(np.eye(3)))
    assert told.how.startswith("GMRES")
    assert told.fallback == ("dense LU factorisation",)
    large = Cyclic((dense_limit + 1, dense_limit + 1))
    assert explain("solve", large).fallback[0].startswith("none")
    assert explain("slogdet", large).how.startswith("none")
    with pytest.raises(AttributeError):
        told.how = "other"  # type: ignore[misc]


@pytest.mark.parametrize("bad", ["todense", "sqrt", math.sqrt, 3])
def test_explanations_of_unknown_functions(bad: Any) -> None:
    with pytest.raises(ValueError, match="choose one of solve, lstsq, inv"):
        explain(bad, np.eye(2))


def test_explain_of_every_function() -> None:
    for f in (solve, inv, slogdet, logdet, eigh, trace, diagonal):
        assert explain(f, np.eye(2)) == explain(f.__name__, np.eye(2))


# fallback


def test_iteration_then_dense(library: ArrayLibrary) -> None:
    rng = np.random.default_rng(6)
    M, b = rng.standard_normal((2, 60, 60))
    for matrix in (M, M + 20 * np.eye(60)):  # GMRES stalls on the first one
        x = solve(Plain(library.asarray(matrix)), library.asarray(b))
        bound = 1e-14 * np.linalg.cond(matrix) * 60
        np.testing.assert_allclose(library.to_numpy(x), np.linalg.solve(matrix, b), atol=bound)


def test_iteration_of_large_operators() -> None:
    n = dense_limit + 100
    A = Diagonal(np.linspace(1, 2, n)) + 0.1 * Cyclic((n, n))
    assert isinstance(A, Sum)
    b = np.ones((n, 2))
    x = solve(A, b)
    assert np.linalg.norm(A @ x - b) <= 1e-13 * np.linalg.norm(b)


def test_refusal_beyond_the_cap() -> None:
    n = dense_limit + 1
    A = Cyclic((n, n))
    b = np.zeros(n)
    b[0] = 1
    with pytest.raises(ConvergenceError, match="GMRES did not solve"):
        solve(A, b)
    for function in (inv, slogdet, logdet, eigh):
        with pytest.raises(ValueError, match=f"has no rule for .*{n}x{n}.* above {dense_limit}"):
            function(A)
    np.testing.assert_array_equal(solve(A, 0 * b), 0 * b)
    assert trace(A[:200, :200]) == 0


def test_functions_of_arrays_and_sparse_matrices() -> None:
    rng = np.random.default_rng(9)
    M = rng.standard_normal((6, 6)) + 4 * np.eye(6)
    b = rng.standard_normal(6)
    for A in (M, scipy.sparse.csr_array(M), scipy.sparse.coo_matrix(M), Plain(M)):
        np.testing.assert_allclose(solve(A, b), np.linalg.solve(M, b))
        np.testing.assert_allclose(inv(A) @ b, np.linalg.solve(M, b))
        np.testing.assert_allclose(tuple(slogdet(A)), tuple(np.linalg.slogdet(M)))
        np.testing.assert_allclose(trace(A), np.trace(M))
        np.testing.assert_allclose(diagonal(A), np.diag(M))
        S = A + A.T if not isinstance(A, Plain) else Plain(M + M.T)
        np.testing.assert_allclose(
            eigh(S).sorted().eigenvalues, np.linalg.eigvalsh(M + M.T), atol=1e-12
        )


def test_factorisations_are_kept() -> None:
    A = Dense(np.array([[2.0, 1.0], [1.0, 3.0]]))
    solve(A, np.ones(2))
    kept = A._lu
    solve(A, np.zeros(2))
    assert A._lu is kept


# outcomes


@pytest.mark.parametrize(
    "A",
    [
        Dense(np.zeros((2, 2))),
        Diagonal(np.array([1.0, 0.0])),
        Kronecker(np.eye(2), np.zeros((1, 1))),
        Sparse(scipy.sparse.csr_array(np.diag([1.0, 0.0]))),
        Plain(np.zeros((2, 2))),
        Scaled(0, Identity(2)),
    ],
    ids=lambda A: type(A).__name__,
)
def test_singular(A: LinearOperator) -> None:
    b = np.ones(2)
    for use in (lambda: solve(A, b), lambda: inv(A) @ b):
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            use()
    assert slogdet(A) == (0.0, -math.inf)
    assert logdet(A) == -math.inf


@pytest.mark.parametrize("name", ["nan", "inf"])
def test_meaningless_input(name: str) -> None:
    bad = float(name)
    with pytest.raises(ValueError, match=r"b has a NaN or Inf at \[1\]"):
        solve(np.eye(3), np.array([0.0, bad, 0.0]))
    M = np.eye(3)
    M[1, 2] = bad
    for A in (M, scipy.sparse.csr_array(M), Plain(M), Diagonal(M[1]), Sum(M, M)):
        for use in (lambda A=A: solve(A, np.ones(3)), lambda A=A: slogdet(A), lambda A=A: eigh(A)):
            with pytest.raises(ValueError, match="NaN or Inf"):
                use()


def test_eigh_refuses_what_is_not_hermitian() -> None:
    M = np.array([[1.0, 2.0], [0.0, 1.0]])
    for A in (M, Plain(M), Kronecker(M, np.eye(2)), M + 1j * M.T, Diagonal(np.array([1j]))):
        assert not is_hermitian(A) if isinstance(A, LinearOperator) else True
        with pytest.raises(ValueError, match="not Hermitian"):
            eigh(A)
    rounded = M + M.T
    rounded[0, 1] *= 1 + 1e-15
    np.testing.assert_allclose(eigh(rounded).eigenvalues, [0.0, 4.0], atol=1e-14)


def test_what_is_known_to_be_hermitian() -> None:
    H = np.array([[1.0, 2j], [-2j, 0.0]])
    assert is_hermitian(H)
    assert is_hermitian(Kronecker(H, H) + Identity(4))
    assert is_hermitian(2 * Kronecker(H, H))
    assert is_hermitian(scipy.sparse.csr_array(H))
    assert not is_hermitian(1j * Kronecker(H, H))
    assert not is_hermitian(Plain(H))  # nothing is known
    assert not is_hermitian(np.ones((2, 3)))
    assert not is_hermitian(scipy.sparse.csr_array(np.triu(np.ones((2, 2)))))


def test_slogdet_of_permuted_sparse_matrices() -> None:
    rng = np.random.default_rng(11)
    for n in (1, 2, 5, 6, 7):
        P = scipy.sparse.csr_array(np.eye(n)[rng.permutation(n)] * rng.choice([-1.0, 1.0], n))
        assert slogdet(P).sign == np.linalg.slogdet(P.toarray())[0]


def test_sorted_eigenpairs() -> None:
    A = Diagonal(np.array([3.0, 1.0, 2.0]))
    w, V = eigh(A)
    np.testing.assert_array_equal(w, [3, 1, 2])
    w, V = eigh(A).sorted()
    np.testing.assert_array_equal(w, [1, 2, 3])
    np.testing.assert_array_equal(A @ V.todense(), V.todense() * w)

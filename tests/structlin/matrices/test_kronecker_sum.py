"""Kronecker sums: against their dense matrices and known spectra."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    KroneckerSum,
    Sparse,
    Sum,
    cond,
    diagonal,
    eig,
    eigh,
    explain,
    expm,
    inv,
    is_hermitian,
    logdet,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svdvals,
    trace,
)
from structlin.matrices.fallback import dense_limit
from structlin.testing import arrays


def dense_sum(factors: list[Any]) -> Any:
    """Return the sum of ``I ⊗ … ⊗ Aᵢ ⊗ … ⊗ I``."""
    eyes = [np.eye(len(F)) for F in factors]
    return sum(
        functools.reduce(np.kron, [*eyes[:i], F, *eyes[i + 1 :]]) for i, F in enumerate(factors)
    )


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3), data=st.data())
def test_entries(sizes: list[int], data: Any) -> None:
    factors = [data.draw(arrays((n, n))) for n in sizes]
    A = KroneckerSum(*factors)
    np.testing.assert_allclose(A.todense(), dense_sum(factors), atol=1e-13)
    np.testing.assert_allclose(diagonal(A), np.diag(dense_sum(factors)), atol=1e-13)
    np.testing.assert_allclose(trace(A), np.trace(dense_sum(factors)), atol=1e-12)


@pytest.mark.parametrize("sizes", [(6,), (5, 7), (3, 4, 5), (2, 3, 2, 3)])
@pytest.mark.parametrize("kind", ["real", "complex", "hermitian"])
@pytest.mark.parametrize("columns", [(), (3,), (0,)])
def test_solve(sizes: tuple[int, ...], kind: str, columns: tuple[int, ...]) -> None:
    rng = np.random.default_rng(8)
    factors = []
    for n in sizes:
        F = rng.standard_normal((n, n)) + n * np.eye(n)
        if kind != "real":
            F = F + 1j * rng.standard_normal((n, n))
        factors.append(F + F.conj().T if kind == "hermitian" else F)
    A, D = KroneckerSum(*factors), dense_sum(factors)
    b = rng.standard_normal((A.shape[0], *columns))
    x = solve(A, b)
    assert x.dtype == D.dtype
    bound = 1e-13 * np.linalg.cond(D) * A.shape[0]
    np.testing.assert_allclose(x, np.linalg.solve(D, b), rtol=bound, atol=bound)
    np.testing.assert_allclose(inv(A) @ b, x, rtol=bound, atol=bound)
    sign, logabsdet = slogdet(A)
    np.testing.assert_allclose(sign, np.linalg.slogdet(D)[0], atol=1e-11)
    np.testing.assert_allclose(logabsdet, np.linalg.slogdet(D)[1], rtol=1e-11)


def test_negative_determinant() -> None:
    A = KroneckerSum(np.array([[0.0, 1.0], [-1.0, 0.0]]), np.diag([-1.0, -2.0, 5.0]))
    expected = np.linalg.slogdet(A.todense())
    assert slogdet(A).sign == expected[0]
    assert slogdet(A).logabsdet == pytest.approx(expected[1], rel=1e-13)
    B = KroneckerSum(np.diag([-1.0, -2.0, 5.0]))
    assert slogdet(B) == (1.0, pytest.approx(math.log(10)))
    with pytest.raises(ValueError, match="negative"):
        logdet(KroneckerSum(np.diag([1.0, -2.0, 5.0])))


def test_spectrum_of_the_laplacian() -> None:
    # eigenvalues of tridiag(-1, 2, -1): 4 sin²(k π / (2 (n + 1)))
    m, n = 6, 9
    second = [2 * np.eye(k) - np.eye(k, k=1) - np.eye(k, k=-1) for k in (m, n)]
    known = [4 * np.sin(np.arange(1, k + 1) * np.pi / (2 * (k + 1))) ** 2 for k in (m, n)]
    w, V = eigh(KroneckerSum(*second)).sorted()
    np.testing.assert_allclose(w, np.sort(np.add.outer(*known).ravel()), rtol=1e-13)
    residual = KroneckerSum(*second) @ V.todense() - V.todense() * w
    assert np.abs(residual).max() < 1e-13


@pytest.mark.parametrize("general", [False, True])
def test_singular(general: bool) -> None:
    neumann = np.array([[1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]])
    if general:
        neumann = np.diag([1.0, 2.0, 3.0]) @ neumann @ np.diag([1.0, 0.5, 1 / 3])
    A = KroneckerSum(neumann, neumann)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solve(A, np.ones(9))


def test_sums_multiples_and_shifts_keep_the_structure() -> None:
    rng = np.random.default_rng(0)
    F, G = rng.standard_normal((2, 2)), rng.standard_normal((3, 3))
    A = KroneckerSum(F, G)
    D = dense_sum([F, G])
    for B, expected in (
        (A + A, 2 * D),
        (A - KroneckerSum(G[:2, :2], F[0, 0] * np.eye(3)), None),
        (3 * A, 3 * D),
        (A + 2 * Identity(6), D + 2 * np.eye(6)),
        (Identity(6) - A, np.eye(6) - D),
        (1j * Identity(6) + A, D + 1j * np.eye(6)),
    ):
        assert isinstance(B, KroneckerSum)
        if expected is not None:
            np.testing.assert_allclose(B.todense(), expected, atol=1e-14)
    assert isinstance(A + KroneckerSum(G, F), Sum)
    assert isinstance(A + np.ones((6, 6)), Sum)


def test_sparse_factors() -> None:
    import scipy.sparse

    F = scipy.sparse.diags_array([2.0, 3.0, 4.0])
    A = KroneckerSum(F, np.eye(2))
    assert isinstance(A.factors[0], Sparse)
    np.testing.assert_allclose(A @ np.ones(6), dense_sum([F.toarray(), np.eye(2)]) @ np.ones(6))
    assert isinstance((A + Identity(6)), KroneckerSum)


def test_large_sparse_factors_are_solved_by_iteration() -> None:
    import scipy.sparse

    n = dense_limit + 1
    F = scipy.sparse.diags_array(
        [-np.ones(n - 1), 4 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]
    )
    A = KroneckerSum(F, np.eye(2))
    assert explain("solve", A).how.startswith("GMRES")
    b = np.ones(2 * n)
    assert np.linalg.norm(A @ solve(A, b) - b) <= 1e-13 * np.linalg.norm(b)


def test_precision_of_the_result() -> None:
    rng = np.random.default_rng(1)
    for F in (rng.standard_normal((4, 4)), np.diag(np.arange(1.0, 5))):
        single = [(F + 5 * np.eye(4)).astype(np.float32)] * 2
        b = rng.standard_normal(16)
        exact = np.linalg.solve(dense_sum([F.astype(float) for F in single]), b)
        np.testing.assert_allclose(solve(KroneckerSum(*single), b), exact, rtol=1e-12)


def test_explanations() -> None:
    hermitian = KroneckerSum(np.eye(2), Diagonal(np.ones(3)))
    assert "λ" in explain("solve", hermitian).how
    general = KroneckerSum(np.eye(2), np.triu(np.ones((3, 3))))
    assert "Schur" in explain(solve, general).how
    assert [part.call for part in explain("eigh", hermitian).parts] == [
        "eigh(<Dense 2x2 float64>)",
        "eigh(<Diagonal 3x3 float64>)",
    ]


def second_difference(n: int) -> Any:
    return 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)


def test_complex_right_hand_sides_of_real_factors() -> None:
    rng = np.random.default_rng(14)
    factors = [rng.standard_normal((n, n)) + n * np.eye(n) for n in (3, 4)]
    b = rng.standard_normal((12, 2)) + 1j * rng.standard_normal((12, 2))
    x = solve(KroneckerSum(*factors), b)
    np.testing.assert_allclose(x, np.linalg.solve(dense_sum(factors), b), rtol=1e-12)


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_exponential_and_eigenvalues(kind: str) -> None:
    rng = np.random.default_rng(15)
    factors = [rng.standard_normal((n, n)) for n in (2, 3, 2)]
    if kind == "complex":
        factors = [F + 1j * rng.standard_normal(F.shape) for F in factors]
    A, D = KroneckerSum(*factors), dense_sum(factors)
    assert isinstance(expm(A), Kronecker)
    exact = scipy.linalg.expm(D)
    np.testing.assert_allclose(expm(A).todense(), exact, atol=1e-13 * np.abs(exact).max())
    w, V = eig(A)
    np.testing.assert_allclose(D @ V.todense(), V.todense() * w, atol=1e-13)


def test_condition_of_the_laplacian() -> None:
    # λ = 4 sin²(i π / (2 (m + 1))) + 4 sin²(j π / (2 (n + 1))), at the ends i = j = 1 and m, n
    m, n = 70, 90  # the dense matrix would have 6300 rows
    A = KroneckerSum(second_difference(m), second_difference(n))
    low, high = (
        sum(4 * math.sin(k * math.pi / (2 * (size + 1))) ** 2 for k, size in ends)
        for ends in ([(1, m), (1, n)], [(m, m), (n, n)])
    )
    assert cond(A) == pytest.approx(high / low, rel=1e-10)
    assert norm(A, 2) == pytest.approx(high, rel=1e-13)
    assert norm(A, 1) == norm(A, math.inf) == 8
    # 4 on the diagonal, and -1 for each of the 2 (m - 1) n + 2 m (n - 1) neighbours
    entries = 16 * m * n + 2 * (m - 1) * n + 2 * m * (n - 1)
    assert norm(A) == pytest.approx(math.sqrt(entries), rel=1e-14)
    assert svdvals(A)[0] == pytest.approx(high, rel=1e-13)


def test_pseudoinverse_of_the_neumann_laplacian() -> None:
    factors = [np.diff(np.eye(n), axis=0) for n in (3, 4)]
    factors = [F.T @ F for F in factors]
    A, D = KroneckerSum(*factors), dense_sum(factors)
    assert rank(A) == 11
    assert cond(A) > 1e15
    b = np.arange(12.0) ** 2
    expected = np.linalg.pinv(D, hermitian=True) @ b
    np.testing.assert_allclose(lstsq(A, b), expected, atol=1e-12)
    np.testing.assert_allclose(pinv(A) @ b, expected, atol=1e-12)


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3), data=st.data())
def test_norms(sizes: list[int], data: Any) -> None:
    factors = [data.draw(arrays((n, n), "complex128")) for n in sizes]
    A, D = KroneckerSum(*factors), dense_sum(factors)
    for ord in ("fro", 1, math.inf):
        np.testing.assert_allclose(norm(A, ord), np.linalg.norm(D, ord), rtol=1e-14, atol=1e-14)


def test_the_frobenius_norm_sees_what_cancels() -> None:
    # the terms cancel up to 1e-9; their squares would know no more than 1e-8 of it
    F = np.diag([1.0, 1.0 + 1e-9])
    D = dense_sum([F, -np.eye(2)])
    assert norm(KroneckerSum(F, -np.eye(2))) == pytest.approx(np.linalg.norm(D), rel=1e-6)
    assert norm(KroneckerSum(np.eye(3), -np.eye(2))) == 0


def test_bad_factors() -> None:
    with pytest.raises(ValueError, match="2x3: a Kronecker sum needs squares"):
        KroneckerSum(np.eye(2), np.ones((2, 3)))
    with pytest.raises(ValueError, match="no factors"):
        KroneckerSum()
    broken = KroneckerSum(np.eye(2), Dense(np.array([[np.inf, 0.0], [1.0, 0.0]])))
    for use in (lambda: solve(broken, np.ones(4)), lambda: slogdet(broken), lambda: eigh(broken)):
        with pytest.raises(ValueError, match="NaN or Inf"):
            use()


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
@pytest.mark.parametrize("kind", [float, complex])
def test_systems_of_any_scale(scale: float, kind: Any) -> None:
    A = np.array([[1.0, 2.0], [0.0, 3.0]], dtype=kind) * (1j if kind is complex else 1)
    for factors in ((A, A), (A, A, A)):
        x = np.arange(1.0, 1 + 2 ** len(factors))
        b = KroneckerSum(*factors) @ x
        scaled = KroneckerSum(*(F * scale for F in factors))
        np.testing.assert_allclose(solve(scaled, b) * scale, x, atol=1e-13)


def test_single_precision_that_is_hermitian_only_there() -> None:
    A = np.array([[2.0, 1.0], [1.0 + 1e-6, 3.0]], dtype=np.float32)
    sum_of_both = KroneckerSum(A, A)
    assert is_hermitian(sum_of_both)
    x = solve(sum_of_both, np.ones(4))
    np.testing.assert_allclose(sum_of_both @ x, np.ones(4), rtol=1e-13)


@pytest.mark.parametrize("shape", [(70, 30), (20, 90), (97, 98)])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_sylvester_equations_cut_into_parts(shape: tuple[int, int], dtype: str) -> None:
    """Larger than the parts that LAPACK gets; real Schur forms have 2x2 blocks to cut around."""
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal((n, n)).astype(dtype) for n in shape)
    if dtype == "c16":
        A = A + 1j * rng.standard_normal(A.shape)
    A, B = A + 30 * np.eye(len(A)), B + 30 * np.eye(len(B))
    X = rng.standard_normal(shape)
    found = solve(KroneckerSum(A, B), (A @ X + X @ B.T).reshape(-1))
    np.testing.assert_allclose(found.reshape(shape), X, atol=1e-11)

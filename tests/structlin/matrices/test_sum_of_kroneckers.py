"""Sums of Kronecker products: against dense matrices, formulas and exact arithmetic."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    KroneckerSum,
    LowRank,
    Product,
    Scaled,
    Sum,
    SumOfKroneckers,
    diagonal,
    eig,
    eigh,
    explain,
    expm,
    inv,
    norm,
    slogdet,
    solve,
    svdvals,
    trace,
)
from structlin.testing import arrays
from tests.conftest import ArrayLibrary
from tests.structlin.matrices.test_kronecker import determinant, log_of

few = st.integers(1, 3)


def definite(rng: np.random.Generator, n: int, condition: float) -> Any:
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    M = (Q * np.geomspace(1 / condition, 1, n)) @ Q.T
    return (M + M.T) / 2


def hermitian(rng: np.random.Generator, n: int) -> Any:
    M = rng.standard_normal((n, n))
    return M + M.T


def check_systems(A: Any, D: Any, method: str) -> None:
    """Require solutions, inverses and determinants within 100 eps cond of those of ``D``."""
    assert explain("solve", A).how.startswith(method)
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(A.todense(), D, atol=1e-13 * np.abs(D).max())
    X = rng.standard_normal((len(D), 2))
    bound = 100 * np.finfo(float).eps * np.linalg.cond(D) * np.linalg.norm(X)
    assert np.linalg.norm(solve(A, D @ X) - X) <= bound
    assert np.linalg.norm(inv(A) @ (D @ X) - X) <= bound
    assert np.linalg.norm(solve(A.H, D.conj().T @ X) - X) <= bound
    sign, logarithm = slogdet(A)
    expected = np.linalg.slogdet(D)
    assert abs(sign - expected[0]) <= bound
    assert abs(logarithm - expected[1]) <= bound * max(1, abs(expected[1]))


# the algebra


@given(shapes=st.lists(st.tuples(few, few), min_size=1, max_size=3), data=st.data())
def test_entries(shapes: Any, data: Any) -> None:
    rows = [[data.draw(arrays(shape)) for shape in shapes] for _ in range(3)]
    A = SumOfKroneckers(Kronecker(*rows[0]), 2 * Kronecker(*rows[1]), -1 * Kronecker(*rows[2]))
    D, E, F = (functools.reduce(np.kron, row) for row in rows)
    expected = D + 2 * E - F
    np.testing.assert_allclose(A.todense(), expected, atol=1e-12)
    np.testing.assert_allclose(A @ np.eye(A.shape[1]), expected, atol=1e-11)
    np.testing.assert_allclose(A.T @ np.eye(A.shape[0]), expected.T, atol=1e-11)
    np.testing.assert_allclose(diagonal(A), np.diag(expected), atol=1e-12)
    np.testing.assert_allclose(norm(A), np.linalg.norm(expected), atol=1e-10)
    np.testing.assert_allclose(A[-1, :], expected[-1], atol=1e-12)
    np.testing.assert_allclose(A[:, 0], expected[:, 0], atol=1e-12)
    assert A[0, -1] == pytest.approx(expected[0, -1], abs=1e-12)


@given(data=st.data(), d=few)
def test_mixed_products(data: Any, d: int) -> None:
    sizes = [(data.draw(few), data.draw(few), data.draw(few)) for _ in range(d)]
    left = [Kronecker(*(data.draw(arrays((m, k))) for m, k, _ in sizes)) for _ in range(2)]
    right = [Kronecker(*(data.draw(arrays((k, n))) for _, k, n in sizes)) for _ in range(2)]
    A, B = SumOfKroneckers(*left), SumOfKroneckers(right[0], -2 * right[1])
    for C, expected in (
        (A @ right[0], A.todense() @ right[0].todense()),
        (left[0] @ B, left[0].todense() @ B.todense()),
    ):
        assert isinstance(C, SumOfKroneckers)
        np.testing.assert_allclose(C.todense(), expected, atol=1e-9)
    assert isinstance(A @ B, Product)


def test_sums_become_one() -> None:
    rng = np.random.default_rng(1)
    A, B = (Kronecker(rng.standard_normal((2, 2)), rng.standard_normal((3, 3))) for _ in range(2))
    one, ksum = Identity(6), KroneckerSum(*B.factors)
    D, E, eye = A.todense(), B.todense(), np.eye(6)
    for made, terms, expected in (
        (A + B, 2, D + E),
        (A - 2 * B, 2, D - 2 * E),
        (2 * A + 3 * B, 2, 2 * D + 3 * E),
        (A + one, 2, D + eye),
        (1j * one - A, 2, 1j * eye - D),
        (2 * A + one, 2, 2 * D + eye),
        ((A + one) - 3 * one, 2, D - 2 * eye),
        ((A + B) + (A + one), 3, 2 * D + E + eye),
        (3j * (A + B), 2, 3j * (D + E)),
        (A + ksum, 3, D + ksum.todense()),
        ((A + one).H, 2, D.T + eye),
    ):
        assert isinstance(made, SumOfKroneckers)
        assert len(made.terms) == terms
        np.testing.assert_allclose(made.todense(), expected, atol=1e-14)


def test_sums_of_terms_that_share_factors_are_shorter() -> None:
    rng = np.random.default_rng(2)
    F, G, H = rng.standard_normal((3, 2, 2))
    A = Kronecker(F, G) + 2 * Kronecker(F, H)
    assert isinstance(A, Kronecker)
    np.testing.assert_allclose(A.todense(), np.kron(F, G + 2 * H))
    assert isinstance(Kronecker(F, G) + Kronecker(F, G), Scaled)
    assert isinstance(Kronecker(F) + Identity(2), Kronecker)
    assert isinstance(Kronecker(F, Identity(2)) + Identity(4), Kronecker)


def test_sums_that_are_none() -> None:
    rng = np.random.default_rng(3)
    A = Kronecker(rng.standard_normal((2, 2)), rng.standard_normal((3, 3)))
    tall = Kronecker(rng.standard_normal((3, 2)), rng.standard_normal((2, 3)))
    low = LowRank(rng.standard_normal(6), rng.standard_normal(6))
    turned = Kronecker(*reversed(A.factors))
    for B in (A + turned, tall + Identity(6), A + Diagonal(np.ones(6)), A + np.ones((6, 6))):
        assert isinstance(B, Sum)
    for B in (A + low, low + (A + Identity(6)), KroneckerSum(*A.factors) + Identity(6)):
        assert not isinstance(B, SumOfKroneckers)


# systems


@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=3), seed=st.integers(0, 99))
def test_shifted_product(sizes: list[int], seed: int) -> None:
    # (a) A ⊗ B + c I
    rng = np.random.default_rng(seed)
    for kind, method in (("hermitian", "V ((Vᴴ b) / λ)"), ("general", "(generalised) Schur")):
        factors = [rng.standard_normal((n, n)) for n in sizes]
        if kind == "hermitian" or max(sizes) == 1:
            factors, method = [F + F.T for F in factors], "V ((Vᴴ b) / λ)"
        D = functools.reduce(np.kron, factors)
        A, D = Kronecker(*factors) + 0.75 * Identity(len(D)), D + 0.75 * np.eye(len(D))
        if isinstance(A, SumOfKroneckers):
            check_systems(A, D, method)


@given(sizes=st.lists(st.integers(2, 5), min_size=2, max_size=3), seed=st.integers(0, 99))
def test_two_terms_of_definite_matrices(sizes: list[int], seed: int) -> None:
    # (b) A ⊗ B + C ⊗ D
    rng = np.random.default_rng(seed)
    A = [hermitian(rng, n) for n in sizes]
    for condition in (3.0, 1e6):  # the generalised Schur form takes over
        C = [definite(rng, n, condition) for n in sizes]
        D = functools.reduce(np.kron, A) + functools.reduce(np.kron, C)
        check_systems(Kronecker(*A) + Kronecker(*C), D, "V ((Vᴴ b) / λ)")


@given(sizes=st.lists(st.integers(2, 5), min_size=2, max_size=3), seed=st.integers(0, 99))
def test_two_terms_of_any_matrices(sizes: list[int], seed: int) -> None:
    # (c) and its complex twin
    rng = np.random.default_rng(seed)
    rows = [[rng.standard_normal((n, n)) for n in sizes] for _ in range(2)]
    for _ in range(2):
        D = sum(functools.reduce(np.kron, row) for row in rows)
        A = SumOfKroneckers(*(Kronecker(*row) for row in rows))
        check_systems(A, D, "(generalised) Schur")
        rows[0][0] = rows[0][0] + 1j * rng.standard_normal(rows[0][0].shape)


@pytest.mark.parametrize("kind", ["hermitian", "general"])
def test_many_terms_of_two_matrices_at_each_place(kind: str) -> None:
    rng = np.random.default_rng(5)
    mass = [definite(rng, n, 5) for n in (3, 4, 5)]
    stiff = [rng.standard_normal((n, n)) for n in (3, 4, 5)]
    if kind == "hermitian":
        stiff = [K + K.T for K in stiff]
    terms = [[*mass[:i], K, *mass[i + 1 :]] for i, K in enumerate(stiff)]
    A = SumOfKroneckers(*(Kronecker(*term) for term in terms), 0.5 * Kronecker(*mass))
    D = sum(functools.reduce(np.kron, term) for term in terms)
    D = D + 0.5 * functools.reduce(np.kron, mass)
    check_systems(A, D, "V ((Vᴴ b) / λ)" if kind == "hermitian" else "(generalised) Schur")


def test_three_matrices_at_one_place_go_to_the_fallback() -> None:
    rng = np.random.default_rng(6)
    A = SumOfKroneckers(
        *(Kronecker(rng.standard_normal((2, 2)), rng.standard_normal((3, 3))) for _ in range(3))
    )
    b = rng.standard_normal(6)
    assert explain("solve", A).how.startswith("GMRES")
    np.testing.assert_allclose(solve(A, b), np.linalg.solve(A.todense(), b), rtol=1e-10)


def test_finite_elements_on_a_rectangle(library: ArrayLibrary) -> None:
    # linear elements: K v = λ M v has λ = 6 (1 - cos t) / (h² (2 + cos t)), t = k π h, and
    # M has the eigenvalues h (2 + cos t) / 3
    n, shift, logarithm = 12, 0.3, 0.0
    h, t = 1 / (n + 1), np.arange(1, n + 1) * np.pi / (n + 1)
    K = (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)) / h
    M = (4 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)) * h / 6
    roots = 6 * (1 - np.cos(t)) / (h * h * (2 + np.cos(t)))
    logarithm = np.log(np.add.outer(roots, roots) + shift).sum()
    logarithm += 2 * n * np.log(h * (2 + np.cos(t)) / 3).sum()
    stiff, mass = library.asarray(K), library.asarray(M)
    A = Kronecker(stiff, mass) + Kronecker(mass, stiff) + shift * Kronecker(mass, mass)
    assert len(A.terms) == 2  # type: ignore[attr-defined] # M ⊗ (K + shift M)
    A = SumOfKroneckers(
        Kronecker(stiff, mass), Kronecker(mass, stiff), shift * Kronecker(mass, mass)
    )
    sign, found = slogdet(A)
    assert float(sign) == 1
    assert float(found) == pytest.approx(logarithm, rel=1e-12)
    # sin(i t_p) sin(j t_q) is an eigenvector
    x = np.outer(np.sin(np.arange(1, n + 1) * t[2]), np.sin(np.arange(1, n + 1) * t[4])).ravel()
    b = np.kron(M, M) @ x * (roots[2] + roots[4] + shift)
    np.testing.assert_allclose(library.to_numpy(solve(A, library.asarray(b))), x, atol=1e-12)


@given(m=few, n=few, seed=st.integers(0, 999))
def test_slogdet_in_exact_arithmetic(m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, C = rng.integers(-3, 4, (2, m, m)).astype(float)
    B, D = rng.integers(-3, 4, (2, n, n)).astype(float)
    exact = determinant(np.kron(A, B) + np.kron(C, D))
    sign, logarithm = slogdet(SumOfKroneckers(Kronecker(A, B), Kronecker(C, D)))
    if exact:
        assert sign == (1 if exact > 0 else -1)
        assert logarithm == pytest.approx(log_of(abs(exact)), rel=1e-9, abs=1e-9)
    else:
        assert sign == 0 or logarithm < -15


@pytest.mark.parametrize("kind", ["hermitian", "general"])
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_slogdet_is_unchanged_by_scaling(kind: str, scale: float) -> None:
    rng = np.random.default_rng(7)
    A, B = hermitian(rng, 5), hermitian(rng, 6)
    if kind == "general":
        A = A + np.triu(A)
    C, D = definite(rng, 5, 4), definite(rng, 6, 4)
    plain = slogdet(Kronecker(A, B) + Kronecker(C, D))
    scaled = slogdet(Kronecker(scale * A, B) + Kronecker(scale * C, D))
    spread = slogdet(Kronecker(A / scale, scale * B) + Kronecker(C, D))
    assert scaled.sign == spread.sign == plain.sign
    assert scaled.logabsdet == pytest.approx(plain.logabsdet + 30 * math.log(scale), rel=1e-12)
    assert spread.logabsdet == pytest.approx(plain.logabsdet, rel=1e-12)


def test_determinants_beyond_the_largest_number() -> None:
    # every eigenvalue is 10 · 20 + 300 = 500, and there are 2500
    A = Kronecker(10 * np.eye(50), 20 * np.eye(50)) + 300 * Identity(2500)
    assert slogdet(A) == (1.0, pytest.approx(2500 * math.log(500), rel=1e-13))


@pytest.mark.parametrize("kind", ["hermitian", "general"])
@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_singular(kind: str, scale: float) -> None:
    # 2 · 3 is an eigenvalue of A ⊗ B
    rng = np.random.default_rng(8)
    P, Q = rng.standard_normal((3, 3)), rng.standard_normal((4, 4))
    if kind == "hermitian":
        P, Q = np.linalg.qr(P)[0], np.linalg.qr(Q)[0]
    A = P @ np.diag([2.0, 1.0, 5.0]) @ np.linalg.inv(P)
    B = Q @ np.diag([3.0, 1.0, 7.0, -2.0]) @ np.linalg.inv(Q)
    singular = Kronecker(scale * A, B) - 6 * scale * Identity(12)
    for use in (lambda: solve(singular, np.ones(12)), lambda: inv(singular) @ np.ones(12)):
        with pytest.raises(np.linalg.LinAlgError, match=r"SumOfKroneckers 12x12.* is singular"):
            use()


def test_single_precision_and_integers() -> None:
    rng = np.random.default_rng(9)
    F, G = (rng.standard_normal((n, n)).astype(np.float32) for n in (3, 4))
    A = Kronecker(F, G) + 2 * Identity(12, dtype=np.float32)
    assert A.dtype == np.float32
    b = rng.standard_normal(12)
    D = np.kron(F.astype(float), G) + 2 * np.eye(12)
    assert solve(A, b.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(solve(A, b), np.linalg.solve(D, b), rtol=1e-12)


def test_arrays_of_mixed_precision_take_the_highest() -> None:
    rng = np.random.default_rng(12)
    F, G = rng.standard_normal((3, 3)).astype(np.float32), rng.standard_normal((4, 4))
    for A in (
        Kronecker(F, G),
        KroneckerSum(F, G),
        Kronecker(F, G) + Identity(12),
        SumOfKroneckers(Kronecker(F, F), Kronecker(F, G[:3, :3])),
    ):
        D, b = A.todense(), np.ones(A.shape[0])
        assert A.dtype == D.dtype == np.float64
        np.testing.assert_allclose(solve(A, b), np.linalg.solve(D, b), rtol=1e-10)
        np.testing.assert_allclose(slogdet(A).logabsdet, np.linalg.slogdet(D)[1], rtol=1e-12)


# spectra


def test_eigenvalues_of_a_shifted_product() -> None:
    rng = np.random.default_rng(10)
    F, G = hermitian(rng, 3), hermitian(rng, 4)
    A = Kronecker(F, G) + 5 * Identity(12)
    w, V = eigh(A).sorted()
    D = np.kron(F, G) + 5 * np.eye(12)
    np.testing.assert_allclose(w, np.linalg.eigvalsh(D), rtol=1e-12)
    np.testing.assert_allclose(D @ V.todense(), V.todense() * w, atol=1e-12)
    np.testing.assert_allclose(svdvals(A), np.linalg.svd(D, compute_uv=False), rtol=1e-12)
    product = expm(0.1 * A) @ expm(-0.1 * A)
    np.testing.assert_allclose(product.todense(), np.eye(12), atol=1e-12)
    B = Kronecker(np.triu(F), G) + 5 * Identity(12)
    w, V = eig(B)
    np.testing.assert_allclose(B.todense() @ V.todense(), V.todense() * w, atol=1e-12)
    np.testing.assert_allclose(np.sum(w), trace(B), rtol=1e-13)


def test_norm_of_terms_that_cancel() -> None:
    rng = np.random.default_rng(11)
    F, G = rng.standard_normal((2, 3, 3))
    A = SumOfKroneckers(Kronecker(F, G), -1 * Kronecker(F + 1e-9 * G, G))
    np.testing.assert_allclose(norm(A), 1e-9 * np.linalg.norm(np.kron(G, G)), rtol=1e-6)


# errors


def test_bad_terms() -> None:
    with pytest.raises(ValueError, match="no terms"):
        SumOfKroneckers()
    with pytest.raises(TypeError, match=r"Dense 2x2.*no Kronecker product"):
        SumOfKroneckers(np.eye(2))
    A, B = Kronecker(np.eye(2), np.eye(3)), Kronecker(np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match=r"2x2 ⊗ 3x3 and 3x3 ⊗ 2x2.*same shape"):
        SumOfKroneckers(A, B)
    broken = SumOfKroneckers(A, Kronecker(np.full((2, 2), np.nan), np.eye(3)))
    for use in (lambda: solve(broken, np.ones(6)), lambda: slogdet(broken)):
        with pytest.raises(ValueError, match="NaN or Inf"):
            use()


def test_64_factors() -> None:
    A = Kronecker(*[np.eye(2) + 0.25] * 64)
    B = A + Kronecker(*[Dense(np.full((2, 2), 0.5))] * 64)
    assert isinstance(B, SumOfKroneckers)
    assert repr(B).count("\n") == 0
    # tr(A) = 2.5⁶⁴ and tr(B) = 1
    assert trace(B) == pytest.approx(2.5**64 + 1)
    assert norm(B) == pytest.approx(math.hypot(3.25**32, 1), rel=1e-10)
    with pytest.raises(ValueError, match="18446744073709551616"):
        solve(B, np.ones(4))
    with pytest.raises(ValueError, match="18446744073709551616"):
        slogdet(B)
